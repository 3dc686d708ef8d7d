//! The tensors that a configuration requires.

use super::config::{Config, Layout, VisionConfig};
use super::{clip_model, open_clip};

/// A tensor that a configuration requires.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::encoder) struct TensorSpec {
    pub(in crate::encoder) name: String,
    pub(in crate::encoder) shape: Vec<usize>,
}

/// Receives the name and shape of a tensor.
pub(super) type Add<'a> = dyn FnMut(&str, &[usize]) + 'a;

impl Config {
    /// Returns every tensor of both towers, under the names that the layout gives them.
    pub(in crate::encoder) fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = Vec::new();
        let add: &mut Add<'_> = &mut |name, shape| {
            specs.push(TensorSpec { name: name.to_owned(), shape: shape.to_vec() });
        };
        match self.layout {
            Layout::ClipModel => clip_model::add_text(&self.text, self.projection_dim, add),
            Layout::OpenClip { text } => {
                open_clip::add_text(&self.text, text, self.projection_dim, add);
            }
        }
        match &self.vision {
            VisionConfig::Vit(vit) => clip_model::add_vision(vit, self.projection_dim, add),
            VisionConfig::EfficientNet(net) => net.add_tensors(self.projection_dim, add),
        }
        specs
    }
}
