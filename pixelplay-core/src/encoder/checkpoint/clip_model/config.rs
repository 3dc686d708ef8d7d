//! Parses the `config.json` of a `CLIPModel`.
//!
//! Missing keys take the defaults of transformers' `CLIPConfig`, `CLIPTextConfig` and
//! `CLIPVisionConfig`. Anything that this encoder does not support is rejected by name: a model
//! that runs with the wrong activation returns vectors that look fine and mean nothing.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::encoder::checkpoint::config::{
    Activation, Config, Layout, MAX_IMAGE_SIZE, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY,
    MAX_WIDTH, Refuse, TextConfig, TransformerConfig, VisionConfig, VitConfig,
};
use crate::encoder::error::EncodeError;

#[derive(Deserialize)]
struct RawConfig {
    model_type: Option<String>,
    architectures: Option<Vec<String>>,
    text_config: Option<RawText>,
    vision_config: Option<RawVision>,
    // OpenAI's first configs contain these copies. If present, they take precedence, as in
    // transformers.
    text_config_dict: Option<RawText>,
    vision_config_dict: Option<RawVision>,
    projection_dim: Option<usize>,
}

#[derive(Deserialize, Default)]
struct RawText {
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    eos_token_id: Option<Value>,
    #[serde(flatten)]
    transformer: RawTransformer,
}

#[derive(Deserialize, Default)]
struct RawVision {
    num_channels: Option<usize>,
    image_size: Option<Value>,
    patch_size: Option<Value>,
    #[serde(flatten)]
    transformer: RawTransformer,
}

#[derive(Deserialize, Default)]
struct RawTransformer {
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    hidden_act: Option<String>,
    layer_norm_eps: Option<f64>,
}

struct TransformerDefaults {
    width: usize,
    mlp_width: usize,
    heads: usize,
}

impl Config {
    /// Parses the `config.json` of a `CLIPModel`; `path` is for the errors.
    pub(in crate::encoder) fn parse_clip_model(
        path: &Path,
        json: &[u8],
    ) -> Result<Self, EncodeError> {
        let raw: RawConfig = serde_json::from_slice(json).map_err(EncodeError::bad_json(path))?;
        let refuse = Refuse { path, section: "" };
        if raw.model_type.as_deref() != Some("clip") {
            return Err(refuse.because("model_type", &raw.model_type, "expected \"clip\""));
        }
        if let Some(architectures) = &raw.architectures
            && !architectures.iter().any(|a| a == "CLIPModel")
        {
            return Err(refuse.because("architectures", architectures, "expected CLIPModel"));
        }
        Ok(Self {
            text: raw.text_config_dict.or(raw.text_config).unwrap_or_default().check(path)?,
            vision: VisionConfig::Vit(
                raw.vision_config_dict.or(raw.vision_config).unwrap_or_default().check(path)?,
            ),
            projection_dim: refuse.size(
                "projection_dim",
                raw.projection_dim.unwrap_or(512),
                MAX_WIDTH,
            )?,
            layout: Layout::ClipModel,
        })
    }
}

impl RawText {
    fn check(self, path: &Path) -> Result<TextConfig, EncodeError> {
        let refuse = Refuse { path, section: "text_config." };
        let max_positions = refuse.size(
            "max_position_embeddings",
            self.max_position_embeddings.unwrap_or(77),
            MAX_POSITIONS,
        )?;
        if max_positions < 3 {
            return Err(refuse.because(
                "max_position_embeddings",
                max_positions,
                "a text needs at least a start token, a word and an end token",
            ));
        }
        let vocab_size =
            refuse.size("vocab_size", self.vocab_size.unwrap_or(49408), MAX_VOCABULARY)?;
        if vocab_size < 3 {
            return Err(refuse.because(
                "vocab_size",
                vocab_size,
                "there must be at least a start token, an end token and a word",
            ));
        }
        let eos_token_id = match &self.eos_token_id {
            None | Some(Value::Null) => 49407,
            Some(id) => id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
                refuse.because("eos_token_id", id, "a text has exactly one end token")
            })?,
        };
        Ok(TextConfig {
            transformer: self
                .transformer
                .check(&refuse, &TransformerDefaults { width: 512, mlp_width: 2048, heads: 8 })?,
            vocab_size,
            max_positions,
            eos_token_id,
        })
    }
}

impl RawVision {
    fn check(self, path: &Path) -> Result<VitConfig, EncodeError> {
        let refuse = Refuse { path, section: "vision_config." };
        if let Some(channels) = self.num_channels
            && channels != 3
        {
            return Err(refuse.because("num_channels", channels, "pictures are RGB"));
        }
        let side = |key: &str, value: &Option<Value>, default: usize| match value {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_u64()
                .and_then(|side| usize::try_from(side).ok())
                .ok_or_else(|| refuse.because(key, value, "it must be a single whole number"))
                .and_then(|side| refuse.size(key, side, MAX_IMAGE_SIZE)),
        };
        let image_size = side("image_size", &self.image_size, 224)?;
        let patch_size = side("patch_size", &self.patch_size, 32)?;
        if !image_size.is_multiple_of(patch_size) {
            return Err(refuse.because(
                "patch_size",
                patch_size,
                &format!("it must divide the image_size, {image_size}"),
            ));
        }
        Ok(VitConfig {
            transformer: self
                .transformer
                .check(&refuse, &TransformerDefaults { width: 768, mlp_width: 3072, heads: 12 })?,
            image_size,
            patch_size,
        })
    }
}

impl RawTransformer {
    fn check(
        self,
        refuse: &Refuse<'_>,
        defaults: &TransformerDefaults,
    ) -> Result<TransformerConfig, EncodeError> {
        let width =
            refuse.size("hidden_size", self.hidden_size.unwrap_or(defaults.width), MAX_WIDTH)?;
        let heads = refuse.size(
            "num_attention_heads",
            self.num_attention_heads.unwrap_or(defaults.heads),
            MAX_WIDTH,
        )?;
        if !width.is_multiple_of(heads) {
            return Err(refuse.because(
                "num_attention_heads",
                heads,
                &format!("it must divide the hidden_size, {width}"),
            ));
        }
        let layer_norm_eps = self.layer_norm_eps.unwrap_or(1e-5);
        if !(0.0..1.0).contains(&layer_norm_eps) {
            return Err(refuse.because(
                "layer_norm_eps",
                layer_norm_eps,
                "it must be at least 0 and below 1",
            ));
        }
        let activation = match self.hidden_act.as_deref().unwrap_or("quick_gelu") {
            "quick_gelu" => Activation::QuickGelu,
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            other => {
                return Err(refuse.because(
                    "hidden_act",
                    other,
                    "expected quick_gelu, gelu, gelu_new or gelu_pytorch_tanh",
                ));
            }
        };
        Ok(TransformerConfig {
            width,
            mlp_width: refuse.size(
                "intermediate_size",
                self.intermediate_size.unwrap_or(defaults.mlp_width),
                MAX_WIDTH * 4,
            )?,
            layers: refuse.size(
                "num_hidden_layers",
                self.num_hidden_layers.unwrap_or(12),
                MAX_LAYERS,
            )?,
            heads,
            activation,
            layer_norm_eps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Config {
        Config::parse_clip_model(Path::new("config.json"), json.as_bytes()).unwrap()
    }

    #[test]
    fn missing_keys_take_the_defaults_of_transformers() {
        // transformers 5: CLIPConfig, CLIPTextConfig, CLIPVisionConfig; the shape of ViT-B/32.
        let config = parse(r#"{"model_type": "clip", "text_config": null}"#);
        let transformer = |width, heads| TransformerConfig {
            width,
            mlp_width: width * 4,
            layers: 12,
            heads,
            activation: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        };
        let expected = Config {
            text: TextConfig {
                transformer: transformer(512, 8),
                vocab_size: 49408,
                max_positions: 77,
                eos_token_id: 49407,
            },
            vision: VisionConfig::Vit(VitConfig {
                transformer: transformer(768, 12),
                image_size: 224,
                patch_size: 32,
            }),
            projection_dim: 512,
            layout: Layout::ClipModel,
        };
        assert_eq!(config, expected);
        // The published checkpoint has 151,277,313 parameters, one of them the temperature.
        let parameters: usize =
            (config.tensors().iter()).map(|spec| spec.shape.iter().product::<usize>()).sum();
        assert_eq!(parameters, 151_277_313 - 1);
    }

    #[test]
    fn the_copies_in_old_configs_win() {
        let config = parse(
            r#"{
                "model_type": "clip",
                "text_config": {"num_hidden_layers": 3, "hidden_act": "gelu"},
                "text_config_dict": {"hidden_act": "gelu_new"},
                "vision_config": {"num_hidden_layers": 5},
                "vision_config_dict": null
            }"#,
        );
        // The copy replaces the whole object: missing keys take the default, not the other object's
        // value.
        assert_eq!(config.text.transformer.layers, 12);
        assert_eq!(config.text.transformer.activation, Activation::GeluTanh);
        let VisionConfig::Vit(vision) = &config.vision else { panic!("{:?}", config.vision) };
        assert_eq!(vision.transformer.layers, 5);
    }
}
