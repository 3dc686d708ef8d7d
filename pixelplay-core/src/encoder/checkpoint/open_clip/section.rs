//! One object of `open_clip_config.json`, with typed access to its keys.

use std::path::Path;

use serde_json::{Map, Value};

use crate::encoder::checkpoint::config::Refuse;
use crate::encoder::error::EncodeError;

/// An object of the configuration, with its dotted path.
pub(super) struct Section<'a> {
    refuse: Refuse<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: &'a Path, section: &'static str, map: &'a Map<String, Value>) -> Self {
        Self { refuse: Refuse { path, section }, map }
    }

    /// Returns the value of a key, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Returns whether the key is present, null or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn because(&self, key: &str, supported: &str) -> EncodeError {
        self.refuse.because(key, self.map.get(key), supported)
    }

    /// Reads a whole number.
    pub(super) fn size(
        &self,
        key: &str,
        default: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
                Some(size) => self.refuse.between(key, size, min, max),
                None => Err(self.because(key, "it must be a single whole number")),
            },
        }
    }

    pub(super) fn number(&self, key: &str, default: f64) -> Result<f64, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.because(key, "it must be a number")),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, EncodeError> {
        match self.get(key) {
            None => Ok(false),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.because(key, "it must be true or false"))
            }
        }
    }

    pub(super) fn text(&self, key: &str, default: &'static str) -> Result<&'a str, EncodeError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.because(key, "it must be a string")),
        }
    }

    /// Rejects every key that is neither in `read` (keys that are used or have no effect) nor in
    /// `off`. Keys in `off` must have a neutral value: null, false, 0, empty, or the value given
    /// with the key.
    pub(super) fn only(&self, read: &[&str], off: &[(&str, &str)]) -> Result<(), EncodeError> {
        for (key, value) in self.map {
            if read.contains(&key.as_str()) {
                continue;
            }
            let Some((_, neutral)) = off.iter().find(|(off, _)| off == key) else {
                return Err(self.because(key, "it is unknown"));
            };
            let has_no_effect = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::String(text) => text.is_empty() || text == neutral,
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !has_no_effect {
                let supported = match *neutral {
                    "" => "it must be omitted".to_owned(),
                    neutral => format!("it must be {neutral:?}"),
                };
                return Err(self.because(key, &supported));
            }
        }
        Ok(())
    }
}
