//! Typed calls against Matricula, or against the service whose API it speaks.
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
//! **Keys** come out of a file ([`Keys::from_file`]), or of a login: an [`Application`] finds the server of an address
//! ([`discover`](Application::discover)) and logs in there ([`log_in`](Application::log_in)). With
//! [`Builder::login`] a key pair that ends in the middle of the work is prolonged, and the call repeated.
//! [`Client::with_token`] calls by the tokens of API 2.0 instead.
//!
//! **Repetition.** A call that was not answered, or refused for the moment, is made again ([`Retries`]), with the same
//! request id: Matricula does once what comes twice, and the repetition gets the first answer. Other servers do not promise
//! that: set [`Retries::once_only`] to false for them, and only reads are repeated when nobody knows what became of them.
//! Quotas are honoured: when an answer says that nothing remains, the next call waits until its `X-RateLimit-Reset`, in
//! milliseconds.
//!
//! **Errors** are of two kinds. A call that was refused as a whole, or not answered, is a [`CallError`]. An item that was
//! refused is in [`Answer::fail`], with its code, while the others were carried out.
//!
//! **Many users** go in batches ([`Client::create_all`]). [`blocking`] has the same calls for programs without a runtime.

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
