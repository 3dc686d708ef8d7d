//! Finds settings for new hashes that a machine can afford.

use std::time::{Duration, Instant};

use super::dummy::dummy_hash;
use super::memory::HashMemory;
use super::params::HashParams;
use super::scheme::MAX_KIB_PASSES;

/// The memory up to which tuning goes before it adds passes: that of RFC 9106's second recommended
/// option. More memory would overload a server with its own log-ins before it stopped an attacker.
const TUNED_MEMORY_KIB: u32 = 64 * 1024;

/// The maximum number of passes with that memory.
const TUNED_MAX_PASSES: u32 = (MAX_KIB_PASSES / TUNED_MEMORY_KIB as u64) as u32;

impl HashParams {
    /// A good target for [`tune`](Self::tune): a quarter of a second per hash, which users do not
    /// mind at a log-in.
    pub const TUNE_TARGET: Duration = Duration::from_millis(250);

    /// Returns settings with which a hash takes about this long on this machine under its current
    /// load, but never weaker than the default. Memory is raised first, up to 64 MiB, then the
    /// passes.
    ///
    /// This computes six hashes, which takes half a second on a machine where the default takes 27
    /// ms. Run it once, on the slowest machine that serves the users, and keep the result in the
    /// configuration: if the settings changed at every start, users would end up with hashes of
    /// many different settings.
    #[must_use]
    pub fn tune(target: Duration) -> Self {
        let mut memory = HashMemory::default();
        tuned(target, |params| {
            let mut time = || {
                let start = Instant::now();
                dummy_hash(&[], params.scheme(), &mut memory).ok().map(|()| start.elapsed())
            };
            // Other load can only make it slower.
            (0..3).filter_map(|_| time()).min()
        })
    }
}

/// `measure` returns the time of one hash; `None` if it cannot be measured.
fn tuned(target: Duration, mut measure: impl FnMut(&HashParams) -> Option<Duration>) -> HashParams {
    let floor = HashParams::default();
    let mut times_over = |params: &HashParams| {
        let time = measure(params)?.max(Duration::from_nanos(1));
        Some(target.as_secs_f64() / time.as_secs_f64())
    };
    let Some(scale) = times_over(&floor) else {
        return floor;
    };
    // Casting a float that is out of range saturates.
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

    /// Tunes for a machine that takes this many nanoseconds per KiB.
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
        // 1 us per KiB: 19 MiB twice take 38.9 ms, 64 MiB twice 131 ms.
        assert_eq!(on_machine(1000, 30), (19456, 2));
        assert_eq!(on_machine(1000, 100), (48 * 1024, 2));
        assert_eq!(on_machine(1000, 250), (65536, 3));
        assert_eq!(on_machine(1000, 1000), (65536, 15));
        // Too slow for any setting, and faster than any setting.
        assert_eq!(on_machine(1_000_000, 250), (19456, 2));
        assert_eq!(on_machine(0, 250), (65536, 16));
        assert_eq!(on_machine(1000, 0), (19456, 2));
    }

    /// Passes are added only on machines that can fill all the memory in time.
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
