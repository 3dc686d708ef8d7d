//! What a person likes: favourites, likes and dislikes, what was listened to, and the weights that
//! follow from them.
//!
//! | file | what lives there |
//! |---|---|
//! | `favourites`, `ratings`, `history` | what is kept, each list with its SQL |
//! | `weights` | what follows: song ids with weights from -1 to 1 |
//! | `songs` | what the lists share |

mod favourites;
mod history;
mod ratings;
mod songs;
mod weights;

pub use history::Listen;
