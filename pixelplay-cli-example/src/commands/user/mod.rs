//! `user`: accounts, sessions and taste, as in an app with a log-in.

mod account;
mod admin;
mod import;
mod prompt;
mod session;
mod store;
mod taste;

use anyhow::Result;
use clap::Subcommand;

use store::StoreArgs;
pub(crate) use taste::TasteArgs;

#[derive(clap::Args)]
#[command(
    after_help = "Passwords are asked for on the terminal and not shown. If standard input is not a terminal, each \
password is read from it as one line. They are never arguments, because others on the machine can see those. `login` \
keeps the session token in a file that only you can read, next to the database and named after it with .session \
appended; anyone who has the token is logged in as you. A session ends after 30 days without use, and after a year at \
the latest.

`list` and the commands after it are for the operator of a database: they ask for no password, since anyone who can
write the file could do the same.

Examples:
  pixelplay user register ana
  pixelplay user login ana
  pass show pixelplay | pixelplay user login ana --json
  pixelplay user favourites add 4uLU6hMCjMI75M1A2tKUQC
  pixelplay match beach.jpg --taste
  pixelplay user logout
  pixelplay user backup users-2026-12-01.db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create an account; its password needs at least 15 characters, for example a few words
    Register(account::NameArgs),
    /// Log in; `--taste` and the commands below then know who you are
    Login(account::NameArgs),
    /// End your session here
    Logout(session::LogOutArgs),
    /// Set a new password; you stay logged in here and nowhere else
    Password,
    /// List your sessions, or end one
    Sessions(session::SessionsArgs),
    /// List your favourite songs, add some or remove some
    Favourites(taste::FavouritesArgs),
    /// Show the weights of your favourites, likes and dislikes, or like and dislike songs
    Taste(taste::RatingArgs),
    /// Print everything that is stored about you, as JSON
    Export,
    /// Delete your account and all its data; asks for the password again
    Delete,
    /// Import accounts with their password hashes from another program
    Import(import::Args),
    /// List all accounts
    List,
    /// Show an account and its sessions
    Show(account::NameArgs),
    /// Forget the failed log-ins of an account, so that its owner does not have to wait
    Unlock(account::NameArgs),
    /// End the sessions of an account and let nobody log in to it; its data is kept
    Disable(account::NameArgs),
    /// Let a disabled account log in again
    Enable(account::NameArgs),
    /// Set the password of an account, without the old one
    SetPassword(account::NameArgs),
    /// End the sessions of an account
    EndSessions(admin::EndSessionsArgs),
    /// Remove imported hashes that nobody has logged in with, since they slow down every log-in
    ExpireHashes(admin::ExpireArgs),
    /// Write a verified copy of the database to a new file, while it is in use
    Backup(admin::BackupArgs),
    /// Restore a backup
    Restore(admin::RestoreArgs),
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { store, json, .. } = args;
    match args.command {
        Command::Register(args) => account::register(args, &store, json),
        Command::Login(args) => session::log_in(args, &store, json),
        Command::Logout(args) => session::log_out(args, &store, json),
        Command::Password => session::change_password(&store, json),
        Command::Sessions(args) => session::sessions(args, &store, json),
        Command::Favourites(args) => taste::favourites(args, &store, json),
        Command::Taste(args) => taste::taste(args, &store, json),
        Command::Export => account::export(&store),
        Command::Delete => account::delete(&store, json),
        Command::Import(args) => import::run(args, &store, json),
        Command::List => admin::list(&store, json),
        Command::Show(args) => admin::show(args, &store, json),
        Command::Unlock(args) => admin::unlock(args, &store, json),
        Command::Disable(args) => admin::disable(args, &store, json),
        Command::Enable(args) => admin::enable(args, &store, json),
        Command::SetPassword(args) => admin::set_password(args, &store, json),
        Command::EndSessions(args) => admin::end_sessions(args, &store, json),
        Command::ExpireHashes(args) => admin::expire_hashes(args, &store, json),
        Command::Backup(args) => admin::backup(args, &store, json),
        Command::Restore(args) => admin::restore(args, &store, json),
    }
}
