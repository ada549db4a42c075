//! `runner rules test --record`: cases made of a real cloud's answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use url::Url;

use crate::case::{Recording, record};
use crate::cli::app::App;
use crate::cli::cases::{CASES, counted, write};
use crate::cli::connected::Connected;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::scope::parse_tasks;
use crate::cli::output::print;
use crate::cloud::recorded_endpoint;
use crate::exit::Exit;
use crate::guest::{Component, Guest, Recorder};
use crate::name::{NameMatcher, OriginFilter};
use crate::plan::{Sieve, Standing, SweepScope};
use crate::resource::{Kind, KindPattern, ListScope, Reach, Thing, ThingRef};

/// What is said after recording.
const LOOK_THROUGH: &str = "Tokens, hosts, and members that hold secrets were left out. Names, ids and addresses were not: \
    look through what was recorded before you share it.\n";

/// What to record.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recording")]
pub(in crate::cli::commands) struct RecordArgs {
    /// List a real cloud and write a case for each kind, instead of testing; changes nothing there without --delete-task
    #[arg(long)]
    pub(super) record: bool,
    /// Only kinds that fit, with * as wildcard; can be repeated
    #[arg(long = "kind", value_name = "PATTERN", requires = "record", value_parser = KindPattern::parse)]
    pub(super) kinds: Vec<KindPattern>,
    /// A thing under which to list, for kinds that are listed so; can be repeated
    #[arg(long, value_name = "KIND/ID", requires = "record", value_parser = thing)]
    pub(super) under: Vec<ThingRef>,
    /// List in this project only (name or id)
    #[arg(long, value_name = "PROJECT", requires = "record")]
    pub(super) project: Option<String>,
    /// Also delete, and record it, what bears a name of this task, such as `runner names` gives
    #[arg(long, value_name = "ID", requires = "record")]
    pub(super) delete_task: Option<String>,
    /// Where to write the audit log of what is deleted [default: runner/audit.jsonl in your state folder]
    #[arg(long, value_name = "FILE", requires = "delete_task")]
    pub(super) audit_log: Option<PathBuf>,
}

/// Reads `<kind>/<id>`.
fn thing(text: &str) -> Result<ThingRef, String> {
    ThingRef::parse(text)
        .ok_or_else(|| "a thing is given as <kind>/<id>: network.port/4f5c…".to_owned())
}

/// Records a case for each kind that was asked for. What is there already is not written over.
pub(super) async fn record_cases(
    app: &App,
    common: &CommonArgs,
    rule: &Arc<Component>,
    dir: &Path,
    wanted: &RecordArgs,
) -> Result<Exit, Failure> {
    let rules = std::slice::from_ref(rule);
    let connected = app.connect(common, rules).await?;
    let sieve = wanted.sieve(app, &connected).await?;
    let listings = listings(rule, wanted, sieve.scope())?;
    let folder = dir.join(CASES);
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
            app.open_audit(
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
    async fn sieve(&self, app: &App, connected: &Connected) -> Result<Sieve, Failure> {
        let ids: Vec<String> = self.delete_task.iter().cloned().collect();
        let tasks = parse_tasks(&ids)?;
        let scope = SweepScope {
            tasks: ids,
            ..SweepScope::default()
        };
        let projects: Vec<String> = self.project.iter().cloned().collect();
        let scope = connected.sweep_scope(scope, &projects, &app.config).await?;
        let names = NameMatcher::new(app.formats()?, &tasks, OriginFilter::All);
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
