//! `runner rules load`: what `rules save` has packed, put into a folder after everything in it has been compared with its lock file.
//!
//! The file comes from elsewhere. Nothing of it is written before all of it was read, within bounds, and every rule was loaded as for
//! a run.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};

use crate::cli::app::App;
use crate::cli::components::files_in;
use crate::cli::failure::Failure;
use crate::cli::files::{Overwrite, is_another, is_plain_name, put};
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::LOCK_FILE;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::lock::Lock;
use crate::signature;
use crate::text::Visible;

/// More files than any folder of rules has.
const FILES_MAX: usize = 2_000;

/// What a signature or a lock file never exceeds.
const TEXT_BYTES_MAX: u64 = 8 << 20;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct LoadArgs {
    /// The file that `runner rules save` has written
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    /// Take it also where the folder has other files of these names, or another lock file
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    place: RulesPlace,
}

/// A bundle's files, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// `runner rules load`
pub(super) async fn run(common: &CommonArgs, args: &LoadArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    if args.place.guests().is_file() || args.place.lock.is_some() {
        return Err(
            Failure::usage("a bundle is loaded into a folder, with its own lock file")
                .hint("give the folder with --guests, and no --lock"),
        );
    }
    let files = unpacked(&args.bundle, app.config.limits.component_bytes_max)?;
    let lock = lock_of(&files).map_err(|why| refused(&args.bundle, &why))?;
    let folder = args.place.guests();
    stays_out_of_the_way(folder, &files, args.replace)?;
    checked(&app, &args.bundle, &files, &lock).await?;
    let written = deliver(folder, &files);
    written.map_err(|error| {
        let folder = folder.display();
        Failure::usage(format!("the rules cannot be written to {folder}: {error}"))
            .hint("no run begins with rules that are not as their lock file says; load the bundle once more")
    })?;
    let folder = folder.display().to_string();
    print(&format!("{} has {} now\n", Visible(&folder), lock.size()))
}

fn refused(bundle: &Path, why: &str) -> Failure {
    let bundle = bundle.display().to_string();
    Failure::guarded(format!("{} {}", Visible(&bundle), Visible(why))).hint("nothing was written")
}

/// All that a bundle has, within bounds.
fn unpacked(bundle: &Path, component_bytes_max: u64) -> Result<Files, Failure> {
    let unreadable = |error: std::io::Error| {
        let bundle = bundle.display();
        Failure::usage(format!("{bundle} cannot be read: {error}"))
            .hint("give the file that `runner rules save` has written; nothing was written")
    };
    let file = std::fs::File::open(bundle).map_err(unreadable)?;
    let mut archive = tar::Archive::new(std::io::BufReader::new(file));
    let mut files = Files::new();
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = plain_name(&entry).map_err(|why| refused(bundle, &why))?;
        let bytes_max = match name.ends_with(".wasm") {
            true => component_bytes_max,
            false => TEXT_BYTES_MAX,
        };
        if entry.size() > bytes_max || files.len() >= FILES_MAX {
            return Err(refused(
                bundle,
                &format!("is larger than any bundle, at {name}"),
            ));
        }
        let mut content = Vec::new();
        let read = entry.by_ref().take(bytes_max).read_to_end(&mut content);
        read.map_err(unreadable)?;
        if files.insert(name.clone(), content).is_some() {
            return Err(refused(bundle, &format!("has {name} twice")));
        }
    }
    Ok(files)
}

/// The name of a file that lies in no folder; links and whatever else an archive can hold have no place here.
fn plain_name<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, String> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    if entry.header().entry_type() != tar::EntryType::Regular || !is_plain_name(&name) {
        return Err(format!("is no bundle of rules: it has {name}"));
    }
    Ok(name)
}

/// The lock file of a bundle, which has every rule in it, as it is, and no other.
fn lock_of(files: &Files) -> Result<Lock, String> {
    let text = files
        .get(LOCK_FILE)
        .and_then(|it| std::str::from_utf8(it).ok());
    let text = text.ok_or_else(|| format!("is no bundle of rules: it has no {LOCK_FILE}"))?;
    let lock = Lock::parse(text).map_err(|error| format!("has a lock file that {error}"))?;
    let rule_of = |name: &str| {
        let name = name
            .strip_suffix(&format!(".{}", signature::EXTENSION))
            .unwrap_or(name);
        name.strip_suffix(".wasm").map(str::to_owned)
    };
    for (name, content) in files.iter().filter(|(name, _)| *name != LOCK_FILE) {
        let locked = rule_of(name).and_then(|rule| lock.sha256(&rule).map(str::to_owned));
        let locked = locked.ok_or_else(|| format!("has {name}, which its lock file has not"))?;
        if name.ends_with(".wasm") && hex::encode(Sha256::digest(content)) != locked {
            return Err(format!("has another {name} than its lock file says"));
        }
    }
    let has = |rule: &str| files.contains_key(&format!("{rule}.wasm"));
    let missing = lock.names().find(|rule| !has(rule)).map(str::to_owned);
    match missing {
        Some(missing) => Err(format!("lacks {missing}, which its lock file has")),
        None => Ok(lock),
    }
}

/// Whether nothing in the folder would be overwritten unasked, or be left there without a place in the lock file.
fn stays_out_of_the_way(folder: &Path, files: &Files, replace: bool) -> Result<(), Failure> {
    let there = match files_in(folder, "wasm") {
        Ok(there) => there,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let folder = folder.display();
            return Err(Failure::usage(format!("{folder} cannot be read: {error}")));
        }
    };
    let in_bundle = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        files.contains_key(&*name)
    };
    if let Some(other) = there.iter().find(|file| !in_bundle(file)) {
        let other = other.display();
        return Err(Failure::guarded(format!("{other} is there, and the bundle does not have it"))
            .hint("nothing was written; load it into a folder of its own, or take that away (`runner rules remove`)"));
    }
    let is_other = |(name, content): &(&String, &Vec<u8>)| {
        is_another(&folder.join(name), Some(content.as_slice()))
    };
    match files.iter().find(is_other).filter(|_| !replace) {
        None => Ok(()),
        Some((name, _)) => {
            let file = folder.join(name).display().to_string();
            Err(
                Failure::guarded(format!("{file} is there already, and is another file"))
                    .hint("nothing was written; if you want the bundle's instead, add --replace"),
            )
        }
    }
}

/// Loads every rule as a run would, from a folder where nobody else looks, and compares them with the lock file.
async fn checked(app: &App, bundle: &Path, files: &Files, lock: &Lock) -> Result<(), Failure> {
    let impossible =
        |error: std::io::Error| Failure::unexpected(format!("a bundle cannot be checked: {error}"));
    let folder = tempfile::tempdir().map_err(impossible)?;
    deliver(folder.path(), files).map_err(impossible)?;
    let sandbox = app.sandbox()?;
    let mut components = Vec::new();
    for file in files_in(folder.path(), "wasm").map_err(impossible)? {
        let shown = bundle.join(file.file_name().unwrap_or_default());
        let grants = app.grants(&file);
        components.push(app.loaded(&sandbox, &file, &shown, &grants).await?);
    }
    let now = app.lock_of(&components).informed_by(lock);
    if let Some(revoked) = lock.revoked_in(&now).into_iter().next() {
        return Err(refused(bundle, &format!("is refused: {revoked}")));
    }
    let differences = lock.differences(&now);
    if differences.is_empty() {
        return Ok(());
    }
    let why = format!("is not what its lock file says: {}", differences.join("; "));
    Err(refused(bundle, &why))
}

/// Puts the files there, each as a whole: the lock file first, so that whatever comes in between no run begins, and a signature before
/// what it is of.
fn deliver(folder: &Path, files: &Files) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let turn = |name: &str| (name != LOCK_FILE, name.ends_with(".wasm"));
    let mut files: Vec<(&String, &Vec<u8>)> = files.iter().collect();
    files.sort_by_key(|(name, _)| turn(name));
    for (name, content) in files {
        let file = folder.join(name);
        if !std::fs::read(&file).is_ok_and(|there| there == *content) {
            put(&file, content, Overwrite::Yes)?;
        }
    }
    Ok(())
}
