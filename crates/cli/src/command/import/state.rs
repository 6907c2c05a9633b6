//! The state to resume an interrupted import; stored next to the result file until that is complete.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use client::RequestId;
use client::wire::import::Options;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::source::Survey;
use crate::output::replace_private;

/// The parameters of an import.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    /// The first request id; each batch has the next one.
    first_request_id: String,
    /// Users in a batch.
    pub(super) batch: usize,
    /// The SHA-256 of the file; unknown for standard input.
    digest: Option<String>,
    /// The options with which the file is read; unknown in a state of version 0.1.0.
    #[serde(default)]
    reading: Option<String>,
}

impl State {
    pub(super) fn new(survey: &Survey, options: &Options, batch: usize) -> Self {
        let first_request_id = client::random_request_id().to_string();
        Self { first_request_id, batch, digest: survey.digest.clone(), reading: Some(format!("{options:?}")) }
    }

    /// A dry run keeps no state.
    pub(super) fn of_dry_run(batch: usize) -> Self {
        Self::new(&Survey::default(), &Options::default(), batch)
    }

    /// The request id of a batch: the same after an interruption, so that no batch runs twice.
    pub(super) fn request_id(&self, batch: u64) -> RequestId {
        let first =
            RequestId::parse(self.first_request_id.as_bytes()).map(|id| u128::from_be_bytes(*id.as_bytes()));
        RequestId::from(Uuid::from_u128(first.unwrap_or_default().wrapping_add(u128::from(batch))))
    }

    /// Its path.
    fn path(result: &Path) -> PathBuf {
        let mut name = result.as_os_str().to_owned();
        name.push(".state");
        name.into()
    }

    pub(super) fn read(result: &Path) -> anyhow::Result<Self> {
        let path = Self::path(result);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "nothing to resume: {} not found, so the import into {} is complete or was never started",
                path.display(),
                result.display()
            ),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Writes it, unless an import can be resumed.
    pub(super) fn write(&self, result: &Path) -> anyhow::Result<()> {
        let path = Self::path(result);
        if path.exists() {
            bail!(
                "an import into {} was interrupted: continue it with --resume, or delete {} to start again",
                result.display(),
                path.display()
            );
        }
        if result.exists() {
            bail!("{} already exists: delete it, or name another file with --result", result.display());
        }
        replace_private(&path, &serde_json::to_string(self)?)
    }

    /// Whether file and options are those with which the import began.
    pub(super) fn check_unchanged(&self, survey: &Survey, options: &Options) -> anyhow::Result<()> {
        if self.reading.as_ref().is_some_and(|reading| *reading != format!("{options:?}")) {
            bail!(
                "the import began with other options: give the same --format, --column, --ignore and --inactive"
            );
        }
        if self.digest != survey.digest {
            bail!(
                "the file has changed since the import began, so its rows cannot be matched with the result file"
            );
        }
        Ok(())
    }

    pub(super) fn remove(result: &Path) -> anyhow::Result<()> {
        let path = Self::path(result);
        std::fs::remove_file(&path).with_context(|| path.display().to_string())
    }
}
