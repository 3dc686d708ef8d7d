//! Texts and vectors told apart by 16 bytes each.

/// A hash that no two of them share: 128 bits of BLAKE3.
pub(super) type Digest = [u8; 16];

/// Of several parts in their order; where one ends and the next begins counts.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut digest = Digest::default();
    hash.finalize_xof().fill(&mut digest);
    digest
}
