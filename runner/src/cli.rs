//! The command line: flags in, words and an exit code out. What a sweep does is in the library's `run`.

mod advice;
mod app;
mod cases;
mod commands;
mod components;
mod confirm;
mod connected;
mod failure;
mod files;
mod flags;
mod locked;
mod output;
mod outputs;
mod plans;
mod ready;
mod sheet;
mod signals;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::exit::Exit;
use crate::report::Format;

use commands::Cli;
pub use components::COMPILE_COMPONENT;
use failure::Failure;
use output::{LogWriter, asked_format, fail};

/// Runs the command line, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run(arguments).code())
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let format = asked_format(&words);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explained(&error, format),
    };
    log_to_stderr(cli.verbose, cli.quiet);
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(commands::run(cli));
            // Whatever is still being read or compiled is of no use to anybody any more.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::unexpected(format!(
            "the runtime cannot be started: {error}"
        ))),
    };
    ended.unwrap_or_else(|failure| fail(&failure, format))
}

/// Help that was asked for, or what is wrong with the command line.
fn explained(error: &clap::Error, format: Option<Format>) -> Exit {
    // A closed pipe is no reason to fail.
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Clean;
    }
    if format.is_some_and(Format::is_document) {
        let text = error.to_string();
        let text = text.trim().trim_start_matches("error: ");
        return fail(&Failure::usage(text), format);
    }
    let _ = error.print();
    Exit::Usage
}

fn log_to_stderr(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        // A code that a person has to enter is no chatter.
        (true, _) => "runner::cloud::auth::device=warn,error",
        (false, 0) => "runner=warn,error",
        (false, 1) => "runner=info,warn",
        (false, 2) => "runner=debug,info",
        (false, _) => "trace",
    };
    let colored = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(|| LogWriter(std::io::stderr()))
        .with_ansi(colored && !no_color)
        .without_time()
        .with_target(verbose > 1)
        .finish();
    // A second run in the same process (a test, the demo) goes on with the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
