//! Allows one attempt at a time per account.
//!
//! An attempt counts as failed until its password is verified. If attempts ran concurrently, the
//! correct attempts of one person in several tabs would count as failures for each other.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The accounts with an attempt in progress.
#[derive(Debug, Default)]
pub(in crate::users) struct AccountLocks {
    taken: Mutex<HashSet<Vec<u8>>>,
    ended: Condvar,
}

/// The lock of an account, held until it is dropped.
pub(in crate::users) struct AccountLock<'a> {
    locks: &'a AccountLocks,
    key: &'a [u8],
}

impl AccountLocks {
    /// Waits for the lock of `key`. Returns `None` if that takes longer than `timeout`.
    pub(in crate::users) fn acquire<'a>(
        &'a self,
        key: &'a [u8],
        timeout: Duration,
    ) -> Option<AccountLock<'a>> {
        let (mut taken, waited) = self
            .ended
            .wait_timeout_while(self.lock(), timeout, |taken| taken.contains(key))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return None;
        }
        taken.insert(key.to_vec());
        Some(AccountLock { locks: self, key })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AccountLock<'_> {
    fn drop(&mut self) {
        self.locks.lock().remove(self.key);
        self.locks.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_at_a_time_for_each_key_and_side_by_side_for_others() {
        let locks = AccountLocks::default();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lock = locks.acquire(b"a", Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let held = locks.acquire(b"a", Duration::ZERO).unwrap();
        assert!(locks.acquire(b"a", Duration::from_millis(1)).is_none());
        assert!(locks.acquire(b"b", Duration::ZERO).is_some());
        drop(held);
        assert!(locks.acquire(b"a", Duration::ZERO).is_some());
    }
}
