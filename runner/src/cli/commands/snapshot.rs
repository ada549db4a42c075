//! `runner snapshot`: writes down what is there, so that a later sweep can keep it.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::files::{Overwrite, put};
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::flags::scope::Wanted;
use crate::cli::outputs::Outputs;
use crate::cli::ready::With;
use crate::exit::Exit;
use crate::plan::{Baseline, Place, SweepScope};
use crate::run::Purpose;

#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Where to write the baseline, for --keep-from
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    rules: RulesPlace,
}

/// `runner snapshot -o FILE`
pub(super) async fn run(common: &CommonArgs, args: &SnapshotArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let wanted = Wanted {
        scope: SweepScope::default(),
        projects: Vec::new(),
        unlooked: Vec::new(),
    };
    let with = With {
        rules: &args.rules,
        guards: None,
        outputs: &Outputs::default(),
    };
    let ready = app.ready(common, wanted, with).await?;
    let made_at = Timestamp::now();
    let look = ready.run.look().await;
    ready.progress.finish();
    let place = look.plan.place.clone();
    let items = look.plan.items.iter().map(|item| &item.thing);
    let found = items
        .chain(look.kept.iter().map(|kept| &kept.thing))
        .cloned();
    let found: Vec<_> = found.collect();
    let outcome = ready.run.show(look, Purpose::Show);
    match outcome.exit() {
        Exit::Clean => {}
        Exit::Interrupted => {
            return Err(Failure::interrupted(
                "interrupted before everything was listed; nothing was written",
            ));
        }
        _ => return Err(not_whole(&outcome)),
    }
    let kinds = ready.run.engine().kinds().map(|kind| &kind.name);
    let kinds = kinds.filter(|kind| !outcome.skipped.contains_key(*kind));
    let place = place.ok_or_else(|| Failure::unexpected("nobody knows where this is"))?;
    // What comes while it is listed may be there or not: it is as old as the beginning.
    let baseline = Baseline::of(Place { made_at, ..place }, kinds, &found);
    let text = serde_json::to_string_pretty(&baseline)
        .map_err(|error| Failure::unexpected(error.to_string()))?;
    put(&args.out, (text + "\n").as_bytes(), Overwrite::Yes).map_err(|error| {
        Failure::usage(format!(
            "the baseline cannot be written to {}: {error}",
            args.out.display()
        ))
    })?;
    tracing::info!(
        "{} things of {} kinds are in {}",
        baseline.len(),
        baseline.things.len(),
        args.out.display()
    );
    Ok(Exit::Clean)
}

/// A baseline that lacks something would give it away.
fn not_whole(outcome: &crate::run::Outcome) -> Failure {
    let failures = outcome.failures.iter();
    let failures = failures.map(|it| format!("{} {}: {}", it.kind, it.scope, it.why));
    let unlooked = outcome.unlooked.iter().filter(|it| it.is_failure);
    let unlooked = unlooked.map(|it| format!("{it} was not looked at: {}", it.why));
    let first = failures.chain(unlooked).next();
    Failure::unlisted(format!(
        "not everything could be listed, and a baseline that lacks something would give it away: {}",
        first.unwrap_or_default()
    ))
    .hint("nothing was written; `runner doctor` says what is reached")
}
