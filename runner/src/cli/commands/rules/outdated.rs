//! `runner rules outdated`: which rules that came from registries have moved there since they were pinned.

use clap::Args;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::read_if_there;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::lock::{Lock, Source};
use crate::registry::{self, Reference};
use crate::text::Visible;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct OutdatedArgs {
    /// Exit with 10 if a rule has moved
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    place: RulesPlace,
}

/// A rule that was fetched from a registry, and what its reference names there now.
pub(super) struct Pinned {
    pub(super) name: String,
    pub(super) source: Source,
    /// The manifest's digest.
    pub(super) now: String,
}

impl Pinned {
    pub(super) fn has_moved(&self) -> bool {
        self.now != self.source.manifest
    }
}

/// `runner rules outdated`
pub(super) async fn run(common: &CommonArgs, args: &OutdatedArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let lock = lock(&args.place)?;
    let mut pinned = Vec::new();
    for name in lock.names() {
        if let Some(source) = lock.source(name) {
            pinned.push(look(&app, name, source).await?);
        }
    }
    let lines = pinned.iter().map(|rule| {
        let Pinned { name, source, now } = rule;
        let state = match rule.has_moved() {
            true => format!("has moved from {} to {now}", source.manifest),
            false => "is as it is pinned".to_owned(),
        };
        format!(
            "{}  {}  {state}\n",
            Visible(name),
            Visible(&source.reference)
        )
    });
    let text: String = lines.collect();
    if text.is_empty() {
        return print("no rule here came from a registry\n");
    }
    print(&text)?;
    let has_moved = pinned.iter().any(Pinned::has_moved);
    Ok(match has_moved && args.detailed_exitcode {
        true => Exit::WorkToDo,
        false => Exit::Clean,
    })
}

/// The lock file, which knows where rules come from.
pub(super) fn lock(place: &RulesPlace) -> Result<Lock, Failure> {
    let file = place.lock_file();
    read_if_there(&file)?.ok_or_else(|| {
        Failure::usage(format!("there is no {}", file.display()))
            .hint("it says where rules come from; `runner rules add` writes it")
    })
}

/// Asks the registry of a rule which manifest its reference names now.
pub(super) async fn look(app: &App, name: &str, source: &Source) -> Result<Pinned, Failure> {
    let reference = Reference::parse(&source.reference).map_err(|error| Failure::input(&error))?;
    let access = app.config.registry(&reference, &app.surroundings);
    let access = access.map_err(|error| Failure::input(&error))?;
    let now = registry::resolve(&reference, &access, &app.config.http_limits()).await?;
    Ok(Pinned {
        name: name.to_owned(),
        source: source.clone(),
        now,
    })
}
