//! The main job: from flags to a run of the library, and from what it came to to a report.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::app::App;
use crate::cli::confirm::Terminal;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::guards::GuardArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::flags::scope::{ScopeArgs, Wanted};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::run::Purpose;

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    /// Show the plan and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// With --dry-run: exit with 10 if there is something to delete
    #[arg(long, requires = "dry_run")]
    pub(super) detailed_exitcode: bool,
    /// Save the plan, for `runner apply` or for review
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) plan_out: Option<PathBuf>,
    /// Also show what is kept, and why
    #[arg(long)]
    pub(super) show_kept: bool,
    #[command(flatten)]
    pub(super) guards: GuardArgs,
}

/// `runner --task …`
pub(super) async fn run(common: &CommonArgs, args: &SweepArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let guards = (!args.dry_run).then_some(&args.guards);
    let ready = app
        .ready(
            common,
            &args.rules.place,
            Wanted::by(&args.scope, &app.config.presets)?,
            guards,
        )
        .await?;
    ready.introduce();
    let look = ready.run.look().await;
    // A plan that is not whole would pass for one that has nothing to do.
    if let Some(file) = args.plan_out.as_ref().filter(|_| look.is_whole) {
        save(&look.plan, file)?;
    }
    let outcome = if args.dry_run {
        let purpose = if args.detailed_exitcode {
            Purpose::ShowInDetail
        } else {
            Purpose::Show
        };
        ready.run.show(look, purpose)
    } else {
        let terminal = Terminal::of(&ready, &args.scope.projects);
        let guards = args.guards.with(&app.config.guard, &terminal);
        ready.run.execute(look, &guards).await
    };
    ready.report(&outcome, args.show_kept, args.rules.format)
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
