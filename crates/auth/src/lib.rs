//! From bytes to a [`Caller`](directory::Caller): signature, freshness, quota. Also the password hasher.
//!
//! The only crate that constructs a `Caller`.

mod error;
pub mod explain;
pub mod hasher;
mod new_password;
pub mod proof;
pub mod quota;
mod service;
pub mod session;
pub mod signed;
pub mod token;

pub use error::AuthError;
pub use hasher::{Cost, HasherError, HasherFull, PasswordHasher, Timed, affordable, suggested};
pub use new_password::judge_new_password;
pub use proof::{Proof, ProofError};
pub use quota::{Quota, Rate};
pub use service::Service;
pub use session::{SessionToken, SignedIn};
pub use signed::{Authenticated, Authenticator, Presented, Signed};
