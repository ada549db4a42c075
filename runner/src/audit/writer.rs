//! The one thread that writes the log: takes what is queued, writes it at once, syncs once, tells those who wait.
//!
//! Knows lines, not records. A thread and not a worker of the runtime, because `fsync` blocks, and because a caller
//! that is dropped in mid-wait must not tear a line.
//!
//! The invariant: after the first failure nothing more is written, so that a log never goes on behind a gap.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::RECORD_BYTES_MAX;
use super::chain::{Chain, LineHash};

/// How many lines may wait for the thread before callers do. Also the largest group that shares one sync.
const QUEUED_LINES_MAX: usize = 1024;

/// Where lines go.
pub(super) trait Sink: Send + 'static {
    /// Writes whole lines, each tied to the one before it.
    fn append(&mut self, lines: &[&[u8]]) -> io::Result<()>;

    /// Returns when everything appended will survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// A line, and who waits until it is on disk.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) line: Vec<u8>,
    pub(super) on_disk: Option<oneshot::Sender<()>>,
}

/// The handle to the thread. Dropping it waits until everything queued is written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<OnceLock<Arc<io::Error>>>,
}

/// The thread has stopped; [`Writer::failure`] says why.
#[derive(Debug)]
pub(super) struct Stopped;

impl Writer {
    pub(super) fn start(sink: impl Sink) -> io::Result<Self> {
        let (queue, lines) = mpsc::channel(QUEUED_LINES_MAX);
        let failure = Arc::new(OnceLock::new());
        let report = Arc::clone(&failure);
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(sink, lines, &report))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            failure,
        })
    }

    pub(super) async fn queue(&self, queued: Queued) -> Result<(), Stopped> {
        let queue = self.queue.as_ref().ok_or(Stopped)?;
        queue.send(queued).await.map_err(|_| Stopped)
    }

    /// Why the thread has stopped.
    pub(super) fn failure(&self) -> Arc<io::Error> {
        let unexplained = || Arc::new(io::Error::other("the writing thread has ended"));
        self.failure.get().cloned().unwrap_or_else(unexplained)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already told those who waited for it, by hanging up.
            drop(thread.join());
        }
    }
}

fn write_all(
    mut sink: impl Sink,
    mut lines: mpsc::Receiver<Queued>,
    failure: &OnceLock<Arc<io::Error>>,
) {
    let mut group = Vec::new();
    while lines.blocking_recv_many(&mut group, QUEUED_LINES_MAX) > 0 {
        if let Err(error) = write_group(&mut sink, &mut group) {
            // Set before the group is dropped, which wakes those who wait and who then ask for the reason.
            // The cell is empty: this is the only place that fills it, and it ends the thread.
            let _ = failure.set(Arc::new(error));
            return;
        }
    }
}

fn write_group(sink: &mut impl Sink, group: &mut Vec<Queued>) -> io::Result<()> {
    let lines: Vec<&[u8]> = group.iter().map(|queued| queued.line.as_slice()).collect();
    sink.append(&lines)?;
    if group.iter().any(|queued| queued.on_disk.is_some()) {
        sink.sync()?;
    }
    for waiting in group.drain(..).filter_map(|queued| queued.on_disk) {
        // Whoever no longer waits has given up on the request, and will not send it.
        let _ = waiting.send(());
    }
    Ok(())
}

/// Anything that can be written to; flushing is all the safety it has.
pub(super) struct Flushed<W> {
    to: W,
    chain: Chain,
}

impl<W> Flushed<W> {
    pub(super) fn new(to: W) -> Self {
        let chain = Chain::default();
        Self { to, chain }
    }
}

impl<W: Write + Send + 'static> Sink for Flushed<W> {
    fn append(&mut self, lines: &[&[u8]]) -> io::Result<()> {
        self.to.write_all(&self.chain.tie(lines))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A log on disk, which other runs may be appending to as well.
pub(super) struct LogFile {
    file: File,
    chain: Chain,
    /// How long the file was when the chain's end was its last line.
    length: u64,
}

impl LogFile {
    /// Takes a file that was opened for reading and appending.
    pub(super) fn new(file: File) -> Self {
        Self {
            file,
            chain: Chain::default(),
            length: 0,
        }
    }

    /// Says `false` if the first line is there and `is_ours` does not know it. Leaves the file as it is.
    pub(super) fn is_for(&mut self, is_ours: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
        locked(&mut self.file, |file| {
            let is_empty = file.seek(SeekFrom::End(0))? == 0;
            Ok(is_empty || is_ours(&first_line(file)?))
        })
    }
}

impl Sink for LogFile {
    fn append(&mut self, lines: &[&[u8]]) -> io::Result<()> {
        let Self {
            file,
            chain,
            length,
        } = self;
        locked(file, |file| {
            let end = file.seek(SeekFrom::End(0))?;
            let mut text = Vec::new();
            // Another run has written since, or this one has not written yet.
            if end != *length {
                let last = last_line(file, end)?;
                if !last.ends_with(b"\n") {
                    text.push(b'\n');
                }
                chain.head = LineHash::of(&last);
            }
            text.extend(chain.tie(lines));
            file.write_all(&text)?;
            *length = end.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Keeps other runs from writing in between. Where the file system has no locks, appending alone must do: then no two runs may share
/// a log, for both would tie their lines to the same one.
fn locked<T>(file: &mut File, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let is_locked = match file.lock() {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => false,
        Err(error) => return Err(error),
    };
    let done = work(file);
    let unlocked = if is_locked { file.unlock() } else { Ok(()) };
    let value = done?;
    unlocked?;
    Ok(value)
}

/// The last line of a file that is so long, with its line break if it has one.
fn last_line(file: &mut File, end: u64) -> io::Result<Vec<u8>> {
    let window = u64::try_from(RECORD_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(end.saturating_sub(window)))?;
    let mut tail = Vec::new();
    file.take(window).read_to_end(&mut tail)?;
    let inner = tail.strip_suffix(b"\n").unwrap_or(&tail);
    let begin = inner.iter().rposition(|&byte| byte == b'\n');
    if begin.is_none() && end > window {
        let message = format!("its last line has more than {RECORD_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(tail.split_off(begin.map_or(0, |at| at + 1)))
}

fn first_line(file: &mut File) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    let limit = u64::try_from(RECORD_BYTES_MAX).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut start)?;
    let end = start.iter().position(|&byte| byte == b'\n');
    start.truncate(end.unwrap_or(start.len()));
    Ok(start)
}
