//! The result file: CSV, one row per input row, in order.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use client::wire::import::looks_like_formula;
use client::wire::printable::{is_unprintable, printable};

use super::batches::Line;
use super::report::Counts;
use super::send::Fate;

/// Its columns.
const COLUMNS: [&str; 8] = ["row", "line", "emailAddress", "result", "id", "code", "field", "message"];

pub(super) struct Results {
    path: PathBuf,
    writer: csv::Writer<File>,
    rows: u64,
    counts: Counts,
}

impl Results {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let mut results =
            Self { path: path.to_owned(), writer: writer(file), rows: 0, counts: Counts::default() };
        results.record(&COLUMNS)?;
        results.flush()?;
        Ok(results)
    }

    /// Opens the file of an interrupted import. Undecided and incomplete rows at its end are removed.
    pub(super) fn resume(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let mut file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::create(path),
            Err(error) => return Err(error).with_context(named),
        };
        let length = file.metadata().with_context(named)?.len();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(BufReader::new(&file));
        let (mut record, mut end, mut rows, mut counts) = (csv::StringRecord::new(), 0, 0, Counts::default());
        while let Ok(true) = reader.read_record(&mut record) {
            // The last row may be truncated, even within a field: it counts only with a line end.
            let after = reader.position().byte();
            let whole =
                record.len() == COLUMNS.len() && (after < length || ends_with_newline(&file, length)?);
            let decided = end == 0 || record.get(0).and_then(|n| n.parse().ok()) == Some(rows + 1);
            if !whole || !decided || (end > 0 && !counts.add_named(record.get(3).unwrap_or_default())) {
                break;
            }
            rows += u64::from(end > 0);
            end = after;
        }
        drop(reader);
        if end == 0 {
            return Self::create(path);
        }
        file.set_len(end).with_context(named)?;
        file.seek(SeekFrom::End(0)).with_context(named)?;
        Ok(Self { path: path.to_owned(), writer: writer(file), rows, counts })
    }

    /// The number of decided rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Their results.
    pub(super) fn counted(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn write(&mut self, row: &Line, fate: &Fate<'_>) -> anyhow::Result<()> {
        let fault = fate.faults().first();
        let message: Vec<_> = fate.faults().iter().map(|fault| fault.message.as_str()).collect();
        self.record(&[
            &row.number.to_string(),
            &row.line.to_string(),
            &row.address,
            fate.name(),
            fate.id(),
            fault.map_or("", |fault| &fault.code),
            fault.and_then(|fault| fault.field.as_deref()).unwrap_or_default(),
            &if message.is_empty() { fate.detail() } else { message.join("; ") },
        ])
    }

    /// Writes a row. Text that a spreadsheet would take for a formula is guarded by an apostrophe.
    fn record(&mut self, fields: &[&str]) -> anyhow::Result<()> {
        let named = || self.path.display().to_string();
        for field in fields {
            let field = match field {
                field if looks_like_formula(field) => Cow::Owned(format!("'{}", printable(field))),
                field if field.contains(|c| c != '\n' && is_unprintable(c)) => Cow::Owned(printable(field)),
                field => Cow::Borrowed(*field),
            };
            self.writer.write_field(field.as_bytes()).with_context(named)?;
        }
        self.writer.write_record(None::<&[u8]>).with_context(named)
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.writer.flush().with_context(|| self.path.display().to_string())
    }

    /// Forces it to disk.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        let Self { path, writer, .. } = self;
        let file = writer.into_inner().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        file.sync_all().with_context(|| path.display().to_string())
    }
}

fn writer(file: File) -> csv::Writer<File> {
    csv::WriterBuilder::new().buffer_capacity(1 << 16).flexible(true).from_writer(file)
}

fn ends_with_newline(file: &File, length: u64) -> anyhow::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let mut last = [0];
    file.read_exact_at(&mut last, length.saturating_sub(1))?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_truncated_to_finished_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.csv");
        let head = "row,line,emailAddress,result,id,code,field,message\n";
        let one = "1,2,a@x,created,abc,,,\n";
        let two = "2,3,b@x,refused,,err_x,name,\"Two\nlines, \"\"quoted\"\"\"\n";
        for (text, rows, kept) in [
            (String::new(), 0, head.to_owned()),
            (head[..20].to_owned(), 0, head.to_owned()),
            (head.to_owned(), 0, head.to_owned()),
            (format!("{head}{one}{two}"), 2, format!("{head}{one}{two}")),
            (format!("{head}{one}{}", &two[..two.len() - 1]), 1, format!("{head}{one}")),
            (format!("{head}{one}{}", &two[..30]), 1, format!("{head}{one}")),
            (format!("{head}{one}2,3,b@x,unknown,,,,\n3,4,c@x,not tried,,,,\n"), 1, format!("{head}{one}")),
            (format!("{head}{one}3,4,c@x,created,abc,,,\n"), 1, format!("{head}{one}")),
        ] {
            std::fs::write(&path, &text).unwrap();
            let results = Results::resume(&path).unwrap();
            assert_eq!(results.rows(), rows, "{text}");
            results.finish().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), kept, "{text}");
        }
    }
}
