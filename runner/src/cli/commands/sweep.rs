//! The main job: from flags to a run of the library, and from what it came to to a report.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::app::App;
use crate::cli::confirm::Terminal;
use crate::cli::failure::Failure;
use crate::cli::files::{can_write_whole, write_whole};
use crate::cli::flags::CommonArgs;
use crate::cli::flags::guards::GuardArgs;
use crate::cli::flags::outputs::OutputArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::flags::scope::{ScopeArgs, Wanted};
use crate::cli::outputs::Outputs;
use crate::cli::ready::With;
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
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
}

/// `runner --task …`
pub(super) async fn run(common: &CommonArgs, args: &SweepArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let others = [
        ("--plan-out", args.plan_out.clone()),
        (
            "the audit log",
            app.audit_log(args.guards.audit_log.as_deref()),
        ),
    ];
    let outputs = args.outputs.open(args.rules.format, &others)?;
    let ended = sweep(&app, common, args, &outputs).await;
    outputs.settle(&app, ended)
}

async fn sweep(
    app: &App,
    common: &CommonArgs,
    args: &SweepArgs,
    outputs: &Outputs,
) -> Result<Exit, Failure> {
    if let Some(file) = &args.plan_out {
        can_write_whole(file).map_err(|error| unsaved(file, &error))?;
    }
    let with = With {
        rules: &args.rules.place,
        guards: (!args.dry_run).then_some(&args.guards),
        outputs,
    };
    let ready = app
        .ready(common, Wanted::by(&args.scope, &app.config.presets)?, with)
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
    ready.report(outcome, outputs, args.show_kept, args.rules.format)
}

fn save(plan: &Plan, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(plan)
        .map_err(|error| Failure::unexpected(error.to_string()))?;
    write_whole(file, (text + "\n").as_bytes()).map_err(|error| unsaved(file, &error))
}

fn unsaved(file: &Path, error: &std::io::Error) -> Failure {
    let file = file.display();
    Failure::usage(format!("the plan cannot be saved in {file}: {error}"))
}
