//! Show, create, change and delete for any row.
//!
//! All that services have in common is here, and nothing that only one of them does. A refusal never
//! changes the store.

use serde_json::Value;

use super::listing::list;
use super::shape;
use super::store::{Fields, Shelf, Store, Thing};
use super::table::{Errors, Guard, Reach, Row, Test};
use super::wire::{Answer, Call, unknown_path};

/// Answers a call that no odd handler took.
pub(crate) fn answer(store: &mut Store, call: &Call) -> Answer {
    let words = call.words();
    let Some((row, rest)) = find_row(call, &words) else {
        return unknown_path(call.service.errors);
    };
    if call.minor < row.since {
        return call.refuse(404, "", "The resource could not be found.");
    }
    let kind = row.kind;
    match (call.method.as_str(), rest) {
        ("GET" | "HEAD", []) => list(store, call, kind, false),
        ("GET" | "HEAD", ["detail"]) => list(store, call, kind, true),
        ("POST", []) => create(store, call, kind),
        ("GET" | "HEAD", [id]) => show(store, call, kind, id),
        ("PUT" | "PATCH", [id]) => change(store, call, kind, id),
        ("DELETE", [id]) => delete(store, call, kind, id),
        (_, [] | [_]) => call.refuse(
            405,
            "HTTPMethodNotAllowed",
            "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        ),
        _ => unknown_path(call.service.errors),
    }
}

/// The collection that the path begins with, and what follows it.
fn find_row<'a>(call: &Call, words: &'a [&'a str]) -> Option<(&'static Row, &'a [&'a str])> {
    call.service.rows.iter().find_map(|row| {
        let length = row.path.split('/').count();
        let head = words.get(..length)?;
        (head.join("/") == row.path).then(|| (row, words.get(length..).unwrap_or(&[])))
    })
}

/// A refusal by policy, in the service's words.
pub(crate) fn denied(call: &Call, policy: &str) -> Answer {
    match call.service.errors {
        Errors::Keystone => {
            let message =
                format!("You are not authorized to perform the requested action: {policy}.");
            call.refuse(403, "", &message)
        }
        Errors::Fault => call.refuse(
            403,
            "",
            &format!("Policy doesn't allow {policy} to be performed."),
        ),
        Errors::Neutron => call.refuse(
            403,
            "PolicyNotAuthorized",
            &format!("rule:{policy} is disallowed by policy"),
        ),
        Errors::Html => call.refuse(403, "", "You are not authorized to complete this action."),
    }
}

/// Whether the thing is the actor's or everybody's.
pub(crate) fn shared(store: &Store, call: &Call, shelf: &Shelf, thing: &Thing) -> bool {
    let everyone = |(field, value): &(&str, &str)| store.field(shelf, thing, field) == *value;
    let own = call.actor.scoped_to.as_deref() == Some(thing.project.as_ref());
    own || shelf.row.everyone.iter().any(everyone)
}

/// The user whose names (of keypairs) a call speaks of.
pub(crate) fn owner_of_names(call: &Call) -> &str {
    call.parameter("user_id").unwrap_or(&call.actor.user)
}

/// The 404 of a row.
pub(crate) fn not_found(call: &Call, row: &Row, id: &str) -> Answer {
    let delete = call.method == "DELETE" && !row.missing_delete.is_empty();
    let message = if delete {
        row.missing_delete
    } else {
        row.missing.1
    };
    let message = message
        .replace("{id}", id)
        .replace("{user}", owner_of_names(call));
    call.refuse(404, row.missing.0, &message)
}

/// A thing by id if the actor may know of it: own, everybody's, or any for an administrator.
pub(crate) fn known<'a>(
    store: &'a Store,
    call: &Call,
    kind: &str,
    id: &str,
) -> Result<&'a Thing, Answer> {
    let Some(shelf) = store.shelf(kind) else {
        return Err(unknown_path(call.service.errors));
    };
    let thing = shelf
        .things
        .get(id)
        .ok_or_else(|| not_found(call, shelf.row, id))?;
    let allowed = call.actor.admin
        || match shelf.row.reach {
            Reach::Cloud => {
                shelf.row.public.is_empty() || store.field(shelf, thing, shelf.row.public) == "true"
            }
            Reach::Admin => false,
            Reach::User | Reach::Owner => *thing.user == *call.actor.user,
            Reach::Project => shared(store, call, shelf, thing),
        };
    if allowed {
        Ok(thing)
    } else {
        Err(not_found(call, shelf.row, id))
    }
}

/// The same for changes: what is not one's own is refused even if it is seen.
pub(crate) fn owned<'a>(
    store: &'a Store,
    call: &Call,
    kind: &str,
    id: &str,
) -> Result<&'a Thing, Answer> {
    let Some(shelf) = store.shelf(kind) else {
        return Err(unknown_path(call.service.errors));
    };
    let policy = || {
        let verb = if call.method == "DELETE" {
            "delete"
        } else {
            "update"
        };
        if call.service.errors == Errors::Neutron {
            format!("{verb}_{}", shelf.row.one)
        } else {
            shelf.row.policy.1.to_owned()
        }
    };
    if !call.actor.admin && matches!(shelf.row.reach, Reach::Cloud | Reach::Admin) {
        return Err(denied(call, &policy()));
    }
    let foreign = shelf.row.refuses_foreign && shelf.things.contains_key(id);
    let thing = known(store, call, kind, id).map_err(|refusal| {
        if foreign {
            denied(call, &policy())
        } else {
            refusal
        }
    })?;
    let own = call.actor.admin
        || matches!(shelf.row.reach, Reach::User | Reach::Owner)
        || call.actor.scoped_to.as_deref() == Some(thing.project.as_ref());
    if own {
        Ok(thing)
    } else {
        Err(denied(call, &policy()))
    }
}

/// `GET` of one thing.
pub(crate) fn show(store: &Store, call: &Call, kind: &str, id: &str) -> Answer {
    let Some(shelf) = store.shelf(kind) else {
        return unknown_path(call.service.errors);
    };
    let reads_own = kind == "identity.user" && call.actor.user == id;
    if shelf.row.reach == Reach::Admin && !call.actor.admin && !reads_own {
        return denied(call, &shelf.row.policy.0.replace(":list_", ":get_"));
    }
    let thing = match (reads_own, shelf.things.get(id)) {
        (true, Some(thing)) => thing,
        _ => match known(store, call, kind, id) {
            Ok(thing) => thing,
            Err(refusal) => return refusal,
        },
    };
    Answer::json(200, one(store, call, shelf, thing))
}

/// A thing in the wrapper of its row; Glance has none.
pub(crate) fn one(store: &Store, call: &Call, shelf: &Shelf, thing: &Thing) -> String {
    let mut body = String::new();
    store.write(&mut body, shelf, thing, &call.view(), &[]);
    if call.service.errors == Errors::Html {
        body
    } else {
        format!("{{\"{}\":{body}}}", shelf.row.one)
    }
}

/// `DELETE` of one thing.
pub(crate) fn delete(store: &mut Store, call: &Call, kind: &str, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, kind, id) {
        return refusal;
    }
    if let Some(refusal) = guarded(store, call, kind, id) {
        return refusal;
    }
    let status = store.shelf(kind).map_or(404, |s| s.row.deleted);
    store.leave(kind, id);
    Answer::empty(status)
}

/// The refusal of the first guard that holds.
pub(crate) fn guarded(store: &Store, call: &Call, kind: &str, id: &str) -> Option<Answer> {
    let guards = store.shelf(kind)?.row.guards;
    guards.iter().find_map(|guard| {
        if guard.members_only && call.actor.admin {
            return None;
        }
        let message = broken(store, kind, id, guard)?;
        Some(call.refuse(guard.status, guard.name, &message))
    })
}

/// The guard's message if it forbids.
fn broken(store: &Store, kind: &str, id: &str, guard: &Guard) -> Option<String> {
    let message = guard.message.replace("{id}", id);
    match &guard.test {
        Test::Is(field, any) => {
            let value = store.text(kind, id, field);
            any.contains(&value.as_str())
                .then(|| message.replace("{value}", &value))
        }
        Test::IsNot(field, any) => {
            let value = store.text(kind, id, field);
            (!any.contains(&value.as_str())).then(|| message.replace("{value}", &value))
        }
        Test::UsedBy { kind, via, unless } => {
            let counts = |user: &&Thing| {
                unless.0.is_empty()
                    || !unless
                        .1
                        .contains(&store.text(kind, &user.id, unless.0).as_str())
            };
            let first = store.users_of(kind, via, id).find(counts)?.id.to_string();
            let all = || {
                let users = store.users_of(kind, via, id).filter(counts);
                users
                    .map(|t| t.id.to_string())
                    .collect::<Vec<_>>()
                    .join(",")
            };
            let message = message.replace("{by}", &first);
            Some(if message.contains("{bys}") {
                message.replace("{bys}", &all())
            } else {
                message
            })
        }
    }
}

/// `POST` to a collection: the given fields over the row's defaults.
fn create(store: &mut Store, call: &Call, kind: &'static str) -> Answer {
    let Some(row) = store.shelf(kind).map(|s| s.row) else {
        return unknown_path(call.service.errors);
    };
    if !call.actor.admin && matches!(row.reach, Reach::Admin | Reach::Cloud) {
        return denied(call, &row.policy.1.replace("delete", "create"));
    }
    let given = if call.service.errors == Errors::Html {
        Some(&call.body)
    } else {
        call.body.get(row.one)
    };
    let Some(mut fields) = given.and_then(Value::as_object).cloned() else {
        return call.refuse(
            400,
            "HTTPBadRequest",
            &format!("Unable to find '{}' in request body", row.one),
        );
    };
    fields.insert("_user".into(), call.actor.user.clone().into());
    let named = ["project_id", "tenant_id"]
        .iter()
        .find_map(|n| fields.get(*n))
        .map(shape::text);
    let project = named
        .filter(|_| call.actor.admin)
        .unwrap_or_else(|| call.actor.project().to_owned());
    let id = store.insert(kind, &project, fields);
    let Some(shelf) = store.shelf(kind) else {
        return unknown_path(call.service.errors);
    };
    shelf.things.get(id.as_str()).map_or_else(
        || Answer::empty(500),
        |thing| Answer::json(row.created, one(store, call, shelf, thing)),
    )
}

/// `PUT` or `PATCH` of one thing.
pub(crate) fn change(store: &mut Store, call: &Call, kind: &str, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, kind, id) {
        return refusal;
    }
    let one = store.shelf(kind).map_or("", |s| s.row.one);
    let changes: Fields = call
        .body
        .get(one)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    store.set(kind, id, changes);
    show(store, call, kind, id)
}
