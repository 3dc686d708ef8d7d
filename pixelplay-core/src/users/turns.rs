//! One attempt at a time for each account.
//!
//! An attempt counts as failed until it is right. Side by side, the right attempts of one person on
//! many tabs would look like failures to each other; one after the other they do not.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whose turn it is, by account.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<HashSet<Vec<u8>>>,
    ended: Condvar,
}

/// A turn, until it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    key: &'a [u8],
}

impl Turns {
    /// Waits until nobody else has the turn of `key`; `None` if that takes longer than `longest`.
    pub(super) fn take<'a>(&'a self, key: &'a [u8], longest: Duration) -> Option<Turn<'a>> {
        let (mut taken, waited) = self
            .ended
            .wait_timeout_while(self.lock(), longest, |taken| taken.contains(key))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return None;
        }
        taken.insert(key.to_vec());
        Some(Turn { turns: self, key })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().remove(self.key);
        self.turns.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_at_a_time_for_each_key_and_side_by_side_for_others() {
        let turns = Turns::default();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take(b"a", Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let held = turns.take(b"a", Duration::ZERO).unwrap();
        assert!(turns.take(b"a", Duration::from_millis(1)).is_none());
        assert!(turns.take(b"b", Duration::ZERO).is_some());
        drop(held);
        assert!(turns.take(b"a", Duration::ZERO).is_some());
    }
}
