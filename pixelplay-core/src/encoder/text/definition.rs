//! Reads the tokenizer of a checkpoint.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cause::Cause;
use crate::encoder::error::EncodeError;
use crate::encoder::files;

/// A tokenizer definition: the parsed `tokenizer.json`, or an equivalent made from other files.
pub(in crate::encoder) struct Definition {
    pub(in crate::encoder) path: PathBuf,
    pub(in crate::encoder) json: Value,
    pub(super) text: String,
}

impl Definition {
    /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`.
    pub(in crate::encoder) fn open(dir: &Path) -> Result<Self, EncodeError> {
        let path = dir.join(files::TOKENIZER);
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(EncodeError::io(&path))?;
            return Self::parse(path, bytes);
        }
        let (vocab, merges) = (dir.join(files::VOCABULARY), dir.join(files::MERGES));
        if !vocab.exists() || !merges.exists() {
            return Err(EncodeError::MissingFile { dir: dir.to_owned(), file: files::TOKENIZER });
        }
        let vocab_json = std::fs::read(&vocab).map_err(EncodeError::io(&vocab))?;
        let merges_txt = std::fs::read_to_string(&merges).map_err(EncodeError::io(&merges))?;
        let json = clip_definition(&vocab_json, &merges_txt)
            .map_err(|source| EncodeError::BadTokenizer { path: vocab.clone(), source })?;
        let text = json.to_string();
        Ok(Self { path: vocab, json, text })
    }

    /// Parses `tokenizer.json`.
    pub(in crate::encoder) fn parse(
        path: PathBuf,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Self, EncodeError> {
        let parsed = String::from_utf8(bytes.into())
            .map_err(Cause::from)
            .and_then(|text| Ok((serde_json::from_str(&text)?, text)));
        match parsed {
            Ok((json, text)) => Ok(Self { path, json, text }),
            Err(source) => Err(EncodeError::BadJson { path, source }),
        }
    }
}

/// Builds the tokenizer of openai/CLIP around a vocabulary, as transformers' `CLIPTokenizer` does.
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
