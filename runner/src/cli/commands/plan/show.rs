//! `runner plan show`: a saved plan in every form.

use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::cli::plans::load;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::report::{Format, Narrowed, rows_in};
use crate::text;

const HEADER: [&str; 8] = [
    "#", "Kind", "ID", "Name", "Project", "Reason", "After", "Held by",
];

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct ShowArgs {
    /// The saved plan
    plan: PathBuf,
    /// How to write it; json and yaml hold the whole plan
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

/// `runner plan show FILE`
pub(super) fn run(args: &ShowArgs) -> Result<Exit, Failure> {
    let plan = load(&args.plan)?;
    let written = rows_in(args.format, &HEADER, rows(&plan), &plan);
    let written = written.map_err(Failure::unexpected)?;
    print(&match args.format {
        Format::Table => text::lines(&format!(
            "{}\n{written}\n{}\n",
            origin(&plan),
            figures(&plan)
        )),
        _ => written,
    })
}

/// The things, numbered from 1 in the order in which they go.
fn rows(plan: &Plan) -> Vec<Vec<String>> {
    let rows = plan
        .items
        .iter()
        .zip(1..)
        .map(|(item, number): (_, usize)| {
            let after = item.waits_for.iter().map(|first| (first + 1).to_string());
            let cells = [
                number.to_string(),
                item.thing.kind.to_string(),
                item.thing.id.to_string(),
                item.name.clone().unwrap_or_default(),
                item.project.as_deref().unwrap_or_default().to_owned(),
                item.reason.to_string(),
                after.collect::<Vec<_>>().join(" "),
                item.why_blocked().unwrap_or_default(),
            ];
            cells.map(|cell| text::Visible(&cell).to_string()).to_vec()
        });
    rows.collect()
}

/// Where and when it was made, and what it was to look for.
fn origin(plan: &Plan) -> String {
    let scope = &plan.scope;
    let mut lines = Vec::new();
    if let Some(place) = &plan.place {
        lines.push(format!(
            "made at {:.0} by {} on cloud {}, as {}, for {}",
            place.made_at, place.version, place.cloud, place.user, place.scope
        ));
    }
    lines.push(match scope.tasks.as_slice() {
        [] => "for every task".to_owned(),
        tasks => format!("for task {}", tasks.join(", ")),
    });
    if let Some(projects) = &scope.projects {
        let projects: Vec<&str> = projects.iter().map(|project| &**project).collect();
        lines.push(format!("in project {}", projects.join(", ")));
    }
    let kinds = |what: &str, patterns: &[crate::resource::KindPattern]| {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        (!patterns.is_empty()).then(|| format!("{what} {}", patterns.join(", ")))
    };
    lines.extend(kinds("only kinds", &scope.only));
    lines.extend(kinds("and only kinds", &scope.within));
    lines.extend(kinds("without kinds", &scope.except));
    let wider = [
        (scope.unmatched, "--unmatched"),
        (scope.with_projects, "--with-projects"),
        (scope.shared, "--shared"),
        (scope.force, "--force"),
    ];
    let wider = wider.into_iter().filter(|(is_set, _)| *is_set);
    let wider: Vec<&str> = wider.map(|(_, flag)| flag).collect();
    if !wider.is_empty() {
        lines.push(format!("with {}", wider.join(", ")));
    }
    lines.extend(Narrowed::by(scope).line());
    let lines: Vec<String> = lines
        .iter()
        .map(|line| text::Visible(line).to_string())
        .collect();
    lines.join("\n") + "\n"
}

fn figures(plan: &Plan) -> String {
    let held = plan.blocked().count();
    let kept: usize = plan.kept.values().sum();
    format!(
        "{} to delete, {held} held; {} were found, and {kept} kept",
        plan.items.len() - held,
        plan.found
    )
}
