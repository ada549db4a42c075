//! `runner audit …`: looking at the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::audit::{LineHash, Verdict, verify};
use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::report::{Format, document};
use crate::text::Visible;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Say whether an audit log is still as it was written: each line is tied to the one before it. Changes nothing
    ///
    /// Ends with 0 if it is whole, also where a killed run has torn its last line; with 6 if it is broken.
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The log [default: runner/audit.jsonl in your state folder]
    file: Option<PathBuf>,
    /// A line that must be in it, by the hash that an earlier look has given as its head
    #[arg(long, value_name = "SHA256", value_parser = hash)]
    contains: Option<LineHash>,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

fn hash(text: &str) -> Result<LineHash, String> {
    LineHash::parse(text).ok_or_else(|| "a hash has 64 hexadecimal digits".to_owned())
}

/// `runner audit …`
pub(super) fn run(common: &CommonArgs, command: &AuditCommand) -> Result<Exit, Failure> {
    let AuditCommand::Verify(args) = command;
    let app = App::load(common)?;
    let file = app.audit_log(args.file.as_deref()).ok_or_else(|| {
        Failure::usage("there is no home folder in which an audit log could be")
            .hint("name the file")
    })?;
    let verdict = verify(&file, args.contains).map_err(|error| Failure::input(&error))?;
    let exit = match verdict.broken {
        Some(_) => Exit::Guarded,
        None => Exit::Clean,
    };
    print(&if args.format.is_document() {
        let said = Said {
            file: file.display().to_string(),
            exit_code: exit.code(),
            verdict: &verdict,
        };
        document(args.format, &said).map_err(Failure::unexpected)?
    } else {
        in_words(&file.display().to_string(), &verdict)
    })?;
    Ok(exit)
}

#[derive(Serialize)]
struct Said<'a> {
    file: String,
    exit_code: u8,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

fn in_words(file: &str, verdict: &Verdict) -> String {
    let file = Visible(file);
    let Verdict { lines, runs, .. } = verdict;
    let mut text = match &verdict.broken {
        Some(broken) => format!("{file} is broken at line {}: {}\n", broken.line, broken.why),
        None => format!("{file} is whole: {lines} lines of {runs} runs\n"),
    };
    if verdict.untied > 0 {
        let untied = verdict.untied;
        text.push_str(&format!(
            "of its first {untied} lines only the last is tied to: an earlier version has written them\n"
        ));
    }
    if verdict.torn > 0 {
        let torn = verdict.torn;
        text.push_str(&format!("torn by runs that were killed: {torn} lines\n"));
    }
    if verdict.torn_at_end {
        text.push_str(
            "its last line is torn: a run was killed while it wrote it, or is writing it\n",
        );
    }
    match (&verdict.head, &verdict.broken) {
        (Some(head), None) => text + &format!("head: {head}\n"),
        _ => text,
    }
}
