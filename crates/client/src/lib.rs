//! Typed calls to Matricula, or to the service with the same API.
//!
//! ```no_run
//! use matricula_client::{Client, Keys, NewUser};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keys::from_file("matricula-sandbox/keys.json".as_ref())?;
//! let client = Client::new(&keys)?;
//! let answer = client.create_users(&[NewUser { name: Some("Ann Lee".into()), ..NewUser::new("ann@example.com") }]).await?;
//! for created in answer.data {
//!     println!("{} is {}", created.email_address, created.id);
//! }
//! for refused in answer.fail {
//!     println!("refused: {}", refused.errors[0].message);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Keys** come from a file ([`Keys::from_file`]), or from a login: an [`Application`] finds the server of an address
//! ([`discover`](Application::discover)) and logs in there ([`log_in`](Application::log_in)). With [`Builder::login`] a
//! key pair that expires during the work is prolonged, and the call retried. [`Client::with_token`] calls with the
//! tokens of API 2.0 instead.
//!
//! **Retries.** A call without a response, or refused temporarily, is retried ([`Retries`]) with the same request id:
//! Matricula runs a request once, and a retry gets the first answer. Other servers do not promise that: set
//! [`Retries::once_only`] to false for them, and only reads are retried when the outcome is unknown.
//!
//! **Errors** are of two kinds. A call that was refused as a whole, or got no response, is a [`CallError`]. A refused
//! item is in [`Answer::fail`], with its code; the other items were carried out.
//!
//! **Many users** are sent in batches ([`Client::create_all`]). [`blocking`] has the same calls for programs without a
//! runtime.

mod access;
mod application;
pub mod blocking;
mod bulk;
mod call;
mod endpoints;
mod envelope;
mod error;
mod keys;
mod raw_answer;
mod retry;
mod sign;
mod transport;

use jiff::Timestamp;

pub use application::{Application, Login};
pub use bulk::{Batch, Bulk, Outcome};
pub use call::{Builder, Client, Clock};
pub use endpoints::{ENDPOINTS, Endpoint};
pub use envelope::Page;
pub use error::CallError;
pub use keys::{Keys, KeysError};
pub use raw_answer::RawAnswer;
pub use retry::Retries;
pub use sign::{SignedHeaders, Signer};
pub use wire;
pub use wire::create_user::{Created, Item as NewUser};
pub use wire::explain;
pub use wire::header::RequestId;
pub use wire::signature::SecretKeyError;
pub use wire::{Answer, Error as Fault, Failure};

/// A new request id.
pub fn random_request_id() -> RequestId {
    let mut bytes = [0; 16];
    #[expect(clippy::disallowed_methods, reason = "a client's request ids are random")]
    #[expect(clippy::expect_used, reason = "without randomness there are no request ids")]
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    RequestId::from(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// The machine's time.
pub fn machine_clock() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a client signs with the machine's time")]
    Timestamp::now()
}
