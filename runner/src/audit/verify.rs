//! Is a log still as it was written? Looks at each line once, in constant memory, and changes nothing.
//!
//! What is found broken was changed, taken out, put in or moved after it was written. What is found whole may lack its end: that is tied
//! to by nothing. Whoever has kept the hash of a line from an earlier look can ask for it ([`verify`]).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::chain::{LineHash, link_of};
use super::reader::{begins_run, is_torn_header};
use super::{AuditError, Entry, RECORD_BYTES_MAX};

/// What a look at a log has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Lines, torn ones included.
    pub lines: u64,
    /// Runs that have begun.
    pub runs: u64,
    /// Lines at the beginning that are tied to nothing, for an earlier version has written them.
    pub untied: u64,
    /// Lines that a crash has torn and that the next line is tied to.
    pub torn: u64,
    /// Whether the last line is torn: a run was killed while it wrote, or is writing.
    pub torn_at_end: bool,
    /// The hash of the last whole line: keep it elsewhere, and ask for it later.
    pub head: Option<String>,
    /// Where the log is not as it was written. Nothing is said of what is behind that.
    pub broken: Option<Broken>,
}

/// Where a log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The line, from 1. It or the one before was changed, or something between them is missing or new.
    pub line: u64,
    /// What is wrong there.
    pub why: &'static str,
}

/// Looks at the log at `path`; `wanted` is the hash of a line that must be in it, as an earlier look has given it.
///
/// # Errors
///
/// When the file cannot be opened or read, or has a line longer than any record.
pub fn verify(path: &Path, wanted: Option<LineHash>) -> Result<Verdict, AuditError> {
    let file = File::open(path).map_err(|source| AuditError::open(path, source))?;
    examine(BufReader::new(file), path, wanted)
}

pub(super) fn examine(
    mut input: impl BufRead,
    path: &Path,
    wanted: Option<LineHash>,
) -> Result<Verdict, AuditError> {
    let mut look = Look::default();
    loop {
        let line = take_line(&mut input).map_err(|source| AuditError::Read {
            path: path.to_owned(),
            source: Arc::new(source),
        })?;
        if line.is_empty() || look.verdict.broken.is_some() {
            break;
        }
        look.take(&line);
        look.has_seen_wanted |= wanted.is_some_and(|wanted| wanted == look.before);
    }
    Ok(look.end(wanted.is_some()))
}

#[derive(Default)]
struct Look {
    verdict: Verdict,
    /// The hash of the line before.
    before: LineHash,
    /// The line before is no record, and nothing has explained it yet.
    is_unexplained: bool,
    has_seen_wanted: bool,
}

impl Look {
    fn take(&mut self, line: &[u8]) {
        self.verdict.lines += 1;
        let entry: Option<Entry> = serde_json::from_slice(line).ok();
        let link = link_of(line).filter(|_| entry.is_some());
        let is_first_link = self.verdict.untied + 1 == self.verdict.lines;
        match (&entry, link) {
            (Some(_), Some(link)) if link != self.before => {
                return self.break_off("it is not tied to the line before it");
            }
            (Some(entry), Some(_)) => {
                self.verdict.torn += u64::from(self.is_unexplained);
                self.is_unexplained = false;
                self.verdict.runs += u64::from(begins_run(entry));
            }
            (Some(_), None) if !is_first_link => {
                return self.break_off("it is tied to nothing, and lines before it are");
            }
            // Of the first form: a torn line stands before the beginning of the next run.
            (Some(entry), None) => {
                if self.is_unexplained && !begins_run(entry) {
                    return self.break_off("the line before it is no record");
                }
                self.verdict.torn += u64::from(self.is_unexplained);
                self.is_unexplained = false;
                self.verdict.untied += 1;
                self.verdict.runs += u64::from(begins_run(entry));
            }
            (None, _) if !line.ends_with(b"\n") => {
                self.verdict.torn_at_end = true;
                // Before it may stand another one: two crashes, and the second while the next run began.
                self.is_unexplained &= !is_torn_header(line);
                return;
            }
            (None, _) if self.is_unexplained && !is_torn_header(line) => {
                return self.break_off("neither it nor the line before it is a record");
            }
            (None, _) => {
                self.verdict.untied += u64::from(is_first_link);
                self.is_unexplained = true;
            }
        }
        self.before = LineHash::of(line);
        if entry.is_some() {
            self.verdict.head = Some(self.before.to_string());
        }
    }

    fn break_off(&mut self, why: &'static str) {
        let line = self.verdict.lines;
        self.verdict.broken = Some(Broken { line, why });
    }

    fn end(mut self, is_wanted: bool) -> Verdict {
        if self.verdict.broken.is_some() {
            return self.verdict;
        }
        if self.is_unexplained {
            self.break_off("it is no record, and no crash has torn it: it ends with a line break");
        } else if is_wanted && !self.has_seen_wanted {
            self.break_off("the line that was asked for is not in the log: its end was cut off, or written anew");
        }
        self.verdict
    }
}

fn take_line(input: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(RECORD_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let taken = input.take(limit).read_until(b'\n', &mut bytes)?;
    if taken == RECORD_BYTES_MAX && !bytes.ends_with(b"\n") {
        let message = format!("a line has more than {RECORD_BYTES_MAX} bytes");
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            message,
        ));
    }
    Ok(bytes)
}
