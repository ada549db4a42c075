//! `runner rules test`: plays a rule's recorded cases, or records new ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use similar::TextDiff;

use crate::audit::Audit;
use crate::case::{Case, Found, Played};
use crate::cli::app::App;
use crate::cli::cases::{case_files, counted, read, tape_header, write};
use crate::cli::components::files_in;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::output::print;
use crate::exit::Exit;

use super::record::{RecordArgs, record_cases};

/// Where a project has its sources, and what they are called.
const SOURCE_FOLDERS: &[&str] = &["", "src", "rule", "wit"];
const SOURCES: &[&str] = &["c", "go", "h", "js", "py", "rs", "ts", "wit"];

/// When a difference is no longer looked for at its smallest.
const DIFF_TIME_MAX: Duration = Duration::from_secs(1);

/// Where a rule's project may have its component: beside the sources, or where cargo puts it.
const COMPONENTS: &[&str] = &["", "target/wasm32-wasip2/release"];

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct TestArgs {
    /// Folder of the rule's project, with cases in tests/*.json
    pub(super) dir: PathBuf,
    /// The rule's component [default: the only one in the folder, or in its target/wasm32-wasip2/release]
    #[arg(long, value_name = "FILE")]
    pub(super) rule: Option<PathBuf>,
    /// Write what was found into the cases, where every request was recorded
    #[arg(long, conflicts_with = "record")]
    pub(super) update: bool,
    #[command(flatten)]
    pub(super) recording: RecordArgs,
}

/// `runner rules test`
pub(super) async fn run(common: &CommonArgs, args: &TestArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let file = match &args.rule {
        Some(file) => file.clone(),
        None => component_in(&args.dir)?,
    };
    let rule = app.component(&file).await?;
    if let Some(source) = newer_source(&args.dir, &file) {
        let (file, source) = (file.display(), source.display());
        tracing::warn!("{file} is older than {source}: build it again?");
    }
    if args.recording.record {
        return record_cases(&app, common, &rule, &args.dir, &args.recording).await;
    }
    let cases = case_files(&args.dir)?;
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::unexpected(format!("no temporary folder: {error}")))?;
    let audit = Audit::open(&scratch.path().join("audit.jsonl"), &tape_header(&rule))
        .map_err(|error| Failure::input(&error))?;
    let mut failed = 0;
    for file in &cases {
        let mut case = read(file)?;
        let played = case.play(&rule, &audit).await;
        let played =
            played.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        let is_accepted = args.update && played.missed.is_empty();
        if is_accepted {
            let Found { things, error } = played.found.clone();
            (case.things, case.error) = (things, error);
            write(file, &case)?;
        }
        let is_as = played.is_as(&case);
        failed += usize::from(!is_as);
        print(&result_of(file, &case, &played))?;
    }
    print(&format!(
        "{}, {failed} failed\n",
        counted(cases.len(), "case")
    ))?;
    Ok(if failed == 0 {
        Exit::Clean
    } else {
        Exit::Unexpected
    })
}

/// What a person needs to see of a played case.
fn result_of(file: &Path, case: &Case, played: &Played) -> String {
    let (file, things) = (file.display(), played.found.things.len());
    if played.is_as(case) {
        let requests = case.exchanges.len();
        let (things, requests) = (counted(things, "thing"), counted(requests, "request"));
        let ok = format!("ok      {file}: {things}, {requests}\n");
        let notes = played.notes.iter().map(|note| format!("  note: {note}\n"));
        return ok + &notes.collect::<String>();
    }
    let mut text = format!("FAILED  {file}\n");
    if let Some(error) = &played.found.error {
        text.push_str(&format!("  list of {}: {error}\n", case.kind));
    }
    for request in &played.missed {
        text.push_str(&format!("  asked, but not recorded: {request}\n"));
    }
    // After a listing that failed nothing is asked any more.
    let unplayed = played
        .unplayed
        .iter()
        .filter(|_| played.found.error.is_none());
    for request in unplayed {
        text.push_str(&format!("  recorded, but not asked: {request}\n"));
    }
    let (expected, found) = (in_lines(&case.expected()), in_lines(&played.found));
    if expected != found {
        let diff = TextDiff::configure()
            .timeout(DIFF_TIME_MAX)
            .diff_lines(&expected, &found);
        let mut diff = diff.unified_diff();
        let diff = diff.context_radius(2).header("expected", "found");
        for line in diff.to_string().lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// A source of a rule's project that was changed after its component was built: a test of that would be of an old rule.
fn newer_source(dir: &Path, component: &Path) -> Option<PathBuf> {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let built = modified(component)?;
    let folders = SOURCE_FOLDERS.iter().map(|folder| dir.join(folder));
    let files = folders
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten();
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let extension = path.extension().and_then(|it| it.to_str());
            extension.is_some_and(|it| SOURCES.contains(&it))
                && modified(path).is_some_and(|changed| changed > built)
        })
}

fn in_lines(found: &Found) -> String {
    serde_json::to_string_pretty(found).unwrap_or_default() + "\n"
}

/// The one component of a rule's project.
fn component_in(dir: &Path) -> Result<PathBuf, Failure> {
    let mut found: Vec<PathBuf> = COMPONENTS
        .iter()
        .flat_map(|folder| files_in(&dir.join(folder), "wasm").unwrap_or_default())
        .collect();
    let hint = "build the rule, or say with --rule FILE which component is meant";
    match found.as_mut_slice() {
        [only] => Ok(std::mem::take(only)),
        [] => Err(Failure::usage(format!(
            "there is no component (*.wasm) in {}",
            dir.display()
        ))
        .hint(hint)),
        [..] => Err(Failure::usage(format!(
            "there are {} components in {}",
            found.len(),
            dir.display()
        ))
        .hint(hint)),
    }
}
