//! Recorded cases as files of a rule's project.

use std::path::{Path, PathBuf};

use crate::audit::RunHeader;
use crate::case::Case;
use crate::guest::Component;

use super::app::VERSION;
use super::components::{digest, files_in};
use super::failure::Failure;

/// Where a rule's project keeps its cases.
pub(super) const CASES: &str = "tests";

/// The cases of a rule's project.
pub(super) fn case_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = dir.join(CASES);
    let unreadable =
        |error| Failure::usage(format!("{} cannot be read: {error}", folder.display()));
    let hint = "make one from a real cloud's answers with --record; docs/writing-rules.md describes the files";
    let files = files_in(&folder, "json").map_err(|error| unreadable(error).hint(hint))?;
    if files.is_empty() {
        return Err(
            Failure::usage(format!("there is no case (*.json) in {}", folder.display())).hint(hint),
        );
    }
    Ok(files)
}

/// Reads a case.
pub(super) fn read(file: &Path) -> Result<Case, Failure> {
    let wrong = |error: String| Failure::usage(format!("{} is no case: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Writes a case.
pub(super) fn write(file: &Path, case: &Case) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(case)
        .map_err(|error| Failure::unexpected(format!("a case cannot be written: {error}")))?;
    std::fs::write(file, text + "\n")
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", file.display())))
}

/// The head of a log of what happens on a tape.
pub(super) fn tape_header(rule: &Component) -> RunHeader {
    RunHeader {
        tool: VERSION.to_owned(),
        cloud: "a tape".to_owned(),
        user: String::new(),
        scope: String::new(),
        tasks: Vec::new(),
        rules: vec![digest(rule)],
    }
}

/// `1 thing`, `2 things`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
