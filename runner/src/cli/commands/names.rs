//! `runner names`: names that a task may give, and whose a name is.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::flags::CommonArgs;
use crate::cli::output::print;
use crate::exit::Exit;
use crate::name::{NameMatcher, NameVerdict, OriginFilter, TaskId};
use crate::report::{Format, rows_in};
use crate::text;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct NamesArgs {
    #[command(subcommand)]
    pub(super) command: Option<NamesCommand>,
    /// Id of the task
    #[arg(long, value_name = "ID", required = true)]
    pub(super) task: Option<String>,
    /// Label of the name format, as `--all` shows it
    #[arg(long, default_value = "rally scenario")]
    pub(super) label: String,
    /// How many names
    #[arg(short = 'n', long, default_value_t = 1)]
    pub(super) count: usize,
    /// One name of every format that can carry the id, with its label
    #[arg(long, conflicts_with_all = ["label", "count"])]
    pub(super) all: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum NamesCommand {
    /// Say which format and which task a name fits, and why
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Names, as things bear them
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Id of a task that they may be of; can be repeated
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<String>,
    /// Kind of what bears them (network.port) [default: any]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// What is said of one name.
#[derive(Serialize)]
struct Checked {
    name: String,
    /// The label of the format whose form it has.
    format: Option<String>,
    /// What stands for a task in it.
    carries: Option<String>,
    /// The task given that it would be taken for.
    task: Option<String>,
    why: String,
}

/// `runner names`
pub(super) fn run(common: &CommonArgs, args: &NamesArgs) -> Result<Exit, Failure> {
    let app = App::load(common)?;
    match (&args.command, &args.task) {
        (Some(NamesCommand::Check(args)), _) => check(&app, args),
        (None, Some(task)) => make(&app, args, task),
        (None, None) => Err(Failure::usage("names of which task? Give --task")),
    }
}

fn make(app: &App, args: &NamesArgs, task: &str) -> Result<Exit, Failure> {
    let task = TaskId::parse(task).map_err(|error| Failure::input(&error))?;
    let formats = app.formats()?;
    let mut draw = |choices: usize| fastrand::usize(..choices.max(1));
    if args.all {
        let lines = formats.iter().filter_map(|named| {
            let name = named.format.generate(&task, &mut draw).ok()?;
            Some(format!("{}\t{name}\n", named.label))
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
    let mut lines = String::new();
    for _ in 0..args.count {
        let name = named.format.generate(&task, &mut draw);
        lines += &name.map_err(|misfit| Failure::input(&misfit))?;
        lines.push('\n');
    }
    print(&lines)
}

/// `runner names check`
fn check(app: &App, args: &CheckArgs) -> Result<Exit, Failure> {
    let tasks = args.tasks.iter().map(|id| TaskId::parse(id));
    let tasks: Vec<TaskId> = tasks
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::input(&error))?;
    let matcher = NameMatcher::new(app.formats()?, &tasks, OriginFilter::All);
    let checked = args
        .names
        .iter()
        .map(|name| Checked::of(&matcher, args.kind.as_deref(), &tasks, name));
    let checked: Vec<Checked> = checked.collect();
    let rows = checked.iter().map(|it| {
        let shown =
            |cell: &Option<String>| cell.as_deref().map_or_else(|| "-".to_owned(), text::lines);
        vec![
            text::lines(&it.name),
            shown(&it.format),
            shown(&it.carries),
            shown(&it.task),
            text::lines(&it.why),
        ]
    });
    let header = ["Name", "Format", "Carries", "Task", "Why"];
    print(&rows_in(args.format, &header, rows.collect(), &checked).map_err(Failure::unexpected)?)
}

impl Checked {
    fn of(matcher: &NameMatcher, kind: Option<&str>, tasks: &[TaskId], name: &str) -> Self {
        let Some(carried) = matcher.carried(kind, name) else {
            return Self::unknown(name, formless(matcher, kind, name));
        };
        let verdict = match kind {
            Some(kind) => matcher.judge_for(kind, name),
            None => matcher.judge(name),
        };
        let form = &carried.pattern;
        let (label, task, why) = match verdict {
            NameVerdict::Ours(found) if tasks.is_empty() => {
                (found.label, None, format!("it has the form {form}"))
            }
            NameVerdict::Ours(found) => {
                let (pattern, bits) = (found.pattern, found.sure_bits);
                let why = format!("it has the form {pattern} ({bits} bits of the task id)");
                (found.label, found.task, why)
            }
            NameVerdict::OtherTask { label } => {
                let but = if tasks.is_empty() {
                    "of which nothing is taken without --task"
                } else {
                    "and what it carries is no id that was given"
                };
                (label, None, format!("it has the form {form}, {but}"))
            }
            NameVerdict::Unknown => return Self::unknown(name, formless(matcher, kind, name)),
        };
        Self {
            name: name.to_owned(),
            format: Some(label.to_string()),
            carries: Some(carried.task.to_owned()),
            task: task.map(String::from),
            why,
        }
    }

    fn unknown(name: &str, why: String) -> Self {
        Self {
            name: name.to_owned(),
            format: None,
            carries: None,
            task: None,
            why,
        }
    }
}

/// Why a name has no form, as far as that can be said.
fn formless(matcher: &NameMatcher, kind: Option<&str>, name: &str) -> String {
    let elsewhere = matcher.carried(None, name).zip(kind);
    match elsewhere {
        Some((carried, kind)) => format!(
            "it has the form {} of {}, whose names count for other kinds than {kind}",
            carried.pattern, carried.label
        ),
        None => "it has the form of no format, from its first character on".to_owned(),
    }
}
