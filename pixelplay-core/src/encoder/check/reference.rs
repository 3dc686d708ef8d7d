//! Compares a checkpoint with published values.
//!
//! `reference_values.json` contains one object per source. Its keys determine what is compared:
//!
//! | keys | compared |
//! |---|---|
//! | `text`, `ids_then_zero_padded_to_77` | token ids, including start and end token |
//! | `encode`: text to ids | token ids without start and end token |
//! | `image`, `texts`, `logits_per_image` | scaled cosines |
//! | `image`, `texts`, `softmax_probs` | their softmax |
//! | `image`, `image_embedding_first5` | the first values of a picture's embedding |
//! | `text`, `text_embedding_first5` | the first values of a text's embedding |
//!
//! Pictures are in the same folder as the file; a folder in their names is ignored.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::embedding::Embedding;
use crate::encoder::encoder::Encoder;
use crate::encoder::error::{EncodeError, Explained};
use crate::progress::{Progress, Stage};

/// The file of published values.
const FILE: &str = "reference_values.json";

// The minimum tolerances: published values were computed with different JPEG decoders or resizing,
// or in half precision. A logit may differ by 0.1, which is a difference of 0.001 in the cosine.
const LOGIT: f64 = 0.1;
const PROBABILITY: f64 = 0.01;
const COMPONENT: f64 = 0.001;

/// One comparison with a published value.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// What was compared.
    pub what: String,
    /// The outcome.
    pub outcome: Outcome,
    /// How much the values differ, or why the comparison was skipped.
    pub detail: String,
    /// The publisher of the value.
    pub source: String,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The values agree.
    Agrees,
    /// The values differ.
    Differs,
    /// No values could be compared.
    Skipped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Skipped => "skipped",
        })
    }
}

/// Compares everything that can be compared, and explains why the rest was skipped.
pub(super) fn compare(
    encoder: &Encoder,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<Comparison>, EncodeError> {
    let path = folder.join(FILE);
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) => {
            return Ok(vec![Comparison {
                what: FILE.to_owned(),
                outcome: Outcome::Skipped,
                detail: format!("cannot read `{}`: {error}", path.display()),
                source: String::new(),
            }]);
        }
    };
    let sections: serde_json::Map<String, Value> =
        serde_json::from_slice(&json).map_err(EncodeError::bad_json(&path))?;
    let mut progress = Stage::of(progress, "comparing", sections.len());
    let mut comparisons = Vec::new();
    for (at, (name, values)) in sections.iter().enumerate() {
        progress.at(at as u64)?;
        let section = Section { encoder, folder, name, values };
        comparisons.extend(section.compare()?);
    }
    progress.at(sections.len() as u64)?;
    Ok(comparisons)
}

struct Section<'a> {
    encoder: &'a Encoder,
    folder: &'a Path,
    name: &'a str,
    values: &'a Value,
}

/// The outcome and the detail of a comparison that ended early.
type Ended = (Outcome, String);

impl Section<'_> {
    fn compare(&self) -> Result<Vec<Comparison>, EncodeError> {
        let mut found: Vec<(String, Ended)> = Vec::new();
        let mut add = |what: String, ended: Ended| found.push((what, ended));
        let text = self.text("text");
        if let (Some(text), Some(mut ids)) = (text, ids(&self.values["ids_then_zero_padded_to_77"]))
        {
            let padding = ids.iter().rev().take_while(|&&id| id == 0).count();
            ids.truncate(ids.len() - padding);
            add(format!("tokens of {text:?}"), same(&self.encoder.tokenize(text)?, &ids));
        }
        for (text, expected) in self.values["encode"].as_object().into_iter().flatten() {
            if let Some(expected) = ids(expected) {
                let ids = self.encoder.tokenize(text)?;
                let words = &ids[1..ids.len().max(2) - 1];
                add(format!("tokens of {text:?}"), same(words, &expected));
            }
        }
        let texts = strings(&self.values["texts"]);
        if let (Some(texts), Some(expected)) =
            (&texts, numbers(&self.values["logits_per_image"][0]))
        {
            add("logits".to_owned(), self.logits(texts, &expected, LOGIT, |logits| logits)?);
        }
        if let (Some(texts), Some(expected)) = (&texts, numbers(&self.values["softmax_probs"])) {
            add("probabilities".to_owned(), self.logits(texts, &expected, PROBABILITY, softmax)?);
        }
        if let Some(expected) = numbers(&self.values["image_embedding_first5"]) {
            let ended = match self.picture() {
                Ok(embedding) => {
                    self.close(&first(&embedding, expected.len()), &expected, COMPONENT)
                }
                Err(skipped) => skipped,
            };
            add("picture embedding".to_owned(), ended);
        }
        if let (Some(text), Some(expected)) = (text, numbers(&self.values["text_embedding_first5"]))
        {
            let embedding = self.encoder.encode_text(text)?;
            let ended = self.close(&first(&embedding, expected.len()), &expected, COMPONENT);
            add("text embedding".to_owned(), ended);
        }
        if found.is_empty() {
            let detail = "it contains nothing that can be compared".to_owned();
            found.push(("everything".to_owned(), (Outcome::Skipped, detail)));
        }
        let source = self.text("source").unwrap_or_default();
        Ok(found
            .into_iter()
            .map(|(what, (outcome, detail))| Comparison {
                what: format!("{}: {what}", self.name),
                outcome,
                detail,
                source: source.to_owned(),
            })
            .collect())
    }

    fn logits(
        &self,
        texts: &[&str],
        expected: &[f64],
        allowed: f64,
        convert: fn(Vec<f64>) -> Vec<f64>,
    ) -> Result<Ended, EncodeError> {
        let picture = match self.picture() {
            Ok(picture) => picture,
            Err(skipped) => return Ok(skipped),
        };
        let scale = match self.encoder.inner.weights.scalar("logit_scale")? {
            Some(scale) => scale.exp(),
            None => {
                let detail = "the checkpoint has no logit_scale".to_owned();
                return Ok((Outcome::Skipped, detail));
            }
        };
        let logits = texts
            .iter()
            .map(|text| {
                let cosine = picture.dot(&self.encoder.encode_text(text)?);
                Ok(scale * cosine.map_err(|source| EncodeError::BadVector { source })?)
            })
            .collect::<Result<_, EncodeError>>()?;
        Ok(self.close(&convert(logits), expected, allowed))
    }

    /// Returns the embedding of the section's picture, or the reason why there is none.
    fn picture(&self) -> Result<Embedding, Ended> {
        let name = self.text("image").and_then(|image| Path::new(image).file_name());
        let Some(path) = name.map(|name| self.folder.join(name)) else {
            return Err((Outcome::Skipped, "it names no picture".to_owned()));
        };
        self.encoder.encode_image(path.as_path()).map_err(|error| {
            let detail = format!("{}", Explained(&error));
            (Outcome::Skipped, detail)
        })
    }

    fn close(&self, found: &[f64], expected: &[f64], allowed: f64) -> Ended {
        let (count, wanted) = (found.len(), expected.len());
        if count != wanted {
            return (Outcome::Differs, format!("{count} values, expected {wanted}"));
        }
        let tolerance = |key: &str| self.values[key].as_f64().unwrap_or(0.0);
        let (rtol, atol) = (tolerance("rtol"), tolerance("atol").max(allowed));
        let excess = |(a, b): (&f64, &f64)| (a - b).abs() - rtol * b.abs();
        let pairs = || found.iter().zip(expected);
        let greatest = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let detail = format!("greatest difference {greatest:.5}, allowed {atol}");
        // Not `>`, so that NaN counts as different.
        match pairs().map(excess).all(|excess| excess <= atol) {
            true => (Outcome::Agrees, detail),
            false => (Outcome::Differs, detail),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.values[key].as_str()
    }
}

fn same(found: &[u32], expected: &[u32]) -> Ended {
    match found == expected {
        true => (Outcome::Agrees, format!("{} ids", found.len())),
        false => (Outcome::Differs, format!("{found:?}, expected {expected:?}")),
    }
}

fn softmax(logits: Vec<f64>) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

fn first(embedding: &Embedding, count: usize) -> Vec<f64> {
    let values = embedding.as_slice().iter();
    values.take(count).map(|&value| f64::from(value)).collect()
}

fn ids(value: &Value) -> Option<Vec<u32>> {
    let list = value.as_array()?.iter();
    list.map(|id| id.as_u64()?.try_into().ok()).collect()
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

fn strings(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}
