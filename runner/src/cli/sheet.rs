//! What a person has to know of a component before it may run, on one screen where it has few kinds.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use crate::guest::Component;
use crate::lock::{Lock, permissions};
use crate::resource::{Kind, Reach, Template};
use crate::text::Visible;

use super::advice::advice;
use super::app::App;
use super::components::rule_name;

/// What is new about a component against the lock beside it, a sentence each.
pub(super) fn against(
    lock: Option<&Lock>,
    app: &App,
    component: &Arc<Component>,
    file: &Path,
) -> Vec<String> {
    let name = rule_name(file);
    let Some(lock) = lock else {
        return vec!["there is none beside it".to_owned()];
    };
    if lock.sha256(&name).is_none() {
        return vec!["does not have it".to_owned()];
    }
    let then = lock.clone().only([name.as_str()]);
    let now = app.lock_of(std::slice::from_ref(component));
    let differences = then.differences(&now.informed_by(&then));
    if differences.is_empty() {
        return vec!["has it as it is".to_owned()];
    }
    let changes = differences.into_iter();
    changes.map(|change| format!("differs: {change}")).collect()
}

/// The sheet. `file` is where the component is to be found, `news` what [`against`] says.
pub(super) fn description(component: &Component, file: &Path, news: &[String]) -> String {
    let outline = component.outline();
    let kinds = component.kinds();
    let mut sheet = Sheet::new(file.display());
    sheet.add("file", [provenance(component)]);
    let services: BTreeSet<&str> = kinds.iter().map(|kind| kind.service.as_str()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    let asks = format!(
        "{}, by GET and HEAD at and below where its things are",
        services.join(", ")
    );
    let further = kinds.iter().flat_map(|kind| {
        let reads = kind.reads.iter();
        reads.map(|path| format!("{}: also at and below {path}", kind.name))
    });
    sheet.add("asks", std::iter::once(asks).chain(further));
    sheet.add("sees", kinds.iter().map(|kind| seen(kind)));
    for (verb, is_meant) in SHARES {
        let requests = kinds.iter().flat_map(|kind| {
            let meant = kind.requests.iter().filter(is_meant);
            meant.map(|request| format!("{}: {request}{}", kind.name, aim(request)))
        });
        sheet.add(verb, requests);
    }
    sheet.add("finds", kinds.iter().map(|kind| found(kind)));
    let effects = kinds.iter().flat_map(|kind| {
        let lines = kind.effects.lines().into_iter();
        lines.map(|effect| format!("{}: {effect}", kind.name))
    });
    sheet.add("effects", effects);
    let unusual: Vec<String> = kinds.iter().flat_map(|kind| kind.unusual()).collect();
    let unusual = if unusual.is_empty() {
        vec!["nothing".to_owned()]
    } else {
        unusual
    };
    sheet.add("unusual", unusual);
    sheet.add("lock", news);
    let imports = outline.imports.iter().map(String::as_str);
    let (wasi, ours): (Vec<&str>, Vec<&str>) =
        imports.partition(|import| import.starts_with("wasi:"));
    let imports = format!(
        "{}; and {} of WASI, which it finds empty",
        ours.join(" "),
        wasi.len()
    );
    sheet.add("imports", [imports]);
    sheet.add("exports", [outline.exports.join(" ")]);
    sheet.add("advice", advice(component));
    sheet.text
}

/// Lines under words of two columns.
struct Sheet {
    text: String,
}

impl Sheet {
    fn new(title: impl Display) -> Self {
        Self {
            text: format!("{}\n", Visible(&title.to_string())),
        }
    }

    fn add(&mut self, word: &str, lines: impl IntoIterator<Item = impl Display>) {
        let words = std::iter::once(word).chain(std::iter::repeat(""));
        for (word, line) in words.zip(lines) {
            let line = line.to_string();
            self.text
                .push_str(&format!("  {word:<11}{}\n", Visible(&line)));
        }
    }
}

type IsMeant = fn(&&Template) -> bool;

/// What a request is to a person: a word, and which requests are meant.
const SHARES: [(&str, IsMeant); 3] = [
    ("may delete", |it| !it.is_forced() && it.is_deletion()),
    ("may change", |it| !it.is_forced() && !it.is_deletion()),
    ("may insist", |it| it.is_forced()),
];

/// What a person should see at once of a request that is not to the thing itself, or does not say itself all that it does.
fn aim(request: &Template) -> &'static str {
    match (request.acts_on_another(), request.is_filled_by_the_object()) {
        (true, false) => " (acts on another thing)",
        (true, true) => " (acts on another thing, and says what the object says)",
        (false, true) => " (says what the object says)",
        (false, false) => "",
    }
}

fn provenance(component: &Component) -> String {
    let compilation =
        component
            .compilation()
            .map_or("compiled by an earlier run".to_owned(), |it| {
                let seconds = it.as_secs_f64();
                format!("compiled in {seconds:.1} s, which later runs find done")
            });
    let signed = component
        .signed_by()
        .map_or("not signed".to_owned(), |signers| {
            format!("signed by {signers}")
        });
    format!(
        "{signed}; sha256 {}; permissions sha256:{}; {} bytes for contract {}, {compilation}",
        component.sha256(),
        permissions(component),
        component.bytes(),
        component.outline().contract(),
    )
}

/// What of a kind's things its rule is shown.
fn seen(kind: &Kind) -> String {
    match kind.seen_members() {
        None => format!("{}: sees everything but secrets", kind.name),
        Some(members) => {
            let members: Vec<String> = members.into_iter().collect();
            format!("{}: {}", kind.name, members.join(" "))
        }
    }
}

/// How things of a kind are found, and by what they are known to be the task's.
fn found(kind: &Kind) -> String {
    let at = |pointers: &[String]| pointers.join(" or ");
    let mut by = Vec::new();
    if !kind.fields.names.is_empty() {
        by.push(format!("the name at {}", at(&kind.fields.names)));
    }
    let owners = kind.owners.iter();
    by.extend(owners.map(|owner| format!("the {} at {}", owner.kind, owner.at)));
    if let Reach::UnderEach(parent) | Reach::UnderDeleted(parent) = &kind.reach {
        by.push(format!("the {parent} that it is under"));
    }
    if by.is_empty() {
        by.push("nothing but their project".to_owned());
    }
    let project = match kind.fields.project.as_str() {
        "" => "say no project".to_owned(),
        at => format!("say their project at {at}"),
    };
    format!(
        "{}: {}; known by {}; {project}",
        kind.name,
        kind.reach,
        by.join(", ")
    )
}
