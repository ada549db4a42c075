//! `runner rules update`: fetches anew what has moved in its registry. What may do more than it was pinned with is not taken unasked.

use clap::Args;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::text::Visible;

use super::add::{AddArgs, Replace, take};
use super::outdated::{lock, look};

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct UpdateArgs {
    /// The rules, by their files' names without .wasm [default: all that came from registries]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Take also what declares something else than what is pinned, or is signed by others
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    place: RulesPlace,
}

/// `runner rules update`
pub(super) async fn run(common: &CommonArgs, args: &UpdateArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let lock = lock(&args.place)?;
    let mut wanted = Vec::new();
    for name in &args.names {
        let source = lock.source(name).ok_or_else(|| {
            Failure::usage(format!("{} did not come from a registry", Visible(name)))
                .hint("`runner rules outdated` lists those that did; nothing was written")
        })?;
        wanted.push((name.as_str(), source));
    }
    if args.names.is_empty() {
        wanted.extend(
            lock.names()
                .filter_map(|name| Some((name, lock.source(name)?))),
        );
    }
    if wanted.is_empty() {
        return print("no rule here came from a registry\n");
    }
    let replace = match args.replace {
        true => Replace::Always,
        false => Replace::Alike,
    };
    for (name, source) in wanted {
        if !look(&app, name, source).await?.has_moved() {
            print(&format!("{} is as it is pinned\n", Visible(name)))?;
            continue;
        }
        let add = AddArgs {
            source: source.reference.clone(),
            name: Some(name.to_owned()),
            replace: args.replace,
            place: args.place.clone(),
        };
        print(&take(&app, &add, replace).await?)?;
    }
    Ok(Exit::Clean)
}
