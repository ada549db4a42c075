//! `runner rules test`: plays a rule's recorded cases, or records new ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use similar::TextDiff;
use url::Url;

use crate::audit::{Audit, RunHeader};
use crate::case::{Case, Found, Played, Recording, record};
use crate::cloud::recorded_endpoint;
use crate::exit::Exit;
use crate::guest::{Component, Guest, Recorder};
use crate::name::{NameMatcher, OriginFilter};
use crate::plan::{Sieve, Standing, SweepScope};
use crate::resource::{Kind, ListScope, Reach, Thing};

use super::args::{CommonArgs, RecordArgs, TestArgs};
use super::components::{digest, files_in};
use super::connected::Connected;
use super::failure::Failure;
use super::output::print;
use super::setup::{Setup, parse_tasks};

/// Where a project has its sources, and what they are called.
const SOURCE_FOLDERS: &[&str] = &["", "src", "rule", "wit"];
const SOURCES: &[&str] = &["c", "go", "h", "js", "py", "rs", "ts", "wit"];

/// What is said after recording.
const LOOK_THROUGH: &str = "Tokens, hosts, and members that hold secrets were left out. Names, ids and addresses were not: \
    look through what was recorded before you share it.\n";

/// When a difference is no longer looked for at its smallest.
const DIFF_TIME_MAX: Duration = Duration::from_secs(1);

/// Where a rule's project keeps its cases.
const CASES: &str = "tests";

/// Where a rule's project may have its component: beside the sources, or where cargo puts it.
const COMPONENTS: &[&str] = &["", "target/wasm32-wasip2/release"];

/// `runner rules test`
pub(super) async fn test(common: &CommonArgs, args: &TestArgs) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let file = match &args.rule {
        Some(file) => file.clone(),
        None => component_in(&args.dir)?,
    };
    let rule = setup.component(&file).await?;
    if let Some(source) = newer_source(&args.dir, &file) {
        let (file, source) = (file.display(), source.display());
        tracing::warn!("{file} is older than {source}: build it again?");
    }
    if args.recording.record {
        return record_cases(&setup, common, &rule, args).await;
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
        print(&verdict(file, &case, &played))?;
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
fn verdict(file: &Path, case: &Case, played: &Played) -> String {
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

/// `1 thing`, `2 things`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
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

pub(super) fn read(file: &Path) -> Result<Case, Failure> {
    let wrong = |error: String| Failure::usage(format!("{} is no case: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

fn write(file: &Path, case: &Case) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(case)
        .map_err(|error| Failure::unexpected(format!("a case cannot be written: {error}")))?;
    std::fs::write(file, text + "\n")
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", file.display())))
}

/// The head of a log of what happens on a tape.
pub(super) fn tape_header(rule: &Component) -> RunHeader {
    RunHeader {
        tool: format!("runner {}", env!("CARGO_PKG_VERSION")),
        cloud: "a tape".to_owned(),
        user: String::new(),
        scope: String::new(),
        tasks: Vec::new(),
        rules: vec![digest(rule)],
    }
}

/// Records a case for each kind that was asked for. What is there already is not written over.
async fn record_cases(
    setup: &Setup,
    common: &CommonArgs,
    rule: &Arc<Component>,
    args: &TestArgs,
) -> Result<Exit, Failure> {
    let wanted = &args.recording;
    let rules = std::slice::from_ref(rule);
    let connected = setup.connect(common, rules).await?;
    let sieve = wanted.sieve(setup, &connected).await?;
    let listings = listings(rule, wanted, sieve.scope())?;
    let folder = args.dir.join(CASES);
    let files = listings
        .iter()
        .map(|(kind, scope)| folder.join(file_name(kind, scope)));
    let files: Vec<PathBuf> = files.collect();
    if let Some(file) = files.iter().find(|file| file.exists()) {
        return Err(
            Failure::usage(format!("{} is there already", file.display()))
                .hint("move it away to record it anew"),
        );
    }
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", folder.display())))?;
    let deletes = wanted.delete_task.is_some();
    let audit = deletes
        .then(|| {
            setup.open_audit(
                wanted.audit_log.as_deref(),
                &connected,
                sieve.scope(),
                rules,
            )
        })
        .transpose()?;
    let recorder = Recorder::default();
    let guest = Guest::new(rule.clone(), connected.session.clone(), audit);
    let guest = guest.recorded_by(recorder.clone());
    let recording = Recording {
        guest: &guest,
        recorder: &recorder,
        endpoints: &endpoints(&connected),
    };
    let is_doomed =
        |thing: &Thing| deletes && matches!(sieve.standing(thing), Standing::Matched { .. });
    for ((kind, scope), file) in listings.iter().zip(&files) {
        let case = record(&recording, kind, scope, is_doomed).await;
        write(file, &case)?;
        let things = counted(case.things.len(), "thing");
        let requests = counted(case.exchanges.len(), "request");
        print(&format!(
            "recorded {}: {things}, {requests}\n",
            file.display()
        ))?;
        match &case.error {
            Some(error) => {
                tracing::warn!("the listing failed, which is what the case says: {error}");
            }
            None if case.things.is_empty() => {
                tracing::warn!("there was nothing to list: such a case tests little");
            }
            None => {}
        }
    }
    print(LOOK_THROUGH)
}

/// The endpoints' URLs, each with what stands in a recording instead. The longest first: one endpoint may lie below another.
fn endpoints(connected: &Connected) -> Vec<(String, String)> {
    let without_slash = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    let services = connected.session.services().into_iter();
    let mut endpoints: Vec<(String, String)> = services
        .map(|service| {
            let recorded = recorded_endpoint(&service.service_type);
            // Its rule could not be played, but its address is nobody's business all the same.
            let recorded = recorded.map_or("https://unnamed.example".to_owned(), |it| {
                without_slash(&it)
            });
            (without_slash(&service.url), recorded)
        })
        .collect();
    endpoints.sort_by_key(|(url, _)| std::cmp::Reverse(url.len()));
    endpoints
}

impl RecordArgs {
    /// Tells which things bear the name of the task that is to be deleted, and are not protected.
    async fn sieve(&self, setup: &Setup, connected: &Connected) -> Result<Sieve, Failure> {
        let ids: Vec<String> = self.delete_task.iter().cloned().collect();
        let tasks = parse_tasks(&ids)?;
        let scope = SweepScope {
            tasks: ids,
            ..SweepScope::default()
        };
        let projects: Vec<String> = self.project.iter().cloned().collect();
        let scope = connected
            .sweep_scope(scope, &projects, &setup.config)
            .await?;
        let names = NameMatcher::new(setup.formats()?, &tasks, OriginFilter::All);
        Ok(Sieve::new(scope, names))
    }
}

/// What to list: each kind that fits, as a sweep would ask for it.
fn listings(
    rule: &Component,
    wanted: &RecordArgs,
    scope: &SweepScope,
) -> Result<Vec<(Arc<Kind>, ListScope)>, Failure> {
    let mut listings = Vec::new();
    let project = scope
        .projects
        .as_ref()
        .and_then(|projects| projects.first());
    for kind in rule.kinds() {
        let fits = wanted.kinds.is_empty() || wanted.kinds.iter().any(|it| it.matches(&kind.name));
        if !fits {
            continue;
        }
        match (&kind.reach, project) {
            (Reach::UnderEach(parent) | Reach::UnderDeleted(parent), _) => {
                let parents = wanted.under.iter().filter(|thing| thing.kind == *parent);
                listings.extend(
                    parents.map(|thing| (kind.clone(), ListScope::Under(thing.clone().into()))),
                );
            }
            (Reach::EachProject, None) => {}
            (Reach::Projects | Reach::EachProject, Some(project)) => {
                listings.push((kind.clone(), ListScope::Project(project.clone())));
            }
            (Reach::Projects | Reach::Cloud, _) => listings.push((kind.clone(), ListScope::All)),
        }
    }
    if listings.is_empty() {
        return Err(Failure::usage("none of the rule's kinds can be listed with these options")
            .hint("a kind that is listed under another one needs --under KIND/ID, one that needs a token for each project --project ID"));
    }
    Ok(listings)
}

fn file_name(kind: &Kind, scope: &ListScope) -> String {
    match scope {
        ListScope::All => format!("{}.json", kind.name),
        ListScope::Project(id) => format!("{}-{id}.json", kind.name),
        ListScope::Under(parent) => {
            format!("{}-{}.json", kind.name, parent.at.id.replace('/', "_"))
        }
    }
}
