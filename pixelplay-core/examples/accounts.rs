//! Creates an account, a session and a favourite, and runs a search that leans towards the user's
//! taste.
//!
//! `cargo run --release --example accounts`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use pixelplay_core::query::DEFAULT_TASTE_WEIGHT;
use pixelplay_core::{Encoder, HybridQuery, QueryOptions, UserStore, catalog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let users = UserStore::open(folder.path().join("users.db"))?;
    users.register("ana", "correct horse battery")?;
    let session = users.log_in("ana", "correct horse battery")?;
    let token = session.token.expose(); // goes into a cookie

    // On every request, the token identifies the user.
    let ana = users.resume(token)?.username;
    let encoder = Encoder::mini()?;
    let songs = catalog::starter_index(&encoder, &mut ())?;
    users.add_favourite(&ana, songs.id(0))?;
    let query = HybridQuery::new()
        .text(encoder.encode_text("a walk in the snow")?)
        .lean_towards(users.taste(&ana)?, DEFAULT_TASTE_WEIGHT);
    println!("{}", query.search(&songs, &QueryOptions::top(5))?);
    users.log_out(token)?;
    Ok(())
}
