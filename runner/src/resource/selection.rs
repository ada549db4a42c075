//! Answers that were asked for by fields: what was not asked for is not in them, and must not pass for absent.
//!
//! Without this a rule could hide by a query what the runner reads itself: whose a thing is, what protects it, who owns it.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::declaration::without_version;
use super::{Flaw, Kind, OwnerField};

/// The parameter by which services are asked for some fields only, to the letter: where it is read at all, it is read so.
const PARAMETER: &str = "fields";

/// How a service reads the names in that parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `fields=id&fields=name`: a comma is part of a name.
    Repeated,
    /// `fields=id,name`, once.
    Joined,
}

/// Services of which it is known how they read a selection. No other may be asked for one: what they would leave out nobody knows.
const SPELLINGS: &[(&str, Spelling)] = &[
    ("baremetal", Spelling::Joined),
    ("load-balancer", Spelling::Repeated),
    ("network", Spelling::Repeated),
];

/// What the names of parameters hold by which some service or other leaves out members. Without what is no letter or digit.
const LEAVING_OUT: &[&str] = &[
    "attr",
    "column",
    "exclude",
    "field",
    "omit",
    "partial",
    "projection",
    "select",
    "sparse",
];

/// What is called like that and chooses things, not members, each with its service.
const CHOOSING: &[(&str, &str)] = &[("alarm", "q.field")];

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

/// Members that a service takes for an answer's and does not show, by service and collection.
const UNSHOWN: &[(&str, &str, &str)] = &[("baremetal", "/runbooks", "public")];

/// The member that has to be asked for where a kind declares no project.
const PROJECT: &str = "project_id";

/// Neutron leaves out what is in no project, also where it was asked for; what was asked for by both of its names and is not there,
/// is not there.
const PROJECT_NAMES: [&str; 2] = [PROJECT, "tenant_id"];

/// The members that a listing asks for, where it asks for some only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    members: BTreeSet<String>,
    spelling: Spelling,
}

impl Kind {
    /// What a listing asks for, if it asks for some fields only, and that is all that counts. `path` has the query.
    ///
    /// # Errors
    /// `Selection` if it leaves out one that counts, `Spelling` if the service may read it otherwise than the runner.
    pub fn check_selection(&self, path: &str) -> Result<Option<Selection>, Flaw> {
        let leaves_out = |it: &&str| leaves_out(it) && !self.chooses(it);
        let selection =
            selected(path, self.spelling(), leaves_out).map_err(|parameter| Flaw::Spelling {
                path: path.to_owned(),
                parameter,
            })?;
        let Some(selection) = selection else {
            return Ok(None);
        };
        let mut counted = self.counted(path).into_iter();
        match counted.find(|member| !selection.members.contains(*member)) {
            None => Ok(Some(selection)),
            Some(member) => Err(Flaw::Selection {
                path: path.to_owned(),
                member: member.to_owned(),
            }),
        }
    }

    fn chooses(&self, parameter: &str) -> bool {
        let (name, _) = parameter.split_once('=').unwrap_or_default();
        CHOOSING.contains(&(self.service.as_str(), name))
    }

    fn spelling(&self) -> Option<Spelling> {
        let mut known = SPELLINGS.iter();
        let known = known.find(|(service, _)| *service == self.service);
        known.map(|(_, spelling)| *spelling)
    }

    /// A member that was asked for, counts, and is not in the object. Neutron leaves out what has no value, so of it only that is
    /// missed which says whose a thing is or what protects it.
    pub fn hidden_in(&self, object: &Value, path: &str, selection: &Selection) -> Option<&str> {
        let (place, _) = path.split_once('?').unwrap_or((path, ""));
        let place = without_version(place);
        let is_shown = |member: &&str| !UNSHOWN.contains(&(self.service.as_str(), place, *member));
        let is_asked = |name: &&str| selection.members.contains(*name);
        let is_told = PROJECT_NAMES.iter().all(is_asked);
        let fields = [&self.fields.id, &self.fields.tags];
        let own = fields.into_iter().map(|pointer| first(pointer));
        let members: BTreeSet<&str> = match selection.spelling {
            Spelling::Joined => self.counted(path),
            Spelling::Repeated => {
                let project = self.project_member(path).filter(|_| !is_told);
                own.chain(project).collect()
            }
        };
        let mut members = members.into_iter().filter(is_shown);
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
///
/// # Errors
/// The parameter that the service may read otherwise than the runner does.
fn selected(
    path: &str,
    spelling: Option<Spelling>,
    leaves_out: impl Fn(&&str) -> bool,
) -> Result<Option<Selection>, String> {
    let Some((_, query)) = path.split_once('?') else {
        return Ok(None);
    };
    // A semicolon ends a parameter too, for services that are old enough.
    let parameters = query.split(['&', ';']).filter(leaves_out);
    let parameters: Vec<&str> = parameters.collect();
    let Some(first) = parameters.first() else {
        return Ok(None);
    };
    let Some(spelling) = spelling.filter(|_| !query.contains(';')) else {
        return Err((*first).to_owned());
    };
    let mut members = BTreeSet::new();
    for parameter in &parameters {
        let is_second = spelling == Spelling::Joined && !members.is_empty();
        let names = names_in(parameter, spelling).filter(|_| !is_second);
        members.extend(names.ok_or_else(|| (*parameter).to_owned())?);
    }
    Ok(Some(Selection { members, spelling }))
}

/// Whether a parameter may have a service leave out members: by its name, or by a value that is an order of its own.
fn leaves_out(parameter: &str) -> bool {
    let decoded = percent_decode_str(parameter).decode_utf8_lossy();
    let (name, value) = decoded.split_once('=').unwrap_or((&decoded, ""));
    let is_order = value.trim_start().starts_with(['{', '[']);
    let text = if is_order { &decoded } else { name };
    let plain = text.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = plain.map(|c| c.to_ascii_lowercase()).collect();
    LEAVING_OUT.iter().any(|word| plain.contains(word))
}

/// The names in a selection, if they are written as the service reads them.
fn names_in(parameter: &str, spelling: Spelling) -> Option<Vec<String>> {
    let (name, value) = parameter.split_once('=')?;
    let value = percent_decode_str(value).decode_utf8().ok()?;
    let names: Vec<String> = match spelling {
        Spelling::Repeated => vec![value.into_owned()],
        Spelling::Joined => value.split(',').map(str::to_owned).collect(),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
    let is_name = |name: &String| !name.is_empty() && name.chars().all(is_plain);
    (name == PARAMETER && names.iter().all(is_name)).then_some(names)
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
            sees: Vec::new(),
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
            ("fields=uuid,name,owner,tags", unchanged, Err("id")),
            ("fields=id,name,project_id", unchanged, Err("tags")),
            ("fields=id,name,tags", unchanged, Err("project_id")),
            ("fields=name,project_id,tags", by_name, Err("id")),
            ("fields=id,name,tags", of_nobody, Err("project_id")),
            ("fields=id,name,project_id,tags", owned, Err("device_id")),
            ("fields=id,name,project_id,tags", with_states, Err("status")),
        ];
        for (query, change, expected) in cases {
            let mut kind = ranges();
            if query.contains(',') {
                kind.service = "baremetal".to_owned();
            }
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

    const REPEATED: &str = "fields=id&fields=name&fields=project_id&fields=tags";

    const JOINED: &str = "fields=id,name,project_id,tags";

    /// Each as the service reads it, all that counts asked for; and whatever might be read as a selection by some service or other.
    const SELECTIONS: &[(&str, &str, bool)] = &[
        ("network", REPEATED, true),
        ("load-balancer", REPEATED, true),
        ("baremetal", JOINED, true),
        ("baremetal", "fields=id%2Cname%2Cproject_id%2Ctags", true),
        ("network", JOINED, false),
        ("baremetal", REPEATED, false),
        (
            "baremetal",
            "fields=id,name,project_id,tags&fields=id",
            false,
        ),
        ("image", REPEATED, false),
        ("image", JOINED, false),
        (
            "network",
            "fields=id&fields=name&fields=project_id,tags",
            false,
        ),
        (
            "network",
            "fields=id&fields=name&select=project_id&select=tags",
            false,
        ),
        (
            "network",
            "fields=id;fields=name;fields=project_id;fields=tags",
            false,
        ),
        ("image", "limit=5;fields=id;fields=name", false),
        (
            "network",
            "fields=id&fields=name&fields=project_id&fields=tags;x=1",
            false,
        ),
        ("network", "Fields=id", false),
        ("network", "fields[]=id", false),
        ("network", "%66ields%5B%5D=id", false),
        ("network", "+fields=id", false),
        ("network", "fields", false),
        ("network", "fields=", false),
        ("baremetal", "fields=id, name,project_id,tags", false),
        ("image", "fields[images]=id", false),
        ("image", "_fields=id", false),
        ("image", "$select=id", false),
        ("image", "columns=id", false),
        ("image", "attributes_to_get=id", false),
        ("image", "exclude=tags", false),
        ("image", "q.field=project_id", false),
        ("image", "filter={\"fields\":[\"id\"]}", false),
    ];

    #[test]
    fn a_selection_in_any_other_spelling_is_none_that_can_be_trusted() {
        for (service, query, is_read) in SELECTIONS {
            let mut kind = ranges();
            kind.service = (*service).to_owned();
            let found = kind.check_selection(&format!("/v2.0/ranges?{query}"));
            match found {
                Ok(selection) => assert!(*is_read && selection.is_some(), "{service} {query}"),
                Err(flaw) => assert!(
                    !is_read && flaw.to_string().contains("may read otherwise"),
                    "{service} {query}: {flaw}"
                ),
            }
        }
        for query in [
            "limit=2;marker=x",
            "name=fields",
            "id=%22fields%22",
            "include_children=true",
            "",
        ] {
            let found = ranges().check_selection(&format!("/v2.0/ranges?{query}"));
            assert_eq!(found, Ok(None), "{query}");
        }
    }

    #[test]
    fn a_choice_of_things_is_no_selection() {
        let mut kind = ranges();
        kind.service = "alarm".to_owned();
        let path = "/v2/alarms?q.field=project_id&q.op=eq&q.value=p";
        assert_eq!(kind.check_selection(path), Ok(None));
        assert!(kind.check_selection(&format!("{path}&fields=id")).is_err());
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
            let fields = fields.replace(',', "&fields=");
            let path = format!("/v2.0/ranges?fields={fields}");
            let selection = kind.check_selection(&path).unwrap().unwrap();
            let hidden = kind.hidden_in(object, &path, &selection);
            hidden.map(str::to_owned)
        };
        let mut joined = ranges();
        joined.service = "baremetal".to_owned();
        let path = "/v1/nodes?fields=id,name,project_id,tags";
        let selection = joined.check_selection(path).unwrap().unwrap();
        let unnamed = json!({"id": "a", "project_id": "p", "tags": []});
        let missed = joined.hidden_in(&unnamed, path, &selection);
        assert_eq!(missed, Some("name"));
        let hidden = |object: Value| hidden_by(&object, "id,name,project_id,tags");
        let whole = json!({"id": "a", "name": "", "project_id": null, "tags": []});
        assert_eq!(hidden(whole), None);
        let untagged = json!({"id": "a", "name": "", "project_id": "p"});
        assert_eq!(hidden(untagged).as_deref(), Some("tags"));
        assert_eq!(
            hidden(unnamed),
            None,
            "Neutron leaves out what has no value"
        );
        let unowned = json!({"id": "a", "name": "", "tags": []});
        assert_eq!(
            hidden_by(&unowned, "id,name,project_id,tenant_id,tags"),
            None
        );
        assert_eq!(hidden(unowned).as_deref(), Some("project_id"));
    }
}
