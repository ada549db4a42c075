//! `runner explain`: why a thing would be deleted or kept.

use clap::Args;
use serde::Serialize;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesArgs;
use crate::cli::flags::scope::{ScopeArgs, Wanted};
use crate::cli::output::print;
use crate::cli::outputs::Outputs;
use crate::cli::ready::With;
use crate::exit::Exit;
use crate::plan::Blocker;
use crate::report::document;
use crate::resource::ThingRef;
use crate::run::{Look, Purpose};
use crate::text::Visible;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The thing, as <kind>/<id>: network.port/4f5c…
    pub(super) thing: String,
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
}

/// `runner explain KIND/ID`
pub(super) async fn run(common: &CommonArgs, args: &ExplainArgs) -> Result<Exit, Failure> {
    let Some(thing) = ThingRef::parse(&args.thing) else {
        return Err(Failure::usage(format!("{:?} is no thing", args.thing))
            .hint("give it as <kind>/<id>, for example network.port/4f5c…"));
    };
    let app = App::load(common)?;
    let with = With {
        rules: &args.rules.place,
        guards: None,
        outputs: &Outputs::default(),
    };
    let ready = app
        .ready(common, Wanted::by(&args.scope, &app.config.presets)?, with)
        .await?;
    if !ready
        .run
        .engine()
        .kinds()
        .any(|kind| kind.name == thing.kind)
    {
        return Err(
            Failure::usage(format!("no rule knows the kind {}", thing.kind))
                .hint("`runner rules list` shows the kinds"),
        );
    }
    let look = ready.run.look().await;
    ready.progress.finish();
    let explanation = Explanation::of(&thing, &look);
    let exit = ready.run.show(look, Purpose::Show).exit();
    if exit == Exit::Interrupted {
        let why = "interrupted before everything was listed, so nobody can say";
        return Err(Failure::interrupted(why));
    }
    let format = args.rules.format;
    print(&if format.is_document() {
        document(format, &explanation).map_err(Failure::unexpected)?
    } else {
        explanation.in_words()
    })?;
    Ok(exit)
}

/// Why a thing would be deleted or kept.
#[derive(Debug, Serialize)]
struct Explanation {
    thing: ThingRef,
    name: Option<String>,
    verdict: Verdict,
    /// In words; empty if it was not found.
    why: String,
    /// What must be gone before it.
    after: Vec<ThingRef>,
    /// What keeps it from going.
    blocked_by: Vec<Blocker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Delete,
    Keep,
    NotFound,
}

impl Explanation {
    fn of(thing: &ThingRef, look: &Look) -> Self {
        let items = &look.plan.items;
        if let Some(item) = items.iter().find(|item| item.thing == *thing) {
            let after = item.waits_for.iter().filter_map(|&first| items.get(first));
            return Self {
                thing: thing.clone(),
                name: item.name.clone(),
                verdict: Verdict::Delete,
                why: item.reason.to_string(),
                after: after.map(|first| first.thing.clone()).collect(),
                blocked_by: item.blocked_by.clone(),
            };
        }
        let kept = look.kept.iter().find(|kept| kept.thing == *thing);
        Self {
            thing: thing.clone(),
            name: kept.and_then(|kept| kept.name.clone()),
            verdict: kept.map_or(Verdict::NotFound, |_| Verdict::Keep),
            why: kept.map_or_else(String::new, |kept| kept.reason.to_string()),
            after: Vec::new(),
            blocked_by: Vec::new(),
        }
    }

    fn in_words(&self) -> String {
        let thing = &self.thing;
        let name = Visible(self.name.as_deref().unwrap_or("(no name)"));
        let why = Visible(&self.why);
        let mut text = match self.verdict {
            Verdict::NotFound => return format!("{thing} was not found by any listing\n"),
            Verdict::Keep => return format!("{thing} {name}\n{why}\n"),
            Verdict::Delete => format!("{thing} {name}\nwould be deleted: {why}\n"),
        };
        for first in &self.after {
            text.push_str(&format!("after {first}\n"));
        }
        for blocker in &self.blocked_by {
            let why = Visible(&blocker.why);
            text.push_str(&if blocker.thing == *thing {
                format!("but it stays: {why}\n")
            } else {
                format!("but {} is in the way: {why}\n", blocker.thing)
            });
        }
        text
    }
}
