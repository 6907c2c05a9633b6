//! From bytes to a [`Caller`](directory::Caller): signature, freshness, quota. Also the password hasher.
//!
//! The only crate that constructs a `Caller`.

mod error;
pub mod explain;
pub mod hasher;
pub mod proof;
pub mod quota;
pub mod session;
pub mod signed;
pub mod token;

pub use error::AuthError;
pub use hasher::{Cost, HasherError, HasherFull, PasswordHasher, Timed, affordable, suggested};
pub use proof::{Proof, ProofError};
pub use quota::{Quota, Rate};
pub use session::{SessionToken, SignedIn};
pub use signed::{Authenticated, Authenticator, Presented, Signed};
