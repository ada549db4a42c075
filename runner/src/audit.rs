//! The audit log: what was about to be changed, written before it was, and what came of it.
//!
//! One JSON object a line, only ever appended, so that any tool can read it and a crash can spoil but the last line.
//! Decides nothing, prints nothing and is not the log that people read during a run. The only clock of the ground
//! floor is here, and tests pass their own.
//!
//! The invariant: when [`Audit::intention`] returns, the record is on disk; when it fails, so does every later call,
//! and nothing may be sent. An intention without an outcome means: nobody knows whether it was sent.
//!
//! | `record` | written | on disk before the call returns |
//! |---|---|---|
//! | `run` | once, by opening the log | yes |
//! | `intention` | before each request that changes something | yes |
//! | `outcome` | after it, under the same `intention` number | no |
//! | `refusal` | when a rule asked for something that it must not do | no |
//! | `summary` | once, at the end | yes, and all before it |
//!
//! Every line also has `at` (RFC 3339, UTC) and `run`, so that several runs can share one file, and `prev`, the SHA-256 of the line
//! before it, so that a line that is changed, taken out or put in afterwards breaks the chain ([`verify()`]).

mod chain;
mod reader;
mod verify;
mod writer;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use chain::LineHash;
pub use reader::{Reader, read};
pub use verify::{Broken, Verdict, verify};

use chain::LINK_BYTES;
use writer::{Flushed, LogFile, Queued, Sink, Writer};

/// The mark of our logs, and the version of their form. A file without it is never appended to.
const LOG_FORMAT: &str = "runner-audit/2";
/// The first form, in which lines were not tied to each other. Such a log is read, and gone on with in the present form.
const UNTIED_FORMAT: &str = "runner-audit/1";

/// The longest line. A request that does not fit is not recorded, and therefore not sent.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// The longest free text in an outcome or a refusal. It may come from a guest or a server, so the rest is cut off.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// The run that it happened in.
    pub run: RunId,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// What a line of the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Record {
    /// A run has begun.
    Run {
        /// The form of the log: `runner-audit/2`.
        log: String,
        /// Who acts, where, and by which rules.
        #[serde(flatten)]
        header: RunHeader,
    },
    /// A request is about to be sent.
    Intention {
        /// The number that its outcome refers to; unique within the run.
        intention: IntentionId,
        /// The request and the thing that it changes.
        #[serde(flatten)]
        deed: Intention,
    },
    /// A request was answered, or failed.
    Outcome {
        /// The number of the intention.
        intention: IntentionId,
        /// What came of it.
        #[serde(flatten)]
        outcome: RequestOutcome,
    },
    /// A rule asked for something that it must not do, and nothing was sent.
    Refusal(Misdeed),
    /// The run has ended by itself.
    Summary(Summary),
}

/// Identifies a run of the tool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id as it stands in the log, a uuid.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Identifies an intention within its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentionId(u64);

/// Who acts, where, and by which rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Name and version of the tool.
    pub tool: String,
    /// The name of the cloud, as the user chose it.
    pub cloud: String,
    /// The user on whose authority things are deleted.
    pub user: String,
    /// The token's scope, in words: `project demo`, `system all`.
    pub scope: String,
    /// The tasks that are swept; empty for a sweep of everything recognized.
    pub tasks: Vec<String>,
    /// The rules that take part.
    pub rules: Vec<RuleDigest>,
}

/// A rule and the exact bytes that it consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDigest {
    /// The rule's name.
    pub name: String,
    /// SHA-256 of the component, in hexadecimal.
    pub sha256: String,
}

/// A request that is about to be sent, and the thing that it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intention {
    /// The rule that asked for it.
    pub rule: String,
    /// The kind of thing: `network.port`.
    pub kind: String,
    /// The thing's id.
    pub id: String,
    /// The thing's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of the project that it belongs to, where it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The service type: `network`.
    pub service: String,
    /// The path at the service, with its query.
    pub path: String,
    /// The body, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestOutcome {
    /// The answer, or why there is none.
    #[serde(flatten)]
    pub answer: Answer,
    /// The id that the cloud gave to the request; its operators find it in their logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Milliseconds from sending to answer.
    pub ms: u64,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The HTTP status.
    Status(u16),
    /// Why there was no answer. The request may have been carried out nevertheless.
    Error(String),
}

/// Something that a rule asked for and was not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misdeed {
    /// The rule.
    pub rule: String,
    /// What it asked for, and why it was refused.
    pub deed: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The exit code of the process.
    pub exit_code: u8,
    /// Things that the plan said would go.
    pub planned: u64,
    /// Things confirmed absent.
    pub gone: u64,
    /// Things that could not be deleted.
    pub failed: u64,
    /// Things of the plan that the last listing still showed.
    pub left: u64,
}

/// Where the time in the log comes from.
pub type Clock = fn() -> Timestamp;

/// An open audit log. Clones write to the same log; the last one to be dropped waits until all is written.
///
/// Any number of callers may write at once. Those that wait for the disk at the same time share one `fsync`.
#[derive(Clone, Debug)]
pub struct Audit {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    run: RunId,
    path: PathBuf,
    clock: Clock,
    next_intention: AtomicU64,
    writer: Writer,
}

impl Audit {
    /// Opens the log at `path`, creates it for its owner's eyes alone if it is absent, and writes the header of a new
    /// run to disk. A line that an earlier crash tore is ended, not removed. Blocks for as long as the disk does.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, read or written, when it is no regular file, and when it holds anything but an
    /// audit log of ours.
    pub fn open(path: &Path, header: &RunHeader) -> Result<Self, AuditError> {
        let at_path = |source| AuditError::open(path, source);
        let is_new = !path.try_exists().map_err(at_path)?;
        let file = open_for_append(path).map_err(at_path)?;
        if !file.metadata().map_err(at_path)?.is_file() {
            return Err(AuditError::NotAFile {
                path: path.to_owned(),
            });
        }
        let mut file = LogFile::new(file);
        if !file.is_for(reader::is_header).map_err(at_path)? {
            return Err(AuditError::Foreign {
                path: path.to_owned(),
            });
        }
        if is_new {
            sync_directory_of(path).map_err(at_path)?;
        }
        Self::start(file, path, Timestamp::now, header)
    }

    /// Writes the log to anything, as a test does. What `open` puts on disk is flushed here.
    ///
    /// # Errors
    ///
    /// When the header cannot be written.
    pub fn to_writer<W>(writer: W, clock: Clock, header: &RunHeader) -> Result<Self, AuditError>
    where
        W: Write + Send + 'static,
    {
        Self::start(Flushed::new(writer), Path::new("(writer)"), clock, header)
    }

    /// The id of this run, as it stands in every line that this log writes.
    pub fn run(&self) -> &RunId {
        &self.inner.run
    }

    /// Records that a request is about to be sent. The record is on disk when this returns.
    ///
    /// Dropping the future may leave the intention in the log, without an outcome.
    ///
    /// # Errors
    ///
    /// When the record is longer than [`RECORD_BYTES_MAX`] or the log cannot be written. Then the request must not
    /// be sent.
    pub async fn intention(&self, deed: &Intention) -> Result<IntentionId, AuditError> {
        let id = IntentionId(self.inner.next_intention.fetch_add(1, Ordering::Relaxed));
        self.write_through(Record::Intention {
            intention: id,
            deed: deed.clone(),
        })
        .await?;
        Ok(id)
    }

    /// Records what came of a request. Does not wait for the disk.
    ///
    /// # Errors
    ///
    /// When the log can no longer be written.
    pub async fn outcome(
        &self,
        intention: IntentionId,
        outcome: RequestOutcome,
    ) -> Result<(), AuditError> {
        let outcome = RequestOutcome {
            answer: match outcome.answer {
                Answer::Status(status) => Answer::Status(status),
                Answer::Error(text) => Answer::Error(shortened(text)),
            },
            request_id: outcome.request_id.map(shortened),
            ms: outcome.ms,
        };
        self.write(Record::Outcome { intention, outcome }, None)
            .await
    }

    /// Records that a rule asked for something that it must not do. Does not wait for the disk.
    ///
    /// # Errors
    ///
    /// When the log can no longer be written.
    pub async fn refusal(&self, rule: &str, deed: &str) -> Result<(), AuditError> {
        let refusal = Misdeed {
            rule: shortened(rule.to_owned()),
            deed: shortened(deed.to_owned()),
        };
        self.write(Record::Refusal(refusal), None).await
    }

    /// Records how the run ended. This record and all before it are on disk when this returns.
    ///
    /// # Errors
    ///
    /// When the log cannot be written, or could not at any time before.
    pub async fn finish(&self, summary: Summary) -> Result<(), AuditError> {
        self.write_through(Record::Summary(summary)).await
    }

    fn start(
        mut sink: impl Sink,
        path: &Path,
        clock: Clock,
        header: &RunHeader,
    ) -> Result<Self, AuditError> {
        let run = RunId::random();
        let first = Entry {
            at: clock(),
            run: run.clone(),
            record: Record::Run {
                log: LOG_FORMAT.to_owned(),
                header: header.clone(),
            },
        };
        let written = sink.append(&[&line(&first)?]).and_then(|()| sink.sync());
        let writer = written
            .and_then(|()| Writer::start(sink))
            .map_err(|source| AuditError::write(path, source))?;
        Ok(Self {
            inner: Arc::new(Inner {
                run,
                path: path.to_owned(),
                clock,
                next_intention: AtomicU64::new(1),
                writer,
            }),
        })
    }

    async fn write_through(&self, record: Record) -> Result<(), AuditError> {
        let (on_disk, wait) = oneshot::channel();
        self.write(record, Some(on_disk)).await?;
        wait.await.map_err(|_| self.failure())
    }

    async fn write(
        &self,
        record: Record,
        on_disk: Option<oneshot::Sender<()>>,
    ) -> Result<(), AuditError> {
        let entry = Entry {
            at: (self.inner.clock)(),
            run: self.inner.run.clone(),
            record,
        };
        let queued = Queued {
            line: line(&entry)?,
            on_disk,
        };
        let taken = self.inner.writer.queue(queued).await;
        taken.map_err(|_| self.failure())
    }

    fn failure(&self) -> AuditError {
        AuditError::Write {
            path: self.inner.path.clone(),
            source: self.inner.writer.failure(),
        }
    }
}

/// Why the audit log cannot be opened, written or read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The operating system refused.
    #[error("cannot open audit log {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A directory, a pipe or a device.
    #[error("audit log {path} is not a regular file: choose a file, which must survive this run")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error(
        "{path} is not an audit log of this tool, so nothing is appended to it: choose another file"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full, or worse. Every later call fails in the same way.
    #[error("cannot write audit log {path}, so nothing more may be changed")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The record does not fit into a line.
    #[error("an audit record of {bytes} bytes is too long: at most {RECORD_BYTES_MAX} are allowed")]
    TooLong {
        /// How long it would have been.
        bytes: usize,
    },
    /// The record cannot be written as JSON.
    #[error("cannot write an audit record as JSON")]
    Json {
        /// Why not.
        source: Arc<serde_json::Error>,
    },
    /// The operating system refused to read on.
    #[error("cannot read audit log {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A line that is no record, and that no crash explains.
    #[error("line {line} of audit log {path} is not a record")]
    Garbled {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
    },
}

impl AuditError {
    fn open(path: &Path, source: io::Error) -> Self {
        Self::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}

/// The entry as a line of its own: JSON escapes the newlines within.
fn line(entry: &Entry) -> Result<Vec<u8>, AuditError> {
    let mut line = serde_json::to_vec(entry).map_err(|source| AuditError::Json {
        source: Arc::new(source),
    })?;
    line.push(b'\n');
    let bytes = line.len() + LINK_BYTES;
    if bytes > RECORD_BYTES_MAX {
        return Err(AuditError::TooLong { bytes });
    }
    Ok(line)
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

fn open_for_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new file's name as durable as its content.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
