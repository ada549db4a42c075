//! What a sweep looks for, and where.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::failure::Failure;
use crate::config::Preset;
use crate::guest::Component;
use crate::name::{NamedFormat, Origin, OriginFilter, RallyReport, TaskId};
use crate::plan::{Moment, SweepScope};
use crate::resource::KindPattern;

use super::choice::{ChoiceArgs, check_ids};

/// What a sweep looks for, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
pub(in crate::cli) struct ScopeArgs {
    /// Id of the task whose things are to go; can be repeated [default: every task that a name format knows]
    ///
    /// Rally's names carry the id of the workload, not that of the task: `rally task report --json` shows both.
    #[arg(long = "task", value_name = "ID")]
    pub(in crate::cli) tasks: Vec<String>,
    /// What `rally task report --json` wrote: its tasks stand for their workloads; can be repeated
    ///
    /// Without --task, everything in the report is meant; with it, a task or a subtask of the report stands for its workloads.
    #[arg(long = "rally-report", value_name = "FILE")]
    pub(in crate::cli) rally_reports: Vec<PathBuf>,
    /// Only names of this family: Rally's scenarios or contexts
    #[arg(long, value_enum, default_value_t = OriginArg::All, conflicts_with = "unmatched")]
    pub(in crate::cli) origin: OriginArg,
    /// Touch only this project (name or id); can be repeated [default: all an administrator reaches, one's own for others]
    #[arg(long = "project", value_name = "PROJECT")]
    pub(in crate::cli) projects: Vec<String>,
    /// Touch only kinds that fit, with * as wildcard (network.*); can be repeated
    #[arg(long, value_name = "PATTERN", value_parser = KindPattern::parse)]
    pub(in crate::cli) only: Vec<KindPattern>,
    /// Keep things of kinds that fit, with * as wildcard; can be repeated
    #[arg(long, value_name = "PATTERN", value_parser = KindPattern::parse)]
    pub(in crate::cli) except: Vec<KindPattern>,
    /// Take along all that is in a project that goes, whatever it is called
    #[arg(long)]
    pub(in crate::cli) with_projects: bool,
    /// The other way round: delete what bears no such name, in the projects given by --project, and keep what bears one
    ///
    /// Never touches what belongs to no project, the projects themselves, nor what the cloud named itself.
    #[arg(long, requires = "projects", conflicts_with = "with_projects")]
    pub(in crate::cli) unmatched: bool,
    /// With --unmatched or --with-projects: also take what others use beyond its project, such as public images and shared networks
    #[arg(long)]
    pub(in crate::cli) shared: bool,
    /// A type of service that nobody looks at and that holds nothing of what is swept; can be repeated
    ///
    /// Else projects, domains and users stay, for nobody knows what of theirs is there.
    #[arg(long, value_name = "TYPE")]
    pub(in crate::cli) unlooked: Vec<String>,
    /// Keep what was made before this time (RFC 3339), or longer ago than this (7d, 36h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) created_after: Option<Moment>,
    /// Keep what was made at this time or later (RFC 3339), or not as long ago as this (7d, 36h)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) created_before: Option<Moment>,
    #[command(flatten)]
    pub(in crate::cli) choice: ChoiceArgs,
    /// What narrows the sweep under this name in the configuration; flags beside it narrow it further
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) preset: Option<String>,
    /// Keep things with this tag (`tag` or `key=value`); can be repeated
    #[arg(long = "protect-tag", value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) protect_tags: Vec<String>,
}

/// Families of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OriginArg {
    /// All of them
    All,
    /// Names that scenarios give
    Scenario,
    /// Names that contexts give
    Context,
}

impl From<OriginArg> for OriginFilter {
    fn from(origin: OriginArg) -> Self {
        match origin {
            OriginArg::All => Self::All,
            OriginArg::Scenario => Self::Only(Origin::Scenario),
            OriginArg::Context => Self::Only(Origin::Context),
        }
    }
}

/// What to look for: from the command line, or from a saved plan.
pub(in crate::cli) struct Wanted {
    pub(in crate::cli) scope: SweepScope,
    /// Projects by name or id, as given.
    pub(in crate::cli) projects: Vec<String>,
    /// Types of services that may be left out, by the operator's word.
    pub(in crate::cli) unlooked: Vec<String>,
}

impl Wanted {
    /// # Errors
    /// If a report cannot be read, or says nothing about names; if a flag would do nothing; or if there is no such preset, or it and a
    /// flag exclude each other.
    pub(in crate::cli) fn by(
        args: &ScopeArgs,
        presets: &BTreeMap<String, Preset>,
    ) -> Result<Self, Failure> {
        if args.shared && !args.unmatched && !args.with_projects {
            return Err(Failure::usage(
                "--shared does nothing without --unmatched or --with-projects",
            )
            .hint("what bears a name of the task goes, whoever else uses it"));
        }
        let none = Preset::default();
        let preset = match &args.preset {
            None => &none,
            Some(name) => presets.get(name).ok_or_else(|| no_preset(name, presets))?,
        };
        let (created_from, created_until) = ages(args, preset)?;
        let choice = args.choice.choice()?;
        Ok(Self {
            scope: SweepScope {
                tasks: reported(&args.rally_reports)?.ids(&args.tasks),
                origin: origin(args, preset)?,
                unmatched: args.unmatched,
                with_projects: args.with_projects,
                shared: args.shared,
                only: args.only.clone(),
                within: preset.only.clone(),
                except: [&*args.except, &preset.except].concat(),
                created_from,
                created_until,
                protected_tags: [&*args.protect_tags, &preset.protect_tag]
                    .concat()
                    .into_iter()
                    .collect(),
                choice: choice.and(ChoiceArgs::from(preset).choice()?),
                ..SweepScope::default()
            },
            projects: projects(args, preset)?,
            unlooked: args.unlooked.clone(),
        })
    }
}

fn no_preset(name: &str, presets: &BTreeMap<String, Preset>) -> Failure {
    let known: Vec<&str> = presets.keys().map(String::as_str).collect();
    Failure::usage(format!("there is no preset {name}")).hint(match known.is_empty() {
        true => format!("write one into the configuration, under [presets.{name}]"),
        false => format!("known are: {}", known.join(", ")),
    })
}

/// The age bounds of flags and preset together, counted back from one now.
fn ages(
    args: &ScopeArgs,
    preset: &Preset,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    let now = Timestamp::now();
    let resolved = |moments: [&Option<Moment>; 2]| {
        let moments = moments.into_iter().flatten();
        let all: Result<Vec<Timestamp>, _> = moments.map(|it| it.resolve(now)).collect();
        all.map_err(|error| Failure::input(&error))
    };
    let from = resolved([&args.created_after, &preset.created_after])?;
    let until = resolved([&args.created_before, &preset.created_before])?;
    match (from.into_iter().max(), until.into_iter().min()) {
        (Some(after), Some(before)) if after >= before => Err(Failure::usage(format!(
            "nothing is made from {after} on and before {before}"
        ))
        .hint("--created-after is the earlier one of the two")),
        bounds => Ok(bounds),
    }
}

/// The family of names that both flag and preset mean.
fn origin(args: &ScopeArgs, preset: &Preset) -> Result<OriginFilter, Failure> {
    let given = OriginFilter::from(args.origin);
    let Some(meant) = preset.origin.map(OriginFilter::Only) else {
        return Ok(given);
    };
    let refused = |why: &str| Err(Failure::usage(why).hint("take another preset, or none"));
    if args.unmatched {
        return refused(
            "the preset is for one origin of names, which says nothing with --unmatched",
        );
    }
    match given == OriginFilter::All || given == meant {
        true => Ok(meant),
        false => refused("the preset is for another origin than --origin, so nothing fits both"),
    }
}

/// The projects that both flags and preset mean.
fn projects(args: &ScopeArgs, preset: &Preset) -> Result<Vec<String>, Failure> {
    if args.projects.is_empty() || preset.project.is_empty() {
        return Ok([&*args.projects, &preset.project].concat());
    }
    let mut given = args.projects.iter();
    match given.find(|project| !preset.project.contains(project)) {
        None => Ok(args.projects.clone()),
        Some(project) => Err(Failure::usage(format!(
            "--project {project} is not among the projects of the preset, which a flag can only narrow"
        ))
        .hint(format!("these are, as they are written: {}", preset.project.join(", ")))),
    }
}

/// What Rally's reports say.
fn reported(files: &[PathBuf]) -> Result<RallyReport, Failure> {
    let mut report = RallyReport::default();
    for file in files {
        let unreadable = |why: String| {
            let file = file.display();
            Failure::usage(format!("the report {file} cannot be used: {why}"))
                .hint("write one with `rally task report --uuid <task> --json --out FILE`")
        };
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
        report
            .add(&text)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(report)
}

/// Refuses a pattern that no kind fits, and an id of no kind: they would not do what was meant.
pub(in crate::cli) fn check_patterns(
    scope: &SweepScope,
    components: &[Arc<Component>],
) -> Result<(), Failure> {
    let fits = |pattern: &&KindPattern| {
        let mut kinds = components.iter().flat_map(|component| component.kinds());
        kinds.any(|kind| pattern.matches(&kind.name))
    };
    match scope
        .only
        .iter()
        .chain(&scope.within)
        .chain(&scope.except)
        .find(|it| !fits(it))
    {
        None => check_ids(scope, components),
        Some(pattern) => Err(Failure::usage(format!("no kind fits {pattern}"))
            .hint("`runner rules list` shows the kinds")),
    }
}

/// Says which formats find nothing, because their names cannot carry the tasks' ids.
pub(in crate::cli) fn say_misfits(formats: &[NamedFormat], tasks: &[TaskId]) {
    for named in formats {
        match named.misfit(tasks) {
            Some(misfit) if misfit.is_of_another_form() => {
                tracing::info!("name format {:?} is of no use here: {misfit}", named.label);
            }
            Some(misfit) => {
                tracing::warn!("name format {:?} finds nothing: {misfit}", named.label);
            }
            None => {}
        }
    }
}

/// Parses task ids, and says what may be a slip.
pub(in crate::cli) fn parse_tasks(ids: &[String]) -> Result<Vec<TaskId>, Failure> {
    let mut tasks = Vec::with_capacity(ids.len());
    for id in ids {
        let task = TaskId::parse(id).map_err(|error| Failure::input(&error))?;
        if !task.is_uuid() {
            tracing::warn!(
                "the task id {id} is no UUID: where it does not fit a name, Rally's rule of seeded parts is used"
            );
        } else if id.chars().any(|c| c.is_ascii_uppercase()) {
            tracing::warn!(
                "the task id {id} has capital letters, and names are matched to the letter: Rally writes ids in small ones"
            );
        }
        tasks.push(task);
    }
    Ok(tasks)
}
