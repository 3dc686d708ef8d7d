//! Pictures: from a file to what the vision tower reads.
//!
//! * `source`: what an encoder takes for a picture; `pixels`: a decoded one, the type [`Image`].
//! * `decode`: a file to pixels, within limits. `format` tells what a file is, `validate` finds
//!   what decoders do not notice, `parallel_jpeg` decodes a large JPEG on several threads, `orient`
//!   turns a picture upright.
//! * `preprocess`: pixels to the tower's input, as `settings` (`preprocessor_config.json`) or
//!   `open_clip_settings` say, by the arithmetic of `resample`.

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
