//! The command line: flags in, words and an exit code out. What a sweep does is in the library's `run`.

mod access_rules;
mod add;
mod advice;
mod args;
mod bench;
mod cases;
mod check;
mod components;
mod confirm;
mod connected;
mod explain;
mod failure;
mod files;
mod inspect;
mod lock;
mod new;
mod output;
mod setup;
mod signals;
mod sweep;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::exit::Exit;
use crate::guest::{CompileError, compile_in_bounds};
use crate::report::Format;
use crate::text;

use args::{Cli, Command, CompileArgs, RulesCommand};
use failure::Failure;
use output::{LogWriter, asked_format, fail, print};

/// First argument of the process that compiles a component and ends. Not for people.
pub const COMPILE_COMPONENT: &str = "compile-component";

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
            let ended = runtime.block_on(dispatch(cli));
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

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
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
        Some(Command::Explain(explain)) => explain::explain(&common, &explain).await,
        Some(Command::Names(names)) => inspect::names(&common, &names),
        Some(Command::Doctor(doctor)) => inspect::doctor(&common, &doctor).await,
        Some(Command::Rules { command }) => match command {
            RulesCommand::List(list) => inspect::list(&common, &list).await,
            RulesCommand::Check(check) => self::check::check(&common, &check).await,
            RulesCommand::Add(add) => self::add::add(&common, &add).await,
            RulesCommand::Lock(place) => lock::lock(&common, &place).await,
            RulesCommand::Diff(place) => lock::diff(&common, &place).await,
            RulesCommand::AccessRules(args) => access_rules::access_rules(&common, &args).await,
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
fn compile(bounds: &CompileArgs) -> Result<Exit, Failure> {
    let CompileArgs {
        cache_dir,
        cpu_s_max,
        memory_bytes_max,
    } = bounds;
    let component = std::io::stdin().lock();
    match compile_in_bounds(cache_dir, *cpu_s_max, *memory_bytes_max, component) {
        Ok(()) => Ok(Exit::Clean),
        Err(CompileError::Refused(why)) => {
            let _ = writeln!(std::io::stderr(), "{}", text::lines(&why));
            Ok(Exit::Usage)
        }
        Err(error) => Err(Failure::usage(error.to_string())),
    }
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
        .with_writer(|| LogWriter(std::io::stderr()))
        .with_ansi(colored && !no_color)
        .without_time()
        .with_target(verbose > 1)
        .finish();
    // A second run in the same process (a test, the demo) goes on with the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
