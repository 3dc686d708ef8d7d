//! The subcommands. Each file parses the arguments, calls the library and prints the result.

pub(crate) mod add;
pub(crate) mod audit;
pub(crate) mod build_index;
pub(crate) mod clean;
pub(crate) mod compact;
pub(crate) mod correct_hubness;
pub(crate) mod enrich;
pub(crate) mod import;
pub(crate) mod match_image;
pub(crate) mod model_check;
pub(crate) mod remove;
pub(crate) mod search;
pub(crate) mod similar;
pub(crate) mod user;
pub(crate) mod verify;
