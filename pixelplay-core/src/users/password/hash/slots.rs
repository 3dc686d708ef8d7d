//! Limits how many password hashes run at the same time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::memory::HashMemory;

/// A limit on the hashes that run at the same time in this process. Each takes a core and its
/// memory for tens of milliseconds or more, so without a limit a burst of log-ins would take all
/// cores and memory. With it, the burst waits, first come, first served.
pub(in crate::users) struct HashSlots {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The memory of each free slot.
    free: Vec<HashMemory>,
    next_ticket: u64,
    waiting: VecDeque<u64>,
}

impl HashSlots {
    /// Creates `count` slots, but at least one.
    pub(in crate::users) fn new(count: usize) -> Self {
        let state = State {
            free: (0..count.max(1)).map(|_| HashMemory::default()).collect(),
            next_ticket: 0,
            waiting: VecDeque::new(),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for a slot, in order of arrival. Returns `None` if that takes longer than `timeout`.
    pub(in crate::users) fn acquire(&self, timeout: Duration) -> Option<HashSlot<'_>> {
        // No deadline if the clock cannot represent it.
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(ticket);
        let memory = loop {
            if state.waiting.front() == Some(&ticket)
                && let Some(memory) = state.free.pop()
            {
                break memory;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            state = match left {
                Some(Duration::ZERO) => {
                    state.waiting.retain(|&other| other != ticket);
                    // The next in the queue may have waited only for this one.
                    self.changed.notify_all();
                    return None;
                }
                Some(left) => {
                    let woken = self.changed.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.changed.wait(state);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        };
        state.waiting.pop_front();
        if !state.free.is_empty() {
            self.changed.notify_all();
        }
        Some(HashSlot { slots: self, memory })
    }

    /// Nothing panics while the lock is held, so the state behind a poisoned lock is consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for HashSlots {
    /// One slot per core.
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, usize::from))
    }
}

/// The right to run one hash at a time, and the memory for it, until it is dropped.
#[must_use]
pub(in crate::users) struct HashSlot<'a> {
    slots: &'a HashSlots,
    memory: HashMemory,
}

impl HashSlot<'_> {
    pub(in crate::users) fn memory(&mut self) -> &mut HashMemory {
        &mut self.memory
    }
}

impl Drop for HashSlot<'_> {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        self.slots.lock().free.push(memory);
        self.slots.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    const LONG: Duration = Duration::MAX;

    #[test]
    fn never_more_than_there_are_and_everybody_gets_one() {
        let slots = HashSlots::new(3);
        let (inside, most, turns) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.acquire(LONG).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        turns.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(turns.into_inner(), 600);
        assert!(most.into_inner() <= 3);
        let state = slots.lock();
        assert_eq!((state.free.len(), state.waiting.len()), (3, 0));
    }

    /// Waits until the queue has this length.
    fn wait_for_queue(slots: &HashSlots, length: usize) {
        while slots.lock().waiting.len() != length {
            thread::yield_now();
        }
    }

    #[test]
    fn first_come_first_served() {
        let slots = HashSlots::new(1);
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let held = slots.acquire(LONG).unwrap();
            for turn in 0..8 {
                let (slots, order) = (&slots, &order);
                scope.spawn(move || {
                    let _slot = slots.acquire(LONG).unwrap();
                    order.lock().unwrap().push(turn);
                });
                wait_for_queue(slots, turn + 1);
            }
            drop(held);
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn whoever_waits_too_long_leaves_the_queue() {
        let slots = HashSlots::new(1);
        let held = slots.acquire(Duration::ZERO).unwrap();
        assert!(slots.acquire(Duration::ZERO).is_none());
        assert!(slots.acquire(Duration::from_millis(5)).is_none());
        assert!(slots.lock().waiting.is_empty());
        drop(held);
        assert!(slots.acquire(Duration::ZERO).is_some());
    }

    #[test]
    fn a_holder_that_panics_gives_its_slot_back() {
        let slots = HashSlots::new(1);
        let panicked = thread::scope(|scope| {
            let holder = scope.spawn(|| {
                let _slot = slots.acquire(LONG).unwrap();
                panic!("a bug while hashing");
            });
            holder.join().is_err()
        });
        assert!(panicked);
        assert!(slots.acquire(Duration::ZERO).is_some());
    }

    #[test]
    fn there_is_always_one() {
        assert!(HashSlots::new(0).acquire(Duration::ZERO).is_some());
        assert!(HashSlots::default().acquire(Duration::ZERO).is_some());
    }
}
