//! Parses `open_clip_config.json`.
//!
//! Missing keys take the defaults of OpenCLIP's `CLIPVisionCfg` and `CLIPTextCfg`. Anything that
//! this encoder does not support is rejected by name, and so are keys that OpenCLIP does not know.

use std::path::Path;

use serde_json::{Map, Value};

use super::section::Section;
use crate::encoder::checkpoint::config::{
    Activation, Config, LEGACY_EOS, Layout, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH,
    TextConfig, TransformerConfig, VisionConfig,
};
use crate::encoder::checkpoint::efficientnet::{EfficientNetConfig, Head, Lite};
use crate::encoder::error::EncodeError;

/// The activations of a convolution grow with the square of the image size. The limit keeps a
/// configuration from using up all memory.
const MAX_IMAGE_SIZE: usize = 1 << 10;

/// Model settings that have no effect here: they concern training.
const MODEL_UNREAD: &[&str] =
    &["init_logit_scale", "init_logit_bias", "nonscalar_logit_scale", "output_dict"];

/// Vision tower settings that have no effect here: those that a timm model overrides, and dropout.
#[rustfmt::skip]
const VISION_UNREAD: &[&str] = &[
    "layers", "width", "head_width", "mlp_ratio", "patch_size", "timm_model_pretrained",
    "timm_drop", "timm_drop_path", "output_tokens",
];

/// Text tower settings that have no effect here: those of the tokenizer, and those used only with
/// other poolings and towers.
#[rustfmt::skip]
const TEXT_UNREAD: &[&str] = &[
    "hf_tokenizer_name", "pad_id", "eos_id", "output_tokens", "hf_model_pretrained",
    "hf_proj_type", "hf_pooler_type",
];

/// Settings that would change the transformer, and must be absent.
#[rustfmt::skip]
const OFF: &[(&str, &str)] = &[
    ("ls_init_value", ""), ("act_kwargs", ""), ("norm_kwargs", ""), ("block_type", "default"),
    ("qk_norm", ""), ("scaled_cosine_attn", ""), ("scale_heads", ""), ("scale_attn_inner", ""),
    ("scale_attn", ""), ("scale_fc", ""), ("final_ln_after_pool", ""),
];

impl Config {
    /// Parses `open_clip_config.json`; `path` is for the errors.
    pub(in crate::encoder) fn parse_open_clip(
        path: &Path,
        json: &[u8],
    ) -> Result<Self, EncodeError> {
        let whole: Map<String, Value> =
            serde_json::from_slice(json).map_err(EncodeError::bad_json(path))?;
        let object = |map: &Map<String, Value>, key: &str| match map.get(key) {
            Some(Value::Object(map)) => Ok(map.clone()),
            _ => Err(EncodeError::bad_json::<String>(path)(format!("it has no object {key}"))),
        };
        let model = object(&whole, "model_cfg")?;
        let section = Section::new(path, "model_cfg.", &model);
        let read = ["embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text"];
        section.only(&[&read, MODEL_UNREAD].concat(), &[("multimodal_cfg", "")])?;
        if section.get("embed_dim").is_none() {
            return Err(section.because("embed_dim", "it must be given"));
        }
        let activation = match section.flag("quick_gelu")? {
            true => Activation::QuickGelu,
            false => Activation::Gelu,
        };
        let (vision, text) = (object(&model, "vision_cfg")?, object(&model, "text_cfg")?);
        Ok(Self {
            projection_dim: section.size("embed_dim", 0, 1, MAX_WIDTH)?,
            vision: vision_config(&Section::new(path, "model_cfg.vision_cfg.", &vision))?,
            text: text_config(&Section::new(path, "model_cfg.text_cfg.", &text), activation)?,
            layout: Layout::OpenClip {
                text: if section.flag("custom_text")? { "text." } else { "" },
            },
        })
    }
}

fn vision_config(section: &Section<'_>) -> Result<VisionConfig, EncodeError> {
    let known = || {
        let names = Lite::ALL.map(Lite::name).join(", ");
        format!("expected one of {names}")
    };
    let name = section.text("timm_model_name", "")?;
    let model = Lite::named(name).ok_or_else(|| section.because("timm_model_name", &known()))?;
    let read = ["timm_model_name", "timm_pool", "timm_proj", "timm_proj_bias", "image_size"];
    section.only(&[&read, VISION_UNREAD].concat(), &[("patch_dropout", "")])?;
    let bias = section.flag("timm_proj_bias")?;
    // If the key is missing, the projection is linear; `null` is the same as empty.
    let left_out = if section.has("timm_proj") { "" } else { "linear" };
    let head = match section.text("timm_proj", left_out)? {
        "" => Head::Classifier,
        "linear" => Head::Linear { bias },
        "mlp" => Head::Mlp { bias },
        _ => return Err(section.because("timm_proj", "expected \"linear\", \"mlp\" or \"\"")),
    };
    match section.text("timm_pool", "avg")? {
        "avg" => {}
        // The network's own pooling, which is average pooling. It is required with the network's
        // own classifier.
        "" if head != Head::Classifier => {}
        _ => {
            let supported = "expected \"avg\" or, with a timm_proj, \"\"";
            return Err(section.because("timm_pool", supported));
        }
    }
    Ok(VisionConfig::EfficientNet(EfficientNetConfig {
        model,
        image_size: image_size(section)?,
        head,
    }))
}

/// Reads height and width, which may be given as a pair.
fn image_size(section: &Section<'_>) -> Result<usize, EncodeError> {
    let key = "image_size";
    let pair = section.get(key).and_then(Value::as_array);
    let side = match pair.map(Vec::as_slice) {
        None => return section.size(key, 224, 1, MAX_IMAGE_SIZE),
        Some([height, width]) if height == width => height.as_u64(),
        Some(_) => None,
    };
    side.and_then(|side| usize::try_from(side).ok())
        .filter(|side| (1..=MAX_IMAGE_SIZE).contains(side))
        .ok_or_else(|| {
            let supported =
                format!("pictures must be squares with a side between 1 and {MAX_IMAGE_SIZE}");
            section.because(key, &supported)
        })
}

fn text_config(section: &Section<'_>, activation: Activation) -> Result<TextConfig, EncodeError> {
    if section.get("hf_model_name").is_some() {
        let supported = "the text tower must be OpenCLIP's own";
        return Err(section.because("hf_model_name", supported));
    }
    let read =
        ["context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "hf_model_name"];
    let off = [
        ("embed_cls", ""),
        ("no_causal_mask", ""),
        ("proj_bias", ""),
        ("proj_type", "linear"),
        ("pool_type", "argmax"),
        ("tokenizer_mode", ""),
        ("tokenizer_kwargs", ""),
    ];
    section.only(&[&read, TEXT_UNREAD].concat(), &[&off, OFF].concat())?;
    let width = section.size("width", 512, 1, MAX_WIDTH)?;
    let heads = section.size("heads", 8, 1, MAX_WIDTH)?;
    if !width.is_multiple_of(heads) {
        return Err(section.because("heads", &format!("it must divide the width, {width}")));
    }
    let ratio = section.number("mlp_ratio", 4.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "truncated as the reference does; out-of-range values become 0 or too large"
    )]
    let mlp_width = (width as f64 * ratio) as usize;
    if !(1..=4 * MAX_WIDTH).contains(&mlp_width) {
        return Err(section.because("mlp_ratio", "the MLPs would have no sensible width"));
    }
    Ok(TextConfig {
        transformer: TransformerConfig {
            width,
            mlp_width,
            layers: section.size("layers", 12, 1, MAX_LAYERS)?,
            heads,
            activation,
            layer_norm_eps: 1e-5,
        },
        // A text needs at least a start token, a word and an end token.
        vocab_size: section.size("vocab_size", 49408, 3, MAX_VOCABULARY)?,
        max_positions: section.size("context_length", 77, 3, MAX_POSITIONS)?,
        // A text is pooled at its highest token id.
        eos_token_id: LEGACY_EOS,
    })
}
