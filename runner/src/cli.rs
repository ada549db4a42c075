//! The command line: flags in, exit code out. The one place that ends the process's work with a number.

mod add;
mod advice;
mod args;
mod bench;
mod cases;
mod components;
mod failure;
mod files;
mod inspect;
mod lock;
mod new;
mod setup;
mod sweep;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::guest::{CompileError, compile_in_bounds};

use args::{Cli, Command, CompileArgs, RulesCommand};
use failure::Failure;

/// Exit code: looked again, nothing is left (or a dry run is done).
pub const CLEAN: u8 = 0;
/// Exit code: unexpected error.
pub const UNEXPECTED: u8 = 1;
/// Exit code: usage or configuration.
pub const USAGE: u8 = 2;
/// Exit code: something that should be gone is left.
pub const LEFT: u8 = 3;
/// Exit code: a listing failed, so nobody can say that it is clean.
pub const UNLISTED: u8 = 4;
/// Exit code: authentication or scope refused.
pub const REFUSED: u8 = 5;
/// Exit code: a guard refused: confirmation, limit, plan drift.
pub const GUARDED: u8 = 6;
/// Exit code: `--dry-run --detailed-exitcode`, and there is something to delete.
pub const WORK_TO_DO: u8 = 10;
/// Exit code: interrupted; what was in flight is in the audit log.
pub const INTERRUPTED: u8 = 130;

/// First argument of the process that compiles a component and ends. Not for people.
pub const COMPILE_COMPONENT: &str = "compile-component";

/// Runs the command line, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { CLEAN };
            // A closed pipe is no reason to fail.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    log_to_stderr(cli.verbose, cli.quiet);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return tell(&Failure::unexpected(format!(
                "the runtime cannot be started: {error}"
            )));
        }
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => tell(&failure),
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let Cli {
        command,
        sweep,
        common,
        ..
    } = cli;
    match command {
        Some(Command::CompileComponent(bounds)) => compile(&bounds),
        None => sweep::sweep(&common, &sweep).await,
        Some(Command::Apply(apply)) => sweep::apply(&common, &apply).await,
        Some(Command::Explain(explain)) => sweep::explain(&common, &explain).await,
        Some(Command::Names(names)) => inspect::names(&common, &names),
        Some(Command::Doctor(doctor)) => inspect::doctor(&common, &doctor).await,
        Some(Command::Rules { command }) => match command {
            RulesCommand::List(list) => inspect::list(&common, &list).await,
            RulesCommand::Check(check) => inspect::check(&common, &check).await,
            RulesCommand::Add(add) => self::add::add(&common, &add).await,
            RulesCommand::Lock(place) => lock::lock(&common, &place).await,
            RulesCommand::Diff(place) => lock::diff(&common, &place).await,
            RulesCommand::New(new) => self::new::new(&new),
            RulesCommand::Test(test) => cases::test(&common, &test).await,
            RulesCommand::Bench(bench) => self::bench::bench(&common, &bench).await,
        },
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "runner", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// What the process does that compiles a component and ends. Its parent makes a sentence of what it says.
fn compile(bounds: &CompileArgs) -> Result<u8, Failure> {
    let CompileArgs {
        cache_dir,
        cpu_s_max,
        memory_bytes_max,
    } = bounds;
    let component = std::io::stdin().lock();
    match compile_in_bounds(cache_dir, *cpu_s_max, *memory_bytes_max, component) {
        Ok(()) => Ok(CLEAN),
        Err(CompileError::Refused(why)) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            Ok(USAGE)
        }
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}

/// Writes data to standard output. A reader that has seen enough is no failure.
fn print(text: &str) -> Result<u8, Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::unexpected(
            format!("standard output cannot be written: {error}"),
        )),
        Ok(()) | Err(_) => Ok(CLEAN),
    }
}

fn tell(failure: &Failure) -> ExitCode {
    // If standard error is gone too, the exit code is all there is to say it with.
    let _ = write!(std::io::stderr(), "{failure}");
    ExitCode::from(failure.code)
}

fn log_to_stderr(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "runner=warn,error",
        (false, 1) => "runner=info,warn",
        (false, 2) => "runner=debug,info",
        (false, _) => "trace",
    };
    let colored = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(colored && !no_color)
        .without_time()
        .with_target(verbose > 1)
        .finish();
    // A second run in the same process (a test, the demo) goes on with the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
