//! Computes the tag of Argon2 in memory that is wiped.

use argon2::{Argon2, Params};

use super::memory::HashMemory;
use super::problem::{BAD_ARGON2, HashProblem};
use super::scheme::Scheme;

/// RFC 9106 section 3.1 recommends 16 bytes for the salt of a password hash.
pub(super) const SALT_BYTES: usize = 16;
pub(super) const TAG_BYTES: usize = 32;

pub(super) fn argon2_of(scheme: Scheme) -> Result<Argon2<'static>, HashProblem> {
    let Scheme::Argon2 { variant, version, memory_kib, passes, lanes } = scheme else {
        return Err(BAD_ARGON2);
    };
    let params = Params::new(memory_kib, passes, lanes, Some(TAG_BYTES)).map_err(|_| BAD_ARGON2)?;
    Ok(Argon2::new(variant, version, params))
}

/// Computes the tag in memory that is wiped afterwards, as RFC 9106 section 4 recommends. The crate
/// does not wipe its own memory.
pub(super) fn argon2_into(
    hasher: &Argon2<'_>,
    input: &[u8],
    salt: &[u8],
    tag: &mut [u8],
    memory: &mut HashMemory,
) -> Result<(), HashProblem> {
    let blocks = hasher.params().block_count();
    memory
        .with(blocks, |memory| hasher.hash_password_into_with_memory(input, salt, tag, memory))
        .ok_or(HashProblem::OutOfMemory { memory_kib: hasher.params().m_cost() })?
        .map_err(|_| BAD_ARGON2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Algorithm, AssociatedData, ParamsBuilder, Version};

    /// RFC 9106 sections 5.1 to 5.3, which have a secret and associated data.
    #[test]
    fn argon2_of_rfc_9106() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        for (variant, expected) in [
            (
                Algorithm::Argon2d,
                "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
            ),
            (
                Algorithm::Argon2i,
                "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
            ),
            (
                Algorithm::Argon2id,
                "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
            ),
        ] {
            let params = params.clone();
            let hasher = Argon2::new_with_secret(&[3; 8], variant, Version::V0x13, params).unwrap();
            let mut tag = [0; 32];
            argon2_into(&hasher, &[1; 32], &[2; 16], &mut tag, &mut HashMemory::default()).unwrap();
            let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{variant}");
        }
    }
}
