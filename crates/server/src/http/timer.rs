//! The time limits of a connection. One wait ends when the next begins, so they share one timer of the runtime. It is
//! set anew only when it must ring earlier, or when it rings too early: setting and removing a timer takes the lock that
//! all timers share, and would be done several times for each request.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// The timer of a connection. Clones are the same timer. A wait that finds it in use has a timer to itself.
#[derive(Clone, Default)]
pub(super) struct Timer(Arc<Mutex<Option<Pin<Box<Sleep>>>>>);

impl Timer {
    /// Runs `work` for at most `limit`; `None`: it took longer.
    pub(super) async fn limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut wait = self.wait(Instant::now().checked_add(limit));
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Pin::new(&mut wait).poll(cx).map(|()| None),
        })
        .await
    }

    fn wait(&self, until: Option<Instant>) -> Wait {
        Wait { until, sleep: None, timer: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pin<Box<Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For hyper's limit on heads.
impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(self.wait(Instant::now().checked_add(duration)))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(self.wait(Some(deadline.into())))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

/// Waits for a moment; takes the timer of its connection when it is first polled, and returns it when dropped.
struct Wait {
    /// `None`: for ever.
    until: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    timer: Timer,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { until, sleep, timer } = &mut *self;
        let Some(until) = *until else { return Poll::Pending };
        let free = || timer.lock().take().unwrap_or_else(|| Box::pin(tokio::time::sleep_until(until)));
        let sleep = sleep.get_or_insert_with(free);
        if sleep.deadline() > until {
            sleep.as_mut().reset(until);
        }
        loop {
            // The limit also holds for work that never yields to others.
            ready!(pin!(unconstrained(sleep.as_mut())).poll(cx));
            if sleep.deadline() >= until {
                return Poll::Ready(());
            }
            // It was set for an earlier wait.
            sleep.as_mut().reset(until);
        }
    }
}

impl hyper::rt::Sleep for Wait {}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(sleep) = self.sleep.take() {
            self.timer.lock().get_or_insert(sleep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    use hyper::rt::Timer as _;
    use proptest::prelude::*;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    fn poll(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    fn after(seconds: u64) -> std::time::Instant {
        (Instant::now() + SECOND * seconds as u32).into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_ends_what_takes_longer_and_nothing_else() {
        let timer = Timer::default();
        let started = Instant::now();
        assert_eq!(timer.limit(SECOND, ready(1)).await, Some(1));
        assert!(timer.lock().is_none(), "what is ready needs no timer");
        assert_eq!(timer.limit(SECOND * 9, pending::<()>()).await, None);
        assert_eq!(started.elapsed(), SECOND * 9);
        // Set for later than this, and elapsed.
        assert_eq!(timer.limit(SECOND, pending::<()>()).await, None);
        assert_eq!(started.elapsed(), SECOND * 10);
        assert_eq!(timer.limit(Duration::ZERO, pending::<()>()).await, None);
        assert_eq!(started.elapsed(), SECOND * 10);
        let long = timer.limit(Duration::MAX, tokio::time::sleep_until(started + SECOND * 99));
        assert_eq!(long.await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_holds_for_work_that_never_yields() {
        let timer = Timer::default();
        // Uses up the budget of its task each time.
        let busy = async {
            loop {
                tokio::task::consume_budget().await;
            }
        };
        let elapses = tokio::spawn(async move { timer.limit(SECOND, busy).await.is_none() });
        for _ in 0..3 {
            advance(SECOND).await;
        }
        assert!(elapses.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn one_timer_serves_a_connection() {
        let timer = Timer::default();
        let mut first = timer.sleep_until(after(5));
        assert!(!poll(&mut first) && timer.lock().is_none());
        drop(first);
        let set = timer.lock().as_ref().map(|sleep| sleep.deadline());
        let mut later = timer.sleep_until(after(7));
        assert!(!poll(&mut later));
        drop(later);
        assert_eq!(timer.lock().as_ref().map(|sleep| sleep.deadline()), set, "it is not set anew");
        // Two at once, as in HTTP/2.
        let [mut one, mut two] = [timer.sleep(SECOND * 3), timer.sleep(SECOND * 2)];
        assert!(!poll(&mut one) && !poll(&mut two));
        advance(SECOND * 2).await;
        assert!(!poll(&mut one) && poll(&mut two));
        advance(SECOND).await;
        assert!(poll(&mut one));
    }

    proptest! {
        /// Whatever was waited for before, a wait ends at its moment. Each: its length, and how long it is waited for.
        #[test]
        fn waits_are_exact(waits in prop::collection::vec((0..100u64, 0..100u64), 1..20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                let timer = Timer::default();
                for (length, waited) in waits {
                    let started = Instant::now();
                    let done = timer.limit(SECOND * length as u32, tokio::time::sleep(SECOND * waited as u32)).await;
                    assert_eq!(done.is_some(), waited <= length, "{waited} of {length}");
                    assert_eq!(started.elapsed(), SECOND * waited.min(length) as u32);
                }
            });
        }
    }
}
