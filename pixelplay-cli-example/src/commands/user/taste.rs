//! `user favourites` and `taste`, and the `--taste` flag of `match` and `search`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use pixelplay_core::query::DEFAULT_TASTE_WEIGHT;
use serde_json::json;

use super::store::{Person, StoreArgs};
use crate::output;
use crate::output::printable;

#[derive(clap::Args)]
#[command(
    after_help = "The ids of songs are those that `match`, `search` and `similar` show with --json. They are kept whether \
or not an index has them, so they survive a change of catalogue. Put -- before an id that begins with -.

Examples:
  pixelplay user favourites
  pixelplay user favourites add 4uLU6hMCjMI75M1A2tKUQC
  pixelplay user favourites remove 4uLU6hMCjMI75M1A2tKUQC"
)]
pub(super) struct FavouritesArgs {
    #[command(subcommand)]
    action: Option<FavouritesAction>,
}

#[derive(Subcommand)]
enum FavouritesAction {
    /// List your favourites, newest first; the default
    List,
    /// Add songs
    Add {
        /// The ids of the songs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Remove songs; if one of them is not a favourite, none is removed
    Remove {
        /// The ids of the songs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

#[derive(clap::Args)]
#[command(
    after_help = "A favourite and a like weigh 1, a dislike -1. The weight halves every 90 days. `match` and `search` \
lean towards your taste with --taste.

Examples:
  pixelplay user taste
  pixelplay user taste dislike 4uLU6hMCjMI75M1A2tKUQC
  pixelplay match beach.jpg --taste=0.5"
)]
pub(super) struct RatingArgs {
    #[command(subcommand)]
    action: Option<RatingAction>,
}

#[derive(Subcommand)]
enum RatingAction {
    /// Show the weights of songs; the default
    List,
    /// Like songs
    Like {
        /// The ids of the songs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Dislike songs
    Dislike {
        /// The ids of the songs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Take back likes and dislikes; if one of the songs has neither, nothing is changed
    Clear {
        /// The ids of the songs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// The library's default, as text.
const DEFAULT_TASTE: &str = "0.2";
const _: () = assert!(DEFAULT_TASTE_WEIGHT == 0.2);

/// How far a query leans towards the taste of a user.
#[derive(clap::Args)]
pub(crate) struct TasteArgs {
    /// Lean towards the taste of the user who is logged in (see `user taste`), by 0.2 or the given
    /// weight; 1 counts as much as a picture
    #[arg(
        long,
        value_name = "WEIGHT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = DEFAULT_TASTE
    )]
    taste: Option<f64>,

    /// The database that was given to `user login`
    #[arg(long, value_name = "FILE", requires = "taste")]
    users: Option<PathBuf>,
}

impl TasteArgs {
    /// Returns song ids with their weights, and the weight of the whole taste; `None` without
    /// `--taste`.
    pub(crate) fn read(&self) -> Result<Option<(BTreeMap<String, f64>, f64)>> {
        let Some(weight) = self.taste else {
            return Ok(None);
        };
        let store = StoreArgs { users: self.users.clone() };
        let Person { users, session } = store.person()?;
        Ok(Some((users.taste(&session.username)?, weight)))
    }
}

pub(super) fn favourites(args: FavouritesArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let Person { users, session } = store.person()?;
    let name = session.username.as_str();
    match args.action {
        None | Some(FavouritesAction::List) => {}
        Some(FavouritesAction::Add { ids }) => {
            for id in &ids {
                users.add_favourite(name, id)?;
            }
        }
        Some(FavouritesAction::Remove { ids }) => {
            let favourites = users.favourites(name)?;
            if let Some(unknown) = ids.iter().find(|id| !favourites.contains(id)) {
                bail!("{unknown:?} is not one of your favourites; nothing was removed");
            }
            for id in &ids {
                users.remove_favourite(name, id)?;
            }
        }
    }
    let favourites = users.favourites(name)?;
    if json {
        let document = json!({ "username": name, "favourites": favourites });
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    if favourites.is_empty() {
        return output::line("no favourites; add some with `pixelplay user favourites add ID`");
    }
    let lines: Vec<String> = favourites.iter().map(|id| printable(id)).collect();
    output::line(&lines.join("\n"))
}

pub(super) fn taste(args: RatingArgs, store: &StoreArgs, json: bool) -> Result<()> {
    let Person { users, session } = store.person()?;
    let name = session.username.as_str();
    match args.action {
        None | Some(RatingAction::List) => {}
        Some(RatingAction::Like { ids }) => {
            ids.iter().try_for_each(|id| users.like(name, id))?;
        }
        Some(RatingAction::Dislike { ids }) => {
            ids.iter().try_for_each(|id| users.dislike(name, id))?;
        }
        Some(RatingAction::Clear { ids }) => {
            let rated = [users.likes(name)?, users.dislikes(name)?].concat();
            if let Some(unknown) = ids.iter().find(|id| !rated.contains(id)) {
                bail!("{unknown:?} is neither liked nor disliked; nothing was changed");
            }
            for id in &ids {
                users.clear_rating(name, id)?;
            }
        }
    }
    let weights = users.taste(name)?;
    if json {
        let document = json!({ "username": name, "taste": weights });
        return output::line(&serde_json::to_string_pretty(&document)?);
    }
    if weights.is_empty() {
        return output::line(
            "no taste yet; add favourites with `pixelplay user favourites add ID`, or like songs with `pixelplay user taste like ID`",
        );
    }
    let mut heaviest_first: Vec<_> = weights.into_iter().collect();
    heaviest_first.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(["song", "weight"]);
    for (id, weight) in heaviest_first {
        table.add_row([printable(&id), format!("{weight:.3}")]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    output::line(&table.to_string())
}
