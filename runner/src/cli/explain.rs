//! `runner explain`: why a thing would be deleted or kept.

use crate::exit::Exit;
use crate::plan::{Kept, Plan};
use crate::resource::ThingRef;
use crate::run::Aim;

use super::args::{CommonArgs, ExplainArgs};
use super::failure::Failure;
use super::output::print;
use super::setup::{Setup, Wanted};

/// `runner explain KIND/ID`
pub(super) async fn explain(common: &CommonArgs, args: &ExplainArgs) -> Result<Exit, Failure> {
    let Some(thing) = ThingRef::parse(&args.thing) else {
        return Err(Failure::usage(format!("{:?} is no thing", args.thing))
            .hint("give it as <kind>/<id>, for example network.port/4f5c…"));
    };
    let setup = Setup::load(common)?;
    let ready = setup
        .ready(common, &args.rules.place, Wanted::by(&args.scope)?, None)
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
    print(&explanation(&thing, &look.plan, &look.kept))?;
    Ok(ready.run.show(look, Aim::Show).exit())
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
