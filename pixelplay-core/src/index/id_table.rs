//! Finds the row of an id, with an open-addressed hash table that stores rows and looks up their
//! ids in the index.

use std::hash::{BuildHasher, RandomState};

const FREE: u32 = u32::MAX;
/// The maximum number of rows in an index; [`FREE`] takes one number.
pub(super) const MAX_ROWS: usize = u32::MAX as usize - 1;

pub(super) struct IdTable {
    /// The length is a power of two, and at least half of the slots are free.
    slots: Vec<u32>,
    state: RandomState,
    /// The first row that repeats the id of an earlier row.
    pub(super) duplicate: Option<usize>,
}

impl IdTable {
    /// If several rows have the same id, the first one is found.
    pub(super) fn new<'a>(
        ids: impl ExactSizeIterator<Item = &'a str>,
        id: impl Fn(usize) -> &'a str,
    ) -> Self {
        let slots = (ids.len() * 2).next_power_of_two().max(2);
        let mut lookup =
            Self { slots: vec![FREE; slots], state: RandomState::new(), duplicate: None };
        for (row, name) in ids.enumerate() {
            let slot = lookup.slot(name, &id);
            if lookup.slots[slot] == FREE {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "an index has at most MAX_ROWS rows"
                )]
                {
                    lookup.slots[slot] = row as u32;
                }
            } else if lookup.duplicate.is_none() {
                lookup.duplicate = Some(row);
            }
        }
        lookup
    }

    pub(super) fn row<'a>(&self, name: &str, id: impl Fn(usize) -> &'a str) -> Option<usize> {
        let row = self.slots[self.slot(name, &id)];
        (row != FREE).then_some(row as usize)
    }

    /// Returns the slot that holds a row with this id, or the free slot where it would go.
    fn slot<'a>(&self, name: &str, id: &impl Fn(usize) -> &'a str) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let mut at = self.state.hash_one(name) as usize & mask;
        while self.slots[at] != FREE && id(self.slots[at] as usize) != name {
            at = (at + 1) & mask;
        }
        at
    }
}

impl std::fmt::Debug for IdTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdTable").finish_non_exhaustive()
    }
}
