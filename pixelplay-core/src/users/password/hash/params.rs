//! The cost of new password hashes.

use argon2::{Algorithm, Version};

use super::scheme::{MAX_KIB_PASSES, MAX_LANES, MAX_MEMORY_KIB, MAX_PASSES, Scheme};

/// Memory in KiB and passes that the OWASP Password Storage Cheat Sheet lists as equally strong for
/// Argon2id. Settings must reach at least one of these rows.
const OWASP: [(u32, u32); 5] = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)];

/// The settings of Argon2id, version 1.3, for new password hashes.
///
/// The default is the first choice of the [OWASP Password Storage Cheat
/// Sheet](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html): 19
/// MiB, two passes, one lane. Users whose hashes have other settings get new ones when they log in.
/// Until all have, every failed log-in costs one hash under each setting in use, so that its timing
/// reveals nothing. So change the settings rarely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashParams {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl HashParams {
    /// Creates settings from memory in KiB, passes over it, and lanes. PixelPlay computes lanes one
    /// after the other, while an attacker can run them in parallel: use more than one only for
    /// settings shared with another program.
    ///
    /// # Errors
    ///
    /// If the settings are below every row of OWASP's table, or so expensive that a few log-ins
    /// would bring the machine down: more than 1 GiB, 64 passes or 16 lanes, or more than 1 GiB in
    /// total over all passes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashParamsProblem> {
        let reaches = |&(memory, least): &(u32, u32)| memory_kib >= memory && passes >= least;
        if !OWASP.iter().any(reaches) || lanes == 0 {
            return Err(HashParamsProblem::TooWeak { memory_kib, passes, lanes });
        }
        if memory_kib > MAX_MEMORY_KIB
            || passes > MAX_PASSES
            || lanes > MAX_LANES
            || u64::from(memory_kib) * u64::from(passes) > MAX_KIB_PASSES
        {
            return Err(HashParamsProblem::TooDear { memory_kib, passes, lanes });
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// Returns the memory of one hash, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes over it.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Returns the number of lanes.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        self.lanes
    }

    pub(in crate::users) fn scheme(&self) -> Scheme {
        Scheme::Argon2 {
            variant: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib: self.memory_kib,
            passes: self.passes,
            lanes: self.lanes,
        }
    }
}

impl Default for HashParams {
    fn default() -> Self {
        Self { memory_kib: 19456, passes: 2, lanes: 1 }
    }
}

/// Why settings cannot be used for password hashes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashParamsProblem {
    /// Guessing would be cheaper than OWASP's minimum.
    #[error(
        "{memory_kib} KiB, {passes} passes and {lanes} lanes are too weak; use at least 19456 KiB and 2 passes, or an equivalent from OWASP's table"
    )]
    TooWeak {
        /// The memory in KiB.
        memory_kib: u32,
        /// The passes.
        passes: u32,
        /// The lanes.
        lanes: u32,
    },
    /// A log-in would take seconds, or too much memory.
    #[error(
        "{memory_kib} KiB, {passes} passes and {lanes} lanes are too expensive for a log-in; use at most 1 GiB, 64 passes, 16 lanes, and 1 GiB in total over all passes"
    )]
    TooDear {
        /// The memory in KiB.
        memory_kib: u32,
        /// The passes.
        passes: u32,
        /// The lanes.
        lanes: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasp_is_the_floor() {
        for (memory_kib, passes) in OWASP {
            assert!(HashParams::new(memory_kib, passes, 1).is_ok());
            assert!(HashParams::new(memory_kib + 1, passes + 1, 4).is_ok());
        }
        for (memory_kib, passes, lanes) in
            [(47103, 1, 1), (19455, 2, 1), (7167, 64, 1), (1 << 20, 0, 1), (19456, 2, 0), (0, 0, 0)]
        {
            assert!(matches!(
                HashParams::new(memory_kib, passes, lanes),
                Err(HashParamsProblem::TooWeak { .. })
            ));
        }
        let default = HashParams::default();
        assert_eq!(HashParams::new(19456, 2, 1), Ok(default));
    }

    #[test]
    fn what_a_hash_is_made_with_can_be_stored() {
        for (memory_kib, passes, lanes) in [(1 << 20, 1, 16), (16384, 64, 1), (7168, 5, 16)] {
            let params = HashParams::new(memory_kib, passes, lanes).unwrap();
            assert!(params.scheme().checked().is_ok());
        }
        for (memory_kib, passes, lanes) in [
            ((1 << 20) + 1, 1, 1),
            (1 << 20, 5, 1),
            (19456, 65, 1),
            (19456, 2, 17),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(matches!(
                HashParams::new(memory_kib, passes, lanes),
                Err(HashParamsProblem::TooDear { .. })
            ));
        }
    }
}
