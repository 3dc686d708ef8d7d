//! A progress bar on standard error, and a clean stop on Ctrl-C, SIGTERM or SIGHUP.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pixelplay_core::progress::{Cancelled, Progress};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Installs the handler: the first Ctrl-C, SIGTERM or SIGHUP asks long work to stop, and the second
/// ends the process.
pub(crate) fn watch_for_ctrl_c() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(crate::INTERRUPTED));
        }
    })
    .context("cannot watch for Ctrl-C")
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// The error for interrupted work, which says what was kept.
#[derive(Debug)]
pub(crate) struct StoppedAfter(pub(crate) String);

impl fmt::Display for StoppedAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoppedAfter {}

/// Draws a bar for each stage if standard error is a terminal.
#[derive(Default)]
pub(crate) struct Bar(Option<((&'static str, Option<u64>), ProgressBar)>);

pub(crate) fn bar() -> Bar {
    Bar::default()
}

impl Progress for Bar {
    fn at(&mut self, stage: &'static str, done: u64, total: Option<u64>) -> Result<(), Cancelled> {
        // Compares the total as well: two files may be downloaded one after the other in one stage.
        if self.0.as_ref().is_none_or(|(known, _)| *known != (stage, total)) {
            if let Some((_, finished)) = self.0.take() {
                finished.finish_and_clear();
            }
            let bar = new_bar(stage, total);
            // Work from earlier runs must not count towards the speed of this run.
            bar.set_position(done);
            bar.reset_eta();
            self.0 = Some(((stage, total), bar));
        }
        if let Some((_, bar)) = &self.0 {
            bar.set_position(done);
            if total == Some(done) {
                bar.finish_and_clear();
            }
        }
        Quiet.at(stage, done, total)
    }
}

/// Draws nothing, for use while another bar is shown.
pub(crate) struct Quiet;

impl Progress for Quiet {
    fn at(&mut self, _: &'static str, _: u64, _: Option<u64>) -> Result<(), Cancelled> {
        if interrupted() { Err(Cancelled) } else { Ok(()) }
    }
}

/// Returns a bar for work of this program. Without a total, it only counts.
pub(crate) fn new_bar(stage: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, style) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left",
        ),
        None => (ProgressBar::no_length(), "{msg} {human_pos} {per_sec}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(stage);
    bar
}
