//! The events of a run as JSON lines, for programs that watch it or read it afterwards.
//!
//! A thread of its own writes them: whoever does not read holds up nobody. Events decide nothing, so a stream that fails stops nothing
//! either; it is said, and [`EventStream::finish`] says it again to who has to answer for it.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::{Dated, Event, Sink};

/// The mark of a stream, and the version of its form. It is the first line's, which is no event.
pub const EVENTS_FORM: &str = "runner-events/1";

/// Events that may wait for a reader. What happens beyond that is not in the stream, which is then not whole.
const WAITING_MAX: usize = 65_536;

/// How long the end of a run waits for a reader.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first line of a stream.
#[derive(Clone, Debug, Serialize)]
struct Header {
    form: &'static str,
    run: Arc<str>,
    at: Timestamp,
    runner: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Header(Header),
    Event(Dated),
}

/// A stream of events, being written.
pub struct EventStream {
    lines: Mutex<Option<SyncSender<Line>>>,
    lost: AtomicU64,
    failure: Arc<OnceLock<io::Error>>,
    written: Mutex<Receiver<()>>,
}

impl EventStream {
    /// Begins to write.
    ///
    /// # Errors
    /// If there can be no thread for it.
    pub fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        Self::waiting_at_most(WAITING_MAX, to)
    }

    fn waiting_at_most(waiting_max: usize, to: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, queue) = sync_channel(waiting_max);
        let (done, written) = sync_channel(1);
        let failure = Arc::new(OnceLock::new());
        let report = failure.clone();
        thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || {
                write_all(to, &queue, &report);
                // Who has lost patience is not there any more.
                let _ = done.send(());
            })?;
        Ok(Self {
            lines: Mutex::new(Some(lines)),
            lost: AtomicU64::new(0),
            failure,
            written: Mutex::new(written),
        })
    }

    /// Writes the first line: which run this is, when it began, and by which runner.
    pub fn begin(&self, run: &Arc<str>, at: Timestamp, runner: &'static str) {
        self.send(Line::Header(Header {
            form: EVENTS_FORM,
            run: run.clone(),
            at,
            runner,
        }));
    }

    /// Ends the stream. Waits until all is written, but not for a reader that does not come.
    ///
    /// # Errors
    /// If the stream is not whole: why, in words. A reader who has gone away has seen what he wanted.
    pub fn finish(&self) -> Result<(), String> {
        drop(self.lines().take());
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_written = written.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout);
        if let Some(error) = self.failure.get() {
            return match error.kind() {
                ErrorKind::BrokenPipe => Ok(()),
                _ => Err(format!("the events of the run cannot be written: {error}")),
            };
        }
        match self.lost.load(Ordering::Relaxed) {
            _ if !is_written => Err("nobody reads the events of the run to their end".to_owned()),
            0 => Ok(()),
            lost => Err(format!(
                "{lost} events of the run are not in its stream: whoever reads it is too slow"
            )),
        }
    }

    fn send(&self, line: Line) {
        let is_full = self.lines().as_ref().is_some_and(|lines| {
            let sent = lines.try_send(line);
            matches!(sent, Err(TrySendError::Full(_)))
        });
        if is_full {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Option<SyncSender<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for EventStream {
    fn take(&self, dated: &Dated) {
        self.send(Line::Event(dated.clone()));
    }
}

/// An event that no chronicle has dated: of a run that has ended before it began.
pub fn dated(run: &Arc<str>, at: Timestamp, event: Event) -> Dated {
    Dated {
        run: run.clone(),
        at,
        event,
    }
}

fn write_all(to: impl Write, queue: &Receiver<Line>, failure: &OnceLock<io::Error>) {
    if let Err(error) = write_lines(to, queue) {
        if error.kind() != ErrorKind::BrokenPipe {
            tracing::warn!(
                "the events of the run can no longer be written, the run itself goes on: {error}"
            );
        }
        // This is the only place that fills it, and it ends the thread.
        let _ = failure.set(error);
    }
}

/// Writes what comes until nobody is left who could say more. Whatever has come is shown before more is waited for.
fn write_lines(to: impl Write, queue: &Receiver<Line>) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    loop {
        let line = match queue.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => {
                to.flush()?;
                match queue.recv() {
                    Ok(line) => line,
                    Err(_) => return Ok(()),
                }
            }
            Err(TryRecvError::Disconnected) => return to.flush(),
        };
        serde_json::to_writer(&mut to, &line)?;
        to.write_all(b"\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    /// A place for lines that a test can look at.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that is full.
    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader who does not read before he is told to.
    struct Slow(Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The first leave is for all that follows.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell(stream: &EventStream) {
        let run: Arc<str> = "r".into();
        let phase = Phase::Survey;
        stream.take(&dated(&run, Timestamp::UNIX_EPOCH, Event::Phase { phase }));
    }

    #[test]
    fn the_first_line_says_what_it_is_and_each_other_one_is_an_event() {
        let content = Shared::default();
        let stream = EventStream::start(content.clone()).unwrap();
        stream.begin(&"r".into(), Timestamp::UNIX_EPOCH, "runner 0");
        tell(&stream);
        assert_eq!(stream.finish(), Ok(()));
        // What comes after the end is nobody's.
        tell(&stream);
        let text = String::from_utf8(content.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"form":"runner-events/1","run":"r","at":"1970-01-01T00:00:00Z","runner":"runner 0"}"#,
                r#"{"run":"r","at":"1970-01-01T00:00:00Z","event":"phase","phase":"survey"}"#,
            ]
        );
    }

    #[test]
    fn a_full_disk_is_said_and_a_reader_who_has_gone_is_not() {
        for (kind, is_failure) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::BrokenPipe, false),
        ] {
            let stream = EventStream::start(Failing(kind)).unwrap();
            (0..10).for_each(|_| tell(&stream));
            assert_eq!(stream.finish().is_err(), is_failure, "{kind}");
        }
    }

    #[test]
    fn nobody_waits_for_a_slow_reader_and_what_he_misses_is_counted() {
        let (leave, wait) = sync_channel(1);
        let stream = EventStream::waiting_at_most(4, Slow(wait)).unwrap();
        (0..200).for_each(|_| tell(&stream));
        drop(leave);
        let missed = stream.finish().unwrap_err();
        assert!(
            missed.contains("events of the run are not in its stream"),
            "{missed}"
        );
    }
}
