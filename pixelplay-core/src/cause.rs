//! The cause of an error, from a library that PixelPlay uses.

/// The cause of an error, from a library that PixelPlay uses.
///
/// It is boxed, so that the types of candle, image, safetensors and tokenizers stay out of this
/// crate's public interface, and their major versions can change without changing ours.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
