//! Identifies texts and vectors by hashes of 16 bytes.

/// A hash that has no collisions in practice: 128 bits of BLAKE3.
pub(super) type Digest = [u8; 16];

/// Hashes several parts in order. The boundaries between the parts affect the result.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hasher = PartsHasher::default();
    for part in parts {
        hasher.add(part);
    }
    hasher.digest()
}

/// Computes [`digest`] for parts that arrive one by one.
#[derive(Default)]
pub(super) struct PartsHasher(blake3::Hasher);

impl PartsHasher {
    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        self.0.finalize_xof().fill(&mut digest);
        digest
    }

    /// Returns the digest as 32 hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        self.digest().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of existing files depend on this value.
    #[test]
    fn a_digest_never_changes() {
        let mut hasher = PartsHasher::default();
        hasher.add(b"a");
        hasher.add(b"bc");
        // `blake3` of the parts, each after its length as eight bytes, little-endian.
        let whole = blake3::hash(b"\x01\0\0\0\0\0\0\0a\x02\0\0\0\0\0\0\0bc");
        assert_eq!(hasher.digest(), whole.as_bytes()[..16]);
        assert_eq!(digest([&b"a"[..], b"bc"]), hasher.digest());
        assert_eq!(hasher.hex(), whole.to_hex()[..32]);
        assert_ne!(digest([&b"ab"[..], b"c"]), hasher.digest());
    }
}
