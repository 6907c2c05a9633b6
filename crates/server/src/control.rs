//! What a test may do to requests on purpose. The playground does; `serve` never lets it.

use std::sync::Arc;

use axum::Router;
use observe::fault::What;
use observe::journal::Journal;

/// What stands before the paths by which other programs control it.
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
