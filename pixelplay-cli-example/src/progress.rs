//! A progress bar on standard error, and Ctrl-C (or SIGTERM, SIGHUP) turned into a polite stop.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pixelplay_core::progress::Progress;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C, SIGTERM or SIGHUP asks long work to stop, and the second ends the
/// process.
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

/// Why work stopped half-way, and what of it stays done.
#[derive(Debug)]
pub(crate) struct StoppedAfter(pub(crate) String);

impl fmt::Display for StoppedAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoppedAfter {}

/// A progress callback for the library; draws only where standard error is a terminal.
pub(crate) fn bar() -> impl FnMut(Progress) -> ControlFlow<()> {
    let mut current: Option<((&'static str, Option<u64>), ProgressBar)> = None;
    move |progress| {
        // The total is part of it: two files may be downloaded one after the other in one stage.
        let stage = (progress.stage, progress.total);
        if current.as_ref().is_none_or(|(known, _)| *known != stage) {
            if let Some((_, done)) = current.take() {
                done.finish_and_clear();
            }
            let bar = new_bar(progress.stage, progress.total);
            // What was done before is no sign of how fast it goes.
            bar.set_position(progress.done);
            bar.reset_eta();
            current = Some((stage, bar));
        }
        if let Some((_, bar)) = &current {
            bar.set_position(progress.done);
            if progress.total == Some(progress.done) {
                bar.finish_and_clear();
            }
        }
        go_on()
    }
}

fn go_on() -> ControlFlow<()> {
    if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A progress callback that draws nothing, beside a bar that is there already.
pub(crate) fn quiet() -> impl FnMut(Progress) -> ControlFlow<()> {
    |_| go_on()
}

/// A bar for work that is done here; without a total it counts.
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
