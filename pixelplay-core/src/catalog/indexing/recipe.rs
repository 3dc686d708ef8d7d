//! How the songs of an index were described, as the index itself says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{BuildOptions, WordWeights};
use crate::catalog::CatalogError;
use crate::index::SongIndex;

/// Raise this when the same song and templates give other sentences, or the same sentences another
/// vector. Version 1 had no titles and was not written down.
const DESCRIPTION: u32 = 2;

/// What the key `pixelplay.recipe` of an index holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// As it stands in the index, letter by letter: other programs may write JSON in other ways.
    #[serde(skip)]
    text: String,
    description: u32,
    /// The hash of the templates; `null` for a describer of the caller's own.
    templates: Option<String>,
    words: WordWeights,
    /// What a later version says in addition.
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

impl Recipe {
    pub(super) fn of(options: &BuildOptions) -> Self {
        let mut recipe = Self {
            text: String::new(),
            description: DESCRIPTION,
            templates: options.describer.templates_hash(),
            words: options.words,
            unknown: BTreeMap::new(),
        };
        recipe.text = recipe.to_json();
        recipe
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn words(&self) -> WordWeights {
        self.words
    }

    #[expect(clippy::expect_used, reason = "numbers and texts are always JSON")]
    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a recipe is JSON")
    }
}

/// The options and the recipe by which more songs are described as those of `index` were.
///
/// # Errors
/// [`CatalogError::OtherRecipe`] where that cannot be done.
pub(super) fn as_built(
    index: &SongIndex,
    options: BuildOptions,
) -> Result<(BuildOptions, Option<Recipe>), CatalogError> {
    let Some(text) = index.recipe() else {
        // Before recipes were written down there were no words of a song's own.
        return Ok((BuildOptions { words: WordWeights::NONE, ..options }, None));
    };
    let refuse =
        |what: String| Err(CatalogError::OtherRecipe { index: index.path().to_owned(), what });
    let built = match serde_json::from_str(text) {
        Ok(recipe) => Recipe { text: text.to_owned(), ..recipe },
        Err(error) => {
            return refuse(format!("its key `pixelplay.recipe` cannot be read ({error})"));
        }
    };
    if let Some(name) = built.unknown.keys().next() {
        return refuse(format!(
            "its recipe has {name:?}, which this version of PixelPlay does not know; update PixelPlay"
        ));
    }
    if built.description != DESCRIPTION {
        return refuse(format!(
            "it has descriptions of version {}, and this version of PixelPlay writes version \
             {DESCRIPTION}; build the index again",
            built.description
        ));
    }
    let templates = options.describer.templates_hash();
    if templates != built.templates {
        let name = |templates: Option<String>| match templates {
            Some(hash) => format!("the templates {hash}"),
            None => "a describer of its maker's own".to_owned(),
        };
        return refuse(format!(
            "its songs were described by {}, and these would be by {}; give the same ones (`--templates`, `describe=`, `BuildOptions::describer`)",
            name(built.templates.clone()),
            name(templates)
        ));
    }
    Ok((BuildOptions { words: built.words, ..options }, Some(built)))
}
