//! When a call is made again, and when it waits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{CallError, retry_after};
use crate::raw_answer::RawAnswer;

/// When a call is made again. A repetition carries the same request id and the same body, with a new date.
///
/// What the server refused before doing anything – 429, or a connection that did not come about – is repeated always. What
/// may have been carried out – no answer, 408, 502, 503, 504 – is repeated for reads, and, with `once_only`, for all else.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Attempts in all; with 1 nothing is repeated.
    pub attempts: u32,
    /// The pause before the second attempt when the server names none; twice as long before each further one.
    pub pause: Duration,
    /// The longest pause of that kind.
    pub longest_pause: Duration,
    /// Whether the server carries out a request once however often it comes, as Matricula does: it remembers request ids,
    /// and the repetition gets the first answer. **Set it to false for other servers**: there a repeated write may be a
    /// second one.
    pub once_only: bool,
}

impl Default for Retries {
    /// Six attempts within some six seconds, against a server that does everything once.
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
    /// Makes no call twice.
    pub const NONE: Self =
        Self { attempts: 1, pause: Duration::ZERO, longest_pause: Duration::ZERO, once_only: false };

    /// How long to wait before the next attempt; `None`: there is none.
    pub(crate) fn next(
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

/// The quota, as answers tell of it: when nothing remains of it, nobody who shares this calls before it is full again.
#[derive(Default)]
pub(crate) struct Quota(Mutex<Option<Instant>>);

impl Quota {
    /// Waits until there is something left.
    pub(crate) async fn wait(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Hears what an answer says.
    pub(crate) fn hear(&self, answer: &RawAnswer) {
        if answer.status == 503 {
            return;
        }
        if let Some(wait) = retry_after(answer) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + wait);
        }
    }
}
