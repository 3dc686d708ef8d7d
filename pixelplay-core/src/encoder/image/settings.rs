//! Settings for resizing, cropping and normalising pictures, and parsing them from
//! `preprocessor_config.json`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::resample::Filter;
use crate::cause::Cause;
use crate::encoder::error::EncodeError;
use crate::encoder::files;

/// Everything in a checkpoint's settings that affects a pixel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::encoder) struct Settings {
    pub(super) resize: Option<(Size, Filter)>,
    pub(super) center_crop: Option<[usize; 2]>,
    /// Omitted for transformers, so that fingerprints do not change.
    #[serde(skip_serializing_if = "Borders::are_of_transformers")]
    pub(super) borders: Borders,
    pub(super) rescale: Option<f64>,
    /// Mean and standard deviation of each channel.
    pub(super) normalize: Option<([f64; 3], [f64; 3])>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) enum Size {
    ShortestEdge(usize),
    LongestEdge(usize),
    /// Height and width.
    Exact([usize; 2]),
}

/// The rules for cropping a picture to its centre, or for padding it if it is smaller. The rules
/// yield different results if a side and its target differ by an odd number of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) enum Borders {
    /// transformers: crops at the lower of two possible offsets, and pads with black, with the odd
    /// pixel first.
    Transformers,
    /// torchvision and OpenCLIP: crops at the even one of two possible offsets, and pads with a
    /// grey, with the odd pixel last.
    Torchvision { fill: u8 },
}

impl Borders {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn are_of_transformers(&self) -> bool {
        *self == Self::Transformers
    }
}

const MAX_SIDE: u64 = 1 << 13;
pub(super) const CLIP_MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
pub(super) const CLIP_STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

impl Settings {
    /// Reads `preprocessor_config.json`, or `processor_config.json` from newer transformers
    /// versions.
    pub(in crate::encoder) fn open(dir: &Path) -> Result<(PathBuf, Self), EncodeError> {
        let own = dir.join(files::PREPROCESSOR);
        let joint = dir.join(files::PROCESSOR);
        let (path, key) = if own.exists() {
            (own, None)
        } else if joint.exists() {
            (joint, Some("image_processor"))
        } else {
            return Err(EncodeError::MissingFile {
                dir: dir.to_owned(),
                file: files::PREPROCESSOR,
            });
        };
        let json = std::fs::read(&path).map_err(EncodeError::io(&path))?;
        let settings = Self::parse(&path, &json, key)?;
        Ok((path, settings))
    }

    /// Parses the settings, which are under `key` if one is given; `path` is used only in errors.
    ///
    /// Missing keys take the defaults of transformers' `CLIPImageProcessor`.
    pub(in crate::encoder) fn parse(
        path: &Path,
        json: &[u8],
        key: Option<&str>,
    ) -> Result<Self, EncodeError> {
        let bad = EncodeError::bad_json::<Cause>(path);
        let mut whole: Map<String, Value> =
            serde_json::from_slice(json).map_err(|e| bad(e.into()))?;
        let map = match key {
            None => whole,
            Some(key) => match whole.remove(key) {
                Some(Value::Object(inner)) => inner,
                _ => return Err(bad(format!("it has no object {key}").into())),
            },
        };
        let keys = Keys { path, map: &map };

        let kind = keys.get("image_processor_type").or(keys.get("feature_extractor_type"));
        if let Some(kind) = kind
            && !kind.as_str().is_some_and(|kind| {
                kind.starts_with("CLIPImageProcessor") || kind == "CLIPFeatureExtractor"
            })
        {
            return Err(keys.refuse(
                "image_processor_type",
                kind,
                "expected CLIP's image processor",
            ));
        }
        if keys.flag("do_pad", false)? {
            return Err(keys.refuse("do_pad", &Value::Bool(true), "it must be false"));
        }
        let resize = match keys.flag("do_resize", true)? {
            true => Some((keys.size()?, keys.filter()?)),
            false => None,
        };
        let center_crop = match keys.flag("do_center_crop", true)? {
            true => Some(keys.crop_size()?),
            false => None,
        };
        let rescale = match keys.flag("do_rescale", true)? {
            true => Some(keys.number("rescale_factor", 1.0 / 255.0)?),
            false => None,
        };
        let normalize = match keys.flag("do_normalize", true)? {
            true => {
                let (mean, std) = (
                    keys.channels("image_mean", CLIP_MEAN)?,
                    keys.channels("image_std", CLIP_STD)?,
                );
                if std.iter().any(|&s| s <= 0.0) {
                    return Err(keys.refuse(
                        "image_std",
                        &map["image_std"],
                        "each deviation must be above 0",
                    ));
                }
                Some((mean, std))
            }
            false => None,
        };
        Ok(Self { resize, center_crop, borders: Borders::Transformers, rescale, normalize })
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resize {
            Some((Size::ShortestEdge(edge), filter)) => {
                write!(f, "shortest side to {edge} ({filter:?}), ")?;
            }
            Some((Size::LongestEdge(edge), filter)) => {
                write!(f, "longest side to {edge} ({filter:?}), ")?;
            }
            Some((Size::Exact([height, width]), filter)) => {
                write!(f, "to {height}x{width} ({filter:?}), ")?;
            }
            None => {}
        }
        if let Some([height, width]) = self.center_crop {
            write!(f, "centre crop {height}x{width}, ")?;
        }
        if let Some(factor) = self.rescale {
            write!(f, "times {factor:.6}, ")?;
        }
        match self.normalize {
            Some((mean, std)) => write!(f, "mean {mean:.4?}, deviation {std:.4?}"),
            None => f.write_str("not normalised"),
        }
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

    fn refuse(&self, key: &str, value: &Value, supported: &str) -> EncodeError {
        EncodeError::unsupported(self.path, key, value.to_string(), supported)
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.refuse(key, value, "it must be true or false"))
            }
        }
    }

    fn number(&self, key: &str, default: f64) -> Result<f64, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => {
                value.as_f64().ok_or_else(|| self.refuse(key, value, "it must be a number"))
            }
        }
    }

    fn channels(&self, key: &str, default: [f64; 3]) -> Result<[f64; 3], EncodeError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>())
            .and_then(|list| list.try_into().ok())
            .ok_or_else(|| self.refuse(key, value, "it must be three numbers"))
    }

    fn filter(&self) -> Result<Filter, EncodeError> {
        let Some(value) = self.get("resample") else {
            return Ok(Filter::Bicubic);
        };
        Ok(match value.as_u64() {
            Some(1) => Filter::Lanczos,
            Some(2) => Filter::Bilinear,
            Some(3) => Filter::Bicubic,
            Some(4) => Filter::Box,
            Some(5) => Filter::Hamming,
            _ => {
                return Err(self.refuse(
                    "resample",
                    value,
                    "expected 1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)",
                ));
            }
        })
    }

    fn size(&self) -> Result<Size, EncodeError> {
        let Some(value) = self.get("size") else {
            return Ok(Size::ShortestEdge(224));
        };
        let known = "expected {\"shortest_edge\": N}, {\"height\": N, \"width\": N} or N, \
                     between 1 and 8192";
        // transformers writes unused keys of a size as null.
        let sides: Map<String, Value> = match value {
            Value::Object(map) => map
                .iter()
                .filter(|(_, side)| !side.is_null())
                .map(|(key, side)| (key.clone(), side.clone()))
                .collect(),
            Value::Number(_) => [("shortest_edge".to_owned(), value.clone())].into_iter().collect(),
            _ => return Err(self.refuse("size", value, known)),
        };
        let size = match (
            sides.len(),
            side(sides.get("shortest_edge")),
            side(sides.get("height")),
            side(sides.get("width")),
        ) {
            (1, Some(edge), _, _) => Some(Size::ShortestEdge(edge)),
            (2, _, Some(height), Some(width)) => Some(Size::Exact([height, width])),
            _ => None,
        };
        size.ok_or_else(|| self.refuse("size", value, known))
    }

    fn crop_size(&self) -> Result<[usize; 2], EncodeError> {
        let Some(value) = self.get("crop_size") else {
            return Ok([224, 224]);
        };
        let sides = match value {
            Value::Object(map) => side(map.get("height")).zip(side(map.get("width"))),
            _ => side(Some(value)).map(|side| (side, side)),
        };
        sides.map(|(height, width)| [height, width]).ok_or_else(|| {
            self.refuse(
                "crop_size",
                value,
                "expected {\"height\": N, \"width\": N} or N, between 1 and 8192",
            )
        })
    }
}

fn side(value: Option<&Value>) -> Option<usize> {
    value?
        .as_u64()
        .filter(|side| (1..=MAX_SIDE).contains(side))
        .and_then(|side| usize::try_from(side).ok())
}
