//! A command line for `pixelplay-core`: a picture goes in, songs come out.
//!
//! It shows how a front end uses the library. Every subcommand is one file in `commands`; shared
//! arguments and output are next to that folder. It contains no logic that users of the library
//! would need.

mod checkpoint;
mod commands;
mod encode;
mod images;
mod open;
mod output;
mod progress;
mod query;
mod table;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Parser, Subcommand};
use commands::{
    add, audit, build_index, clean, compact, correct_hubness, enrich, import, match_image,
    model_check, remove, search, similar, user, verify,
};
use pixelplay_core::HubError;
use pixelplay_core::enrich::EnrichError;

/// Find songs that fit a picture, some words, or other songs: offline, on this machine.
#[derive(Parser)]
#[command(
    name = "pixelplay",
    version,
    after_help = "Examples:
  pixelplay match beach.jpg
  pixelplay match beach.jpg --text 'slow and sad' --where 'year >= 1990'
  pixelplay match - < beach.jpg
  pixelplay build-index songs.csv songs.arrow
  pixelplay add songs.arrow more-songs.csv
  pixelplay clean songs.csv.gz cleaned.csv --column title=Werk
  pixelplay enrich songs.arrow with-covers.arrow --dry-run
  pixelplay audit holiday-pictures/ --index songs.arrow
  pixelplay search --index songs.arrow --text 'rainy night drive' --json
  pixelplay similar --index songs.arrow SONG-ID
  pixelplay model check hub:openai/clip-vit-large-patch14
  pixelplay user register ana

Results go to standard output; progress, notes and errors to standard error. With --json, notes and errors are JSON too, \
one document per line: {\"note\": TEXT} and {\"error\": TEXT, \"causes\": [TEXT, ...]}. The exit code is 0 for success, 1 \
for an error, 2 for wrong arguments, 130 if interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rank songs for a picture, by default those of the embedded starter catalogue
    Match(match_image::Args),
    /// Rank songs for pictures, words and songs, wanted and unwanted
    Search(search::Args),
    /// Rank songs by their similarity to a song
    Similar(similar::Args),
    /// Build an index from a table of songs (CSV or TSV, plain or gzipped)
    BuildIndex(build_index::Args),
    /// Build an index from vectors made by another program (.npy) and a table of their songs
    Import(import::Args),
    /// Add songs to an index
    Add(add::Args),
    /// Remove songs from an index
    Remove(remove::Args),
    /// Merge the files and batches of an index into one file
    Compact(compact::Args),
    /// Clean a table of songs: merge repeats, drop bad rows, and give the reason for each
    Clean(clean::Args),
    /// Look up covers, previews, links and more for the songs of an index (needs the network)
    Enrich(enrich::Args),
    /// Measure how evenly pictures use a catalogue: which songs are ever found, and which are found
    /// for nearly every picture
    Audit(audit::Args),
    /// Measure which songs are found for nearly every query, so that searches can rank them lower
    CorrectHubness(correct_hubness::Args),
    /// Check every byte of an index against its checksums
    Verify(verify::Args),
    /// Print the embeddings of pictures and texts as JSON lines
    Encode(encode::Args),
    /// Inspect checkpoints of encoders
    #[command(subcommand)]
    Model(Model),
    /// Manage accounts, sessions, favourites and taste
    User(user::Args),
}

#[derive(Subcommand)]
enum Model {
    /// Check whether a checkpoint can be used, and list everything that is wrong with it
    Check(model_check::Args),
}

/// The exit code of an interrupted run: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    if asks_for_json(std::env::args_os()) {
        output::complain_in_json();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are not errors; they go to standard output.
        Err(wrong) if wrong.use_stderr() && asks_for_json(std::env::args_os()) => {
            output::fail(&anyhow!(
                "{}",
                wrong.to_string().trim_start_matches("error: ").trim_end()
            ));
            return ExitCode::from(2);
        }
        Err(wrong) => wrong.exit(),
    };
    let result = progress::watch_for_ctrl_c().and_then(|()| match cli.command {
        Command::Match(args) => match_image::run(args),
        Command::Search(args) => search::run(args),
        Command::Similar(args) => similar::run(args),
        Command::BuildIndex(args) => build_index::run(args),
        Command::Import(args) => import::run(args),
        Command::Add(args) => add::run(args),
        Command::Remove(args) => remove::run(args),
        Command::Compact(args) => compact::run(args),
        Command::Clean(args) => clean::run(args),
        Command::Enrich(args) => enrich::run(args),
        Command::Audit(args) => audit::run(args),
        Command::CorrectHubness(args) => correct_hubness::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Model(Model::Check(args)) => model_check::run(args),
        Command::User(args) => user::run(args),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // `pixelplay ... | head` closes our output early; that is not a failure.
        Err(error) if is_io(&error, io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        // Ctrl-C at a prompt may arrive as an error before the signal does.
        Err(error) if progress::interrupted() || is_io(&error, io::ErrorKind::Interrupted) => {
            output::stopped(&what_is_kept(&error));
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            output::fail(&error);
            ExitCode::FAILURE
        }
    }
}

/// Returns whether errors should be JSON. This is needed before the arguments are parsed, because
/// parsing itself may fail.
fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// Describes what an interrupted run has kept.
fn what_is_kept(error: &anyhow::Error) -> String {
    let stopped = error.downcast_ref::<progress::StoppedAfter>();
    let cancelled_download =
        error.chain().any(|cause| matches!(cause.downcast_ref(), Some(HubError::Cancelled)));
    let cancelled_look_up =
        error.chain().any(|cause| matches!(cause.downcast_ref(), Some(EnrichError::Cancelled)));
    match stopped {
        Some(done) => done.to_string(),
        None if cancelled_look_up => {
            "the answers so far are in the cache, and the next run continues from there".to_owned()
        }
        None if cancelled_download => {
            "the download so far is kept, and the next run continues from there".to_owned()
        }
        None => "nothing was changed".to_owned(),
    }
}

fn is_io(error: &anyhow::Error, kind: io::ErrorKind) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == kind))
}
