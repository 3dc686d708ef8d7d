//! The checkpoint that PixelPlay carries inside itself: `pixelplay-mini`, an ordinary Hugging Face
//! `CLIPModel` directory of less than 9 MB, as bytes of the binary. One of OpenCLIP's could be so,
//! too.
//!
//! ```
//! let checkpoint = &pixelplay_models::PIXELPLAY_MINI;
//! assert_eq!(checkpoint.name, "pixelplay-mini");
//! assert!(checkpoint.config_json.starts_with(b"{"));
//! ```
//!
//! What it was trained on, on whose terms, how well it does and what it cannot do stands in its
//! model card, `pixelplay-mini/README.md`. The recipe that made it is the repository's
//! `models/train` at commit `26578f6`; what stands there now makes the one to follow.

/// The files of a checkpoint's directory, embedded.
#[derive(Clone, Copy)]
pub struct EmbeddedCheckpoint {
    /// The directory's name.
    pub name: &'static str,
    /// Whose directory it is.
    pub layout: Layout,
    /// `config.json`, or `open_clip_config.json`: widths, depths, image size.
    pub config_json: &'static [u8],
    /// `tokenizer.json`, as the `tokenizers` crate reads it.
    pub tokenizer_json: &'static [u8],
    /// `model.safetensors`, or `open_clip_model.safetensors`, float16. Starts at a multiple of 64
    /// bytes, so that its tensors can be used in place.
    pub model_safetensors: &'static [u8],
}

/// Whose files a checkpoint consists of.
#[derive(Clone, Copy)]
pub enum Layout {
    /// transformers' `CLIPModel`.
    ClipModel {
        /// `preprocessor_config.json`: size, crop, resampling, mean and standard deviation.
        preprocessor_config_json: &'static [u8],
    },
    /// OpenCLIP's, whose configuration has a picture's pre-processing too.
    OpenClip,
}

impl EmbeddedCheckpoint {
    /// The files by the names that they have in a directory.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, &'static [u8])> {
        let [config, weights] = match self.layout {
            Layout::ClipModel { .. } => ["config.json", "model.safetensors"],
            Layout::OpenClip => ["open_clip_config.json", "open_clip_model.safetensors"],
        };
        let mut files = vec![
            (config, self.config_json),
            ("tokenizer.json", self.tokenizer_json),
            (weights, self.model_safetensors),
        ];
        if let Layout::ClipModel { preprocessor_config_json } = self.layout {
            files.push(("preprocessor_config.json", preprocessor_config_json));
        }
        files
    }
}

impl std::fmt::Debug for EmbeddedCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedCheckpoint")
            .field("name", &self.name)
            .field("model_safetensors", &format_args!("{} bytes", self.model_safetensors.len()))
            .finish_non_exhaustive()
    }
}

#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

static MINI_WEIGHTS: &Aligned<[u8]> =
    &Aligned(*include_bytes!("../pixelplay-mini/model.safetensors"));

/// `pixelplay-mini`: 96-pixel ViT and a four-layer text tower, 512 dimensions.
pub static PIXELPLAY_MINI: EmbeddedCheckpoint = EmbeddedCheckpoint {
    name: "pixelplay-mini",
    layout: Layout::ClipModel {
        preprocessor_config_json: include_bytes!("../pixelplay-mini/preprocessor_config.json"),
    },
    config_json: include_bytes!("../pixelplay-mini/config.json"),
    tokenizer_json: include_bytes!("../pixelplay-mini/tokenizer.json"),
    model_safetensors: &MINI_WEIGHTS.0,
};

#[cfg(test)]
mod tests {
    use super::{Layout, PIXELPLAY_MINI as MINI};
    use serde_json::Value;

    fn json(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).expect("an embedded file is not JSON")
    }

    /// Header of a safetensors file: its length as u64, then JSON.
    fn header() -> (usize, Value) {
        let (length, rest) = MINI.model_safetensors.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes"));
        let length = usize::try_from(length).expect("a header fits in memory");
        (8 + length, json(&rest[..length]))
    }

    #[test]
    fn the_settings_fit_together() {
        let Layout::ClipModel { preprocessor_config_json: preprocessor } = MINI.layout else {
            panic!("it is a CLIPModel")
        };
        let (config, preprocessor, tokenizer) =
            (json(MINI.config_json), json(preprocessor), json(MINI.tokenizer_json));
        assert_eq!(config["model_type"], "clip");
        assert_eq!(config["projection_dim"], 512);
        assert_eq!(preprocessor["size"]["shortest_edge"], config["vision_config"]["image_size"]);
        let vocabulary = tokenizer["model"]["vocab"].as_object().expect("a vocabulary");
        assert_eq!(config["text_config"]["vocab_size"], vocabulary.len());
        // Loaders that pool by argmax of the ids need the end token to be the greatest.
        assert_eq!(vocabulary["<|endoftext|>"], vocabulary.len() - 1);
        assert_eq!(config["text_config"]["eos_token_id"], vocabulary["<|endoftext|>"]);
        assert_eq!(config["text_config"]["bos_token_id"], vocabulary["<|startoftext|>"]);
    }

    #[test]
    fn every_tensor_is_finite_and_inside_the_file() {
        let (data, header) = header();
        let bytes = &MINI.model_safetensors[data..];
        let mut covered = 0;
        for (name, tensor) in header.as_object().expect("an object") {
            if name == "__metadata__" {
                continue;
            }
            assert_eq!(tensor["dtype"], "F16", "{name}");
            let offset =
                |i: usize| tensor["data_offsets"][i].as_u64().and_then(|o| usize::try_from(o).ok());
            let (start, end) = (offset(0).expect("a start"), offset(1).expect("an end"));
            let halves = bytes[start..end].chunks_exact(2);
            let finite =
                halves.map(|h| u16::from_le_bytes([h[0], h[1]])).all(|h| h & 0x7c00 != 0x7c00);
            assert!(finite, "{name} holds an infinity or NaN");
            covered += end - start;
        }
        assert_eq!(covered, bytes.len());
    }

    #[test]
    fn weights_are_aligned_and_the_whole_is_below_nine_megabytes() {
        assert_eq!(MINI.model_safetensors.as_ptr().addr() % 64, 0);
        let bytes = MINI.files().iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        assert!(bytes < 9_000_000, "{bytes}");
    }
}
