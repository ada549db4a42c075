//! The main job: sweep and apply. The run itself is in the library; here are its flags, its files and its report.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::exit::Exit;
use crate::plan::{PLAN_VERSION, Plan};
use crate::report::{Format, Report};
use crate::resource::ThingRef;
use crate::run::{Aim, Confirm, Guards, Outcome, Yes};

use super::args::{ApplyArgs, CommonArgs, GuardArgs, SweepArgs};
use super::confirm::Terminal;
use super::failure::Failure;
use super::output::{print, tell};
use super::setup::{Ready, Setup, Wanted};

/// `runner --task …`
pub(super) async fn sweep(common: &CommonArgs, args: &SweepArgs) -> Result<Exit, Failure> {
    let setup = Setup::load(common)?;
    let guards = (!args.dry_run).then_some(&args.guards);
    let ready = setup
        .ready(common, &args.rules.place, Wanted::by(&args.scope)?, guards)
        .await?;
    ready.introduce();
    let look = ready.run.look().await;
    // A plan that is not whole would pass for one that has nothing to do.
    if let Some(file) = args.plan_out.as_ref().filter(|_| look.is_whole) {
        save(&look.plan, file)?;
    }
    let outcome = if args.dry_run {
        let aim = if args.detailed_exitcode {
            Aim::ShowInDetail
        } else {
            Aim::Show
        };
        ready.run.show(look, aim)
    } else {
        let terminal = Terminal::of(&ready, &args.scope.projects);
        let guards = guards_of(&args.guards, &terminal);
        ready.run.execute(look, &guards).await
    };
    ready.report(&outcome, args.show_kept, args.rules.format)
}

/// `runner apply PLAN`
pub(super) async fn apply(common: &CommonArgs, args: &ApplyArgs) -> Result<Exit, Failure> {
    let saved = load(&args.plan)?;
    let setup = Setup::load(common)?;
    let wanted = Wanted {
        scope: saved.scope.clone(),
        projects: Vec::new(),
        unlooked: args.unlooked.clone(),
    };
    let ready = setup
        .ready(common, &args.rules.place, wanted, Some(&args.guards))
        .await?;
    ready.introduce();
    let age_s_max = args
        .plan_max_age
        .unwrap_or(setup.config.sweep.plan_age_s_max);
    let guards = guards_of(&args.guards, &Yes);
    let outcome = ready.run.apply(&saved, age_s_max, &guards).await;
    ready.report(&outcome, false, args.rules.format)
}

/// The guards that the flags ask for. `confirm` is asked unless the operator has said yes already.
fn guards_of<'a>(args: &GuardArgs, confirm: &'a dyn Confirm) -> Guards<'a> {
    Guards {
        deletions_max: args.max_deletions,
        confirm: if args.yes { &Yes } else { confirm },
    }
}

impl Ready {
    /// Says, before anything is listed, as whom and where.
    fn introduce(&self) {
        let projects = match &self.run.sieve().scope().projects {
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

    /// Writes what a run came to, and says with which code the process ends.
    fn report(&self, outcome: &Outcome, show_kept: bool, format: Format) -> Result<Exit, Failure> {
        self.progress.finish();
        let refusal = outcome.refusal.as_ref().filter(|_| !outcome.interrupted);
        if let Some(refusal) = refusal {
            tell(&refusal.into());
        }
        if let Some(trouble) = &outcome.trouble {
            tell(&Failure::unexpected(trouble.as_str()));
        }
        // A refusal is all that there is to say to people.
        if refusal.is_none() || format.is_document() {
            let report = Report::of(outcome, self.about(), show_kept);
            print(&report.write(format).map_err(Failure::unexpected)?)?;
        }
        Ok(outcome.exit())
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
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let unreadable =
        |why: String| Failure::usage(format!("the plan {} cannot be read: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let Versioned { version } =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if version != PLAN_VERSION {
        return Err(unreadable(format!(
            "it has version {version}, and this runner knows version {PLAN_VERSION}"
        ))
        .hint("make the plan anew, with --dry-run --plan-out"));
    }
    let plan: Plan = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let things: BTreeSet<&ThingRef> = plan.items.iter().map(|item| &item.thing).collect();
    if things.len() != plan.items.len() {
        return Err(unreadable("it names a thing twice".to_owned()));
    }
    Ok(plan)
}
