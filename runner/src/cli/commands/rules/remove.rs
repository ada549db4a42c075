//! `runner rules remove`: takes rules out of the folder and out of the lock file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::{read_if_there, write};
use crate::cli::output::print;
use crate::exit::Exit;
use crate::lock::Lock;
use crate::signature;
use crate::text::Visible;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct RemoveArgs {
    /// The rules, by their files' names without .wasm
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    place: RulesPlace,
}

/// `runner rules remove`
pub(super) fn run(args: &RemoveArgs) -> Result<Exit, Failure> {
    if args.place.guests().is_file() {
        return Err(
            Failure::usage("a rule is removed from a folder").hint("give the folder with --guests")
        );
    }
    let lock_file = args.place.lock_file();
    let lock = read_if_there(&lock_file)?;
    // All of them are looked for before the first goes.
    let mut files = Vec::new();
    for name in &args.names {
        files.push(component(args.place.guests(), name, lock.as_ref())?);
    }
    for file in &files {
        // The signature last: a component alone could pass for one that nobody has signed.
        remove(file)?;
        remove(&file.with_added_extension(signature::EXTENSION))?;
    }
    if let Some(lock) = lock {
        let names = args.names.iter();
        let rest = names.fold(lock, |lock, name| lock.without(name));
        write(&lock_file, &rest)?;
    }
    let lines = files.iter().map(|file| {
        let file = file.display().to_string();
        format!("{} is gone\n", Visible(&file))
    });
    print(&lines.collect::<String>())
}

/// The file of a rule, which is there, or at least pinned.
fn component(folder: &Path, name: &str, lock: Option<&Lock>) -> Result<PathBuf, Failure> {
    let unknown = || {
        let folder = folder.display().to_string();
        Failure::usage(format!(
            "there is no rule {} in {}, and its lock file has none",
            Visible(name),
            Visible(&folder)
        ))
        .hint("nothing was removed; a rule is called by its file's name without .wasm")
    };
    let is_plain = Path::new(name).file_name().is_some_and(|it| it == name);
    let file = folder.join(format!("{name}.wasm"));
    let is_known = file.is_file() || lock.is_some_and(|lock| lock.sha256(name).is_some());
    (is_plain && is_known).then_some(file).ok_or_else(unknown)
}

fn remove(file: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let file = file.display();
            Err(Failure::usage(format!("{file} cannot be removed: {error}"))
                .hint("the lock file is as it was, so no run begins until this is settled"))
        }
        _ => Ok(()),
    }
}
