//! What a sweep looks for, and where.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::failure::Failure;
use crate::guest::Component;
use crate::name::{NamedFormat, Origin, OriginFilter, RallyReport, TaskId};
use crate::plan::SweepScope;
use crate::resource::KindPattern;

use super::choice::{ChoiceArgs, check_ids};
use super::moment::Moment;

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
    /// If a report cannot be read, or says nothing about names; or if a flag would do nothing.
    pub(in crate::cli) fn by(args: &ScopeArgs) -> Result<Self, Failure> {
        if args.shared && !args.unmatched && !args.with_projects {
            return Err(Failure::usage(
                "--shared does nothing without --unmatched or --with-projects",
            )
            .hint("what bears a name of the task goes, whoever else uses it"));
        }
        let now = Timestamp::now();
        let resolved = |moment: &Option<Moment>| {
            let at = moment.as_ref().map(|moment| moment.resolve(now));
            at.transpose().map_err(|error| Failure::input(&error))
        };
        let created_from = resolved(&args.created_after)?;
        let created_until = resolved(&args.created_before)?;
        if let (Some(after), Some(before)) = (created_from, created_until)
            && after >= before
        {
            return Err(Failure::usage(format!(
                "nothing is made from {after} on and before {before}"
            ))
            .hint("--created-after is the earlier one of the two"));
        }
        Ok(Self {
            scope: SweepScope {
                tasks: reported(&args.rally_reports)?.ids(&args.tasks),
                origin: args.origin.into(),
                unmatched: args.unmatched,
                with_projects: args.with_projects,
                shared: args.shared,
                only: args.only.clone(),
                except: args.except.clone(),
                created_from,
                created_until,
                protected_tags: args.protect_tags.iter().cloned().collect(),
                choice: args.choice.choice()?,
                ..SweepScope::default()
            },
            projects: args.projects.clone(),
            unlooked: args.unlooked.clone(),
        })
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
    match scope.only.iter().chain(&scope.except).find(|it| !fits(it)) {
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
