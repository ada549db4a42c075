//! What must hold of every run, whatever the fault: it deletes nothing that a healthy run does not, its code is true, and its report and
//! the audit log say what the cloud has on record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use runner::audit::{self, Answer, Intention, IntentionId, Record, RequestOutcome};
use serde_json::Value;

use super::table::{Cell, Does, Phase, Row};
use super::world::{Looked, World};
use crate::support::fake_cloud::Known;
use crate::support::fake_cloud::serve::Request;
use crate::support::run::Run;

/// What is said of a request that has not been sent.
const UNSENT: &str = "cannot connect";

/// A run that has ended, and what there is to judge it by.
pub(super) struct Trial<'a> {
    pub(super) world: &'a World,
    pub(super) row: &'a Row,
    pub(super) phase: Phase,
    pub(super) run: &'a Run,
    /// What a run without a fault looks at.
    pub(super) healthy: &'a Looked,
}

/// What was found wrong.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn unless(&mut self, is_right: bool, what: impl FnOnce() -> String) {
        if !is_right {
            self.0.push(what());
        }
    }
}

impl Trial<'_> {
    /// All that is wrong with the run that the fault struck.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut found = Found::default();
        self.struck(&mut found);
        self.deleted(&mut found);
        self.code(&mut found);
        self.document(&mut found);
        let requests = self.world.cloud.requests();
        let leave = Leave {
            to_tear: matches!(self.row.at(self.phase), Cell::Dies)
                || matches!(self.row.does, Does::FillsDisk),
            to_be_unheard: self.row.is_unheard,
        };
        log(self.world, &requests, self.run.code, leave, &mut found);
        found.0
    }

    fn struck(&self, found: &mut Found) {
        let is_answer = matches!(self.row.does, Does::Answers { .. });
        found.unless(!is_answer || self.world.cloud.hits() > 0, || {
            "the fault has hit nothing".to_owned()
        });
        found.unless(!self.world.has_gone_elsewhere(), || {
            "it has gone where it had no business".to_owned()
        });
    }

    fn deleted(&self, found: &mut Found) {
        let too_many: Vec<Known> = self
            .world
            .gone()
            .difference(&self.world.task)
            .cloned()
            .collect();
        found.unless(too_many.is_empty(), || {
            format!("gone, and were not the task's: {too_many:?}")
        });
        let appeared = self.world.appeared();
        found.unless(appeared.is_empty(), || format!("appeared: {appeared:?}"));
    }

    /// Whether the code is the expected one, and true.
    fn code(&self, found: &mut Found) {
        let (code, left) = (self.run.code, self.world.left());
        match self.row.at(self.phase) {
            Cell::Ends(codes) => {
                let is_expected = code.is_some_and(|code| codes.contains(&code));
                found.unless(is_expected, || {
                    format!("ended with {code:?}, not {codes:?}")
                });
            }
            Cell::Dies => found.unless(code.is_none(), || format!("ended with {code:?}")),
            Cell::No(why) => found.0.push(format!("is not to be played: {why}")),
        }
        if code == Some(0) {
            found.unless(left.is_empty(), || format!("0, and left are {left:?}"));
            let looked = Looked::of(&self.world.cloud.requests(), self.row.is_harmless);
            let missing = |wanted: &BTreeSet<String>, looked: &BTreeSet<String>| -> Vec<String> {
                wanted.difference(looked).cloned().collect()
            };
            let first = missing(&self.healthy.first, &looked.first);
            let last = missing(&self.healthy.last, &looked.last);
            found.unless(first.is_empty(), || {
                format!("0, and has not seen {first:?} before its first change")
            });
            found.unless(last.is_empty(), || {
                format!("0, and has not seen {last:?} after its last change")
            });
        }
        if code == Some(3) {
            found.unless(!left.is_empty(), || "3, and nothing is left".to_owned());
        }
    }

    fn document(&self, found: &mut Found) {
        let Some(code) = self.run.code else {
            return found.unless(self.run.stdout.is_empty(), || {
                "it was killed, and has said something".to_owned()
            });
        };
        if matches!(self.row.does, Does::ClosesStdout) {
            return;
        }
        let report = &self.run.json;
        if !report.is_object() {
            return found
                .0
                .push("left no document, or more than one".to_owned());
        }
        match report.get("items").and_then(Value::as_array) {
            None => {
                found.unless(report["error"].is_string(), || "says no error".to_owned());
                found.unless(report["exit_code"] == code, || {
                    "says another code".to_owned()
                });
                let changes = self.world.cloud.mutations();
                found.unless(changes.is_empty(), || {
                    "failed before the sweep, and has changed something".to_owned()
                });
            }
            Some(items) => self.report(report, items, found),
        }
    }

    /// Whether a report says what is so.
    fn report(&self, report: &Value, items: &[Value], found: &mut Found) {
        let code = self.run.code.unwrap_or_default();
        found.unless(report["exit_code"] == code, || {
            "says another code".to_owned()
        });
        found.unless(report["interrupted"] == (code == 130), || {
            "does not know whether it was interrupted".to_owned()
        });
        let told = |list: &str| report[list].as_array().cloned().unwrap_or_default();
        let named = |list: &[Value]| -> BTreeSet<String> {
            let things = list.iter().map(|it| it["thing"].as_str());
            things.flatten().map(str::to_owned).collect()
        };
        found.unless(code != 3 || !told("left").is_empty(), || {
            "3, and names nothing that is left".to_owned()
        });
        found.unless(code != 4 || !told("listing_failures").is_empty(), || {
            "4, and names no listing that failed".to_owned()
        });
        let results: BTreeMap<&str, &str> = items
            .iter()
            .filter_map(|item| Some((item["thing"].as_str()?, item["result"].as_str()?)))
            .collect();
        let left = named(&told("left"));
        let of_cloud = |things: BTreeSet<Known>| -> BTreeSet<String> {
            let things = things.into_iter();
            things
                .map(|(kind, id, ..)| format!("{kind}/{id}"))
                .collect()
        };
        let (gone, there) = (of_cloud(self.world.gone()), of_cloud(self.world.left()));
        for (thing, result) in &results {
            found.unless(
                *result != "gone" || !there.contains(*thing) || left.contains(*thing),
                || format!("{thing} is there, and said to be gone"),
            );
        }
        for thing in &gone {
            let result = results.get(thing.as_str()).copied();
            let is_told = matches!(result, Some("gone" | "asked" | "failed" | "abandoned"));
            found.unless(is_told, || {
                format!("{thing} is gone, and said to be {result:?}")
            });
        }
        for thing in left.difference(&there) {
            found
                .0
                .push(format!("{thing} is not there, and said to be left"));
        }
        let requests = self.world.cloud.requests().len() as u64;
        found.unless(
            report["summary"]["requests"].as_u64() >= Some(requests),
            || format!("{requests} requests came, and it says less"),
        );
    }
}

/// What is wrong with the same run without the fault, after it.
pub(super) fn complaints_of_the_next(world: &World, run: &Run) -> Vec<String> {
    let mut found = Found::default();
    found.unless(run.code == Some(0), || {
        format!("the next run ended with {:?}", run.code)
    });
    found.unless(run.json.is_object(), || {
        "the next run left no document, or more than one".to_owned()
    });
    let (gone, appeared) = (world.gone(), world.appeared());
    let left: Vec<&Known> = world.task.difference(&gone).collect();
    found.unless(left.is_empty(), || format!("the next run leaves {left:?}"));
    let too_many: Vec<&Known> = gone.difference(&world.task).collect();
    found.unless(too_many.is_empty(), || {
        format!("the next run deletes {too_many:?}")
    });
    found.unless(appeared.is_empty(), || format!("appeared: {appeared:?}"));
    // What one of the two could not finish is in the log of both.
    let leave = Leave {
        to_tear: true,
        to_be_unheard: true,
    };
    log(world, &world.cloud.requests(), run.code, leave, &mut found);
    found.0
}

/// In what the audit log and the cloud's record may differ.
#[derive(Clone, Copy)]
struct Leave {
    /// The run was kept from writing the log to its end.
    to_tear: bool,
    /// Requests were lost on their way.
    to_be_unheard: bool,
}

/// What the audit log says of one change.
struct Change {
    deed: Intention,
    outcome: Option<RequestOutcome>,
}

impl Change {
    fn is_of(&self, request: &Request) -> bool {
        let path = self.deed.path.split('?').next().unwrap_or_default();
        let body = self.deed.body.as_deref().unwrap_or("null");
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        request.method == self.deed.method && request.path.ends_with(path) && request.body == body
    }

    /// Whether nothing of it may have come to the cloud.
    fn may_be_unsent(&self, leave: Leave) -> bool {
        match &self.outcome {
            None => leave.to_tear,
            Some(outcome) => match &outcome.answer {
                Answer::Error(why) => leave.to_be_unheard || why.contains(UNSENT),
                Answer::Status(_) => false,
            },
        }
    }
}

/// Compares the audit log with what the cloud has on record.
fn log(world: &World, requests: &[Request], code: Option<i32>, leave: Leave, found: &mut Found) {
    let sent: Vec<&Request> = requests.iter().filter(|it| it.mutates()).collect();
    let path = world.place.path("state/runner/audit.jsonl");
    if !path.exists() {
        return found.unless(sent.is_empty(), || {
            "changed something without a log".to_owned()
        });
    }
    let (changes, last) = match read(&path) {
        Ok(read) => read,
        Err(why) => return found.0.push(format!("the log cannot be read: {why}")),
    };
    for request in &sent {
        found.unless(changes.iter().any(|it| it.is_of(request)), || {
            format!("{} {} is not in the log", request.method, request.path)
        });
    }
    for change in &changes {
        let Intention { method, path, .. } = &change.deed;
        let mut of_it = sent.iter().filter(|request| change.is_of(request));
        found.unless(
            of_it.clone().next().is_some() || change.may_be_unsent(leave),
            || format!("{method} {path} is in the log and was not sent"),
        );
        found.unless(change.outcome.is_some() || leave.to_tear, || {
            format!("{method} {path} has no outcome in the log")
        });
        if let Some(RequestOutcome {
            answer: Answer::Status(status),
            request_id,
            ..
        }) = &change.outcome
        {
            let is_so = of_it.any(|it| {
                it.status == *status && request_id.as_deref() == Some(it.request_id.as_str())
            });
            found.unless(is_so, || {
                format!("{method} {path} was not answered {status} under {request_id:?}")
            });
        }
    }
    let summary = match last {
        Some(Record::Summary(summary)) => Some(i32::from(summary.exit_code)),
        _ => None,
    };
    found.unless(leave.to_tear || summary == code, || {
        format!("the log ends with the code {summary:?}")
    });
}

/// The changes in a log, and its last record.
fn read(path: &Path) -> Result<(Vec<Change>, Option<Record>), String> {
    let entries = audit::read(path).map_err(|error| error.to_string())?;
    let mut changes: BTreeMap<(String, IntentionId), Change> = BTreeMap::new();
    let mut last = None;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let run = entry.run.as_str().to_owned();
        match entry.record.clone() {
            Record::Intention { intention, deed } => {
                let outcome = None;
                changes.insert((run, intention), Change { deed, outcome });
            }
            Record::Outcome { intention, outcome } => {
                let change = changes.get_mut(&(run, intention));
                change.ok_or("an outcome of nothing")?.outcome = Some(outcome);
            }
            _ => {}
        }
        last = Some(entry.record);
    }
    Ok((changes.into_values().collect(), last))
}
