//! Decides how many threads a search uses, and avoids waiting for them to wake.
//!
//! A sleeping thread takes a while to wake: a quarter of a millisecond on an idle virtual machine
//! with two cores, in which time one thread can search 10,000 songs. So a small search uses only
//! threads that are awake, and if searches follow each other closely, threads of the pool stay
//! awake for [`LINGER`] after each one. In the meantime they run other work of the pool. An
//! isolated search does not keep threads spinning.

use std::hint::spin_loop;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Below this amount of work, in bytes of codes or vectors times queries, waking other threads
/// costs more than it saves: one thread reads 12 MB in a third to half a millisecond.
const WAKING_BYTES: usize = 12 << 20;
/// Below this amount of work, sharing costs more than it saves even with threads that are awake.
const SHARING_BYTES: usize = 1 << 20;
/// The number of pieces per thread: more than one, so that a delayed thread does not delay the
/// rest.
const PIECES_A_THREAD: usize = 4;
/// The minimum number of rows in a piece, because each thread keeps its own list of best rows, and
/// the lists are merged.
const MIN_PIECE_ROWS: usize = 64;
/// Far more than any machine has threads.
const MAX_PIECES: usize = 1024;
/// How long threads stay awake after a search, and how soon the next search must begin to count as
/// close: about the time a caller needs to do something small with a result and search again.
const LINGER: Duration = Duration::from_micros(100);
/// How long a finished thread spins while it waits for the other threads of its search.
const SPIN_TIME: Duration = Duration::from_micros(50);

/// Returns how many threads to use, and into how many pieces to split the rows. There are never
/// more threads than pieces.
pub(super) fn split_work(threads: Option<usize>, rows: usize, work: usize) -> (usize, usize) {
    let threads = threads.unwrap_or_else(|| {
        let all = rayon::current_num_threads();
        match work {
            WAKING_BYTES.. => all,
            SHARING_BYTES.. => all.min(1 + AWAKE.load(Ordering::Relaxed)),
            _ => 1,
        }
    });
    let pieces = match threads {
        1 => 1,
        _ => threads.saturating_mul(PIECES_A_THREAD),
    };
    let pieces = pieces.clamp(1, MAX_PIECES.min((rows / MIN_PIECE_ROWS).max(1)));
    (threads.clamp(1, pieces), pieces)
}

/// Calls `work` on this many threads, including the current one, and returns their results in no
/// particular order.
pub(super) fn in_threads<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let others = std::sync::Mutex::new(Vec::new());
    let busy = AtomicUsize::new(threads - 1);
    let lock = || others.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // This thread begins before the others have woken.
    let own = rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| {
                let done = work();
                lock().push(done);
                busy.fetch_sub(1, Ordering::Release);
            });
        }
        let own = work();
        // The other threads are almost done, and waking this thread again would take a while too.
        let done = Instant::now();
        while busy.load(Ordering::Acquire) > 0 && done.elapsed() < SPIN_TIME {
            spin_loop();
        }
        own
    });
    let mut all = others.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.push(own);
    all
}

/// Times, in nanoseconds since [`now`] was first called.
static LAST_END: AtomicU64 = AtomicU64::new(0);
static AWAKE_UNTIL: AtomicU64 = AtomicU64::new(0);
/// The number of threads that linger, and the number of threads asked to linger.
static AWAKE: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicUsize = AtomicUsize::new(0);

fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanoseconds(START.elapsed())
}

/// Saturates in the year 2554.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Tracks a search from its start: one query, or several that share a pass.
pub(super) struct KeepAwake {
    is_close: bool,
}

impl KeepAwake {
    pub(super) fn begin() -> Self {
        let since = now().saturating_sub(LAST_END.load(Ordering::Relaxed));
        Self { is_close: since < nanoseconds(LINGER) }
    }

    /// Keeps threads awake if the search began soon after another one and was worth sharing.
    pub(super) fn end(self, threads: Option<usize>, work: usize) {
        let end = now();
        LAST_END.store(end, Ordering::Relaxed);
        let all = rayon::current_num_threads();
        let wanted = threads.map_or(all, |threads| threads.min(all + 1)) - 1;
        if !self.is_close || wanted == 0 || work < SHARING_BYTES {
            return;
        }
        AWAKE_UNTIL.store(end.saturating_add(nanoseconds(LINGER)), Ordering::Relaxed);
        while ASKED.fetch_add(1, Ordering::Relaxed) < wanted {
            rayon::spawn(linger);
        }
        ASKED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Stays awake and runs work of the pool until the time is up.
fn linger() {
    AWAKE.fetch_add(1, Ordering::Relaxed);
    while now() < AWAKE_UNTIL.load(Ordering::Relaxed) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            spin_loop();
        }
    }
    AWAKE.fetch_sub(1, Ordering::Relaxed);
    ASKED.fetch_sub(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_few_however_many_threads_are_allowed() {
        let large = usize::MAX;
        let (threads, pieces) = split_work(Some(usize::MAX), 10_000_000, large);
        assert_eq!((threads, pieces), (MAX_PIECES, MAX_PIECES));
        assert_eq!(split_work(Some(usize::MAX), 640, large), (10, 10));
        assert_eq!(split_work(Some(3), 10_000_000, large), (3, 3 * PIECES_A_THREAD));
        assert_eq!(split_work(Some(1), 10_000_000, large), (1, 1));
        assert_eq!(split_work(None, 10_000_000, SHARING_BYTES - 1), (1, 1));
        for rows in [0, 1, 63] {
            assert_eq!(split_work(Some(8), rows, large), (1, 1));
        }
    }

    #[test]
    fn every_thread_works_once() {
        let counter = AtomicUsize::new(0);
        let mut all = in_threads(5, || counter.fetch_add(1, Ordering::Relaxed));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        assert_eq!(in_threads(1, || 7), [7]);
    }

    #[test]
    fn nobody_stays_awake_for_good() {
        for _ in 0..3 {
            KeepAwake { is_close: true }.end(Some(usize::MAX), usize::MAX);
        }
        while ASKED.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(AWAKE.load(Ordering::Relaxed), 0);
    }
}
