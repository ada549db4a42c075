//! Reads an audit log back, entry by entry, in constant memory.
//!
//! Judges only whether a line is a record; what a history of records means is for the caller.
//!
//! The invariant: a line is skipped without an error only where a crash explains it, that is at the very end of the
//! file, right before the header of the next run, which may be torn itself, or where the next line is tied to it as it is: another run
//! was writing when one was killed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{LineHash, link_of};
use super::{AuditError, Entry, LOG_FORMAT, RECORD_BYTES_MAX, Record, UNTIED_FORMAT};

/// The entries of a log, in the order in which they were written. Ends after the first error.
#[derive(Debug)]
pub struct Reader<R = BufReader<File>> {
    input: R,
    path: PathBuf,
    lines: u64,
    is_done: bool,
}

/// Opens the log at `path` for reading.
///
/// # Errors
///
/// When the file cannot be opened, and in each step when it cannot be read or holds a line that is no record.
pub fn read(path: &Path) -> Result<Reader, AuditError> {
    let file = File::open(path).map_err(|source| AuditError::open(path, source))?;
    Ok(Reader::new(BufReader::new(file), path))
}

/// Whether this is the first line of a log of ours.
pub(super) fn is_header(line: &[u8]) -> bool {
    serde_json::from_slice(line).is_ok_and(|entry| begins_run(&entry))
}

pub(super) fn begins_run(entry: &Entry) -> bool {
    let is_ours = |log: &str| [LOG_FORMAT, UNTIED_FORMAT].contains(&log);
    matches!(&entry.record, Record::Run { log, .. } if is_ours(log))
}

/// Whether a line that is no record can be the start of a header: `{"at":"…","run":"…","record":"run"`.
pub(super) fn is_torn_header(line: &[u8]) -> bool {
    let mut rest = line.strip_suffix(b"\n").unwrap_or(line);
    for part in ["{\"at\":\"", "\",\"run\":\"", "\",\"record\":\"run\""] {
        let common = part.bytes().zip(rest).take_while(|(a, b)| a == *b).count();
        if common < part.len().min(rest.len()) {
            return false;
        }
        rest = rest.get(common..).unwrap_or_default();
        let value = rest.iter().take_while(|byte| **byte != b'"').count();
        rest = rest.get(value..).unwrap_or_default();
    }
    true
}

#[derive(Debug)]
struct Line {
    /// Nothing if the line is no record.
    entry: Option<Entry>,
    is_torn_header: bool,
    hash: LineHash,
    /// What it is tied to.
    link: Option<LineHash>,
    number: u64,
    is_ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads a log from anything. The path is for messages.
    pub fn new(input: R, path: &Path) -> Self {
        Self {
            input,
            path: path.to_owned(),
            lines: 0,
            is_done: false,
        }
    }

    fn advance(&mut self) -> Result<Option<Entry>, AuditError> {
        let Some(line) = self.take_line()? else {
            return Ok(None);
        };
        if let Some(entry) = line.entry {
            return Ok(Some(entry));
        }
        if !line.is_ended {
            return Ok(None);
        }
        let mut before = line.hash;
        while let Some(next) = self.take_line()? {
            let is_tied = next.link == Some(std::mem::replace(&mut before, next.hash));
            match next.entry {
                Some(entry) if is_tied || begins_run(&entry) => return Ok(Some(entry)),
                None if next.is_torn_header && !next.is_ended => return Ok(None),
                None if next.is_torn_header => {}
                Some(_) | None => break,
            }
        }
        Err(AuditError::Garbled {
            path: self.path.clone(),
            line: line.number,
        })
    }

    fn take_line(&mut self) -> Result<Option<Line>, AuditError> {
        let bytes = self.read_line().map_err(|source| AuditError::Read {
            path: self.path.clone(),
            source: Arc::new(source),
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.lines += 1;
        Ok(Some(Line {
            entry: serde_json::from_slice(&bytes).ok(),
            is_torn_header: is_torn_header(&bytes),
            hash: LineHash::of(&bytes),
            link: link_of(&bytes),
            number: self.lines,
            is_ended: bytes.ends_with(b"\n"),
        }))
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let limit = u64::try_from(RECORD_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let taken = (&mut self.input)
            .take(limit)
            .read_until(b'\n', &mut bytes)?;
        if taken == RECORD_BYTES_MAX && !bytes.ends_with(b"\n") {
            let message = format!("a line has more than {RECORD_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(bytes)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.advance().transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}
