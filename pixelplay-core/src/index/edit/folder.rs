//! Moves a folder of index files from one state to the next.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use super::copy::{Part, RowCopier};
use super::manifest::Manifest;
use super::publish::Draft;
use crate::index::error::SongIndexError;
use crate::index::song_index::SongIndex;

/// A shard of a folder after an edit.
pub(super) enum ShardPlan<'a> {
    Keep(String),
    Write(Vec<Part<'a>>),
}

/// Returns the shards of a folder after some rows are removed: each is kept, rewritten, or dropped
/// if no row is left.
pub(super) fn changed_shards<'a>(
    index: &'a SongIndex,
    manifest: &Manifest,
    without: &'a HashSet<usize>,
    more_follow: bool,
) -> Vec<ShardPlan<'a>> {
    let mut dropped = vec![0; index.opened.shards.len()];
    for &row in without {
        dropped[index.shard_of(row)] += 1;
    }
    let mut shards = Vec::new();
    for (at, name) in manifest.shards.iter().enumerate() {
        let is_only_one = shards.is_empty() && at + 1 == manifest.shards.len() && !more_follow;
        let rows: usize = index.opened.shards[at].batch_rows().sum();
        if dropped[at] == 0 {
            shards.push(ShardPlan::Keep(name.clone()));
        } else if dropped[at] < rows || is_only_one {
            // An index without songs still records the dimension and space of its vectors.
            shards.push(ShardPlan::Write(vec![Part {
                index,
                shards: at..at + 1,
                without,
                changes: None,
            }]));
        }
    }
    shards
}

/// Moves a folder from one state to the next, in the steps that [`manifest`](super::manifest)
/// describes.
pub(super) fn write_folder(
    folder: &Path,
    mut old: Manifest,
    shards: &[ShardPlan<'_>],
    copy: &mut RowCopier<'_>,
) -> Result<(), SongIndexError> {
    delete(folder, &mut old.unused);
    let mut new = Manifest { shards: Vec::new(), ..old.clone() };
    for shard in shards {
        let name = match shard {
            ShardPlan::Keep(name) => name.clone(),
            ShardPlan::Write(_) => new.new_shard(folder),
        };
        new.shards.push(name);
    }
    let only_in = |names: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<&String> = others.iter().collect();
        let names = names.iter().filter(|name| !others.contains(name));
        names.cloned().collect()
    };
    let replaced = only_in(&old.shards, &new.shards);
    old.next = new.next;
    old.unused.extend(only_in(&new.shards, &old.shards));
    old.publish(folder)?;

    let mut written = Ok(());
    for (shard, name) in shards.iter().zip(&new.shards) {
        if let ShardPlan::Write(parts) = shard {
            written = copy.write(&folder.join(name), parts).and_then(Draft::publish);
        }
        if written.is_err() {
            // If this fails, the next editor deletes the files.
            delete(folder, &mut old.unused);
            let _ = old.publish(folder);
            return written;
        }
    }
    new.unused.extend(replaced);
    new.publish(folder)?;

    // The edit is done. What cannot be cleaned up now is left to the next editor.
    delete(folder, &mut new.unused);
    let _ = new.publish(folder);
    Ok(())
}

/// Deletes files. Those that cannot be deleted stay in the list.
fn delete(folder: &Path, names: &mut Vec<String>) {
    names.retain(|name| match fs::remove_file(folder.join(name)) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    });
}
