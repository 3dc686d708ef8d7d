//! The checkpoint that PixelPlay carries inside itself: `pixelplay-mini`, an ordinary Hugging Face
//! `CLIPModel` directory of less than 9 MB, as bytes of the binary.
//!
//! ```
//! let checkpoint = &pixelplay_models::PIXELPLAY_MINI;
//! assert_eq!(checkpoint.name, "pixelplay-mini");
//! assert!(checkpoint.config_json.starts_with(b"{"));
//! ```
//!
//! What it was trained on, on whose terms, how well it does and what it cannot do stands in its
//! model card, `pixelplay-mini/README.md`. The recipe that made it is in the repository's
//! `models/train`.

/// The four files of a Hugging Face `CLIPModel` directory, embedded.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct EmbeddedCheckpoint {
    /// The directory's name.
    pub name: &'static str,
    /// `config.json`: widths, depths, patch and image size, token ids.
    pub config_json: &'static [u8],
    /// `preprocessor_config.json`: size, crop, resampling, mean and standard deviation.
    pub preprocessor_config_json: &'static [u8],
    /// `tokenizer.json`, as the `tokenizers` crate reads it.
    pub tokenizer_json: &'static [u8],
    /// `model.safetensors`, float16. Starts at a multiple of 64 bytes, so that its tensors can be
    /// used in place.
    pub model_safetensors: &'static [u8],
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
    config_json: include_bytes!("../pixelplay-mini/config.json"),
    preprocessor_config_json: include_bytes!("../pixelplay-mini/preprocessor_config.json"),
    tokenizer_json: include_bytes!("../pixelplay-mini/tokenizer.json"),
    model_safetensors: &MINI_WEIGHTS.0,
};

#[cfg(test)]
mod tests {
    use super::PIXELPLAY_MINI as MINI;
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
        let (config, preprocessor, tokenizer) = (
            json(MINI.config_json),
            json(MINI.preprocessor_config_json),
            json(MINI.tokenizer_json),
        );
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
        let files = [
            MINI.config_json,
            MINI.preprocessor_config_json,
            MINI.tokenizer_json,
            MINI.model_safetensors,
        ];
        assert!(files.iter().map(|f| f.len()).sum::<usize>() < 9_000_000);
    }
}
