//! Messages to systemd about the state of the server. Without systemd they are not sent.

use std::net::SocketAddr;

use sd_notify::NotifyState;
use server::check_alive;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The server listens and has reloaded everything.
pub(crate) fn ready() {
    send(&[NotifyState::Ready]);
}

/// The server reloads its certificate and its log file.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "could not read the monotonic clock for systemd"),
    }
}

/// The server finishes running requests and stops.
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// If systemd watches the process, calls the server three times in each of its intervals, and reports every response.
/// Without one, systemd restarts the server.
pub(crate) async fn watch(address: SocketAddr) {
    let Some(pause) = sd_notify::watchdog_enabled().map(|limit| limit / 3).filter(|pause| !pause.is_zero())
    else {
        return;
    };
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match timeout(pause, check_alive(address)).await {
            Ok(Ok(())) => send(&[NotifyState::Watchdog]),
            Ok(Err(error)) => tracing::warn!(%error, "the server does not respond to its watchdog"),
            Err(_) => tracing::warn!(?pause, "the server does not respond to its watchdog in time"),
        }
    }
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "could not notify systemd");
    }
}
