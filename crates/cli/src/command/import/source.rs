//! The source of the rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use client::wire::import::{Format, ImportError, Options, Rows, Summary};
use futures_util::Stream;
use server::admin::hex;
use sha2::{Digest as _, Sha256};

use super::bar::Bar;
use super::batches::{Batch, batches};

/// A file, or standard input.
pub(super) struct Source {
    path: Option<PathBuf>,
    options: Options,
    /// Why reading stopped early.
    broken: Arc<Mutex<Option<ImportError>>>,
    /// What was noticed about the file; known when it was read to its end.
    summary: Arc<Mutex<Summary>>,
}

/// Data about a file, read before anything is sent.
#[derive(Default)]
pub(super) struct Survey {
    /// The number of rows; unknown for standard input.
    pub(super) rows: Option<u64>,
    /// SHA-256 of the file, in hex; unknown for standard input.
    pub(super) digest: Option<String>,
}

impl Source {
    pub(super) fn open(path: &Path, mut options: Options) -> anyhow::Result<Self> {
        let path = (path != Path::new("-")).then(|| path.to_owned());
        if let Some(path) = &path {
            let metadata = std::fs::metadata(path).with_context(|| path.display().to_string())?;
            anyhow::ensure!(metadata.is_file(), "{}: not a file", path.display());
        }
        let by_name = || Format::of_name(path.as_ref()?.to_str()?);
        // An extension such as .json decides; one such as .txt does not.
        options.format = options.format.or_else(|| by_name().filter(|format| *format != Format::Csv));
        Ok(Self { path, options, broken: Arc::default(), summary: Arc::default() })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// What was noticed about the file.
    pub(super) fn summary(&self) -> Summary {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The default result file.
    pub(super) fn default_result(&self) -> PathBuf {
        let mut name = self.path.clone().unwrap_or_else(|| "import".into()).into_os_string();
        name.push(".result.csv");
        name.into()
    }

    /// Reads the file once, to check that it can be read to the end.
    pub(super) fn survey(&self, bar: &mut Bar) -> anyhow::Result<Survey> {
        let Some(path) = &self.path else { return Ok(Survey::default()) };
        let named = || path.display().to_string();
        let digest = Arc::new(Mutex::new(Sha256::new()));
        let file = Digesting { file: File::open(path).with_context(named)?, digest: Arc::clone(&digest) };
        let rows =
            Rows::with_options(BufReader::with_capacity(1 << 16, file), &self.options).with_context(named)?;
        let mut count = 0;
        for row in rows {
            row.with_context(named)?;
            count += 1;
            bar.survey(count);
        }
        let digest = std::mem::take(&mut *digest.lock().unwrap_or_else(PoisonError::into_inner)).finalize();
        Ok(Survey { rows: Some(count), digest: Some(hex(&digest)) })
    }

    /// The batches, read on a separate thread because standard input may block.
    pub(super) fn batches(
        &self,
        size: usize,
        ahead: usize,
    ) -> anyhow::Result<impl Stream<Item = Batch> + use<>> {
        let input: Box<dyn BufRead + Send> = match &self.path {
            Some(path) => {
                let file = File::open(path).with_context(|| path.display().to_string())?;
                Box::new(BufReader::with_capacity(1 << 16, file))
            }
            None => Box::new(BufReader::with_capacity(1 << 16, io::stdin())),
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(ahead.max(1));
        let (options, broken) = (self.options.clone(), Arc::clone(&self.broken));
        let summary = Arc::clone(&self.summary);
        std::thread::Builder::new().name("import-reader".to_owned()).spawn(move || {
            let read = Rows::with_options(input, &options).and_then(|mut rows| {
                for batch in batches(rows.by_ref(), size) {
                    if sender.blocking_send(batch?).is_err() {
                        // The receiver is gone.
                        break;
                    }
                }
                *summary.lock().unwrap_or_else(PoisonError::into_inner) = rows.summary();
                Ok(())
            });
            *broken.lock().unwrap_or_else(PoisonError::into_inner) = read.err();
        })?;
        Ok(futures_util::stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        }))
    }
}

/// Fails if reading the source ended with an error.
pub(super) fn check_complete(source: &Source) -> anyhow::Result<()> {
    match source.broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
        None => Ok(()),
        Some(error) => {
            let name =
                source.path.as_ref().map_or("standard input".to_owned(), |path| path.display().to_string());
            Err(anyhow::Error::from(error).context(name))
        }
    }
}

/// A file that is hashed while it is read.
struct Digesting {
    file: File,
    digest: Arc<Mutex<Sha256>>,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}
