//! `GET` of a collection: who sees what, filters, pages and the links between them.
//!
//! What a page costs depends on what it shows, not on what the cloud holds, wherever an index knows the answer.

use serde_json::Value;

use super::generic::{denied, not_found, owner_of_names, shared};
use super::shape;
use super::store::{Place, Shelf, Store, Thing};
use super::table::{Errors, Pages, Reach, Row};
use super::wire::{Answer, Call, unknown_path};

/// Parameters that are no filters.
const RESERVED: &[&str] = &[
    "limit",
    "marker",
    "offset",
    "page_reverse",
    "sort",
    "sort_key",
    "sort_dir",
    "fields",
    "all_tenants",
    "all_projects",
    "is_public",
    "force",
    "cascade",
    "deleted",
    "changes-since",
    "visibility",
    "with_count",
];

/// `GET` of a collection.
pub(crate) fn list(store: &Store, call: &Call, kind: &str, detail: bool) -> Answer {
    let Some(shelf) = store.shelf(kind) else {
        return unknown_path(call.service.errors);
    };
    if let Err(refusal) = may_list(call, shelf.row) {
        return refusal;
    }
    let page = match Page::parse(store, call, shelf) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    let filters = match Filters::parse(call, shelf) {
        Ok(filters) => filters,
        Err(refusal) => return refusal,
    };
    let seen = |t: &&Thing| visible(store, call, shelf, t) && filters.pass(store, shelf, t);
    let wanted = page.limit.saturating_add(1);
    let found: Vec<&Thing> = match filters.candidates(store, shelf) {
        Some(mut few) => {
            few.sort_by(|a, b| a.place.cmp(&b.place));
            few.retain(|t| page.after.as_ref().is_none_or(|p| t.place > *p));
            few.into_iter()
                .filter(seen)
                .skip(page.offset)
                .take(wanted)
                .collect()
        }
        None => {
            let project = project_walked(call, shelf.row);
            let walk = Store::walk(shelf, project, page.after.as_ref());
            walk.filter(seen).skip(page.offset).take(wanted).collect()
        }
    };
    render(store, call, shelf, Slice::cut(found, page, detail))
}

fn may_list(call: &Call, row: &Row) -> Result<(), Answer> {
    if row.reach == Reach::Admin && !call.actor.admin {
        return Err(denied(call, row.policy.0));
    }
    if let Some(wide) = &row.wide
        && let Some(policy) = wide.policy
        && call.asks(wide.parameter)
        && !call.actor.admin
    {
        return Err(denied(call, policy));
    }
    Ok(())
}

/// The project a listing can be confined to before any filter, if there is one.
fn project_walked<'a>(call: &'a Call, row: &Row) -> Option<&'a str> {
    let own = row.reach == Reach::Project && row.everyone.is_empty() && !sees_all(call, row);
    own.then(|| call.actor.project())
}

fn sees_all(call: &Call, row: &Row) -> bool {
    call.actor.admin
        && row
            .wide
            .as_ref()
            .is_none_or(|wide| call.asks(wide.parameter))
}

/// Whether the actor sees the thing in a listing.
fn visible(store: &Store, call: &Call, shelf: &Shelf, thing: &Thing) -> bool {
    let row = shelf.row;
    let mut hidden = row.hidden.iter();
    let is_hidden = |(field, value): &(&str, &str)| {
        call.parameter(field).is_none() && store.field(shelf, thing, field) == *value
    };
    if hidden.any(is_hidden) {
        return false;
    }
    if !row.public.is_empty() && !public_enough(store, call, shelf, thing) {
        return false;
    }
    match row.reach {
        Reach::Cloud => true,
        Reach::Admin => call.actor.admin,
        Reach::User => call.actor.admin || *thing.user == *call.actor.user,
        Reach::Owner => *thing.user == *owner_of_names(call),
        Reach::Project => sees_all(call, row) || shared(store, call, shelf, thing),
    }
}

/// `?is_public=`: public only, unless an administrator asks for `None` or `false`.
fn public_enough(store: &Store, call: &Call, shelf: &Shelf, thing: &Thing) -> bool {
    let public = store.field(shelf, thing, shelf.row.public) == "true";
    match call
        .parameter("is_public")
        .map(str::to_lowercase)
        .as_deref()
    {
        _ if !call.actor.admin => public,
        Some("none") => true,
        Some("false" | "0" | "no") => !public,
        _ => public,
    }
}

struct Page {
    limit: usize,
    /// The client gave the limit.
    asked: bool,
    offset: usize,
    after: Option<Place>,
}

impl Page {
    fn parse(store: &Store, call: &Call, shelf: &Shelf) -> Result<Page, Answer> {
        let style = shelf.row.pages.unwrap_or(shelf.service.pages);
        if style == Pages::Whole {
            return Ok(Page {
                limit: usize::MAX,
                asked: false,
                offset: 0,
                after: None,
            });
        }
        let number = |name| call.parameter(name).and_then(|v| v.parse::<usize>().ok());
        let max = store.page_max.unwrap_or(shelf.service.page_max);
        let asked = number("limit").filter(|n| *n > 0);
        let limit = asked.unwrap_or(shelf.service.page_default).min(max);
        let after = match call.parameter("marker") {
            Some(marker) => Some(marked(call, shelf, marker)?),
            None => None,
        };
        Ok(Page {
            limit,
            asked: asked.is_some(),
            offset: number("offset")
                .filter(|_| !store.ignores_offset)
                .unwrap_or(0),
            after,
        })
    }
}

fn marked(call: &Call, shelf: &Shelf, marker: &str) -> Result<Place, Answer> {
    let own = format!("{}/{marker}", owner_of_names(call));
    let thing = shelf
        .things
        .get(marker)
        .or_else(|| shelf.things.get(own.as_str()));
    thing
        .map(|t| t.place.clone())
        .ok_or_else(|| match (call.service.errors, shelf.service.order) {
            (Errors::Keystone, _) => {
                call.refuse(404, "", &format!("Marker {marker} could not be found."))
            }
            (Errors::Html, _) => call.refuse(400, "", &format!("No image found with ID {marker}")),
            (Errors::Fault, _) if call.service.endpoint.contains("compute") => {
                call.refuse(400, "", &format!("marker [{marker}] not found"))
            }
            (Errors::Fault | Errors::Neutron, _) => not_found(call, shelf.row, marker),
        })
}

/// Query parameters that pick things.
struct Filters<'a> {
    /// Field and the values of which one must be had.
    fields: Vec<(&'a str, Vec<&'a str>)>,
    project: Option<&'a str>,
}

impl<'a> Filters<'a> {
    fn parse(call: &'a Call, shelf: &'a Shelf) -> Result<Filters<'a>, Answer> {
        let mut filters = Filters {
            fields: Vec::new(),
            project: None,
        };
        let mut unknown = Vec::new();
        for (name, value) in &call.query {
            let shaped = shelf.shape.iter().any(|s| s.name == *name);
            match name.as_str() {
                "tenant_id" | "project_id" => filters.project = Some(value),
                name if RESERVED.contains(&name) => {}
                name if shaped || name == "id" => filters.add(name, value),
                name => unknown.push(format!("'{name}'")),
            }
        }
        if !unknown.is_empty() && call.service.errors == Errors::Neutron {
            let message = format!(
                "[{}] is invalid attribute for filtering",
                unknown.join(", ")
            );
            return Err(call.refuse(400, "HTTPBadRequest", &message));
        }
        for (name, value) in shelf.row.unless_asked {
            if call.parameter(name).is_none() {
                filters.add(name, value);
            }
        }
        if let Some(visibility) = call.parameter("visibility")
            && visibility != "all"
        {
            filters.add("visibility", visibility);
        }
        Ok(filters)
    }

    fn add(&mut self, name: &'a str, value: &'a str) {
        match self.fields.iter_mut().find(|(n, _)| *n == name) {
            Some((_, values)) => values.push(value),
            None => self.fields.push((name, vec![value])),
        }
    }

    fn pass(&self, store: &Store, shelf: &Shelf, thing: &Thing) -> bool {
        self.project.is_none_or(|p| *thing.project == *p)
            && self.fields.iter().all(|(name, values)| {
                let field = store.field(shelf, thing, name);
                values
                    .iter()
                    .any(|v| field == *v || field.eq_ignore_ascii_case(v))
            })
    }

    /// The few things that can pass, where an index knows them.
    fn candidates<'s>(&self, store: &'s Store, shelf: &'s Shelf) -> Option<Vec<&'s Thing>>
    where
        'a: 's,
    {
        for (name, values) in &self.fields {
            if *name == "id" {
                return Some(
                    values
                        .iter()
                        .filter_map(|id| shelf.things.get(*id))
                        .collect(),
                );
            }
            if shelf.row.refs.contains(name) {
                let of = |target: &&'a str| {
                    store
                        .users_of(shelf.row.kind, "", target)
                        .collect::<Vec<_>>()
                };
                return Some(values.iter().flat_map(of).collect());
            }
        }
        self.project
            .map(|project| Store::walk(shelf, Some(project), None).collect())
    }
}

/// What a page shows.
struct Slice<'s> {
    things: Vec<&'s Thing>,
    /// There are things behind the last one.
    more: bool,
    /// It is as long as a page can be.
    full: bool,
    asked: bool,
    detail: bool,
}

impl<'s> Slice<'s> {
    fn cut(mut things: Vec<&'s Thing>, page: Page, detail: bool) -> Slice<'s> {
        let more = things.len() > page.limit;
        things.truncate(page.limit);
        let full = things.len() == page.limit && !things.is_empty();
        Slice {
            things,
            more,
            full,
            asked: page.asked,
            detail,
        }
    }
}

fn render(store: &Store, call: &Call, shelf: &Shelf, slice: Slice) -> Answer {
    let row = shelf.row;
    let mut only: Vec<&str> = if slice.detail {
        Vec::new()
    } else {
        row.brief.to_vec()
    };
    if call.service.errors == Errors::Neutron {
        only.extend(
            call.query
                .iter()
                .filter(|(k, _)| k == "fields")
                .map(|(_, v)| v.as_str()),
        );
    }
    let view = call.view();
    let mut body = format!("{{\"{}\":[", row.many);
    for (n, thing) in slice.things.iter().enumerate() {
        if n > 0 {
            body.push(',');
        }
        if row.nested {
            body.push_str(&format!("{{\"{}\":", row.one));
        }
        store.write(&mut body, shelf, thing, &view, &only);
        if row.nested {
            body.push('}');
        }
    }
    body.push(']');
    body.push_str(&links(call, shelf, &slice));
    body.push('}');
    Answer::json(200, body)
}

/// What follows the list: the way to the next page, in the service's style.
fn links(call: &Call, shelf: &Shelf, slice: &Slice) -> String {
    let row = shelf.row;
    let name = if row.links.is_empty() {
        format!("{}_links", row.many)
    } else {
        row.links.to_owned()
    };
    let link = |thing: &Thing, reverse: bool| {
        let id = if row.nested {
            shape::text(thing.fields.get("name").unwrap_or(&Value::Null))
        } else {
            thing.id.to_string()
        };
        let tail = if reverse { "&page_reverse=True" } else { "" };
        format!(
            "{}?{}marker={id}{tail}",
            call.target,
            without_marker(&call.raw_query)
        )
    };
    let rel = |rel: &str, thing: &Thing, reverse: bool| {
        let href = Value::from(format!("{}{}", call.base, link(thing, reverse)));
        format!("{{\"rel\":\"{rel}\",\"href\":{href}}}")
    };
    let last = slice.things.last().filter(|_| slice.full);
    match row.pages.unwrap_or(shelf.service.pages) {
        Pages::Keystone => {
            let this = with_query(&format!("{}{}", call.base, call.target), &call.raw_query);
            let next = last
                .filter(|_| slice.more)
                .map(|t| format!("{}{}", call.base, link(t, false)));
            let truncated = if slice.more {
                ",\"truncated\":true"
            } else {
                ""
            };
            let (next, this) = (Value::from(next), Value::from(this));
            format!(",\"links\":{{\"next\":{next},\"self\":{this},\"previous\":null}}{truncated}")
        }
        Pages::Links => last.map_or_else(String::new, |t| {
            format!(",\"{name}\":[{}]", rel("next", t, false))
        }),
        Pages::Neutron if slice.asked || slice.more => {
            let next = last.map(|t| rel("next", t, false));
            let previous = slice.things.first().map(|t| rel("previous", t, true));
            let rels: Vec<String> = next.into_iter().chain(previous).collect();
            if rels.is_empty() {
                String::new()
            } else {
                format!(",\"{name}\":[{}]", rels.join(","))
            }
        }
        Pages::Glance => {
            let query = without_marker(&call.raw_query);
            let first = Value::from(with_query(api_path(call), query.trim_end_matches('&')));
            let next = last.map(|t| link(t, false)).map(|next| {
                let prefix = call.service.root.trim_end_matches("/v2");
                format!(
                    ",\"next\":{}",
                    Value::from(next.strip_prefix(prefix).unwrap_or(&next))
                )
            });
            let next = next.unwrap_or_default();
            format!(
                ",\"first\":{first},\"schema\":\"/v2/schemas/{}\"{next}",
                row.many
            )
        }
        Pages::Neutron | Pages::Offset | Pages::Whole => String::new(),
    }
}

/// The path as the service itself knows it: without the prefix it is mounted under.
fn api_path(call: &Call) -> &str {
    call.target
        .strip_prefix(call.service.root.trim_end_matches("/v2"))
        .unwrap_or(&call.target)
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// The query without marker and direction, ending in `&` unless empty.
fn without_marker(query: &str) -> String {
    let kept = query
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("marker=") && !p.starts_with("page_reverse="));
    kept.map(|p| format!("{p}&")).collect()
}
