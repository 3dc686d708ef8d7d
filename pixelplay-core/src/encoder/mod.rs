//! Encodes pictures and texts to vectors, with any Hugging Face `CLIPModel` checkpoint, and with
//! OpenCLIP checkpoints whose vision tower is an EfficientNet-Lite.
//!
//! * `encoder`: the type [`Encoder`]; `open` creates one from a checkpoint's `parts`, `encode` has
//!   the encoding methods, and `mood` (with `mood_scales`) and `from_hub` have further methods.
//!   `options` and `error` have its options and errors.
//! * `image`, `text`: from a picture to the model's input, and from a text to token ids.
//! * `checkpoint`: configuration, weights and fingerprint; `files` has the file names.
//! * `model`: the two towers; `lazy` loads one when it is first used.
//! * `check`: finds the problems of a checkpoint. `hub`: downloads checkpoints from the Hugging
//!   Face Hub.

pub mod check;
mod checkpoint;
mod encode;
#[expect(clippy::module_inception, reason = "the type that the module is named after")]
mod encoder;
mod error;
mod files;
#[cfg(feature = "hub")]
mod from_hub;
#[cfg(feature = "hub")]
pub mod hub;
mod image;
mod lazy;
mod model;
mod mood;
mod mood_scales;
mod open;
mod options;
mod parts;
mod text;

pub use self::image::{Image, ImageSource};
pub use crate::cause::Cause;
pub use encoder::Encoder;
pub use error::EncodeError;
pub use options::{Device, EncodeOptions, EncoderOptions, Precision};
