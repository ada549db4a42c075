//! `runner apply`: executes a plan that a dry run has saved.

use std::path::PathBuf;

use clap::Args;
use jiff::{Span, SpanRelativeTo, Unit};

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::guards::GuardArgs;
use crate::cli::flags::outputs::OutputArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::flags::scope::Wanted;
use crate::cli::outputs::Outputs;
use crate::cli::plans::load;
use crate::cli::ready::With;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::run::Yes;

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The saved plan
    pub(super) plan: PathBuf,
    /// Refuse a plan that is older than this: 1d, 12h [default: plan_age_s_max of the configuration, a day]
    #[arg(long, value_name = "AGE", value_parser = seconds)]
    pub(super) plan_max_age: Option<u64>,
    /// A type of service that nobody looks at and that holds nothing of what is swept; can be repeated
    #[arg(long, value_name = "TYPE")]
    pub(super) unlooked: Vec<String>,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    #[command(flatten)]
    pub(super) guards: GuardArgs,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
}

/// Reads a span of time: `1d`, `12h`, `90m`.
fn seconds(text: &str) -> Result<u64, String> {
    let span: Result<Span, _> = text.parse();
    let seconds =
        span.and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())));
    match seconds {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive, and whole seconds are meant"
        )]
        Ok(seconds) if seconds >= 0.0 => Ok(seconds as u64),
        _ => Err("a span of time is given as 1d, 12h or 90m".to_owned()),
    }
}

/// `runner apply PLAN`
pub(super) async fn run(common: &CommonArgs, args: &ApplyArgs) -> Result<Exit, Failure> {
    let saved = load(&args.plan)?;
    let app = App::load(common)?;
    let others = [
        ("the plan", Some(args.plan.clone())),
        (
            "the audit log",
            app.audit_log(args.guards.audit_log.as_deref()),
        ),
    ];
    let outputs = args.outputs.open(args.rules.format, &others)?;
    let ended = apply(&app, common, args, &saved, &outputs).await;
    outputs.settle(&app, ended)
}

async fn apply(
    app: &App,
    common: &CommonArgs,
    args: &ApplyArgs,
    saved: &Plan,
    outputs: &Outputs,
) -> Result<Exit, Failure> {
    let wanted = Wanted {
        scope: saved.scope.clone(),
        projects: Vec::new(),
        unlooked: args.unlooked.clone(),
    };
    let with = With {
        rules: &args.rules.place,
        guards: Some(&args.guards),
        outputs,
    };
    let ready = app.ready(common, wanted, with).await?;
    ready.introduce();
    let age_s_max = args.plan_max_age.unwrap_or(app.config.sweep.plan_age_s_max);
    let guards = args.guards.with(&app.config.guard, &Yes);
    let outcome = ready.run.apply(saved, age_s_max, &guards).await;
    ready.report(outcome, outputs, false, args.rules.format)
}
