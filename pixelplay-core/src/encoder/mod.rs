//! Pictures and words to vectors, with any Hugging Face `CLIPModel` checkpoint, and with those of
//! OpenCLIP whose pictures go through an EfficientNet-Lite.
//!
//! * `encoder`: the type [`Encoder`]; `open` makes one of a checkpoint's `parts`, `encode` is its
//!   work, and `mood` (by `mood_scales`) and `from_hub` are more of its methods. `options` and
//!   `error` go with them.
//! * `image`, `text`: from a picture to pixels as the model reads them, from words to token ids.
//! * `checkpoint`: configuration, weights and fingerprint; `files` names the files.
//! * `model`: the two towers; `lazy` loads one when it is first used.
//! * `check`: what is wrong with a checkpoint. `hub`: checkpoints from the Hugging Face Hub.

pub mod check;
mod checkpoint;
mod encode;
#[expect(clippy::module_inception, reason = "the type that the room is named after")]
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
