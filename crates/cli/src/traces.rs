//! Traces. A build with the feature `traces` sends them to a collector; one without it refuses the setting.

#[cfg(feature = "traces")]
mod export;
#[cfg(feature = "traces")]
mod otlp;

use server::{Config, Server};

/// Sends the traces of a server, if the configuration says so.
pub(crate) struct Traces {
    #[cfg(feature = "traces")]
    exporter: Option<export::Exporter>,
}

/// Refuses a setting that this program cannot honour.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        cfg!(feature = "traces") || config.traces.is_none(),
        "this program was built without traces: remove [traces], or build it with cargo build --features traces"
    );
    Ok(())
}

#[cfg(feature = "traces")]
impl Traces {
    /// Begins to send.
    pub(crate) fn start(server: &Server, config: &Config) -> anyhow::Result<Self> {
        let start = |settings| export::Exporter::start(server, settings);
        Ok(Self { exporter: config.traces.as_ref().map(start).transpose()? })
    }

    /// Sends what is left, for a limited time.
    pub(crate) async fn stop(self) {
        if let Some(exporter) = self.exporter {
            exporter.stop().await;
        }
    }
}

#[cfg(not(feature = "traces"))]
impl Traces {
    #[expect(clippy::unnecessary_wraps, reason = "a build with traces can fail here")]
    pub(crate) fn start(_: &Server, _: &Config) -> anyhow::Result<Self> {
        Ok(Self {})
    }

    #[expect(clippy::unused_async, reason = "a build with traces waits here")]
    pub(crate) async fn stop(self) {}
}
