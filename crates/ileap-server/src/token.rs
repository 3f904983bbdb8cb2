//! Access tokens: the keys that sign them, issuing them, validating them.
//!
//! A token is a JSON Web Token in compact serialisation (RFC 7515 §3.1, RFC 7519) with the profile of
//! RFC 9068. Signatures come from the crypto library directly, with keys parsed once.

mod algorithm;
mod claims;
mod cutoffs;
mod inspect;
mod issuer;
mod jws;
mod key_changes;
mod key_cipher;
mod key_error;
mod key_keeper;
mod key_life;
mod key_location;
mod key_set;
mod public_jwk;
mod revoked;
mod signing_key;
mod signing_keys;
mod strict_json;
mod validator;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use cutoffs::{CutoffMark, TokenCutoffs};
pub use inspect::{Inspection, Judgement, inspect};
pub use issuer::{
    AccessToken, IssueError, IssuedToken, IssuerOptions, MintOptions, Reuse, TokenIssuer,
};
pub use jws::UnverifiedToken;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use jws::sign_anything;
pub use key_changes::{KeyList, Revoked, Rotated, list_keys, revoke_key, rotate_keys};
pub use key_cipher::KeyCipher;
pub use key_error::KeyError;
pub use key_keeper::KeeperParts;
pub use key_life::{KeyPolicy, KeyRecord, KeyState, Standing};
pub use key_location::{
    DirectoryKeys, Edit, KeptKey, KeyLocation, NewKey, Reading, RevokedKey, StoredKeys,
};
pub use key_set::KeySet;
pub use revoked::RevokedToken;
pub use signing_keys::SigningKeys;
pub use validator::{
    DEFAULT_LEEWAY, InvalidReason, TokenError, TokenValidator, ValidatorOptions, VerifiedToken,
};
