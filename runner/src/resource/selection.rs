//! Answers that were asked for by fields: what was not asked for is not in them, and must not pass for absent.
//!
//! Without this a rule could hide by a query what the runner reads itself: whose a thing is, what protects it, who owns it.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::declaration::without_version;
use super::{Flaw, Kind, OwnerField};

/// Parameters by which services are asked for some fields only. `[]` may stand behind them.
const PARAMETERS: &[&str] = &[
    "$select",
    "_fields",
    "attributes",
    "attrs",
    "columns",
    "field",
    "fields",
    "select",
];

/// Collections whose things are in no project, by service, so that none can be asked for. Ironic refuses to be asked for a field that
/// a thing does not have.
const UNOWNED: &[(&str, &str)] = &[
    ("baremetal", "/chassis"),
    ("baremetal", "/deploy_templates"),
    ("baremetal", "/portgroups"),
    ("baremetal", "/ports"),
    ("baremetal", "/volume/connectors"),
    ("baremetal", "/volume/targets"),
];

/// The member that has to be asked for where a kind declares no project.
const PROJECT: &str = "project_id";

/// Neutron leaves out what is in no project, also where it was asked for; what was asked for by both of its names and is not there,
/// is not there.
const PROJECT_NAMES: [&str; 2] = [PROJECT, "tenant_id"];

/// The members that a listing asks for, where it asks for some only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(BTreeSet<String>);

impl Kind {
    /// What a listing asks for, if it asks for some fields only, and that is all that counts. `path` has the query.
    ///
    /// # Errors
    /// `Selection` if it leaves out one that counts.
    pub fn check_selection(&self, path: &str) -> Result<Option<Selection>, Flaw> {
        let Some(Selection(selected)) = selected(path) else {
            return Ok(None);
        };
        let mut counted = self.counted(path).into_iter();
        match counted.find(|member| !selected.contains(*member)) {
            None => Ok(Some(Selection(selected))),
            Some(member) => Err(Flaw::Selection {
                path: path.to_owned(),
                member: member.to_owned(),
            }),
        }
    }

    /// A member that was asked for, says whose a thing is or what protects it, and is not in the object.
    pub fn hidden_in(&self, object: &Value, path: &str, selection: &Selection) -> Option<&str> {
        let is_asked = |name: &&str| selection.0.contains(*name);
        let is_told = PROJECT_NAMES.iter().all(is_asked);
        let fields = [&self.fields.id, &self.fields.tags];
        let members = fields.into_iter().map(|pointer| first(pointer));
        let project = self.project_member(path).filter(|_| !is_told);
        let mut members = members.chain(project);
        members.find(|member| !member.is_empty() && object.get(member).is_none())
    }

    /// The members by which things are known, owned, protected and held.
    fn counted(&self, path: &str) -> BTreeSet<&str> {
        let (fields, effects) = (&self.fields, &self.effects);
        let has_states = !self.failed_states.is_empty() || !effects.hidden_states.is_empty();
        let status = has_states.then_some(&fields.status);
        let single = [&fields.id, &fields.tags].into_iter().chain(status);
        let owners = self.owners.iter().map(|OwnerField { at, .. }| at);
        let taken = effects.takes.iter().map(|taken| &taken.at);
        let signs = effects.shared_if.iter().chain(&effects.refused_if);
        let pointers = single.chain(&fields.names).chain(owners).chain(taken);
        let pointers = pointers.chain(signs.map(|sign| &sign.at));
        let mut members: BTreeSet<&str> = pointers.map(|it| first(it)).collect();
        members.extend(self.project_member(path));
        // What goes by something else may have an id that says otherwise.
        if !members.contains("uuid") {
            members.insert("id");
        }
        members.remove("");
        members
    }

    fn project_member(&self, path: &str) -> Option<&str> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let at = (self.service.as_str(), without_version(path));
        match first(&self.fields.project) {
            "" => (!UNOWNED.contains(&at)).then_some(PROJECT),
            declared => Some(declared),
        }
    }
}

/// The member of an object through which a pointer leads.
fn first(pointer: &str) -> &str {
    pointer.split('/').nth(1).unwrap_or_default()
}

/// The fields that a path asks for, if it asks for some only.
fn selected(path: &str) -> Option<Selection> {
    let (_, query) = path.split_once('?')?;
    let mut selected = BTreeSet::new();
    let mut is_selected = false;
    for parameter in query.split('&') {
        let parameter = percent_decode_str(parameter).decode_utf8_lossy();
        let (name, values) = parameter.split_once('=').unwrap_or((&parameter, ""));
        let name = name.trim_end_matches("[]").to_ascii_lowercase();
        if PARAMETERS.contains(&name.as_str()) {
            is_selected = true;
            let values = values.split(',').map(|value| value.trim().to_owned());
            selected.extend(values);
        }
    }
    is_selected.then_some(Selection(selected))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Effects, Fields, Reach, Template};
    use super::*;

    fn ranges() -> Kind {
        Kind {
            name: "network.range".into(),
            service: "network".to_owned(),
            reach: Reach::Projects,
            fields: Fields {
                id: "/id".to_owned(),
                names: vec!["/name".to_owned()],
                project: "/project_id".to_owned(),
                created_at: "/created_at".to_owned(),
                status: "/status".to_owned(),
                tags: "/tags".to_owned(),
            },
            owners: Vec::new(),
            after: Vec::new(),
            requests: vec![Template::parse("DELETE /v2.0/ranges/{id}").unwrap()],
            reads: Vec::new(),
            failed_states: Vec::new(),
            effects: Effects::default(),
        }
    }

    #[test]
    fn a_selection_holds_all_that_counts() {
        let by_name = |kind: &mut Kind| kind.fields.id = "/name".to_owned();
        let of_nobody = |kind: &mut Kind| kind.fields.project.clear();
        let owned = |kind: &mut Kind| {
            let (kind_of_owner, at) = ("network.router".into(), "/device_id".to_owned());
            kind.owners.push(OwnerField {
                kind: kind_of_owner,
                at,
            });
        };
        let with_states = |kind: &mut Kind| kind.failed_states.push("ERROR".to_owned());
        type Change = fn(&mut Kind);
        let unchanged: Change = |_| {};
        let cases: &[(&str, Change, Result<bool, &str>)] = &[
            ("limit=2", unchanged, Ok(false)),
            ("", unchanged, Ok(false)),
            (
                "fields=id&fields=name&fields=project_id&fields=tags",
                unchanged,
                Ok(true),
            ),
            (
                "Fields%5B%5D=id%2Cname,project_id,tags",
                unchanged,
                Ok(true),
            ),
            ("fields=id,name,project_id", unchanged, Err("tags")),
            ("fields=id,name,tags", unchanged, Err("project_id")),
            (
                "select=id&select=project_id&select=tags",
                unchanged,
                Err("name"),
            ),
            ("fields=", unchanged, Err("id")),
            ("fields=name,project_id,tags", by_name, Err("id")),
            ("fields=id,name,tags", of_nobody, Err("project_id")),
            ("fields=id,name,project_id,tags", owned, Err("device_id")),
            ("fields=id,name,project_id,tags", with_states, Err("status")),
        ];
        for (query, change, expected) in cases {
            let mut kind = ranges();
            change(&mut kind);
            let found = kind.check_selection(&format!("/v2.0/ranges?{query}"));
            let found = found.map(|selection| selection.is_some());
            let found = found.map_err(|flaw| flaw.to_string());
            match expected {
                Ok(is_selected) => assert_eq!(found, Ok(*is_selected), "{query}"),
                Err(member) => {
                    let words = found.unwrap_err();
                    assert!(words.contains(&format!("not for {member:?}")), "{words}");
                }
            }
        }
    }

    #[test]
    fn what_is_in_no_project_need_not_ask_for_one() {
        let mut kind = ranges();
        kind.service = "baremetal".to_owned();
        kind.fields.id = "/uuid".to_owned();
        kind.fields.project.clear();
        kind.fields.tags.clear();
        let is_fit = |path: &str| kind.check_selection(path).is_ok();
        assert!(is_fit("/v1/ports?fields=uuid,name"));
        assert!(!is_fit("/v1/allocations?fields=uuid,name"));
    }

    #[test]
    fn what_was_asked_for_and_is_not_there_is_hidden() {
        let kind = ranges();
        let hidden_by = |object: &Value, fields: &str| {
            let path = format!("/v2.0/ranges?fields={fields}");
            let selection = kind.check_selection(&path).unwrap().unwrap();
            let hidden = kind.hidden_in(object, &path, &selection);
            hidden.map(str::to_owned)
        };
        let hidden = |object: Value| hidden_by(&object, "id,name,project_id,tags");
        let whole = json!({"id": "a", "project_id": null, "tags": []});
        assert_eq!(hidden(whole), None);
        let untagged = json!({"id": "a", "project_id": "p"});
        assert_eq!(hidden(untagged).as_deref(), Some("tags"));
        let unowned = json!({"id": "a", "tags": []});
        assert_eq!(
            hidden_by(&unowned, "id,name,project_id,tenant_id,tags"),
            None
        );
        assert_eq!(hidden(unowned).as_deref(), Some("project_id"));
    }
}
