//! Converts texts to token ids.

use tokenizers::Tokenizer;

use super::definition::Definition;
use crate::cause::Cause;
use crate::encoder::checkpoint::{LEGACY_EOS, TextConfig};
use crate::encoder::error::EncodeError;

/// Tokenizes texts with the checkpoint's own tokenizer.
pub(in crate::encoder) struct Tokenize {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    max_len: usize,
}

impl Tokenize {
    /// Builds the tokenizer and checks that it fits the text tower.
    pub(in crate::encoder) fn new(
        definition: &Definition,
        config: &TextConfig,
    ) -> Result<Self, EncodeError> {
        let bad =
            |source: Cause| EncodeError::BadTokenizer { path: definition.path.clone(), source };
        let mut tokenizer = Tokenizer::from_bytes(&definition.text).map_err(bad)?;
        // The file may contain the settings of the program that saved it last. Our own are set here
        // instead.
        tokenizer.with_truncation(None).map_err(bad)?;
        tokenizer.with_padding(None);
        let empty = tokenizer.encode_fast("", true).map_err(bad)?;
        let &[start, end] = empty.get_ids() else {
            return Err(bad(format!(
                "it adds {} tokens around a text, expected a start and an end token",
                empty.get_ids().len()
            )
            .into()));
        };
        let highest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if highest as usize >= config.vocab_size {
            return Err(bad(format!(
                "its highest token id is {highest}, but the model has {} tokens",
                config.vocab_size
            )
            .into()));
        }
        // Reject the tokenizer if the reference would pool another token than the last one.
        let (pooled, expected) = match config.eos_token_id {
            LEGACY_EOS => (highest, format!("texts are pooled at the highest one, {highest}")),
            eos => (eos, format!("text_config.eos_token_id = {eos}")),
        };
        if pooled != end {
            let problem = format!("it ends a text with token {end}, but {expected}");
            return Err(bad(problem.into()));
        }
        Ok(Self { tokenizer, start, end, max_len: config.max_positions })
    }

    /// Returns the ids of a text, from the start token to the end token, at most `max_positions`.
    pub(in crate::encoder) fn ids(&self, text: &str) -> Result<Vec<u32>, Cause> {
        let encoding = self.tokenizer.encode_fast(text, true)?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() > self.max_len {
            ids.truncate(self.max_len - 1);
            ids.push(self.end);
        }
        Ok(ids)
    }

    /// Returns the number of tokens.
    pub(in crate::encoder) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Returns the token at the start of every text.
    pub(in crate::encoder) fn start(&self) -> u32 {
        self.start
    }

    /// Returns the token at the end of every text, at whose position the text tower is pooled.
    pub(in crate::encoder) fn end(&self) -> u32 {
        self.end
    }
}
