//! `runner rules add`: a rule from a registry or a file, put into the folder as it was checked, and pinned.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::app::App;
use crate::cli::components::{claimed_twice, files_in, rule_name};
use crate::cli::failure::Failure;
use crate::cli::files::{Overwrite, is_another, is_plain_name, put};
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::{read_if_there, write};
use crate::cli::output::print;
use crate::cli::sheet::{against, description};
use crate::exit::Exit;
use crate::guest::Component;
use crate::lock::{Lock, Source};
use crate::registry::{self, Reference, SCHEME};
use crate::signature;

/// What helps where something else is there already.
const REPLACE: &str = "nothing was written; if you want the new one instead, add --replace";

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct AddArgs {
    /// Where the rule is: oci://registry/repository:tag, or @sha256:… instead of the tag; or a component file
    pub(super) source: String,
    /// What the rule is called here, and its file, without .wasm [default: the last part of the repository, or the file's name]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Take it also where another file of this name is there, or another one is pinned
    #[arg(long)]
    pub(super) replace: bool,
    #[command(flatten)]
    pub(super) place: RulesPlace,
}

/// What may be put in the place of a rule that is there or pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replace {
    /// Nothing.
    Never,
    /// What declares the same, by the same signers.
    Alike,
    /// Whatever is wanted.
    Always,
}

/// A rule on its way into the folder.
struct Parcel {
    name: String,
    component: Vec<u8>,
    /// The text of its detached signature.
    signature: Option<Vec<u8>>,
    /// Where it was fetched from.
    source: Option<Source>,
}

/// Where a rule goes.
struct Place {
    folder: PathBuf,
    component: PathBuf,
    signature: PathBuf,
    lock: PathBuf,
}

/// `runner rules add`
pub(super) async fn run(common: &CommonArgs, args: &AddArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let replace = if args.replace {
        Replace::Always
    } else {
        Replace::Never
    };
    print(&take(&app, args, replace).await?)
}

/// Takes a rule in. Returns what is to be said of it.
pub(super) async fn take(app: &App, args: &AddArgs, replace: Replace) -> Result<String, Failure> {
    if args.place.guests().is_file() {
        return Err(
            Failure::usage("a rule is added to a folder").hint("give the folder with --guests")
        );
    }
    let parcel = parcel(app, args).await?;
    let place = Place::of(&parcel.name, args);
    let component = checked(app, &parcel, &args.source).await?;
    let then = read_if_there(&place.lock)?;
    let mut now = app.lock_of(std::slice::from_ref(&component));
    if let Some(source) = &parcel.source {
        now = now.from_source(&parcel.name, source.clone());
    }
    let then = match then {
        Some(then) => then,
        None => app.lock_of(&place.others(app).await?),
    };
    if let Some(flaw) = then.revoked_in(&now).into_iter().next() {
        return Err(Failure::guarded(flaw).hint("nothing was written"));
    }
    let news = against(Some(&then), app, &component, &place.component);
    now = now.informed_by(&then);
    let replaces = match replace {
        Replace::Always => true,
        Replace::Alike => then.declares_alike(&now, &parcel.name),
        Replace::Never => false,
    };
    if !replaces {
        place.pins(&then, &now, &parcel.name)?;
        place.is_free_for(&parcel)?;
    }
    let lock = then.with(now);
    if let Some((kind, other, rule)) = lock.claimed_twice() {
        return Err(claimed_twice(kind, other, rule));
    }
    let overwrite = if replaces {
        Overwrite::Yes
    } else {
        Overwrite::No
    };
    place.receive(&parcel, overwrite)?;
    write(&place.lock, &lock)?;
    let by_manifest = parcel
        .source
        .map(|it| format!(", by manifest {}", it.manifest));
    let by_manifest = by_manifest.unwrap_or_default();
    let (file, lock) = (place.component.display(), place.lock.display());
    let sheet = description(&component, &place.component, &news);
    Ok(format!(
        "{sheet}{file} is there, and {lock} pins it{by_manifest}\n"
    ))
}

/// The rule's bytes, from wherever they are.
async fn parcel(app: &App, args: &AddArgs) -> Result<Parcel, Failure> {
    if args.source.starts_with(SCHEME) {
        return fetched(app, args).await;
    }
    let file = Path::new(&args.source);
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be read: {error}", file.display()))
            .hint("a rule is given as a component file, or as oci://registry/repository:tag")
    };
    let component = std::fs::read(file).map_err(unreadable)?;
    let signature = match std::fs::read(file.with_added_extension(signature::EXTENSION)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(error)),
    };
    Ok(Parcel {
        name: called(args, &rule_name(file))?,
        component,
        signature,
        source: None,
    })
}

async fn fetched(app: &App, args: &AddArgs) -> Result<Parcel, Failure> {
    let reference = Reference::parse(&args.source).map_err(|error| Failure::input(&error))?;
    let name = called(args, reference.last_part())?;
    let access = app.config.registry(&reference, &app.surroundings);
    let access = access.map_err(|error| Failure::input(&error))?;
    let bytes_max = app.config.grants(&name).limits.component_bytes_max;
    let limits = app.config.http_limits();
    let artifact = registry::fetch(&reference, &access, &limits, bytes_max).await?;
    Ok(Parcel {
        name,
        component: artifact.component,
        signature: artifact.signature,
        source: Some(Source {
            reference: reference.to_string(),
            manifest: artifact.manifest,
        }),
    })
}

/// The rule's name, which becomes a file's.
fn called(args: &AddArgs, usual: &str) -> Result<String, Failure> {
    let name = args.name.as_deref().unwrap_or(usual);
    if !is_plain_name(name) {
        return Err(Failure::usage(format!("{name:?} is no name for a rule"))
            .hint("give one of letters, digits, `_`, `-` and `.` with --name"));
    }
    Ok(name.to_owned())
}

/// Loads the rule as `rules check` does, from a folder where nobody else looks.
async fn checked(app: &App, parcel: &Parcel, source: &str) -> Result<Arc<Component>, Failure> {
    let impossible =
        |error: std::io::Error| Failure::unexpected(format!("a rule cannot be checked: {error}"));
    let folder = tempfile::tempdir().map_err(impossible)?;
    let file = folder.path().join(format!("{}.wasm", parcel.name));
    std::fs::write(&file, &parcel.component).map_err(impossible)?;
    if let Some(text) = &parcel.signature {
        let beside = file.with_added_extension(signature::EXTENSION);
        std::fs::write(beside, text).map_err(impossible)?;
    }
    let grants = app.grants(&file);
    app.loaded(&app.sandbox()?, &file, Path::new(source), &grants)
        .await
}

impl Place {
    fn of(name: &str, args: &AddArgs) -> Self {
        let folder = args.place.guests().to_owned();
        let component = folder.join(format!("{name}.wasm"));
        Self {
            signature: component.with_added_extension(signature::EXTENSION),
            lock: args.place.lock_file(),
            component,
            folder,
        }
    }

    /// Whether the lock has this very rule under this name, or none. It may learn where the rule comes from.
    fn pins(&self, then: &Lock, now: &Lock, name: &str) -> Result<(), Failure> {
        if then.sha256(name).is_none() {
            return Ok(());
        }
        let differences = then.clone().only([name]).informed_by(now).differences(now);
        if differences.is_empty() {
            return Ok(());
        }
        let (lock, differences) = (self.lock.display(), differences.join("; "));
        Err(Failure::guarded(format!("{lock} pins another one: {differences}")).hint(REPLACE))
    }

    /// Whether nothing else is there under the rule's name.
    fn is_free_for(&self, parcel: &Parcel) -> Result<(), Failure> {
        let wanted = [
            (&self.component, Some(parcel.component.as_slice())),
            (&self.signature, parcel.signature.as_deref()),
        ];
        for (file, content) in wanted {
            if is_another(file, content) {
                let file = file.display();
                return Err(Failure::guarded(format!(
                    "{file} is there already, and is another file"
                ))
                .hint(REPLACE));
            }
        }
        Ok(())
    }

    /// The rules that are there beside it.
    async fn others(&self, app: &App) -> Result<Vec<Arc<Component>>, Failure> {
        let mut others = Vec::new();
        if !self.folder.exists() {
            return Ok(others);
        }
        let files = files_in(&self.folder, "wasm");
        for file in files.map_err(|error| unwritable(&self.folder, &error))? {
            if file != self.component {
                others.push(app.component(&file).await?);
            }
        }
        Ok(others)
    }

    /// Puts the files there, each as a whole, and a signature before what it is of: the component alone could pass for unsigned.
    fn receive(&self, parcel: &Parcel, overwrite: Overwrite) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.folder).map_err(|error| unwritable(&self.folder, &error))?;
        if let Some(signature) = &parcel.signature {
            deliver(&self.signature, signature, overwrite)?;
        }
        deliver(&self.component, &parcel.component, overwrite)?;
        if parcel.signature.is_none() && self.signature.exists() {
            let removed = std::fs::remove_file(&self.signature);
            removed.map_err(|error| unwritable(&self.signature, &error))?;
        }
        Ok(())
    }
}

fn deliver(file: &Path, content: &[u8], overwrite: Overwrite) -> Result<(), Failure> {
    if std::fs::read(file).is_ok_and(|there| there == content) {
        return Ok(());
    }
    put(file, content, overwrite).map_err(|error| unwritable(file, &error))
}

fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be written: {error}", file.display()))
}
