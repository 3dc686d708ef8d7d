//! Parses `preprocess_cfg` of an `open_clip_config.json`.

use std::path::Path;

use serde_json::{Map, Value};

use super::resample::Filter;
use super::settings::{Borders, CLIP_MEAN, CLIP_STD, Settings, Size};
use crate::encoder::error::EncodeError;

impl Settings {
    /// Parses the settings for a tower whose input is a square of `side` pixels. `side` takes
    /// precedence over the size in the settings; `path` is used only in errors.
    ///
    /// Missing keys take the defaults of OpenCLIP's `PreprocessCfg`.
    pub(in crate::encoder) fn parse_open_clip(
        path: &Path,
        json: &[u8],
        side: usize,
    ) -> Result<Self, EncodeError> {
        let whole: Map<String, Value> =
            serde_json::from_slice(json).map_err(EncodeError::bad_json(path))?;
        let map = match whole.get("preprocess_cfg") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => {
                let problem = "preprocess_cfg is not an object".to_owned();
                return Err(EncodeError::bad_json::<String>(path)(problem));
            }
        };
        let keys = Keys { path, map: &map };
        if keys.text("mode", "RGB")? != "RGB" {
            return Err(keys.refuse("mode", "pictures must be RGB"));
        }
        let filter = match keys.text("interpolation", "bicubic")? {
            // `random` is for training; pictures to encode are resized bicubically.
            "bicubic" | "random" => Filter::Bicubic,
            "bilinear" => Filter::Bilinear,
            _ => {
                return Err(keys.refuse("interpolation", "expected \"bicubic\" or \"bilinear\""));
            }
        };
        let (size, crop) = match keys.text("resize_mode", "shortest")? {
            "shortest" => (Size::ShortestEdge(side), true),
            "longest" => (Size::LongestEdge(side), true),
            "squash" => (Size::Exact([side, side]), false),
            _ => {
                let supported = "expected \"shortest\", \"longest\" or \"squash\"";
                return Err(keys.refuse("resize_mode", supported));
            }
        };
        let std = keys.channels("std", CLIP_STD)?;
        if std.iter().any(|&deviation| deviation <= 0.0) {
            return Err(keys.refuse("std", "each deviation must be above 0"));
        }
        Ok(Self {
            resize: Some((size, filter)),
            center_crop: crop.then_some([side, side]),
            borders: Borders::Torchvision { fill: keys.fill()? },
            rescale: Some(1.0 / 255.0),
            normalize: Some((keys.channels("mean", CLIP_MEAN)?, std)),
        })
    }
}

struct Keys<'a> {
    path: &'a Path,
    map: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn refuse(&self, key: &str, supported: &str) -> EncodeError {
        let value = self.map.get(key).unwrap_or(&Value::Null).to_string();
        EncodeError::unsupported(self.path, format!("preprocess_cfg.{key}"), value, supported)
    }

    fn text(&self, key: &str, default: &'static str) -> Result<&'a str, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.refuse(key, "it must be a string")),
        }
    }

    /// Reads one number for each channel, or one for all.
    fn channels(&self, key: &str, default: [f64; 3]) -> Result<[f64; 3], EncodeError> {
        let channels = match self.get(key) {
            None => return Ok(default),
            Some(Value::Array(list)) => {
                let numbers = list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
                numbers.and_then(|numbers| numbers.try_into().ok())
            }
            Some(value) => value.as_f64().map(|number| [number; 3]),
        };
        channels.ok_or_else(|| self.refuse(key, "it must be one number or three numbers"))
    }

    fn fill(&self) -> Result<u8, EncodeError> {
        match self.get("fill_color") {
            None => Ok(0),
            Some(value) => value
                .as_u64()
                .and_then(|level| u8::try_from(level).ok())
                .ok_or_else(|| self.refuse("fill_color", "it must be one level from 0 to 255")),
        }
    }
}
