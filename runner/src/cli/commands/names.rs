//! `runner names`: names that a task may give.

use clap::Args;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::name::TaskId;

#[derive(Debug, Args)]
pub(super) struct NamesArgs {
    /// Id of the task
    #[arg(long, value_name = "ID")]
    pub(super) task: String,
    /// Label of the name format, as `--all` shows it
    #[arg(long, default_value = "rally scenario")]
    pub(super) label: String,
    /// How many names
    #[arg(short = 'n', long, default_value_t = 1)]
    pub(super) count: usize,
    /// One name of every format, with its label
    #[arg(long, conflicts_with_all = ["label", "count"])]
    pub(super) all: bool,
}

/// `runner names`
pub(super) fn run(common: &CommonArgs, args: &NamesArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    let task = TaskId::parse(&args.task).map_err(|error| Failure::input(&error))?;
    let formats = app.formats()?;
    let mut draw = |choices: usize| fastrand::usize(..choices.max(1));
    if args.all {
        let lines = formats.iter().map(|named| {
            format!(
                "{}\t{}\n",
                named.label,
                named.format.generate(&task, &mut draw)
            )
        });
        return print(&lines.collect::<String>());
    }
    let Some(named) = formats.iter().find(|named| named.label == args.label) else {
        let known: Vec<&str> = formats.iter().map(|named| named.label.as_str()).collect();
        return Err(
            Failure::usage(format!("there is no name format {:?}", args.label))
                .hint(format!("known are: {}", known.join(", "))),
        );
    };
    let lines = (0..args.count).map(|_| named.format.generate(&task, &mut draw) + "\n");
    print(&lines.collect::<String>())
}
