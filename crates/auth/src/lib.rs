//! From bytes to [`Caller`](directory::Caller): signature, freshness, quota; and the gate that hashes passwords.
//!
//! The only room that can make a `Caller`.

pub mod explain;
pub mod gate;
pub mod proof;
pub mod quota;
mod refused;
pub mod session;
pub mod signed;
pub mod token;

pub use gate::{Cost, Gate, GateError, GateFull};
pub use proof::{Proof, ProofError};
pub use quota::{Quota, Rate};
pub use refused::Refused;
pub use session::{SessionToken, SignedIn};
pub use signed::{Authenticated, Authenticator, Presented, Signed};
