//! Looks for the cause of refused signatures after their responses were sent: for the log, the metrics and the page of the
//! application, never for the caller. A search takes time that depends on the keys, so no response waits for it.

use std::net::IpAddr;
use std::sync::Arc;

use auth::explain::{Examined, Explainer, Refused};
use auth::{AuthError, Presented};
use http::header::{HOST, HeaderValue};
use http::request::Parts;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};

use crate::error::CallError;
use observe::telemetry::Telemetry;

/// Refused requests that may wait. Beyond that they are counted by their code only. `[ours]`
const QUEUE: usize = 256;

/// The queue, and who works it off.
pub struct Examiner {
    explainer: Arc<Explainer>,
    queue: mpsc::Sender<Step>,
    waiting: Mutex<mpsc::Receiver<Step>>,
}

enum Step {
    /// With the code of its response, and its address.
    Refused(Arc<Refused>, &'static str, IpAddr),
    /// Answered when everything before it is done.
    Mark(tokio::sync::oneshot::Sender<()>),
}

impl Examiner {
    /// Uses this explainer.
    pub fn new(explainer: Arc<Explainer>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { explainer, queue, waiting: Mutex::new(waiting) }
    }

    /// Queues a refused request, if its signature may be wrong; `false`: it is not examined.
    pub(crate) fn offer(
        &self,
        refused: &AuthError,
        parts: &Parts,
        presented: &Presented<'_>,
        at: Timestamp,
    ) -> bool {
        if !is_about_the_signature(refused) {
            return false;
        }
        let host = parts.headers.get(HOST).map(HeaderValue::as_bytes);
        let code = CallError::code_of_auth(refused).as_str();
        let request = Arc::new(Refused::of(presented, parts.method.as_str(), host, None, at));
        self.queue.try_send(Step::Refused(request, code, presented.peer)).is_ok()
    }

    /// Examines the next refused request, and records what was found. To be called by one job.
    pub async fn examine_next(&self, telemetry: &Telemetry) {
        let step = self.waiting.lock().await.recv().await;
        match step {
            Some(Step::Refused(refused, code, peer)) => match self.explainer.examine(&refused).await {
                Ok(found) => record(telemetry, &found, &refused, code, peer),
                Err(error) => {
                    tracing::debug!(%error, "could not examine a refused signature");
                    telemetry.record_examined("", code, "", peer);
                }
            },
            Some(Step::Mark(reached)) => drop(reached.send(())),
            None => {}
        }
    }

    /// Waits until the requests that were refused before this call are examined.
    pub async fn all_examined(&self) {
        let (reached, mark) = tokio::sync::oneshot::channel();
        if self.queue.send(Step::Mark(reached)).await.is_ok() {
            let _ = mark.await;
        }
    }
}

fn record(
    telemetry: &Telemetry,
    Examined { app_id, address, access_key, cause }: &Examined,
    refused: &Refused,
    code: &'static str,
    peer: IpAddr,
) {
    tracing::info!(
        target: "refusal",
        cause,
        code,
        application = app_id,
        caller = address.as_deref(),
        access_key = access_key.as_deref(),
        request_id = refused.request_id(),
        %peer,
        "refused signature examined"
    );
    telemetry.record_examined(app_id, code, cause, peer);
}

/// Whether a refusal may be due to a mistake in signing.
pub(crate) fn is_about_the_signature(refused: &AuthError) -> bool {
    match refused {
        AuthError::MissingHeader { .. }
        | AuthError::MalformedHeader { .. }
        | AuthError::InvalidSignature
        | AuthError::UnknownApplication { .. }
        | AuthError::InvalidDate { .. }
        | AuthError::Expired { .. }
        | AuthError::BindingExpired => true,
        AuthError::Forgotten { .. }
        | AuthError::TokenExpired
        | AuthError::InvalidToken
        | AuthError::InvalidClient
        | AuthError::QuotaExceeded { .. }
        | AuthError::Store(_) => false,
    }
}
