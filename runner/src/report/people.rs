//! The report as people read it: by project and kind, with whole ids that can be copied, and figures at the end.
//!
//! A dry run names every thing, for that is what it is read for. A real run counts what is gone and names what is not, with the reason;
//! the other forms and the audit log have every single thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::plan::{Kept, Reason};
use crate::resource::ThingRef;
use crate::unlooked::Unlooked;

use super::{Narrowed, Report, Row, Summary, alike, printable};

/// Names are aligned up to this width; a longer one moves what is behind it.
const NAME_WIDTH_MAX: usize = 32;

/// What is said of one thing, under its kind.
struct Line {
    id: String,
    name: String,
    why: String,
}

/// The things of one kind in one project: how many of each result, and what is to be said of some.
#[derive(Default)]
struct Group {
    results: BTreeMap<&'static str, usize>,
    lines: Vec<Line>,
}

/// Projects, and kinds in them.
#[derive(Default)]
struct Groups<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Group>>);

/// The whole report.
pub(super) fn write(report: &Report) -> String {
    let names = report.items.iter();
    let names: HashMap<&ThingRef, &str> = names
        .filter_map(|row| Some((&row.thing, row.name.as_deref()?)))
        .collect();
    let left: BTreeSet<&ThingRef> = report.left.iter().map(|left| &left.thing).collect();
    let mut groups = Groups::default();
    for row in &report.items {
        let why = match (&row.detail, row.result) {
            (None, "delete" | "gone") => brief(&row.reason, &names),
            // The list of what is left says why.
            (_, result) if left.contains(&row.thing) => result.to_owned(),
            (None, result) => result.to_owned(),
            (Some(detail), result) => format!("{result}: {detail}"),
        };
        groups.add(row, &why);
    }
    for kept in report.kept.iter().flatten() {
        groups.add_kept(kept);
    }
    let mut text = introduction(report);
    groups.write(&mut text);
    write_leftovers(report, &mut text);
    text.push_str(&figures(report));
    text
}

fn introduction(report: &Report) -> String {
    let mut text = format!("cloud {}", report.cloud);
    if !report.user.is_empty() {
        text.push_str(&format!(", as {}, for {}", report.user, report.scope));
    }
    let narrowed = report.narrowed.as_ref().and_then(Narrowed::line);
    let narrowed = narrowed.map_or_else(String::new, |line| printable(&line) + "\n");
    format!("{}\n{narrowed}\n", printable(&text))
}

fn write_leftovers(report: &Report, text: &mut String) {
    for left in &report.left {
        let name = left.name.as_deref();
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let line = format!("left: {}{name}: {}", left.thing, left.why);
        text.push_str(&(printable(&line) + "\n"));
    }
    for line in alike::lines(&report.listing_failures) {
        text.push_str(&(printable(&format!("not listed: {line}")) + "\n"));
    }
    for (why, services) in unlooked(&report.unlooked) {
        let line = format!("not looked at: {}: {why}", services.join(", "));
        text.push_str(&(printable(&line) + "\n"));
    }
    let is_silent =
        report.left.is_empty() && report.listing_failures.is_empty() && report.unlooked.is_empty();
    if !is_silent {
        text.push('\n');
    }
}

/// What nobody looked at, by why.
fn unlooked(unlooked: &[Unlooked]) -> BTreeMap<String, Vec<String>> {
    let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for unlooked in unlooked {
        let word = if unlooked.by_word {
            " (by the operator's word)"
        } else {
            ""
        };
        let why = format!("{}{word}", unlooked.why);
        services.entry(why).or_default().push(unlooked.to_string());
    }
    services
}

impl<'a> Groups<'a> {
    fn add(&mut self, row: &'a Row, why: &str) {
        let result = if row.result == "delete" {
            "to delete"
        } else {
            row.result
        };
        let line = Line::new(&row.thing, row.name.as_deref(), why);
        let group = self.group(row.project.as_deref(), &row.thing.kind);
        *group.results.entry(result).or_default() += 1;
        if result != "gone" || row.detail.is_some() {
            group.lines.push(line);
        }
    }

    fn add_kept(&mut self, kept: &'a Kept) {
        let why = kept.reason.to_string();
        let line = Line::new(&kept.thing, kept.name.as_deref(), &why);
        let group = self.group(kept.project.as_deref(), &kept.thing.kind);
        *group.results.entry("kept").or_default() += 1;
        group.lines.push(line);
    }

    fn group(&mut self, project: Option<&'a str>, kind: &'a str) -> &mut Group {
        let kinds = self.0.entry(project.unwrap_or_default()).or_default();
        kinds.entry(kind).or_default()
    }

    fn write(&self, text: &mut String) {
        for (project, kinds) in &self.0 {
            let project = match *project {
                "" => "in no project".to_owned(),
                project => format!("project {}", printable(project)),
            };
            text.push_str(&(project + "\n"));
            for (kind, group) in kinds {
                group.write(kind, text);
            }
            text.push('\n');
        }
    }
}

impl Line {
    fn new(thing: &ThingRef, name: Option<&str>, why: &str) -> Self {
        // A key pair's id ends in its name.
        let name = name.filter(|name| !thing.id.ends_with(name));
        Self {
            id: printable(&thing.id),
            name: name.map(printable).unwrap_or_default(),
            why: printable(why),
        }
    }
}

impl Group {
    fn write(&self, kind: &str, text: &mut String) {
        let counts = self.results.iter();
        let counts: Vec<String> = counts
            .map(|(result, count)| format!("{count} {result}"))
            .collect();
        text.push_str(&format!("  {}: {}\n", printable(kind), counts.join(", ")));
        let names = self.lines.iter().map(|line| line.name.chars().count());
        let width = names.max().unwrap_or_default().min(NAME_WIDTH_MAX);
        for Line { id, name, why } in &self.lines {
            let line = if name.is_empty() {
                format!("    {id}  {why}\n")
            } else {
                format!("    {id}  {name:width$}  {why}\n")
            };
            text.push_str(&line);
        }
    }
}

/// A reason in few words. The name that decided stands for the chain that leads to it, for people know names, not ids.
fn brief(reason: &Reason, names: &HashMap<&ThingRef, &str>) -> String {
    let through = |word: &str, chain: &[ThingRef]| {
        let kinds: Vec<&str> = chain.iter().map(|owner| noun(&owner.kind)).collect();
        let last = chain.last();
        let name = last.map_or("", |last| names.get(last).copied().unwrap_or(&last.id));
        format!("{word} {} {name}", kinds.join(" → "))
    };
    match reason {
        Reason::Name { .. } => "name matches".to_owned(),
        Reason::Owner { chain } => through("owner", chain),
        Reason::Part { chain } => through("part of", chain),
        Reason::Along { chain } => through("taken along by", chain),
        Reason::Project { project } => through("nameless in", std::slice::from_ref(project)),
        Reason::WithProject { project } => through("in", std::slice::from_ref(project)),
        Reason::Remembered { owner } => through("earlier run, of", std::slice::from_ref(owner)),
        Reason::Unmatched => "no name of the task".to_owned(),
    }
}

/// `port` for `network.port`.
fn noun(kind: &str) -> &str {
    kind.rsplit_once('.').map_or(kind, |(_, noun)| noun)
}

/// What came of it, what was found, what it has cost.
fn figures(report: &Report) -> String {
    let summary = &report.summary;
    let ratio = summary.requests_per_deleted;
    let ratio = ratio.map(|ratio| format!(", {ratio} per deleted thing"));
    format!(
        "{}\n{}\n{} requests{}, {} s\n",
        last_line(report),
        found(summary),
        summary.requests,
        ratio.unwrap_or_default(),
        summary.seconds
    )
}

fn last_line(report: &Report) -> String {
    let summary = &report.summary;
    if report.interrupted && !report.surveyed {
        return "interrupted before everything was listed, so there is no plan; nothing was changed"
            .to_owned();
    }
    let mut parts = vec![match (report.dry_run, report.changed, summary.matched) {
        (_, _, 0) => "nothing to delete".to_owned(),
        (true, _, matched) => format!("{} would be deleted", matched - summary.blocked),
        (false, false, _) => "interrupted before anything was deleted".to_owned(),
        (false, true, _) => format!("{} deleted", summary.deleted),
    }];
    let (unlooked, unlisted) = (&report.unlooked, report.listing_failures.len());
    let unserved = unlooked.iter().filter(|it| it.is_failure).count();
    let counts = [
        (summary.failed, "failed"),
        (summary.asked, "asked to go and not seen to"),
        (summary.blocked, "blocked"),
        (summary.left, "left"),
        (unlisted, "not listed, so nobody can say that it is clean"),
        (
            unserved,
            "not looked at, so nobody can say that it is clean",
        ),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    parts.extend(counts.map(|(count, what)| format!("{count} {what}")));
    if report.changed && report.interrupted {
        parts.push("interrupted, so nobody has looked again".to_owned());
    } else if report.changed && summary.matched > 0 && summary.left + unlisted + unserved == 0 {
        parts.push("nothing is left".to_owned());
    }
    parts.join(", ")
}

fn found(summary: &Summary) -> String {
    let kept: usize = summary.kept.values().sum();
    let reasons = summary.kept.iter();
    let reasons: Vec<String> = reasons
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let colon = if reasons.is_empty() { "" } else { ": " };
    format!(
        "{} found, {kept} kept{colon}{}",
        summary.found,
        reasons.join(", ")
    )
}
