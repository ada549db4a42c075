//! Quotas: one per project, there whether or not anybody has set one.
//!
//! A quota is a thing of the store only while it differs from the defaults.

use serde_json::Value;

use super::generic::{denied, not_found};
use super::store::{Fields, Store};
use super::table::Errors;
use super::wire::{Answer, Call, unknown_path};

/// `GET`, `PUT` and `DELETE` of a project's quota.
pub(crate) fn answer(store: &mut Store, call: &Call, kind: &str, project: &str) -> Answer {
    let Some(row) = store.shelf(kind).map(|s| s.row) else {
        return unknown_path(call.service.errors);
    };
    let own = call.method == "GET" && call.actor.project() == project;
    if !call.actor.admin && !own {
        return denied(
            call,
            if call.method == "GET" {
                row.policy.0
            } else {
                row.policy.1
            },
        );
    }
    match call.method.as_str() {
        "GET" => Answer::json(200, body(store, call, kind, project, true)),
        "PUT" => {
            let mut changes = call
                .body
                .get(row.one)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            if store.thing(kind, project).is_some() {
                store.set(kind, project, changes);
            } else {
                changes.insert("_id".to_owned(), project.into());
                store.insert(kind, project, changes);
            }
            Answer::json(200, body(store, call, kind, project, false))
        }
        "DELETE" => {
            if call.service.errors == Errors::Neutron && store.thing(kind, project).is_none() {
                return not_found(call, row, project);
            }
            store.leave(kind, project);
            Answer::empty(row.deleted)
        }
        _ => unknown_path(call.service.errors),
    }
}

fn body(store: &mut Store, call: &Call, kind: &str, project: &str, with_id: bool) -> String {
    let passing = store.thing(kind, project).is_none();
    if passing {
        store.insert(
            kind,
            project,
            Fields::from_iter([("_id".to_owned(), project.into())]),
        );
    }
    let mut text = String::new();
    if let Some(shelf) = store.shelf(kind)
        && let Some(thing) = shelf.things.get(project)
    {
        let hidden =
            |name: &str| matches!(name, "project_id" | "tenant_id") || (name == "id" && !with_id);
        let names: Vec<&str> = shelf
            .shape
            .iter()
            .map(|s| s.name.as_str())
            .filter(|n| !hidden(n))
            .collect();
        store.write(&mut text, shelf, thing, &call.view(), &names);
        text = format!("{{\"{}\":{text}}}", shelf.row.one);
    }
    if passing {
        store.remove(kind, project);
    }
    text
}
