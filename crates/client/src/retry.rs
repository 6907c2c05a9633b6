//! When a call is retried, and how long it waits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{CallError, retry_after};
use crate::raw_answer::RawAnswer;

/// The rules of retries. A retry carries the same request id and the same body, with a new date.
///
/// A refusal before anything was done – 429, or no connection – is always retried. When the call may have been carried
/// out – no response, 408, 502, 503, 504 – reads are retried and, with `once_only`, all others.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Attempts in all; 1: no retries.
    pub attempts: u32,
    /// The pause before the second attempt if the server names none; it doubles before each further one.
    pub pause: Duration,
    /// The longest such pause.
    pub longest_pause: Duration,
    /// Whether the server runs a request once, even if it is sent again, as Matricula does: it remembers request ids,
    /// and a retry gets the first answer. **Set it to false for other servers**: there a retried write may run twice.
    pub once_only: bool,
}

impl Default for Retries {
    /// Six attempts within about six seconds, for a server that runs requests once.
    fn default() -> Self {
        Self {
            attempts: 6,
            pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            once_only: true,
        }
    }
}

impl Retries {
    /// No retries.
    pub const NONE: Self =
        Self { attempts: 1, pause: Duration::ZERO, longest_pause: Duration::ZERO, once_only: false };

    /// How long to wait before the next attempt; `None`: no further attempt.
    pub(crate) fn next_pause(
        &self,
        attempt: u32,
        outcome: &Result<RawAnswer, CallError>,
        reads: bool,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let repeatable = reads || self.once_only;
        let said = match outcome {
            Ok(answer) => match answer.status {
                429 => retry_after(answer),
                408 | 502 | 503 | 504 if repeatable => retry_after(answer),
                _ => return None,
            },
            Err(error @ CallError::Transport { .. }) if repeatable || !error.is_unknown() => None,
            Err(_) => return None,
        };
        let doubled = self.pause.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        Some(said.unwrap_or_else(|| doubled.min(self.longest_pause)))
    }
}

/// The quota, as responses report it: when nothing remains, no clone of the client calls before the reset.
#[derive(Default)]
pub(crate) struct Quota(Mutex<Option<Instant>>);

impl Quota {
    /// Waits until something remains.
    pub(crate) async fn wait(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Reads the quota of a response.
    pub(crate) fn note_answer(&self, answer: &RawAnswer) {
        if answer.status == 503 {
            return;
        }
        if let Some(wait) = retry_after(answer) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + wait);
        }
    }
}
