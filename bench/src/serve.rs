//! The two servers, each in a separate process. Both print their address and stop when their standard input ends, which
//! also happens when the parent process dies.

use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::AppendHeaders;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::site;

/// The server under test, as `matricula serve` runs it, with one JSON line per request in its log.
pub(crate) fn matricula(folder: &Path) -> anyhow::Result<()> {
    let config = server::Config::from_file(&folder.join(site::CONFIG))?;
    let log = server::log::Log::open(None)?;
    let lines = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(move || lines.clone())
        .log_internal_errors(false)
        .json()
        .flatten_event(true)
        .map_event_format(server::log::JsonLines::new)
        .init();
    let served = runtime()?.block_on(async {
        let listener = listen().await?;
        server::serve(config, listener, stop_signal()?).await?;
        Ok(())
    });
    log.close();
    served
}

/// axum alone: a POST with a constant response, as large as one of the server under test.
pub(crate) fn serve_bare(answer: &Path) -> anyhow::Result<()> {
    let answer = std::fs::read_to_string(answer).with_context(|| answer.display().to_string())?;
    let answer: &'static str = answer.leak();
    let handler = move || async move { (AppendHeaders([(CONTENT_TYPE, "application/json")]), answer) };
    let router = Router::new()
        .route(wire::create_user::PATH, post(handler))
        .route("/readyz", get(|| async { "ready\n" }));
    runtime()?.block_on(async {
        let listener = listen().await?.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let stopped = stop_signal()?;
        tokio::select! {
            served = axum::serve(listener, router) => Ok(served?),
            () = stopped => Ok(()),
        }
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

async fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", listener.local_addr()?)?;
    stdout.flush()?;
    Ok(listener)
}

/// Completes when standard input ends.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (stop, stopped) = oneshot::channel();
    std::thread::Builder::new().name("stop".to_owned()).spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = stop.send(());
    })?;
    Ok(async {
        let _ = stopped.await;
    })
}
