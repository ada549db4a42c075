//! The files that a run writes beside its report: tried before anything is asked of the cloud, written when it is over.
//!
//! A run that fails before it has anything to report leaves the last line of its events and its metrics too: who watches it by them
//! must not take an old success for a new one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{Event, Listener, Sink};
use crate::exit::Exit;
use crate::report::stream::{EVENTS_FORM, EventStream, dated};
use crate::report::{Format, Report, junit, metrics};
use crate::run::Chronicle;

use super::app::{App, VERSION};
use super::failure::Failure;
use super::files::{can_write_whole, write_whole};
use super::flags::outputs::OutputArgs;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Metrics,
    Junit,
}

/// The files of one run.
#[derive(Default)]
pub(super) struct Outputs {
    events: Option<Arc<EventStream>>,
    /// The run, once it has begun.
    run: OnceLock<Arc<str>>,
    files: Vec<(Form, PathBuf)>,
    /// Whether standard output is the events', so that the report for people goes elsewhere.
    pub(super) has_stdout: bool,
    /// How often to say how far the run is, where nobody sees a bar.
    pub(super) heartbeat: Option<Duration>,
}

impl OutputArgs {
    /// Gets all files ready. `others` are further files that the run will write.
    ///
    /// # Errors
    /// If one cannot be written, or two are one.
    pub(super) fn open(
        &self,
        format: Format,
        others: &[(&str, Option<PathBuf>)],
    ) -> Result<Outputs, Failure> {
        let has_stdout = self.events.as_deref() == Some(Path::new("-"));
        if has_stdout && format != Format::Table {
            return Err(Failure::usage(
                "the events and the report cannot both be written to standard output",
            )
            .hint("give --events a file; or leave --format away, and people read the report on standard error"));
        }
        let events = self.events.as_ref().filter(|_| !has_stdout);
        let ours = [
            ("--events", events),
            ("--metrics", self.metrics.as_ref()),
            ("--junit", self.junit.as_ref()),
        ];
        let others = others.iter();
        let others = others.map(|(what, file)| (*what, file.as_ref()));
        check_apart(ours.into_iter().chain(others))?;
        let files = [
            (Form::Metrics, "--metrics", self.metrics.as_ref()),
            (Form::Junit, "--junit", self.junit.as_ref()),
        ];
        let mut checked = Vec::new();
        for (form, flag, file) in files {
            if let Some(file) = file {
                can_write_whole(file).map_err(|error| unwritable(flag, file, &error))?;
                checked.push((form, file.clone()));
            }
        }
        Ok(Outputs {
            events: self.stream()?.map(Arc::new),
            run: OnceLock::new(),
            files: checked,
            has_stdout,
            heartbeat: Some(Duration::from_secs(self.heartbeat)),
        })
    }

    fn stream(&self) -> Result<Option<EventStream>, Failure> {
        let Some(file) = &self.events else {
            return Ok(None);
        };
        let started = match file.to_str() {
            Some("-") => EventStream::start(io::stdout()),
            _ => stream_file(file).and_then(EventStream::start),
        };
        started
            .map(Some)
            .map_err(|error| unwritable("--events", file, &error))
    }
}

impl Outputs {
    /// Begins the stream of a run, and says who listens to it.
    pub(super) fn begin(&self, run: &Arc<str>, at: Timestamp) -> Option<Arc<dyn Sink>> {
        let events = self.events.as_ref()?;
        if self.run.set(run.clone()).is_ok() {
            events.begin(run, at, VERSION);
        }
        Some(events.clone())
    }

    /// Writes what a run came to. All files are tried, whatever becomes of the first.
    ///
    /// # Errors
    /// If one cannot be written: which, and why.
    pub(super) fn write(&self, report: &Report, at: Timestamp) -> Result<(), String> {
        let mut written = Ok(());
        for (form, file) in &self.files {
            let text = match form {
                Form::Metrics => Ok(metrics::of(report, at)),
                Form::Junit => junit::of(report, at),
            };
            let put = text.and_then(|text| {
                let put = write_whole(file, text.as_bytes());
                put.map_err(|error| format!("{} cannot be written: {error}", file.display()))
            });
            written = written.and(put);
        }
        written
    }

    /// Ends the stream of a run.
    ///
    /// # Errors
    /// If it is not whole.
    pub(super) fn finish(&self, chronicle: &Chronicle, report: &Report) -> Result<(), String> {
        let Some(events) = &self.events else {
            return Ok(());
        };
        chronicle.notice(&Event::Ended {
            exit_code: report.exit_code,
            interrupted: report.interrupted,
            error: report.error.clone(),
            requests: report.summary.requests,
            ms: report.took_ms,
        });
        events.finish()
    }

    /// Passes on how a command has ended. If it has failed, whoever reads its files is told so.
    pub(super) fn settle(&self, app: &App, ended: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let Err(failure) = &ended else {
            return ended;
        };
        let now = Timestamp::now();
        for (_, file) in self.files.iter().filter(|(form, _)| *form == Form::Metrics) {
            let text = metrics::of_failure(failure.exit.code(), app.started.elapsed(), now);
            if let Err(error) = write_whole(file, text.as_bytes()) {
                tracing::warn!("{} cannot be written: {error}", file.display());
            }
        }
        if let Some(events) = &self.events {
            self.begin(&Uuid::new_v4().to_string().into(), now);
            let run = self.run.get().cloned().unwrap_or_default();
            let ms = u64::try_from(app.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let over = Event::Ended {
                exit_code: failure.exit.code(),
                interrupted: failure.exit == Exit::Interrupted,
                error: Some(failure.document().message().to_owned()),
                requests: 0,
                ms,
            };
            events.take(&dated(&run, now, over));
            if let Err(why) = events.finish() {
                tracing::warn!("{why}");
            }
        }
        ended
    }
}

fn unwritable(flag: &str, file: &Path, error: &io::Error) -> Failure {
    let file = file.display();
    Failure::usage(format!("{flag} {file} cannot be written: {error}"))
        .hint("nothing was asked of the cloud; choose a file in a folder where you may write")
}

/// Refuses two names for one file: the second would be all that is left.
fn check_apart<'a>(
    files: impl Iterator<Item = (&'a str, Option<&'a PathBuf>)>,
) -> Result<(), Failure> {
    let mut known: Vec<(&str, PathBuf)> = Vec::new();
    for (flag, file) in files {
        let Some(place) = file.and_then(|file| place(file)) else {
            continue;
        };
        if let Some((other, _)) = known.iter().find(|(_, there)| *there == place) {
            let place = place.display();
            return Err(
                Failure::usage(format!("{other} and {flag} are one file, {place}"))
                    .hint("give each a file of its own"),
            );
        }
        known.push((flag, place));
    }
    Ok(())
}

/// Where a file is or would be, by whichever name. `None`: a device, which anybody may write to.
fn place(file: &Path) -> Option<PathBuf> {
    if let Ok(there) = file.canonicalize() {
        return there.is_file().then_some(there);
    }
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    Some(folder.join(file.file_name()?))
}

/// Opens the file for a stream. What is there already is replaced if it is an earlier stream, and left alone if it is anything else.
fn stream_file(file: &Path) -> io::Result<File> {
    let is_file = std::fs::metadata(file).map_or(true, |there| there.is_file());
    if !is_file {
        return OpenOptions::new().write(true).open(file);
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut opened = options.open(file)?;
    let mark = format!("{{\"form\":\"{EVENTS_FORM}\"");
    let mut head = String::new();
    let length = u64::try_from(mark.len()).unwrap_or(u64::MAX);
    // What is no text is no stream either.
    let is_text = Read::by_ref(&mut opened)
        .take(length)
        .read_to_string(&mut head);
    if is_text.is_err() || !(head.is_empty() || head == mark) {
        return Err(io::Error::other(
            "it holds something else than events of a run",
        ));
    }
    opened.set_len(0)?;
    opened.rewind()?;
    Ok(opened)
}
