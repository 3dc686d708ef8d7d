//! Text to token ids.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::checkpoint::{LEGACY_EOS, TextConfig};
use super::error::{Cause, EncodeError};

/// Cuts a text into token ids as the checkpoint's own tokenizer does.
pub(super) struct Tokenize {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    max_len: usize,
}

/// A tokenizer definition: the parsed `tokenizer.json`, or the same made from other files.
pub(super) struct Definition {
    pub(super) path: PathBuf,
    pub(super) json: Value,
    text: String,
}

impl Definition {
    /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`.
    pub(super) fn open(dir: &Path) -> Result<Self, EncodeError> {
        let path = dir.join("tokenizer.json");
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(EncodeError::io(&path))?;
            return Self::parse(path, bytes);
        }
        let (vocab, merges) = (dir.join("vocab.json"), dir.join("merges.txt"));
        if !vocab.exists() || !merges.exists() {
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: "tokenizer.json" });
        }
        let vocab_json = std::fs::read(&vocab).map_err(EncodeError::io(&vocab))?;
        let merges_txt = std::fs::read_to_string(&merges).map_err(EncodeError::io(&merges))?;
        let json = clip_definition(&vocab_json, &merges_txt)
            .map_err(|source| EncodeError::BadTokenizer { path: vocab.clone(), source })?;
        let text = json.to_string();
        Ok(Self { path: vocab, json, text })
    }

    /// Parses `tokenizer.json`.
    pub(super) fn parse(path: PathBuf, bytes: impl Into<Vec<u8>>) -> Result<Self, EncodeError> {
        let parsed = String::from_utf8(bytes.into())
            .map_err(Cause::from)
            .and_then(|text| Ok((serde_json::from_str(&text)?, text)));
        match parsed {
            Ok((json, text)) => Ok(Self { path, json, text }),
            Err(source) => Err(EncodeError::BadJson { path, source }),
        }
    }
}

/// The tokenizer of openai/CLIP around a vocabulary: what transformers' `CLIPTokenizer` builds.
fn clip_definition(vocab_json: &[u8], merges_txt: &str) -> Result<Value, Cause> {
    let vocab: serde_json::Map<String, Value> = serde_json::from_slice(vocab_json)?;
    let special = |token: &str| {
        vocab
            .get(token)
            .and_then(Value::as_u64)
            .ok_or_else(|| format!("the vocabulary has no {token}"))
    };
    let start = special("<|startoftext|>")?;
    let end = special("<|endoftext|>")?;
    let merges: Vec<&str> = merges_txt
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.trim().is_empty())
        .collect();
    let added = |id: u64, content: &str| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    };
    Ok(json!({
        "version": "1.0",
        "added_tokens": [added(start, "<|startoftext|>"), added(end, "<|endoftext|>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
            {"type": "Lowercase"},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {
                "type": "Split",
                "pattern": {"Regex": "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},
                "behavior": "Removed",
                "invert": true,
            },
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["<|endoftext|>", end],
            "cls": ["<|startoftext|>", start],
            "trim_offsets": false,
            "add_prefix_space": false,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<|endoftext|>",
            "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
            "vocab": vocab, "merges": merges,
        },
    }))
}

impl Tokenize {
    /// Builds the tokenizer and checks that it fits the text tower.
    pub(super) fn new(definition: &Definition, config: &TextConfig) -> Result<Self, EncodeError> {
        let bad =
            |source: Cause| EncodeError::BadTokenizer { path: definition.path.clone(), source };
        let mut tokenizer = Tokenizer::from_bytes(&definition.text).map_err(bad)?;
        // A file may carry the settings of whoever saved it last; ours are below.
        tokenizer.with_truncation(None).map_err(bad)?;
        tokenizer.with_padding(None);
        let empty = tokenizer.encode_fast("", true).map_err(bad)?;
        let &[start, end] = empty.get_ids() else {
            return Err(bad(format!(
                "it puts {} tokens around a text, expected a start and an end token",
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
        // Where transformers would pool another token than the last one, refuse.
        let pooled = match config.eos_token_id {
            LEGACY_EOS => highest,
            eos => eos,
        };
        if pooled != end {
            return Err(bad(format!(
                "it ends a text with token {end}, but text_config.eos_token_id = {} means {pooled}",
                config.eos_token_id
            )
            .into()));
        }
        Ok(Self { tokenizer, start, end, max_len: config.max_positions })
    }

    /// The ids of a text, from the start token to the end token, at most `max_positions` of them.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, Cause> {
        let encoding = self.tokenizer.encode_fast(text, true)?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() > self.max_len {
            ids.truncate(self.max_len - 1);
            ids.push(self.end);
        }
        Ok(ids)
    }

    /// How many tokens there are.
    pub(super) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The token that opens every text.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// The token that closes every text, at whose position the text tower is pooled.
    pub(super) fn end(&self) -> u32 {
        self.end
    }
}
