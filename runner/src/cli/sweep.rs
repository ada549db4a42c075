//! The main job: sweep, apply, explain.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use crate::audit;
use crate::cloud::GrantedScope;
use crate::engine::{Fate, ListingFailure, Verification};
use crate::plan::{Kept, PLAN_VERSION, Plan};
use crate::report::{Format, Report, Summary, rows};
use crate::resource::ThingRef;

use super::args::{ApplyArgs, CommonArgs, ExplainArgs, GuardArgs, SweepArgs};
use super::failure::Failure;
use super::setup::{Ready, Setup, Wanted};
use super::{CLEAN, INTERRUPTED, LEFT, UNLISTED, WORK_TO_DO, print};

/// `runner --task …`
pub(super) async fn sweep(common: &CommonArgs, args: &SweepArgs) -> Result<u8, Failure> {
    let setup = Setup::load(common)?;
    let guards = (!args.dry_run).then_some(&args.guards);
    let ready = setup
        .ready(common, &args.rules.place, Wanted::by(&args.scope)?, guards)
        .await?;
    ready.introduce();
    let (plan, kept, failures) = ready.look().await;
    if let Some(file) = &args.plan_out {
        save(&plan, file)?;
    }
    let kept = args.show_kept.then_some(kept);
    if args.dry_run {
        let code = ready.show_plan(&plan, kept, failures, args.rules.format)?;
        let has_work = args.detailed_exitcode && !plan.items.is_empty();
        return Ok(if code == CLEAN && has_work {
            WORK_TO_DO
        } else {
            code
        });
    }
    let broad = Broad::of(&plan, &args.scope.projects);
    ready.check_guards(&plan, &args.guards, broad.as_ref())?;
    ready
        .execute(&plan, kept, failures, args.rules.format)
        .await
}

/// `runner apply PLAN`
pub(super) async fn apply(common: &CommonArgs, args: &ApplyArgs) -> Result<u8, Failure> {
    let saved = load(&args.plan)?;
    let setup = Setup::load(common)?;
    let wanted = Wanted {
        scope: saved.scope.clone(),
        projects: Vec::new(),
    };
    let ready = setup
        .ready(common, &args.rules.place, wanted, Some(&args.guards))
        .await?;
    ready.introduce();
    let (now, kept, failures) = ready.look().await;
    let drifted = |drift: String| {
        Failure::guarded(format!(
            "the cloud has changed since the plan was made: {drift}"
        ))
        .hint("make a new plan with --dry-run --plan-out")
    };
    let plan = now.only(&saved).map_err(drifted)?;
    if let Some(changed) = kept
        .iter()
        .find(|kept| saved.items.iter().any(|item| item.thing == kept.thing))
    {
        let drift = format!("{} is now {}", changed.thing, changed.reason);
        return Err(drifted(drift));
    }
    ready.check_guards(&plan, &args.guards, None)?;
    ready
        .execute(&plan, None, failures, args.rules.format)
        .await
}

/// `runner explain KIND/ID`
pub(super) async fn explain(common: &CommonArgs, args: &ExplainArgs) -> Result<u8, Failure> {
    let Some(thing) = ThingRef::parse(&args.thing) else {
        return Err(Failure::usage(format!("{:?} is no thing", args.thing))
            .hint("give it as <kind>/<id>, for example network.port/4f5c…"));
    };
    let setup = Setup::load(common)?;
    let ready = setup
        .ready(common, &args.rules.place, Wanted::by(&args.scope)?, None)
        .await?;
    if !ready.engine.kinds().any(|kind| kind.name == thing.kind) {
        return Err(
            Failure::usage(format!("no rule knows the kind {}", thing.kind))
                .hint("`runner rules list` shows the kinds"),
        );
    }
    let (plan, kept, failures) = ready.look().await;
    ready.progress.finish();
    let text = explanation(&thing, &plan, &kept);
    print(&text)?;
    Ok(verdict(&failures, 0))
}

fn explanation(thing: &ThingRef, plan: &Plan, kept: &[Kept]) -> String {
    if let Some(item) = plan.items.iter().find(|item| item.thing == *thing) {
        let mut text = format!(
            "{thing} {}\nwould be deleted: {}\n",
            item.name.as_deref().unwrap_or("(no name)"),
            item.reason
        );
        for first in item
            .waits_for
            .iter()
            .filter_map(|&first| plan.items.get(first))
        {
            text.push_str(&format!("after {}\n", first.thing));
        }
        for blocker in &item.blocked_by {
            text.push_str(&format!(
                "but {} is in the way: {}\n",
                blocker.thing, blocker.why
            ));
        }
        return text;
    }
    match kept.iter().find(|kept| kept.thing == *thing) {
        Some(kept) => format!(
            "{thing} {}\n{}\n",
            kept.name.as_deref().unwrap_or("(no name)"),
            kept.reason
        ),
        None => format!("{thing} was not found by any listing\n"),
    }
}

impl Ready {
    /// Lists everything and makes the plan, with what is kept beside it and what could not be listed.
    async fn look(&self) -> (Plan, Vec<Kept>, Vec<ListingFailure>) {
        let survey = self.engine.survey(&self.sieve).await;
        let failures = survey.failures.clone();
        let (plan, kept) = self.engine.plan(survey, &self.sieve);
        (plan, kept, failures)
    }

    /// Says, before anything is listed, as whom and where.
    fn introduce(&self) {
        let projects = match &self.sieve.scope().projects {
            None => "all projects".to_owned(),
            Some(projects) => format!(
                "project {}",
                projects
                    .iter()
                    .map(|id| &**id)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        tracing::info!(
            "cloud {}, user {}, token for {}; sweeping {projects}",
            self.connected.cloud,
            self.connected.user(),
            self.connected.token_scope()
        );
    }

    fn show_plan(
        &self,
        plan: &Plan,
        kept: Option<Vec<Kept>>,
        failures: Vec<ListingFailure>,
        format: Format,
    ) -> Result<u8, Failure> {
        let code = verdict(&failures, 0);
        let summary = Summary::new(plan, None);
        let report = self.report(
            plan,
            None,
            kept,
            Verification {
                left: Vec::new(),
                failures,
            },
            summary,
        );
        self.show(&report, format)?;
        Ok(if self.cancel.is_cancelled() {
            INTERRUPTED
        } else {
            code
        })
    }

    /// Purges, verifies, reports.
    async fn execute(
        &self,
        plan: &Plan,
        kept: Option<Vec<Kept>>,
        failures: Vec<ListingFailure>,
        format: Format,
    ) -> Result<u8, Failure> {
        let fates = self.engine.purge(plan, &self.sieve).await;
        let mut verification = if plan.items.is_empty() {
            Verification::default()
        } else {
            self.engine.verify(plan, &fates, &self.sieve).await
        };
        verification.failures.splice(0..0, failures);
        let left = verification.left.len();
        let code = if self.cancel.is_cancelled() {
            INTERRUPTED
        } else {
            verdict(&verification.failures, left)
        };
        let summary = Summary {
            left,
            ..Summary::new(plan, Some(&fates))
        };
        let report = self.report(plan, Some(&fates), kept, verification, summary);
        self.close_audit(&report.summary, code).await?;
        self.show(&report, format)?;
        Ok(code)
    }

    fn report(
        &self,
        plan: &Plan,
        fates: Option<&[Fate]>,
        kept: Option<Vec<Kept>>,
        verification: Verification,
        summary: Summary,
    ) -> Report {
        let requests = self.connected.session.requests_sent();
        Report {
            cloud: self.connected.cloud.clone(),
            user: self.connected.user(),
            scope: self.connected.token_scope(),
            dry_run: fates.is_none(),
            items: rows(plan, fates),
            kept,
            left: verification.left,
            listing_failures: verification.failures,
            skipped: self.progress.skipped(),
            summary: summary.at_cost(requests, self.started.elapsed().as_secs_f64()),
        }
    }

    fn show(&self, report: &Report, format: Format) -> Result<(), Failure> {
        self.progress.finish();
        print(&report.write(format).map_err(Failure::unexpected)?)?;
        Ok(())
    }

    async fn close_audit(&self, summary: &Summary, exit_code: u8) -> Result<(), Failure> {
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let summary = audit::Summary {
            exit_code,
            planned: count(summary.matched),
            gone: count(summary.deleted),
            failed: count(summary.failed),
            left: count(summary.left),
        };
        audit.finish(summary).await.map_err(|error| {
            Failure::unexpected(format!("the audit log cannot be closed: {error}"))
        })
    }

    /// The last questions before anything is changed.
    fn check_guards(
        &self,
        plan: &Plan,
        guards: &GuardArgs,
        broad: Option<&Broad>,
    ) -> Result<(), Failure> {
        let deletions = plan.open().count();
        if let Some(limit) = guards.max_deletions.filter(|limit| deletions > *limit) {
            return Err(Failure::guarded(format!(
                "the plan deletes {deletions} things, more than --max-deletions {limit}"
            ))
            .hint("look at the plan with --dry-run"));
        }
        match broad.filter(|_| !guards.yes && deletions > 0) {
            None => Ok(()),
            Some(broad) => {
                self.progress.finish();
                self.confirm(plan, broad)
            }
        }
    }

    /// Shows the plan of a broad sweep and asks for the name of where it happens.
    fn confirm(&self, plan: &Plan, broad: &Broad) -> Result<(), Failure> {
        if !std::io::stdin().is_terminal() {
            let what = broad.what();
            return Err(Failure::guarded(format!(
                "this sweep deletes {what}, and there is nobody to ask"
            ))
            .hint("look at the plan with --dry-run, then give --yes"));
        }
        let identity = self.connected.identity.as_ref();
        let place = match (broad, identity.map(|identity| &identity.scope)) {
            (Broad::Unmatched { projects }, _) => projects.join(" "),
            (Broad::EveryTask, Some(GrantedScope::Project { name, .. })) => name.clone(),
            (Broad::EveryTask, _) => self.connected.cloud.clone(),
        };
        let summary = Summary::new(plan, None);
        let report = self.report(plan, None, None, Verification::default(), summary);
        let question = format!(
            "{}Deletes {}, as {} on {}. Type {place} to go on: ",
            report.write(Format::Table).map_err(Failure::unexpected)?,
            broad.what(),
            self.connected.token_scope(),
            self.connected.cloud
        );
        let asked = std::io::stderr().write_all(question.as_bytes());
        let mut answer = String::new();
        let answered = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
        match answered {
            Ok(_) if answer.trim() == place => Ok(()),
            Ok(_) | Err(_) => Err(Failure::guarded("not confirmed; nothing was changed")),
        }
    }
}

/// Why a sweep asks first: nobody has named the one task whose things go.
enum Broad {
    /// No task was given.
    EveryTask,
    /// The filter is negative. The projects are as they were given.
    Unmatched { projects: Vec<String> },
}

impl Broad {
    fn of(plan: &Plan, projects: &[String]) -> Option<Self> {
        match &plan.scope {
            scope if scope.unmatched => Some(Self::Unmatched {
                projects: projects.to_vec(),
            }),
            scope if scope.tasks.is_empty() => Some(Self::EveryTask),
            _ => None,
        }
    }

    fn what(&self) -> String {
        match self {
            Self::EveryTask => "the things of every task".to_owned(),
            Self::Unmatched { projects } => format!(
                "everything in {} that bears no name of the task",
                projects.join(", ")
            ),
        }
    }
}

fn verdict(failures: &[ListingFailure], left: usize) -> u8 {
    match (failures.is_empty(), left) {
        (false, _) => UNLISTED,
        (true, 0) => CLEAN,
        (true, _) => LEFT,
    }
}

fn save(plan: &Plan, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(plan)
        .map_err(|error| Failure::unexpected(error.to_string()))?;
    std::fs::write(file, text + "\n").map_err(|error| {
        Failure::usage(format!(
            "the plan cannot be saved in {}: {error}",
            file.display()
        ))
    })
}

fn load(file: &Path) -> Result<Plan, Failure> {
    let unreadable =
        |why: String| Failure::usage(format!("the plan {} cannot be read: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let plan: Plan = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if plan.version != PLAN_VERSION {
        return Err(unreadable(format!(
            "it has version {}, and this runner knows version {PLAN_VERSION}",
            plan.version
        )));
    }
    let things: BTreeSet<&ThingRef> = plan.items.iter().map(|item| &item.thing).collect();
    if things.len() != plan.items.len() {
        return Err(unreadable("it names a thing twice".to_owned()));
    }
    Ok(plan)
}
