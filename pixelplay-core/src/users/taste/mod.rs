//! What a person likes: favourites, likes and dislikes, listening history, and the weights derived
//! from them.
//!
//! | file | contents |
//! |---|---|
//! | `favourites`, `ratings`, `history` | the stored lists, each with its SQL |
//! | `weights` | the derived weights: song ids with weights from -1 to 1 |
//! | `songs` | shared code of the lists |

mod favourites;
mod history;
mod ratings;
mod songs;
mod weights;

pub use history::Listen;
