//! An account, a session, a favourite, and a search that leans towards what somebody likes.
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
    let token = session.token.expose(); // into a cookie

    // With every request: only the token says who is there.
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
