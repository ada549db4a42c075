//! `runner rules check`: what a component is, may do and differs in, before it may run.

use std::path::PathBuf;

use clap::Args;

use crate::cli::app::App;
use crate::cli::components::component_files;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::read_if_there;
use crate::cli::output::print;
use crate::cli::sheet::{against, description};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct CheckArgs {
    /// Component files
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
}

/// `runner rules check`
pub(super) async fn run(common: &CommonArgs, args: &CheckArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let sandbox = app.sandbox()?;
    for path in &args.files {
        for file in component_files(path)? {
            let grants = app.grants(&file);
            let component = app.loaded(&sandbox, &file, &file, &grants).await?;
            let lock = RulesPlace {
                guests: Some(file.clone()),
                lock: None,
            };
            let then = read_if_there(&lock.lock_file())?;
            let news = against(then.as_ref(), &app, &component, &file);
            print(&description(&component, &file, &news))?;
        }
    }
    Ok(Exit::Clean)
}
