//! The working memory of a password hash.

use argon2::Block;
use zeroize::Zeroize;

/// Blocks that are reused from one hash to the next. They are wiped after each hash and kept: if
/// memory of this size is freed, it does not return to the system but leaves a hole in the heap of
/// the thread that used it, one for every thread.
#[derive(Default)]
pub(in crate::users) struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Runs a hash over this many blocks. Returns `None` if they cannot be allocated.
    pub(super) fn with<T>(
        &mut self,
        blocks: usize,
        hash: impl FnOnce(&mut [Block]) -> T,
    ) -> Option<T> {
        if self.0.len() < blocks {
            // Freed first, so that the smaller and the larger buffer are never held together.
            self.0 = Vec::new();
            self.0.try_reserve_exact(blocks).ok()?;
            self.0.resize(blocks, Block::new());
        }
        let memory = &mut self.0[..blocks];
        let result = hash(memory);
        memory.iter_mut().zeroize();
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_wiped_after_each_hash_and_kept_for_the_next() {
        let mut memory = HashMemory::default();
        for blocks in [8, 3, 8, 20] {
            let first = memory.with(blocks, |memory| {
                assert_eq!(memory.len(), blocks);
                assert!(memory.iter().all(|block| block.as_ref().iter().all(|&word| word == 0)));
                for block in memory.iter_mut() {
                    block.as_mut().fill(7);
                }
                memory.as_ptr()
            });
            if blocks <= 8 {
                assert_eq!(first, Some(memory.0.as_ptr()));
            }
        }
        assert!(memory.0.iter().all(|block| block.as_ref().iter().all(|&word| word == 0)));
        assert!(memory.with(usize::MAX / 1024, |_| ()).is_none());
        assert_eq!(memory.with(1, |memory| memory.len()), Some(1));
    }
}
