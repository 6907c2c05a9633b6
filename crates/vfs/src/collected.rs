//! Writes that follow one another.

/// Bytes collected at most; more is passed on in pieces. SQLite's layer for Unix takes 17 bits of the length of a write,
/// and reports a full disk for a multiple of 128 KiB (`seekAndWriteFd`, SQLite 3.54.1): it never gets more than a page.
pub(crate) const MOST: usize = (1 << 17) - 1;

/// A run of bytes that has not been written yet.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    at: i64,
    bytes: Vec<u8>,
}

impl Collected {
    /// The offset of the run, if there is one.
    pub(crate) fn first(&self) -> Option<i64> {
        (!self.bytes.is_empty()).then_some(self.at)
    }

    /// Adds a write of at most [`MOST`] bytes; SQLite's are pages, 64 KiB at most. What does not continue the run, or would
    /// make it too long, has the run written first; `write` gets offset and bytes.
    ///
    /// # Errors
    /// That of `write`. The new bytes are then not collected, and the run is lost.
    pub(crate) fn add<E>(
        &mut self,
        at: i64,
        bytes: &[u8],
        mut write: impl FnMut(i64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.continues(at) || self.bytes.len() + bytes.len() > MOST {
            self.pass_on(&mut write)?;
        }
        if self.bytes.is_empty() {
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes the run, and is empty afterwards.
    ///
    /// # Errors
    /// That of `write`. The run is lost: SQLite rolls the transaction back, and writes other bytes in its place.
    pub(crate) fn pass_on<E>(&mut self, write: impl FnOnce(i64, &[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = write(self.at, &self.bytes);
        self.bytes.clear();
        written
    }

    fn continues(&self, at: i64) -> bool {
        i64::try_from(self.bytes.len()).is_ok_and(|length| self.at.checked_add(length) == Some(at))
    }
}
