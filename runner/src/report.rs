//! What a run has to say: the plan and its result, for people and for machines.
//!
//! A report is a value; the forms (table, JSON, YAML, CSV, plain values) are ways to write it. Nothing here decides anything.

mod alike;
mod difference;
pub mod graph;
pub mod junit;
pub mod metrics;
mod narrowed;
mod pace;
mod people;
pub mod progress;
pub mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::engine::{Fate, Left, ListingFailure};
use crate::plan::{Blocker, Kept, Plan, PlanItem, Reason};
use crate::resource::ThingRef;
use crate::run::{Outcome, Purpose, Refusal};
use crate::text::Visible;
use crate::unlooked::Unlooked;

pub use difference::PlanDifference;
pub use narrowed::Narrowed;

/// Version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// The rows of the table, comma-separated, with a header.
    Csv,
    /// The rows of the table, separated by spaces, without a header.
    Value,
}

/// What a report says beside the outcome: where and as whom, and what it has cost.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The cloud, by the name it is configured with.
    pub cloud: String,
    /// Who asked.
    pub user: String,
    /// What the token is good for.
    pub scope: String,
    /// Requests sent to the cloud, of all kinds, retries included.
    pub requests: u64,
    /// Time taken.
    pub took: Duration,
}

/// A run and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// The run's id, under which the audit log has its changes.
    pub run: Arc<str>,
    /// The code that the process ends with.
    pub exit_code: u8,
    /// Why nothing was changed, or why the records of the run are not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether it was ended from outside.
    pub interrupted: bool,
    /// Whether everything was listed that could be. If not, nothing is said of what was not.
    pub surveyed: bool,
    /// Whether the plan was executed, at least in part.
    pub changed: bool,
    /// The cloud, by the name it is configured with.
    pub cloud: String,
    /// Who asked.
    pub user: String,
    /// What the token is good for.
    pub scope: String,
    /// Whether nothing was to be changed.
    pub dry_run: bool,
    /// What narrowed it, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowed: Option<Narrowed>,
    /// The things of the plan, in its order.
    pub items: Vec<Row>,
    /// Kept things, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Vec<Kept>>,
    /// What should be gone and is not.
    pub left: Vec<Left>,
    /// What could not be listed.
    pub listing_failures: Vec<ListingFailure>,
    /// What nobody looked at.
    pub unlooked: Vec<Unlooked>,
    /// Kinds that were left out, with the reason.
    pub skipped: BTreeMap<Arc<str>, String>,
    /// The figures.
    pub summary: Summary,
    /// Time taken, in milliseconds. The figures have it in seconds.
    #[serde(skip)]
    pub took_ms: u64,
}

/// A thing of the plan and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What.
    pub thing: ThingRef,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its project, if it has one.
    pub project: Option<Arc<str>>,
    /// Why it is to go.
    pub reason: Reason,
    /// The same in words.
    pub why: String,
    /// What came of it: `delete` in a dry run, else `gone`, `failed`, `asked`, `abandoned` or `blocked`; `untried` where the run
    /// ended before anything was tried.
    pub result: &'static str,
    /// More about a thing that did not go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is in its way for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Blocker>,
}

/// A run in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Things found, of all makers.
    pub found: usize,
    /// Things to be deleted.
    pub matched: usize,
    /// Things kept, by reason.
    pub kept: BTreeMap<String, usize>,
    /// Things that are gone.
    pub deleted: usize,
    /// Things whose deletion failed or was not tried.
    pub failed: usize,
    /// Things that the cloud was asked to delete and that nobody has seen go.
    pub asked: usize,
    /// Things that cannot go because something that is kept is in the way.
    pub blocked: usize,
    /// Things that should be gone and were still there at the last look.
    pub left: usize,
    /// Requests sent to the cloud, of all kinds, retries included.
    pub requests: u64,
    /// Requests per deleted thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_deleted: Option<f64>,
    /// Time taken, in seconds.
    pub seconds: f64,
}

/// The rows of a plan. Without fates nothing was tried.
pub fn rows(plan: &Plan, fates: Option<&[Fate]>) -> Vec<Row> {
    let ended = plan.items.iter().zip(fates.into_iter().flatten());
    let left = ended.filter(|(_, fate)| **fate != Fate::Gone);
    let left: BTreeSet<&ThingRef> = left.map(|(item, _)| &item.thing).collect();
    let rows = plan.items.iter().enumerate().map(|(position, item)| {
        let blocked = item.why_blocked();
        let (result, detail) = match fates.map(|fates| fates.get(position)) {
            _ if blocked.is_some() => ("blocked", blocked),
            None => ("delete", None),
            Some(Some(Fate::Gone)) => ("gone", gone_before(item, &left)),
            Some(Some(Fate::Failed(why))) => ("failed", Some(why.clone())),
            Some(Some(Fate::Blocked(why))) => ("blocked", Some(why.clone())),
            Some(Some(Fate::Asked(why))) => ("asked", Some(why.clone())),
            Some(Some(Fate::Abandoned(why))) => ("abandoned", Some(why.clone())),
            Some(None) => ("abandoned", None),
        };
        Row {
            thing: item.thing.clone(),
            name: item.name.clone(),
            project: item.project.clone(),
            reason: item.reason.clone(),
            why: item.reason.to_string(),
            result,
            detail,
            blocked_by: item.blocked_by.clone(),
        }
    });
    rows.collect()
}

/// What is to be said of a thing that has gone because of others, and before them, if one of these is left.
fn gone_before(item: &PlanItem, left: &BTreeSet<&ThingRef>) -> Option<String> {
    let mut owners = item.reason.chain().iter();
    let owner = owners.find(|owner| left.contains(owner))?;
    Some(format!(
        "it had to go before {owner}, because of which it went, and which is left"
    ))
}

impl Summary {
    /// The figures of a plan, and of what came of it.
    pub fn new(plan: &Plan, fates: Option<&[Fate]>) -> Self {
        let count =
            |is: fn(&Fate) -> bool| fates.into_iter().flatten().filter(|fate| is(fate)).count();
        Self {
            found: plan.found,
            matched: plan.items.len(),
            kept: plan.kept.clone(),
            deleted: count(|fate| matches!(fate, Fate::Gone)),
            failed: count(|fate| matches!(fate, Fate::Failed(_) | Fate::Abandoned(_))),
            asked: count(|fate| matches!(fate, Fate::Asked(_))),
            blocked: plan.blocked().count(),
            ..Self::default()
        }
    }

    /// Adds what the run has cost.
    #[must_use]
    pub fn at_cost(self, requests: u64, seconds: f64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let ratio = (self.deleted > 0).then(|| requests as f64 / self.deleted as f64);
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        Self {
            requests,
            requests_per_deleted: ratio.map(hundredths),
            seconds: hundredths(seconds),
            ..self
        }
    }
}

impl Format {
    /// Whether everything that a command says is one document, so that a program can read it, errors included.
    pub fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// Writes a value as one document; in forms that are none, as JSON.
///
/// # Errors
/// None that is known.
pub fn document(format: Format, value: &impl Serialize) -> Result<String, String> {
    if format == Format::Yaml {
        return serde_saphyr::to_string(value).map_err(|error| error.to_string());
    }
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| error.to_string())
}

impl Report {
    /// The report of a run. What is kept is shown on request only: it may be a whole cloud.
    pub fn of(outcome: &Outcome, about: About, show_kept: bool) -> Self {
        let exit_code = outcome.exit().code();
        let (fates, refusal) = (outcome.fates.as_deref(), outcome.refusal.as_ref());
        let summary = Summary {
            left: outcome.left.len(),
            ..Summary::new(&outcome.plan, fates)
        };
        let mut items = rows(&outcome.plan, fates);
        if outcome.purpose == Purpose::Delete && fates.is_none() {
            for row in items.iter_mut().filter(|row| row.result == "delete") {
                row.result = "untried";
            }
        }
        Self {
            version: REPORT_VERSION,
            run: outcome.run.clone(),
            exit_code,
            error: refusal
                .map(ToString::to_string)
                .or_else(|| outcome.trouble.clone()),
            hint: refusal.and_then(Refusal::hint),
            interrupted: outcome.interrupted,
            surveyed: outcome.is_surveyed,
            changed: outcome.fates.is_some(),
            cloud: about.cloud,
            user: about.user,
            scope: about.scope,
            dry_run: outcome.purpose != Purpose::Delete,
            narrowed: Narrowed::of(outcome),
            items,
            kept: show_kept.then(|| outcome.kept.clone()),
            left: outcome.left.clone(),
            listing_failures: outcome.failures.clone(),
            unlooked: outcome.unlooked.clone(),
            skipped: outcome.skipped.clone(),
            summary: summary.at_cost(about.requests, about.took.as_secs_f64()),
            took_ms: u64::try_from(about.took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// If it cannot be put into the form, which no report is known to cause.
    pub fn write(&self, format: Format) -> Result<String, String> {
        match format {
            Format::Json | Format::Yaml => document(format, self),
            Format::Table => Ok(people::write(self)),
            Format::Csv => csv(&HEADER, &self.cells()),
            Format::Value => Ok(values(&self.cells())),
        }
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let kept = self.kept.iter().flatten().map(|kept| {
            cells(
                &kept.thing,
                kept.name.as_deref(),
                kept.project.as_deref(),
                "kept",
                &kept.reason.to_string(),
            )
        });
        let items = self.items.iter().map(|row| {
            let why = row.detail.as_deref().unwrap_or(&row.why);
            cells(
                &row.thing,
                row.name.as_deref(),
                row.project.as_deref(),
                row.result,
                why,
            )
        });
        items.chain(kept).collect()
    }
}

const HEADER: [&str; 6] = ["Kind", "ID", "Name", "Project", "Result", "Reason"];

fn cells(
    thing: &ThingRef,
    name: Option<&str>,
    project: Option<&str>,
    result: &str,
    why: &str,
) -> Vec<String> {
    let texts = [
        &thing.kind,
        &thing.id,
        name.unwrap_or_default(),
        project.unwrap_or_default(),
        result,
        why,
    ];
    texts.into_iter().map(printable).collect()
}

/// A text that names came from, in one line and without tricks.
fn printable(text: &str) -> String {
    Visible(text).to_string()
}

/// A table for people.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    let lines = table.to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Rows with commas.
///
/// # Errors
/// None that is known.
pub fn csv(header: &[&str], rows: &[Vec<String>]) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer
        .write_record(header)
        .and_then(|()| rows.iter().try_for_each(|row| writer.write_record(row)));
    written.map_err(|error| error.to_string())?;
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Rows with spaces.
pub fn values(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.join(" ") + "\n").collect()
}

/// Rows in any format; `value` is what JSON and YAML hold.
///
/// # Errors
/// None that is known.
pub fn rows_in(
    format: Format,
    header: &[&str],
    rows: Vec<Vec<String>>,
    value: &impl Serialize,
) -> Result<String, String> {
    match format {
        Format::Table => Ok(table(header, rows) + "\n"),
        Format::Csv => csv(header, &rows),
        Format::Value => Ok(values(&rows)),
        Format::Json | Format::Yaml => document(format, value),
    }
}

#[cfg(test)]
mod tests;
