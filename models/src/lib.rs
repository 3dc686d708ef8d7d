//! The checkpoint that PixelPlay embeds: `pixelplay-mini`, an OpenCLIP directory of less than 10
//! MB, compiled into the binary. Its weights are stored in eight bits; `models/eight_bits.py`
//! writes the directory of floats that `open_clip` reads.
//!
//! ```
//! let checkpoint = &pixelplay_models::PIXELPLAY_MINI;
//! assert_eq!(checkpoint.name, "pixelplay-mini");
//! assert!(checkpoint.config_json.starts_with(b"{"));
//! ```
//!
//! The model card, `pixelplay-mini/README.md`, describes the training data and its terms, the
//! results and the limits. The training recipe is in the repository's `models/train`.

/// The embedded files of a checkpoint directory.
#[derive(Clone, Copy)]
pub struct EmbeddedCheckpoint {
    /// The name of the directory.
    pub name: &'static str,
    /// The layout of the directory.
    pub layout: Layout,
    /// `config.json`, or `open_clip_config.json`: widths, depths, image size.
    pub config_json: &'static [u8],
    /// `tokenizer.json`, in the format of the `tokenizers` crate.
    pub tokenizer_json: &'static [u8],
    /// `model.safetensors`, or `open_clip_model.safetensors`. For each tensor `name` of signed
    /// bytes there is a tensor `name.scale` with one float per row, by which the bytes are
    /// multiplied.
    pub model_safetensors: &'static [u8],
}

/// The layout of a checkpoint's files.
#[derive(Clone, Copy)]
pub enum Layout {
    /// The layout of transformers' `CLIPModel`.
    ClipModel {
        /// `preprocessor_config.json`: size, crop, resampling, mean and standard deviation.
        preprocessor_config_json: &'static [u8],
    },
    /// The layout of OpenCLIP, whose configuration includes the pre-processing of pictures.
    OpenClip,
}

impl EmbeddedCheckpoint {
    /// Returns the files with the names that they have in a directory.
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

/// `pixelplay-mini`: EfficientNet-Lite1 at 224 pixels and a four-layer text tower, 384 dimensions.
pub static PIXELPLAY_MINI: EmbeddedCheckpoint = EmbeddedCheckpoint {
    name: "pixelplay-mini",
    layout: Layout::OpenClip,
    config_json: include_bytes!("../pixelplay-mini/open_clip_config.json"),
    tokenizer_json: include_bytes!("../pixelplay-mini/tokenizer.json"),
    model_safetensors: include_bytes!("../pixelplay-mini/open_clip_model.safetensors"),
};

#[cfg(test)]
mod tests {
    use super::PIXELPLAY_MINI as MINI;
    use serde_json::Value;

    fn json(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).expect("an embedded file is not JSON")
    }

    /// Returns the header of a safetensors file, which is stored as its length, a u64, followed by
    /// JSON.
    fn header() -> (usize, Value) {
        let (length, rest) = MINI.model_safetensors.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes"));
        let length = usize::try_from(length).expect("a header fits in memory");
        (8 + length, json(&rest[..length]))
    }

    #[test]
    fn the_settings_fit_together() {
        let (config, tokenizer) = (json(MINI.config_json), json(MINI.tokenizer_json));
        let model = &config["model_cfg"];
        assert_eq!(model["embed_dim"], 384);
        assert_eq!(model["vision_cfg"]["timm_model_name"], "tf_efficientnet_lite1");
        assert_eq!(config["preprocess_cfg"]["resize_mode"], "shortest");
        let vocabulary = tokenizer["model"]["vocab"].as_object().expect("a vocabulary");
        assert_eq!(model["text_cfg"]["vocab_size"], vocabulary.len());
        // OpenCLIP pools at the highest id, so the end token must have it.
        assert_eq!(vocabulary["<|endoftext|>"], vocabulary.len() - 1);
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
            let offset =
                |i: usize| tensor["data_offsets"][i].as_u64().and_then(|o| usize::try_from(o).ok());
            let (start, end) = (offset(0).expect("a start"), offset(1).expect("an end"));
            covered += end - start;
            if tensor["dtype"] == "I8" {
                assert_eq!(header[format!("{name}.scale")]["shape"][0], tensor["shape"][0]);
                continue;
            }
            assert_eq!(tensor["dtype"], "F32", "{name}");
            let (floats, rest) = bytes[start..end].as_chunks();
            assert!(rest.is_empty() && floats.iter().all(|f| f32::from_le_bytes(*f).is_finite()));
        }
        assert_eq!(covered, bytes.len());
    }

    #[test]
    fn the_whole_is_below_what_a_crate_may_have() {
        let bytes = MINI.files().iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        assert!(bytes < 10_000_000, "{bytes}");
    }
}
