//! `user`: accounts, sessions and taste, as an app with a log-in has them.

mod account;
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
    after_help = "Passwords are asked for on the terminal and not shown; where standard input is no \
terminal, each is a line of it. They are never arguments, which others on the machine can see. `login` keeps a session \
token in a file that only you can read, beside the database and named like it with .session behind; whoever has it is \
logged in. A session ends after 30 minutes without use.

Examples:
  pixelplay user register ana
  pixelplay user login ana
  pass show pixelplay | pixelplay user login ana --json
  pixelplay user favourites add 4uLU6hMCjMI75M1A2tKUQC
  pixelplay match beach.jpg --taste
  pixelplay user logout"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,

    /// Print JSON for machines
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account; its password has 15 characters or more, such as a few words
    Register(account::NameArgs),
    /// Log in; the commands below, and --taste, then know who asks
    Login(account::NameArgs),
    /// Log out
    Logout(session::LogOutArgs),
    /// Set a new password; you stay logged in here, and nowhere else
    Password,
    /// List your sessions, or end one
    Sessions(session::SessionsArgs),
    /// List your favourite songs, add some or remove some
    Favourites(taste::FavouritesArgs),
    /// Show what your favourites, likes and dislikes weigh, or like and dislike songs
    Taste(taste::RatingArgs),
    /// Print all that is stored about you, as JSON
    Export,
    /// Delete your account and all that belongs to it; asks for the password again
    Delete,
    /// Bring in accounts with the password hashes that another program kept
    Import(import::Args),
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
    }
}
