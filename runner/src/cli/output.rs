//! Where a command's words leave the process: data on standard output, all else on standard error.

use std::io::{self, ErrorKind, Write};

use clap::ValueEnum;

use crate::exit::Exit;
use crate::report::{Format, document};
use crate::text;

use super::failure::Failure;

/// Writes data to standard output. A reader that has seen enough is no failure.
pub(super) fn print(text: &str) -> Result<Exit, Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::unexpected(format!(
            "standard output cannot be written: {error}"
        ))),
        Ok(()) | Err(_) => Ok(Exit::Clean),
    }
}

/// Says something to people on standard error, unless nothing but errors is to be said.
pub(super) fn show(text: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        // Where nobody can be told the run goes on.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// Says on standard error why a command ends.
pub(super) fn tell(failure: &Failure) -> Exit {
    // If standard error is gone too, the exit code is all there is to say it with.
    let _ = write!(std::io::stderr(), "{}", text::lines(&failure.to_string()));
    failure.exit
}

/// A place for log lines. What others wrote in them is made visible; escape sequences pass, for the log colours its lines by them,
/// and writes those of others out itself.
pub(super) struct LogWriter<W>(pub(super) W);

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let parts: Vec<String> = text.split('\u{1b}').map(text::lines).collect();
        // Where nobody can be told any more the run goes on; the log's own library would end it with a panic.
        let _ = self.0.write_all(parts.join("\u{1b}").as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// Ends a command that has failed: says why, and where a document was asked for, makes one of it.
pub(super) fn fail(failure: &Failure, format: Option<Format>) -> Exit {
    if let Some(format) = format.filter(|format| format.is_document())
        && let Ok(document) = document(format, &failure.document())
    {
        // What is said on standard error does not depend on whether anybody reads this.
        let _ = print(&document);
    }
    tell(failure)
}

/// The form that a command line asks for, read from its words alone: it may be none that is understood.
pub(super) fn asked_format(words: &[String]) -> Option<Format> {
    let of = |text: &str| Format::from_str(text, true).ok();
    words.iter().enumerate().rev().find_map(|(position, word)| {
        let next = || words.get(position + 1).map(String::as_str);
        let text = match word.as_str() {
            "-f" | "--format" => next()?,
            word => word
                .strip_prefix("--format=")
                .or_else(|| word.strip_prefix("-f="))
                .or_else(|| word.strip_prefix("-f"))?,
        };
        of(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_has_its_colours_and_no_tricks() {
        let mut log = LogWriter(Vec::new());
        log.write_all("\x1b[31mWARN\x1b[0m x\u{202e}y\n".as_bytes())
            .unwrap();
        let written = String::from_utf8(log.0).unwrap();
        assert_eq!(written, "\x1b[31mWARN\x1b[0m x\\u{202e}y\n");
    }

    #[test]
    fn the_form_that_was_asked_for_is_known_even_if_nothing_else_is_understood() {
        let cases: &[(&[&str], Option<Format>)] = &[
            (&["runner", "--tusk", "-f", "json"], Some(Format::Json)),
            (&["runner", "-fyaml", "--task"], Some(Format::Yaml)),
            (&["runner", "--format=json"], Some(Format::Json)),
            (&["runner", "--format", "table", "x"], Some(Format::Table)),
            (&["runner", "-f"], None),
            (&["runner", "-f", "xml"], None),
            (&["runner", "--force"], None),
        ];
        for (words, expected) in cases {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(asked_format(&words), *expected, "{words:?}");
        }
    }
}
