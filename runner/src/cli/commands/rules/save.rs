//! `runner rules save`: a folder of rules, with signatures and lock file, as one file for where no registry can be reached.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::app::App;
use crate::cli::components::component_files;
use crate::cli::failure::{Failure, REVIEW};
use crate::cli::files::{Overwrite, put};
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::LOCK_FILE;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::signature;
use crate::text::Visible;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct SaveArgs {
    /// The file: an uncompressed tar archive
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    #[command(flatten)]
    place: RulesPlace,
}

/// `runner rules save`
pub(super) async fn run(common: &CommonArgs, args: &SaveArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    if args.place.guests().is_file() {
        return Err(Failure::usage("all rules of a folder are saved together")
            .hint("give the folder with --guests"));
    }
    let files = component_files(args.place.guests())?;
    let Some(locked) = args.place.locked(&files)? else {
        let lock = args.place.lock_file();
        return Err(Failure::usage(format!("there is no {}", lock.display()))
            .hint("whoever loads the rules must be able to compare them: `runner rules lock` writes it"));
    };
    let differences = locked.differences(app.lock_of(&app.unlocked(&args.place).await?));
    if !differences.is_empty() {
        let message = format!(
            "the rules are not as they were locked: {}",
            differences.join("; ")
        );
        return Err(Failure::guarded(message).hint(REVIEW));
    }
    let bundle = bundle(&args.place, &files)
        .map_err(|error| Failure::unexpected(format!("the rules cannot be packed: {error}")))?;
    put(&args.bundle, &bundle, Overwrite::No).map_err(|error| {
        let file = args.bundle.display();
        Failure::usage(format!("{file} cannot be written: {error}"))
            .hint("give a file that is not there yet, in a folder that you may write to")
    })?;
    let file = args.bundle.display().to_string();
    let count = files.len();
    print(&format!(
        "{} has {count} rules and their lock file\n",
        Visible(&file)
    ))
}

/// The archive: the lock file first, then the rules in order. The same rules make the same bytes, wherever and whenever.
fn bundle(place: &RulesPlace, files: &[PathBuf]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    add(&mut archive, Path::new(LOCK_FILE), &place.lock_file())?;
    for file in files {
        for file in [
            file.clone(),
            file.with_added_extension(signature::EXTENSION),
        ] {
            let name = file.file_name().filter(|_| file.is_file());
            if let Some(name) = name {
                add(&mut archive, Path::new(name), &file)?;
            }
        }
    }
    archive.into_inner()
}

fn add(archive: &mut tar::Builder<Vec<u8>>, name: &Path, file: &Path) -> std::io::Result<()> {
    let content = std::fs::read(file)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content.as_slice())
}
