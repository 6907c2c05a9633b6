//! Test control for programs in other languages: unsigned HTTP and JSON below `/sandbox/`, on a server that listens
//! only on its own machine.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use directory::port::Clock as _;
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Fault, StateError, TestController};

type Here = State<TestController>;

pub(super) fn routes(control: TestController) -> Router {
    Router::new()
        .route("/sandbox/journal", get(journal).delete(clear_journal))
        .route("/sandbox/faults", post(inject).delete(clear_faults))
        .route("/sandbox/reset", post(reset))
        .route("/sandbox/states/{name}", post(snapshot))
        .route("/sandbox/states/{name}/restore", post(restore))
        .route("/sandbox/clock", get(clock).post(move_clock))
        .with_state(control)
}

async fn journal(State(control): Here) -> Response {
    answer(StatusCode::OK, &control.journal())
}

async fn clear_journal(State(control): Here) -> Response {
    control.clear_journal();
    empty_response()
}

async fn inject(State(control): Here, body: Bytes) -> Response {
    let fault = match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => fault,
        Err(error) => return refused(&format!("not a fault: {error}. Expected {FAULT}")),
    };
    control.inject(fault).map_or_else(|error| refused(&error.to_string()), |()| empty_response())
}

const FAULT: &str = r#"{"kind":"refuse","status":503}, {"kind":"delay","milliseconds":100} or {"kind":"drop_answer"}, and with it, if wanted, "path", "after", "times", "probability""#;

async fn clear_faults(State(control): Here) -> Response {
    control.clear_faults();
    empty_response()
}

async fn reset(State(control): Here) -> Response {
    state(control, TestController::reset).await
}

async fn snapshot(State(control): Here, Path(name): Path<String>) -> Response {
    state(control, move |control| control.snapshot(&name)).await
}

async fn restore(State(control): Here, Path(name): Path<String>) -> Response {
    state(control, move |control| control.restore(&name)).await
}

/// Copying a database must not block a thread that serves requests.
async fn state(
    control: TestController,
    work: impl FnOnce(&TestController) -> Result<(), StateError> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || work(&control)).await {
        Ok(Ok(())) => empty_response(),
        Ok(Err(error)) => refused(&error.to_string()),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error.to_string() })),
    }
}

/// The target of the clock.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Move {
    /// Forward or back by this many seconds.
    AdvanceSeconds(i64),
    /// To this time.
    At(Timestamp),
    /// To the machine's time.
    Real(bool),
}

async fn clock(State(control): Here) -> Response {
    match &control.0.clock {
        Some(clock) => answer(StatusCode::OK, &json!({ "now": clock.now().to_string() })),
        None => refused("this server's clock cannot be moved"),
    }
}

async fn move_clock(State(control): Here, body: Bytes) -> Response {
    if let Some(clock) = &control.0.clock {
        let is_time = match serde_json::from_slice(&body) {
            Ok(Move::AdvanceSeconds(seconds)) => clock.advance(SignedDuration::from_secs(seconds)),
            Ok(Move::At(at)) => clock.advance(at.duration_since(clock.now())),
            Ok(Move::Real(real)) => {
                if real {
                    clock.set_back();
                }
                true
            }
            Err(error) => {
                let expected = r#"{"advance_seconds":60}, {"at":"2026-11-25T12:00:00Z"} or {"real":true}"#;
                return refused(&format!("not a clock change: {error}. Expected {expected}"));
            }
        };
        if !is_time {
            return refused("the clock was not moved: it shows times from the year -9999 to 9999");
        }
    }
    self::clock(State(control)).await
}

fn empty_response() -> Response {
    answer(StatusCode::OK, &json!({}))
}

fn refused(why: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({ "error": why }))
}

fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
