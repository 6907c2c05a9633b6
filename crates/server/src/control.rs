//! The hook for tests to inject faults into requests. The playground uses it; `serve` never allows it.

use std::sync::Arc;

use axum::Router;
use observe::fault::What;
use observe::journal::Journal;

/// The path prefix by which other programs control it.
pub const PREFIX: &str = "/sandbox/";

/// Injected faults, a journal without redaction, and the paths to control both.
pub trait TestControl: Send + Sync {
    /// What happens to the next request to a path.
    fn meet(&self, path: &str) -> Vec<What>;

    /// The journal, in place of the server's own.
    fn journal(&self) -> Arc<Journal>;

    /// The routes below [`PREFIX`].
    fn routes(&self) -> Router;
}
