//! `runner rules lock`: pins the rules of a folder as they are.

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::flags::rules::RulesPlace;
use crate::cli::locked::{in_lines, read_if_there, write};
use crate::cli::output::print;
use crate::exit::Exit;
use crate::text::Visible;

/// `runner rules lock`
pub(super) async fn run(common: &CommonArgs, place: &RulesPlace) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let file = place.lock_file();
    if place.guests().is_file() {
        return Err(Failure::usage("a lock is for all rules of a folder")
            .hint("give the folder with --guests"));
    }
    let then = read_if_there(&file)?;
    let mut now = app.lock_of(&app.unlocked(place).await?);
    if let Some(then) = &then {
        now = now.informed_by(then);
    }
    write(&file, &now)?;
    match then {
        None => {
            let file = file.display().to_string();
            print(&format!("{} locks {}\n", Visible(&file), now.size()))
        }
        Some(then) => print(&in_lines(&then.differences(&now))),
    }
}
