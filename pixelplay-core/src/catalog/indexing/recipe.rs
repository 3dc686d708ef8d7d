//! The recipe of an index: how its songs were described, stored in the index itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{BuildOptions, WordWeights};
use crate::catalog::CatalogError;
use crate::index::SongIndex;

/// Increase this when the same song and templates yield different sentences, or when the same
/// sentences yield a different vector. Version 1 had no titles and was not recorded.
const DESCRIPTION: u32 = 2;

/// The value of the key `pixelplay.recipe` in an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// The exact text in the index. It is kept because other programs may format JSON differently.
    #[serde(skip)]
    text: String,
    description: u32,
    /// The hash of the templates, or `null` for a custom describer.
    templates: Option<String>,
    words: WordWeights,
    /// Keys added by a later version.
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

/// Returns the options and the recipe for describing more songs in the same way as those of
/// `index`.
///
/// # Errors
/// Returns [`CatalogError::OtherRecipe`] if that is not possible.
pub(super) fn as_built(
    index: &SongIndex,
    options: BuildOptions,
) -> Result<(BuildOptions, Option<Recipe>), CatalogError> {
    let Some(text) = index.recipe() else {
        // An index without a recipe is older than titles, tags and lyrics.
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
        return refuse(format!("its recipe has the unknown key {name:?}; update PixelPlay"));
    }
    if built.description != DESCRIPTION {
        return refuse(format!(
            "its descriptions have version {}, but this PixelPlay writes version {DESCRIPTION}; \
             rebuild the index",
            built.description
        ));
    }
    let templates = options.describer.templates_hash();
    if templates != built.templates {
        let name = |templates: Option<String>| match templates {
            Some(hash) => format!("the templates {hash}"),
            None => "a custom describer".to_owned(),
        };
        return refuse(format!(
            "its songs were described by {}, but these would be described by {}; pass the same describer (`--templates`, `describe=`, `BuildOptions::describer`)",
            name(built.templates.clone()),
            name(templates)
        ));
    }
    Ok((BuildOptions { words: built.words, ..options }, Some(built)))
}
