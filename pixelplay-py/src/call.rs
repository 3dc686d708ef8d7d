//! Calls into the core: releases the GIL, handles Ctrl-C and progress, and maps errors to Python exceptions.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use pixelplay_core::progress::{Progress, Update};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::error::Raise;

/// How often to check for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait for cancelled work before leaving it to end on its own.
const GRACE: Duration = Duration::from_millis(250);

/// Runs work that takes a few milliseconds without the GIL.
pub(crate) fn short<T, E>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T>
where
    T: Send,
    E: Raise + Send,
{
    refuse_forked()?;
    py.detach(work).map_err(|error| error.raise(py))
}

/// Runs work that may take a long time in a separate thread. The calling thread waits without the GIL, runs Python's
/// signal handlers, and passes progress on to `report`.
///
/// If a handler (Ctrl-C) or `report` raises, the work is cancelled and the exception is returned. Work that cannot be
/// cancelled, such as a single forward pass, ends in its thread, and its result is dropped.
pub(crate) fn long<T, E>(
    py: Python<'_>,
    report: Option<&Report>,
    work: impl FnOnce(&mut dyn Progress) -> Result<T, E> + Send + 'static,
) -> PyResult<T>
where
    T: Send + 'static,
    E: Raise + Send + 'static,
{
    refuse_forked()?;
    let (tell, mut hear) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let reports = report.is_some();
    let worker = thread::Builder::new().name("pixelplay".to_owned()).spawn(move || {
        let done = work(&mut |update: Update| {
            if stopped.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            if reports {
                // The receiver is gone only if the call has ended.
                let _ = tell.send(News::Progress(update));
            }
            ControlFlow::Continue(())
        });
        let _ = tell.send(News::Done(done));
    })?;
    loop {
        let news;
        (news, hear) = py.detach(move || listen(hear, TICK));
        let told = match &news {
            Ok(News::Progress(update)) => report.map_or(Ok(()), |report| report.tell(py, *update)),
            _ => Ok(()),
        };
        if let Err(raised) = told.and_then(|()| py.check_signals()) {
            stop.store(true, Ordering::Relaxed);
            py.detach(move || wait_until_done(hear));
            return Err(raised);
        }
        match news {
            Ok(News::Done(done)) => return done.map_err(|error| error.raise(py)),
            Ok(News::Progress(_)) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return match worker.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(()) => Err(PyRuntimeError::new_err("the work ended without a result")),
                };
            }
        }
    }
}

enum News<T> {
    Progress(Update),
    Done(T),
}

/// The receiver is moved in and out, because it cannot be shared with a closure that runs without
/// the GIL.
fn listen<T>(
    hear: Receiver<News<T>>,
    wait: Duration,
) -> (Result<News<T>, RecvTimeoutError>, Receiver<News<T>>) {
    let news = hear.recv_timeout(wait);
    (news, hear)
}

fn wait_until_done<T>(hear: Receiver<News<T>>) {
    let end = Instant::now() + GRACE;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if !matches!(hear.recv_timeout(left), Ok(News::Progress(_))) {
            break;
        }
    }
}

/// A forked child has none of its parent's threads and would wait forever for the thread pool.
fn refuse_forked() -> PyResult<()> {
    static FIRST: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id();
    match FIRST.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed) {
        Err(first) if first != own => Err(PyRuntimeError::new_err(
            "this process was forked from one that had used pixelplay already, and lacks its threads; \
             start processes with multiprocessing.get_context(\"spawn\"), or use pixelplay only after the fork",
        )),
        _ => Ok(()),
    }
}

/// Where to report progress: the argument `progress=`.
pub(crate) struct Report {
    callback: Py<PyAny>,
    /// Our own bar, which has to be closed.
    is_bar: bool,
}

impl Report {
    /// Accepts `None`, a bool, or a callable of `(stage, done, total)`.
    pub(crate) fn new(progress: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Self>> {
        let Some(progress) = progress else {
            return Ok(None);
        };
        if let Ok(wanted) = progress.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(None);
            }
            let bar = progress.py().import("pixelplay._progress")?.getattr("Bar")?.call0()?;
            return Ok(Some(Self { callback: bar.unbind(), is_bar: true }));
        }
        if !progress.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "progress must be True, False or a callable of (stage, done, total), not {}",
                progress.get_type().name()?
            )));
        }
        Ok(Some(Self { callback: progress.clone().unbind(), is_bar: false }))
    }

    fn tell(&self, py: Python<'_>, update: Update) -> PyResult<()> {
        self.callback.call1(py, (update.stage, update.done, update.total)).map(drop)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if self.is_bar {
            Python::attach(|py| {
                // A bar that cannot be cleared must not hide the result of the work.
                let _ = self.callback.call_method0(py, "close");
            });
        }
    }
}
