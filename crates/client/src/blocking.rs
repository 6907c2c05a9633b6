//! The same calls for programs without an asynchronous runtime.
//!
//! ```no_run
//! use matricula_client::{Keys, NewUser, blocking};
//!
//! let keys = Keys::from_file("matricula-sandbox/keys.json".as_ref())?;
//! let client = blocking::Client::new(&keys)?;
//! let answer = client.create_users(&[NewUser::new("ann@example.com")])?;
//! println!("{} created, {} refused", answer.data.len(), answer.fail.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::error::CallError;
use crate::keys::Keys;

/// A client that blocks until each response. It must not be used or dropped within an asynchronous runtime.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

impl Client {
    /// A client with a key pair.
    ///
    /// # Errors
    /// When the keys can't be used, or the runtime could not be started.
    pub fn new(keys: &Keys) -> Result<Self, CallError> {
        Self::of(crate::Client::new(keys)?)
    }

    /// Wraps a client that was set up with [`with_keys`](crate::Client::with_keys) or
    /// [`with_token`](crate::Client::with_token).
    ///
    /// # Errors
    /// When the runtime could not be started.
    pub fn of(client: crate::Client) -> Result<Self, CallError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(CallError::Runtime)?;
        Ok(Self { client, runtime: Arc::new(runtime) })
    }

    pub(crate) fn client(&self) -> &crate::Client {
        &self.client
    }

    pub(crate) fn wait<T>(&self, pending: impl Future<Output = T>) -> T {
        self.runtime.block_on(pending)
    }
}
