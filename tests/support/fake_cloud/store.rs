//! Everything the cloud holds, indexed by id, by project and by who names whom.
//!
//! It knows tables, not HTTP. The invariant: a thing is in the three indexes exactly while it exists, so
//! no request has to walk through what it does not answer about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::auth::Keystone;
use super::shape::{self, Slot};
use super::table::{As, Ids, Order, Row, SERVICES, Service};

pub(crate) type Fields = Map<String, Value>;

/// A place in a collection's order.
pub(crate) type Place = (u64, Arc<str>);

/// One thing: what identifies it and what differs from its row's shape. Fields that start with `_` are never shown,
/// nor are fields that are null and not in the shape.
pub(crate) struct Thing {
    pub(crate) id: Arc<str>,
    pub(crate) project: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) place: Place,
    pub(crate) fields: Fields,
    created: Timestamp,
}

/// One collection with its things.
pub(crate) struct Shelf {
    pub(crate) row: &'static Row,
    pub(crate) service: &'static Service,
    pub(crate) shape: Vec<Slot>,
    pub(crate) things: HashMap<Arc<str>, Thing>,
    order: BTreeSet<Place>,
    projects: HashMap<Arc<str>, BTreeSet<Place>>,
}

/// Who looks at a thing, and through which version and address.
pub(crate) struct View<'a> {
    pub(crate) admin: bool,
    pub(crate) minor: u32,
    /// Scheme, host and port.
    pub(crate) base: &'a str,
    /// Project of the token, for links that carry it.
    pub(crate) project: &'a str,
}

/// What becomes of a thing that cannot be deleted although its DELETE is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// Stays as it is while it leaves, for ever.
    Forever,
    /// Ends in its kind's error state.
    Failed,
}

pub(crate) struct Store {
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) keystone: Keystone,
    pub(crate) delay: Duration,
    pub(crate) delays: HashMap<String, Duration>,
    pub(crate) page_max: Option<usize>,
    /// Deleted servers are only hidden.
    pub(crate) soft_deletes: bool,
    /// Whoever asks for what follows is shown the beginning again.
    pub(crate) ignores_offset: bool,
    kinds: HashMap<&'static str, usize>,
    /// Target id to the things that name it.
    uses: HashMap<String, BTreeSet<(usize, Arc<str>)>>,
    due: BTreeMap<(Instant, u64), (usize, Arc<str>)>,
    stuck: HashMap<String, Stuck>,
    rng: fastrand::Rng,
    sequence: u64,
    addresses: u32,
}

impl Store {
    /// An empty cloud. Fails only if a row's shape is no JSON.
    pub(crate) fn new(seed: Option<u64>) -> Result<Store, String> {
        let mut store = Store {
            shelves: Vec::new(),
            keystone: Keystone::default(),
            delay: Duration::ZERO,
            delays: HashMap::new(),
            page_max: None,
            soft_deletes: false,
            ignores_offset: false,
            kinds: HashMap::new(),
            uses: HashMap::new(),
            due: BTreeMap::new(),
            stuck: HashMap::new(),
            rng: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            sequence: 0,
            addresses: 0,
        };
        for service in SERVICES {
            for row in service.rows {
                store.kinds.insert(row.kind, store.shelves.len());
                store.shelves.push(Shelf {
                    row,
                    service,
                    shape: shape::parse(row.kind, row.shape)?,
                    things: HashMap::new(),
                    order: BTreeSet::new(),
                    projects: HashMap::new(),
                });
            }
        }
        Ok(store)
    }

    /// The index of a kind's shelf; an unknown kind gives one that holds nothing.
    pub(crate) fn index(&self, kind: &str) -> usize {
        self.kinds.get(kind).copied().unwrap_or(usize::MAX)
    }

    pub(crate) fn shelf(&self, kind: &str) -> Option<&Shelf> {
        self.shelves.get(self.index(kind))
    }

    pub(crate) fn thing(&self, kind: &str, id: &str) -> Option<&Thing> {
        self.shelf(kind)?.things.get(id)
    }

    /// A fresh uuid, with or without dashes, from the store's own seed.
    pub(crate) fn uuid(&mut self, ids: Ids) -> String {
        let uuid = uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid();
        if ids == Ids::Hex {
            uuid.simple().to_string()
        } else {
            uuid.to_string()
        }
    }

    /// Text of `n` letters and digits.
    pub(crate) fn alphanumeric(&mut self, n: usize) -> String {
        std::iter::repeat_with(|| self.rng.alphanumeric())
            .take(n)
            .collect()
    }

    /// A MAC and the host part of an address, never the same twice.
    pub(crate) fn address(&mut self) -> (String, u32) {
        self.addresses += 1;
        let [_, a, b, c] = self.addresses.to_be_bytes();
        (format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}"), self.addresses)
    }

    /// Adds a thing. `id` among the fields is kept, `user_id` is its user. Returns the id, empty for an unknown kind.
    pub(crate) fn insert(&mut self, kind: &str, project: &str, mut fields: Fields) -> String {
        let index = self.index(kind);
        let Some(row) = self.shelves.get(index).map(|s| s.row) else {
            return String::new();
        };
        let id: Arc<str> = match fields
            .get("id")
            .or_else(|| fields.get("_id"))
            .map(shape::text)
        {
            Some(id) => id.into(),
            None => self.fresh_id(row, &mut fields).into(),
        };
        self.sequence += 1;
        let place = self.place(index, self.sequence, &id);
        let project: Arc<str> = project.into();
        let user = fields
            .get("user_id")
            .or_else(|| fields.get("_user"))
            .map(shape::text)
            .unwrap_or_default()
            .into();
        for target in targets(row, &fields) {
            self.uses
                .entry(target)
                .or_default()
                .insert((index, id.clone()));
        }
        let created = Timestamp::now();
        let thing = Thing {
            id: id.clone(),
            project: project.clone(),
            user,
            place: place.clone(),
            fields,
            created,
        };
        if let Some(shelf) = self.shelves.get_mut(index) {
            shelf.order.insert(place.clone());
            shelf.projects.entry(project).or_default().insert(place);
            shelf.things.insert(id.clone(), thing);
        }
        id.as_ref().to_owned()
    }

    fn fresh_id(&mut self, row: &Row, fields: &mut Fields) -> String {
        match row.ids {
            Ids::Uuid | Ids::Hex | Ids::Given => self.uuid(row.ids),
            Ids::Number => {
                self.sequence += 1;
                fields.insert("id".into(), json!(self.sequence));
                self.sequence.to_string()
            }
        }
    }

    fn place(&self, index: usize, sequence: u64, id: &Arc<str>) -> Place {
        let order = self
            .shelves
            .get(index)
            .map(|s| s.row.order.unwrap_or(s.service.order));
        match order {
            Some(Order::Newest) => (u64::MAX - sequence, id.clone()),
            Some(Order::Oldest) => (sequence, id.clone()),
            Some(Order::Id) | None => (0, id.clone()),
        }
    }

    /// Overwrites fields of a thing, and nothing if it does not exist.
    pub(crate) fn set(&mut self, kind: &str, id: &str, changes: Fields) {
        let index = self.index(kind);
        let Some(shelf) = self.shelves.get_mut(index) else {
            return;
        };
        let row = shelf.row;
        let Some(thing) = shelf.things.get_mut(id) else {
            return;
        };
        let (key, before) = (thing.id.clone(), targets(row, &thing.fields));
        thing.fields.extend(changes);
        let after = targets(row, &thing.fields);
        self.unlink(index, &key, &before);
        for target in after {
            self.uses
                .entry(target)
                .or_default()
                .insert((index, key.clone()));
        }
    }

    fn unlink(&mut self, index: usize, id: &Arc<str>, targets: &[String]) {
        for target in targets {
            if let Some(users) = self.uses.get_mut(target) {
                users.remove(&(index, id.clone()));
                if users.is_empty() {
                    self.uses.remove(target);
                }
            }
        }
    }

    /// Takes a thing away at once, with all that its row says goes with it.
    pub(crate) fn remove(&mut self, kind: &str, id: &str) {
        let index = self.index(kind);
        let Some(shelf) = self.shelves.get_mut(index) else {
            return;
        };
        let row = shelf.row;
        let Some(thing) = shelf.things.remove(id) else {
            return;
        };
        shelf.order.remove(&thing.place);
        if let Some(places) = shelf.projects.get_mut(&thing.project) {
            places.remove(&thing.place);
        }
        self.unlink(index, &thing.id, &targets(row, &thing.fields));
        for takes in row.takes {
            for user in self.users(takes.kind, takes.via, id) {
                if takes.when.0.is_empty()
                    || self.text(takes.kind, &user, takes.when.0) == takes.when.1
                {
                    self.remove(takes.kind, &user);
                }
            }
        }
        for frees in row.frees {
            for user in self.users(frees.kind, frees.via, id) {
                self.set(frees.kind, &user, json_fields(frees.set));
            }
        }
        if row.kind.starts_with("identity.") {
            self.keystone.forget(id);
        }
    }

    /// What an accepted DELETE does: the thing goes now or after its kind's delay, or is stuck.
    pub(crate) fn leave(&mut self, kind: &str, id: &str) {
        let index = self.index(kind);
        let Some(row) = self.shelves.get(index).map(|s| s.row) else {
            return;
        };
        let stuck = self.stuck.get(id).copied();
        let Some(leaving) = &row.leaving else {
            if stuck.is_none() {
                self.remove(kind, id);
            }
            return;
        };
        let is_due = |due: &(usize, Arc<str>)| due.0 == index && *due.1 == *id;
        if self.text(kind, id, leaving.field) == leaving.value && self.due.values().any(is_due) {
            return;
        }
        self.set(
            kind,
            id,
            Fields::from_iter([(leaving.field.to_owned(), leaving.value.into())]),
        );
        if stuck == Some(Stuck::Forever) {
            return;
        }
        let delay = self.delays.get(kind).copied().unwrap_or(self.delay);
        self.sequence += 1;
        self.due
            .insert((Instant::now() + delay, self.sequence), (index, id.into()));
    }

    /// Ends what is due. Called before every look at the store.
    pub(crate) fn reap(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let (index, id) = entry.remove();
            let Some(row) = self.shelves.get(index).map(|s| s.row) else {
                continue;
            };
            match (&row.leaving, self.stuck.get(id.as_ref())) {
                (Some(leaving), Some(Stuck::Failed)) => {
                    self.set(row.kind, &id, json_fields(leaving.failed));
                }
                _ => self.remove(row.kind, &id),
            }
        }
    }

    pub(crate) fn stick(&mut self, id: &str, how: Stuck) {
        self.stuck.insert(id.to_owned(), how);
    }

    pub(crate) fn unstick(&mut self, id: &str) {
        self.stuck.remove(id);
    }

    /// Ids of the things of a kind that name `target` in `via`; with an empty `via`, anywhere.
    pub(crate) fn users(&self, kind: &str, via: &str, target: &str) -> Vec<String> {
        self.users_of(kind, via, target)
            .map(|t| t.id.as_ref().to_owned())
            .collect()
    }

    pub(crate) fn users_of<'a>(
        &'a self,
        kind: &str,
        via: &'a str,
        target: &'a str,
    ) -> impl Iterator<Item = &'a Thing> {
        let index = self.index(kind);
        let shelf = self.shelves.get(index);
        let from = Bound::Included((index, Arc::from("")));
        let to = Bound::Excluded((index.saturating_add(1), Arc::from("")));
        let found = self.uses.get(target).map(|users| users.range((from, to)));
        found
            .into_iter()
            .flatten()
            .filter_map(move |(_, id)| shelf?.things.get(id))
            .filter(move |t| via.is_empty() || at(&t.fields, via).iter().any(|x| x == target))
    }

    /// Things from a place on, of one project or of all.
    pub(crate) fn walk<'a>(
        shelf: &'a Shelf,
        project: Option<&str>,
        after: Option<&Place>,
    ) -> impl Iterator<Item = &'a Thing> + use<'a> {
        let places = match project {
            None => Some(&shelf.order),
            Some(project) => shelf.projects.get(project),
        };
        let from = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.clone()));
        places
            .into_iter()
            .flat_map(move |set| set.range((from.clone(), Bound::Unbounded)))
            .filter_map(|(_, id)| shelf.things.get(id))
    }

    /// A field's text, given or by default.
    pub(crate) fn text(&self, kind: &str, id: &str, field: &str) -> String {
        let Some(shelf) = self.shelf(kind) else {
            return String::new();
        };
        shelf
            .things
            .get(id)
            .map(|thing| self.field(shelf, thing, field))
            .unwrap_or_default()
    }

    pub(crate) fn field(&self, shelf: &Shelf, thing: &Thing, field: &str) -> String {
        if let Some(value) = thing.fields.get(field) {
            return shape::text(value);
        }
        let Some(slot) = shelf.shape.iter().find(|s| s.name == field) else {
            return String::new();
        };
        let view = View {
            admin: true,
            minor: u32::MAX,
            base: "",
            project: &thing.project,
        };
        let mut out = String::new();
        slot.write(&mut out, &|hole| fill(shelf, thing, &view, hole));
        serde_json::from_str(&out)
            .map(|v| shape::text(&v))
            .unwrap_or(out)
    }

    /// Appends a thing as JSON. `only`: the fields to show, all if empty.
    pub(crate) fn write(
        &self,
        out: &mut String,
        shelf: &Shelf,
        thing: &Thing,
        view: &View,
        only: &[&str],
    ) {
        let wanted = |name: &str| only.is_empty() || only.contains(&name);
        let mut comma = "{";
        let mut key = |out: &mut String, name: &str| {
            out.push_str(comma);
            comma = ",";
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
        };
        for slot in shelf
            .shape
            .iter()
            .filter(|s| s.shows(view.minor, view.admin) && wanted(&s.name))
        {
            key(out, &slot.name);
            if let Some(embed) = shelf.row.embeds.iter().find(|e| e.field == slot.name) {
                self.write_embed(out, embed, thing, view);
            } else if let Some(value) = thing.fields.get(&slot.name) {
                out.push_str(&value.to_string());
            } else {
                slot.write(out, &|hole| fill(shelf, thing, view, hole));
            }
        }
        let shaped = |name: &str| shelf.shape.iter().any(|s| s.name == name);
        for (name, value) in &thing.fields {
            if !name.starts_with('_') && !value.is_null() && wanted(name) && !shaped(name) {
                key(out, name);
                out.push_str(&value.to_string());
            }
        }
        if comma == "{" {
            out.push('{');
        }
        out.push('}');
    }

    fn write_embed(
        &self,
        out: &mut String,
        embed: &super::table::Embed,
        thing: &Thing,
        view: &View,
    ) {
        let mut users = self.users_of(embed.kind, embed.via, &thing.id);
        let Some(shelf) = self.shelf(embed.kind) else {
            return;
        };
        if matches!(embed.as_what, As::Flag) {
            out.push_str(if users.next().is_some() {
                "true"
            } else {
                "false"
            });
            return;
        }
        out.push('[');
        for (n, user) in users.enumerate() {
            if n > 0 {
                out.push(',');
            }
            match embed.as_what {
                As::Objects => self.write(out, shelf, user, view, &[]),
                As::Ids | As::Flag => out.push_str(&Value::from(user.id.as_ref()).to_string()),
            }
        }
        out.push(']');
    }
}

/// The text of a hole in a shape.
fn fill(shelf: &Shelf, thing: &Thing, view: &View, hole: &str) -> String {
    match hole {
        "id" => thing.id.as_ref().to_owned(),
        "project" => thing.project.as_ref().to_owned(),
        "user" => thing.user.as_ref().to_owned(),
        "z" => thing.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "micro" => thing
            .created
            .strftime("%Y-%m-%dT%H:%M:%S.000000")
            .to_string(),
        "url" => format!(
            "{}{}",
            view.base,
            shelf.service.endpoint.replace("$project", view.project)
        ),
        "mark" => {
            let endpoint = shelf
                .service
                .endpoint
                .replace("/v2.1", "")
                .replace("/v3", "");
            format!(
                "{}{}",
                view.base,
                endpoint.replace("$project", view.project)
            )
        }
        hidden => thing
            .fields
            .get(hidden)
            .map(shape::text)
            .unwrap_or_default(),
    }
}

/// The texts at a path of a thing's fields.
pub(crate) fn at(fields: &Fields, path: &str) -> Vec<String> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, list) = first
        .strip_suffix("[]")
        .map_or((first, false), |n| (n, true));
    let inner = match (list, rest.is_empty()) {
        (false, _) => rest.to_owned(),
        (true, true) => "[]".to_owned(),
        (true, false) => format!("[].{rest}"),
    };
    shape::texts_at(fields.get(name), &inner)
}

fn targets(row: &Row, fields: &Fields) -> Vec<String> {
    row.refs.iter().flat_map(|path| at(fields, path)).collect()
}

/// Table constants as fields; a value that is no JSON is taken as text.
pub(crate) fn json_fields(set: &[(&str, &str)]) -> Fields {
    let value = |v: &str| serde_json::from_str(v).unwrap_or_else(|_| Value::from(v));
    set.iter()
        .map(|(name, v)| ((*name).to_owned(), value(v)))
        .collect()
}
