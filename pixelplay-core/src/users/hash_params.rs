//! How dear a new password hash is.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Version};

use super::hash;
use super::hash_memory::HashMemory;
use super::scheme::{MAX_KIB_PASSES, MAX_LANES, MAX_MEMORY_KIB, MAX_PASSES, Scheme};

/// Memory in KiB and passes that the OWASP Password Storage Cheat Sheet gives as equally strong for
/// Argon2id: whoever reaches one of them is at its floor.
const OWASP: [(u32, u32); 5] = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)];

/// As far as tuning raises the memory before it adds passes: that of RFC 9106's second recommended
/// option. More makes a server fall over its log-ins sooner than an attacker.
const TUNED_MEMORY_KIB: u32 = 64 * 1024;

/// With that memory, as many passes as are allowed.
const TUNED_MAX_PASSES: u32 = (MAX_KIB_PASSES / TUNED_MEMORY_KIB as u64) as u32;

/// The settings of Argon2id, version 1.3, for new password hashes.
///
/// The default is the first choice of the [OWASP Password Storage Cheat
/// Sheet](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html): 19
/// MiB, two passes, one lane. Where users have hashes of other settings, they get new ones as they
/// log in; until all have, every failing log-in costs one hash under each setting there is, so that
/// its time tells nothing. Change them seldom, therefore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl HashParams {
    /// What [`tune`](Self::tune) may take for a hash: a quarter of a second, which nobody minds at
    /// a log-in.
    pub const TUNE_TARGET: Duration = Duration::from_millis(250);

    /// Memory in KiB, passes over it, and lanes. Lanes are computed one after the other here, while
    /// an attacker may run them at once: more than one is for settings that another program shares.
    ///
    /// # Errors
    ///
    /// If they are below every row of OWASP's table, or so dear that a few log-ins would take the
    /// machine down: more than 1 GiB, 64 passes or 16 lanes, or more than 1 GiB in all passes
    /// together.
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

    /// Settings that take about this long for a hash on this machine, as it is loaded now, and
    /// never less than the default. Memory is raised first, to 64 MiB, then the passes.
    ///
    /// It hashes six times: half a second, where the default takes 27 ms. Do it once, for the
    /// slowest machine that serves the users, and keep what it gives in the configuration: settings
    /// that change with each start would give users hashes of ever other ones.
    #[must_use]
    pub fn tune(target: Duration) -> Self {
        let mut memory = HashMemory::default();
        tuned(target, |params| {
            let mut time = || {
                let start = Instant::now();
                hash::work_on(&[], params.scheme(), &mut memory).ok().map(|()| start.elapsed())
            };
            // What else runs only ever makes it longer.
            (0..3).filter_map(|_| time()).min()
        })
    }

    /// The memory of one hash, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// The passes over it.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// The lanes it is divided into.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        self.lanes
    }

    pub(super) fn scheme(&self) -> Scheme {
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
    /// Guessing would be cheaper than OWASP's floor.
    #[error(
        "{memory_kib} KiB, {passes} passes and {lanes} lanes are too weak; take at least 19456 KiB and 2 passes, or an equal of OWASP's table"
    )]
    TooWeak {
        /// The memory in KiB.
        memory_kib: u32,
        /// The passes.
        passes: u32,
        /// The lanes.
        lanes: u32,
    },
    /// A log-in would take seconds, or more memory than it should.
    #[error(
        "{memory_kib} KiB, {passes} passes and {lanes} lanes are too dear for a log-in; take at most 1 GiB, 64 passes, 16 lanes, and 1 GiB in all passes together"
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

/// `measure` gives the time of one hash; `None` where it cannot be had.
fn tuned(target: Duration, mut measure: impl FnMut(&HashParams) -> Option<Duration>) -> HashParams {
    let floor = HashParams::default();
    let mut times_over = |params: &HashParams| {
        let time = measure(params)?.max(Duration::from_nanos(1));
        Some(target.as_secs_f64() / time.as_secs_f64())
    };
    let Some(scale) = times_over(&floor) else {
        return floor;
    };
    // A float that is out of range becomes the nearest number that is in it.
    let affordable_mib = (f64::from(floor.memory_kib) * scale / 1024.0) as u32;
    let with_memory = HashParams {
        memory_kib: affordable_mib.saturating_mul(1024).clamp(floor.memory_kib, TUNED_MEMORY_KIB),
        ..floor
    };
    if with_memory.memory_kib < TUNED_MEMORY_KIB {
        return with_memory;
    }
    let Some(scale) = times_over(&with_memory) else {
        return floor;
    };
    HashParams {
        passes: ((f64::from(with_memory.passes) * scale) as u32)
            .clamp(floor.passes, TUNED_MAX_PASSES),
        ..with_memory
    }
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

    /// A machine that takes so many nanoseconds for a KiB.
    fn on_machine(nanos_per_kib: u64, target_ms: u64) -> (u32, u32) {
        let params = tuned(Duration::from_millis(target_ms), |params| {
            let kib = u64::from(params.memory_kib) * u64::from(params.passes);
            Some(Duration::from_nanos(nanos_per_kib * kib))
        });
        assert_eq!(params.lanes, 1);
        assert!(HashParams::new(params.memory_kib, params.passes, params.lanes).is_ok());
        (params.memory_kib, params.passes)
    }

    #[test]
    fn tuning_raises_the_memory_first_then_the_passes() {
        // 1 us a KiB: 19 MiB twice take 38.9 ms, 64 MiB twice 131 ms.
        assert_eq!(on_machine(1000, 30), (19456, 2));
        assert_eq!(on_machine(1000, 100), (48 * 1024, 2));
        assert_eq!(on_machine(1000, 250), (65536, 3));
        assert_eq!(on_machine(1000, 1000), (65536, 15));
        // Too slow for anything, and faster than anything.
        assert_eq!(on_machine(1_000_000, 250), (19456, 2));
        assert_eq!(on_machine(0, 250), (65536, 16));
        assert_eq!(on_machine(1000, 0), (19456, 2));
    }

    /// More passes are for machines that have filled all the memory in time.
    #[test]
    fn what_takes_less_memory_is_measured_once() {
        for (nanos_per_kib, measured) in [(1000, 2), (5000, 1)] {
            let mut calls = 0;
            tuned(HashParams::TUNE_TARGET, |params| {
                calls += 1;
                let kib = u64::from(params.memory_kib) * u64::from(params.passes);
                Some(Duration::from_nanos(nanos_per_kib * kib))
            });
            assert_eq!(calls, measured);
        }
    }

    #[test]
    fn what_cannot_be_measured_stays_at_the_floor() {
        let nothing = tuned(HashParams::TUNE_TARGET, |_| None);
        assert_eq!(nothing, HashParams::default());
        let no_memory = tuned(HashParams::TUNE_TARGET, |params| {
            (params.memory_kib < TUNED_MEMORY_KIB).then_some(Duration::from_millis(1))
        });
        assert_eq!(no_memory, HashParams::default());
    }

    #[test]
    fn this_machine_can_be_tuned_for() {
        let params = HashParams::tune(Duration::from_millis(1));
        assert_eq!(params, HashParams::default());
    }
}
