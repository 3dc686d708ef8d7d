//! stub
use super::error::UserError;
use super::password::Password;
use super::pepper::{Pepper};
#[derive(Debug, Clone, Copy, Default)] pub struct HashParams;
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct HashParamsProblem;
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct HashProblem;
#[derive(Debug, Clone, Copy, PartialEq)] pub(super) struct Scheme;
impl std::fmt::Display for Scheme { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
impl std::str::FromStr for Scheme { type Err=(); fn from_str(_: &str) -> Result<Self, ()> { Ok(Self) } }
impl From<HashParams> for Scheme { fn from(_: HashParams) -> Self { Self } }
pub(super) struct StoredHash;
impl StoredHash { pub(super) fn parse(_: &str) -> Result<Self, HashProblem> { Ok(Self) } pub(super) fn scheme(&self) -> Scheme { Scheme } }
pub(super) struct NewHash;
impl NewHash {
 pub(super) fn of(_: &Password<'_>, _: HashParams, _: Option<&Pepper>) -> Result<Self, UserError> { Ok(Self) }
 pub(super) fn text(&self) -> &str { "" }
 pub(super) fn scheme(&self) -> Scheme { Scheme }
 pub(super) fn pepper_id(&self) -> &str { "" }
}
pub(super) fn verify_at_equal_cost(_: Option<(&StoredHash, Option<&Pepper>)>, _: &Password<'_>, _: &[Scheme], _: HashParams) -> bool { true }
