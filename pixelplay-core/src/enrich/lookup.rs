//! Looks up songs, first in the cache and then at the provider, keeping the provider's pace.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use super::cache::{Answer, Cache};
use super::candidate::Candidate;
use super::clock::{Millis, in_millis};
use super::error::{CacheProblem, EnrichError};
use super::matching::{Match, Wanted};
use super::options::EnrichOptions;
use super::provider::Provider;
use super::report::Refusal;
use super::request::{Client, Fault, FaultKind};
use crate::index::{SongIndex, SongIndexError};
use crate::progress::Progress;
use crate::song::{Song, Value};

/// How many times a song is tried, if its requests fail, before moving on to the next song.
const ATTEMPTS: u32 = 3;
/// The longest wait after failures.
const LONGEST_OWN_WAIT: Duration = Duration::from_secs(300);
/// The longest wait that a provider may ask for.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(3600);
/// A turn further away than this was set by a wrong clock.
const LONGEST_TURN: Duration = Duration::from_secs(2 * 3600);
/// How often a wait checks whether to stop early.
const TICK: Duration = Duration::from_millis(100);

/// Songs in memory or in an index.
#[derive(Clone, Copy)]
pub(super) enum Table<'a> {
    Index(&'a SongIndex),
    Songs(&'a [Song]),
}

impl<'a> Table<'a> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Index(index) => index.len(),
            Self::Songs(songs) => songs.len(),
        }
    }

    pub(super) fn song(self, row: usize) -> Result<Cow<'a, Song>, SongIndexError> {
        match self {
            Self::Index(index) => index.song(row).map(Cow::Owned),
            Self::Songs(songs) => Ok(Cow::Borrowed(&songs[row])),
        }
    }
}

/// The outcome of one song.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It is already complete.
    Complete,
    /// It cannot be looked up.
    Unnamed,
    Found(Box<Found>),
    NotFound(Refusal),
    /// There was no usable answer; contains the reason.
    Failed(String),
    /// It was not looked up, because the maximum number of requests was reached.
    NotAsked,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) chosen: Match,
    pub(super) fetched_at: Millis,
}

/// The next step for a song.
enum Next {
    Nothing(Outcome),
    Search,
    /// Check whether there is a cover at this address.
    Cover(String),
}

/// The progress of the lookup.
#[derive(Clone, Copy)]
struct At {
    done: usize,
    total: usize,
}

pub(super) struct Lookup<'a> {
    provider: &'a dyn Provider,
    options: &'a EnrichOptions,
    cache: Cache,
    client: Client,
    /// The failures of this run, by query.
    failed: HashMap<String, String>,
    failures_in_a_row: u32,
    /// Whether a turn was taken but not yet used.
    has_turn: bool,
    pub(super) requests: u64,
    pub(super) failed_requests: u64,
    /// The number of answers written to the cache.
    answers: u64,
    /// The number of songs that needed no request.
    pub(super) from_cache: u64,
}

impl<'a> Lookup<'a> {
    pub(super) fn open(
        provider: &'a dyn Provider,
        options: &'a EnrichOptions,
    ) -> Result<Self, EnrichError> {
        options.check()?;
        Ok(Self {
            provider,
            options,
            cache: Cache::open(&options.cache)?,
            client: Client::new(provider.user_agent(), &options.proxy, options.timeout)?,
            failed: HashMap::new(),
            failures_in_a_row: 0,
            has_turn: false,
            requests: 0,
            failed_requests: 0,
            answers: 0,
            from_cache: 0,
        })
    }

    /// Returns the outcome of each song, in order.
    pub(super) fn all(
        &mut self,
        songs: Table<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Outcome>, EnrichError> {
        let (mut outcomes, open) = self.known(songs, progress)?;
        for (done, &row) in open.iter().enumerate() {
            let at = At { done, total: open.len() };
            tell(progress, "looking up songs", at)?;
            if let Some(wanted) = Wanted::new(&*songs.song(row)?) {
                outcomes[row] = self.ask_for(&wanted, at, progress)?;
            }
        }
        let at = At { done: open.len(), total: open.len() };
        tell(progress, "looking up songs", at)?;
        Ok(outcomes)
    }

    /// Returns the outcomes that are known without a request, and the rows that need a request.
    pub(super) fn known(
        &mut self,
        songs: Table<'_>,
        progress: &mut dyn Progress,
    ) -> Result<(Vec<Outcome>, Vec<usize>), EnrichError> {
        let (mut outcomes, mut open) = (Vec::with_capacity(songs.len()), Vec::new());
        for row in 0..songs.len() {
            if row.is_multiple_of(256) {
                let at = At { done: row, total: songs.len() };
                tell(progress, "reading the cache", at)?;
            }
            let song = songs.song(row)?;
            outcomes.push(if self.is_complete(&song) {
                Outcome::Complete
            } else if let Some(wanted) = Wanted::new(&song) {
                match self.next(&wanted)? {
                    Next::Nothing(outcome) => {
                        self.from_cache += 1;
                        outcome
                    }
                    Next::Search | Next::Cover(_) => {
                        open.push(row);
                        Outcome::NotAsked
                    }
                }
            } else {
                Outcome::Unnamed
            });
        }
        Ok((outcomes, open))
    }

    fn is_complete(&self, song: &Song) -> bool {
        let mut columns = self.provider.fills().iter();
        !self.options.overwrite && columns.all(|column| !is_empty(song.get(column).as_ref()))
    }

    fn ask_for(
        &mut self,
        wanted: &Wanted,
        at: At,
        progress: &mut dyn Progress,
    ) -> Result<Outcome, EnrichError> {
        let mut breaks = 0;
        loop {
            let most = self.options.max_requests;
            let may_ask = most.is_none_or(|most| self.requests < most);
            let next = match self.next(wanted)? {
                Next::Nothing(outcome) => return Ok(outcome),
                Next::Search if !may_ask => return Ok(Outcome::NotAsked),
                Next::Cover(url) if !may_ask => {
                    // The song has been found; the next run looks for its cover.
                    self.failed.insert(url, "no requests were left".to_owned());
                    continue;
                }
                next => next,
            };
            if !self.has_turn {
                self.wait_for_turn(at, progress)?;
                self.has_turn = true;
                // Another process may have made the request meanwhile.
                continue;
            }
            self.has_turn = false;
            self.requests += 1;
            let (query, answer) = self.ask(wanted, next);
            match answer {
                Ok(body) => {
                    breaks = 0;
                    self.failures_in_a_row = 0;
                    let answer = Answer { fetched_at: self.options.clock.millis(), body };
                    self.cache.put(self.provider.name(), &query, &answer)?;
                    self.answers += 1;
                }
                Err(fault) => {
                    self.failed_requests += 1;
                    self.failures_in_a_row += 1;
                    self.hold_after(&fault)?;
                    breaks += u32::from(fault.kind == FaultKind::Broken);
                    if breaks >= ATTEMPTS {
                        breaks = 0;
                        self.failed.insert(query, fault.to_string());
                    }
                }
            }
        }
    }

    /// Makes a request; returns the key of the answer and the answer.
    fn ask(&self, wanted: &Wanted, next: Next) -> (String, Result<String, Fault>) {
        let now = self.options.clock.now();
        if let Next::Cover(url) = next {
            let is_there = self.client.is_there(&url, now);
            return (url, is_there.map(|is_there| is_there.to_string()));
        }
        let broken = |what: String| Fault { kind: FaultKind::Broken, what, retry_after: None };
        let name = self.provider.name();
        let body = self.client.json(&self.provider.search_url(wanted), now);
        let candidates = body.and_then(|body| {
            let found = self.provider.read(&body);
            let found = found.map(Candidate::clean_all);
            found.map_err(|problem| broken(format!("unexpected answer from {name}: {problem}")))
        });
        let answer = candidates.and_then(|candidates| {
            serde_json::to_string(&candidates).map_err(|error| broken(error.to_string()))
        });
        (self.query(wanted), answer)
    }

    /// Returns the key of a song in the cache.
    pub(super) fn query(&self, wanted: &Wanted) -> String {
        format!("{}\n{}", self.provider.scope(), wanted.key())
    }

    fn next(&self, wanted: &Wanted) -> Result<Next, EnrichError> {
        let (name, query) = (self.provider.name(), self.query(wanted));
        if let Some(fault) = self.failed.get(&query) {
            return Ok(Next::Nothing(Outcome::Failed(fault.clone())));
        }
        let Some(answer) = self.cache.answer(name, &query)? else {
            return Ok(Next::Search);
        };
        let candidates = serde_json::from_str(&answer.body).map_err(|error| {
            let what = format!("the answer for {query:?}: {error}");
            self.cache.fails(CacheProblem::Damaged(what))
        })?;
        let candidates = Candidate::clean_all(candidates);
        let mut chosen = match wanted.choose(&candidates, self.options.min_confidence) {
            Ok(chosen) => chosen,
            Err(_) if self.is_old(&answer) => return Ok(Next::Search),
            Err(refusal) => return Ok(Next::Nothing(Outcome::NotFound(refusal))),
        };
        if let Some(url) = chosen.candidate.cover_to_try.take() {
            let known = self.cache.answer(name, &url)?;
            match known.filter(|known| known.body == "true" || !self.is_old(known)) {
                Some(known) if known.body == "true" => {
                    chosen.candidate.artwork_url = Some(url);
                }
                Some(_) => {}
                // The song has been found; the next run looks for its cover again.
                None if self.failed.contains_key(&url) => {}
                None => return Ok(Next::Cover(url)),
            }
        }
        Ok(Next::Nothing(Outcome::Found(Box::new(Found { chosen, fetched_at: answer.fetched_at }))))
    }

    fn is_old(&self, answer: &Answer) -> bool {
        let age = self.options.clock.millis().saturating_sub(answer.fetched_at);
        age > in_millis(self.options.ask_again_after)
    }

    fn wait_for_turn(&self, at: At, progress: &mut dyn Progress) -> Result<(), EnrichError> {
        let now = self.options.clock.millis();
        let interval = self.options.interval.unwrap_or(self.provider.interval());
        let turn = self.cache.take_turn(
            self.provider.name(),
            now,
            in_millis(interval),
            in_millis(LONGEST_TURN),
        )?;
        let stage = match self.failures_in_a_row {
            0 => "looking up songs",
            _ => "waiting to try again",
        };
        let wait = Duration::from_millis(u64::try_from(turn - now).unwrap_or(0));
        // Counts the time slept, so that setting the clock meanwhile has no effect.
        let mut left = wait;
        loop {
            tell(progress, stage, at)?;
            if left.is_zero() {
                return Ok(());
            }
            let tick = left.min(TICK);
            self.options.clock.sleep(tick);
            left -= tick;
        }
    }

    /// Blocks all processes for as long as the server asks, or else longer after each failure.
    fn hold_after(&self, fault: &Fault) -> Result<(), EnrichError> {
        let provider = self.provider.name();
        if self.failures_in_a_row >= self.options.max_failures {
            return Err(EnrichError::Failing {
                provider: provider.to_owned(),
                failures: self.failures_in_a_row,
                last: fault.to_string(),
                answers: self.answers,
            });
        }
        let own = self
            .options
            .retry_wait
            .saturating_mul(1 << (self.failures_in_a_row - 1).min(16))
            .min(LONGEST_OWN_WAIT);
        let wait = fault.retry_after.unwrap_or(own);
        let until = self.options.clock.millis().saturating_add(in_millis(wait));
        if wait > LONGEST_ASKED_WAIT {
            return Err(EnrichError::AskedToWait {
                provider: provider.to_owned(),
                wait,
                answers: self.answers,
            });
        }
        self.cache.hold(provider, until)
    }
}

fn tell(progress: &mut dyn Progress, stage: &'static str, at: At) -> Result<(), EnrichError> {
    Ok(progress.at(stage, at.done as u64, Some(at.total as u64))?)
}

/// Returns whether a cell is empty.
pub(super) fn is_empty(cell: Option<&Value>) -> bool {
    match cell {
        None => true,
        Some(Value::Text(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}
