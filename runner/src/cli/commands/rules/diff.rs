//! `runner rules diff`: how the rules of a folder differ from the lock file.

use crate::cli::app::App;
use crate::cli::components::component_files;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::in_lines;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::text::Visible;

/// `runner rules diff`
pub(super) async fn run(common: &CommonArgs, place: &RulesPlace) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let files = component_files(place.guests())?;
    let Some(locked) = place.locked(&files)? else {
        return Err(
            Failure::usage(format!("there is no {}", place.lock_file().display()))
                .hint("`runner rules lock` writes it"),
        );
    };
    let now = app.lock_of(&app.unlocked(place).await?);
    let differences = locked.differences(now);
    if differences.is_empty() {
        let file = place.lock_file().display().to_string();
        return print(&format!("the rules are as {} says\n", Visible(&file)));
    }
    print(&in_lines(&differences))?;
    Ok(Exit::Guarded)
}
