//! Pictures: from a file to the vision tower's input.
//!
//! * `source`: the kinds of pictures that an encoder accepts; `pixels`: a decoded picture, the type
//!   [`Image`].
//! * `decode`: from a file to pixels, within limits. `format` detects the format, `validate` finds
//!   problems that decoders do not report, `parallel_jpeg` decodes a large JPEG on several threads,
//!   `orient` rotates a picture upright.
//! * `preprocess`: from pixels to the tower's input, according to `settings`
//!   (`preprocessor_config.json`) or `open_clip_settings`, with the arithmetic of `resample`.

mod decode;
mod format;
mod open_clip_settings;
mod orient;
mod parallel_jpeg;
mod pixels;
mod preprocess;
mod resample;
mod settings;
mod source;
mod validate;

pub use pixels::Image;
pub(super) use preprocess::Preprocess;
pub(super) use settings::Settings;
pub use source::ImageSource;
