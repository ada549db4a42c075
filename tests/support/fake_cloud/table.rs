//! What a service is, as data: its address, its manners and one [`Row`] per collection.
//!
//! No behavior lives here; the store and the generic handlers read these rows. A collection with no oddity
//! is one row, and a row never refers to a kind that has none.

use super::store::Store;
use super::wire::{Answer, Call};

/// One API behind one path prefix.
pub(crate) struct Service {
    /// Catalog entries: service type and service name. The first is the official one.
    pub(crate) types: &'static [(&'static str, &'static str)],
    /// Path of the endpoint in the catalog; `$project` stands for the token's project.
    pub(crate) endpoint: &'static str,
    /// Path under which the collections hang, before the project where the API has one there.
    pub(crate) root: &'static str,
    /// How the service words a refusal.
    pub(crate) errors: Errors,
    /// How the service links one page to the next.
    pub(crate) pages: Pages,
    /// Things in a page when the client asks for no limit.
    pub(crate) page_default: usize,
    /// Things in a page at most.
    pub(crate) page_max: usize,
    pub(crate) order: Order,
    pub(crate) microversion: Option<Microversion>,
    /// Version documents, served without a token: path, status, body with `$base`.
    pub(crate) documents: &'static [(&'static str, u16, &'static str)],
    pub(crate) rows: &'static [Row],
    /// What no row can say: actions and sub-resources. `None` leaves the call to the generic handlers.
    pub(crate) odd: fn(&mut Store, &Call) -> Option<Answer>,
}

/// The range a service negotiates, as `name major.min` to `name major.max`.
pub(crate) struct Microversion {
    pub(crate) service: &'static str,
    pub(crate) major: u32,
    pub(crate) min: u32,
    pub(crate) max: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// `{"error": {"code", "message", "title"}}`
    Keystone,
    /// `{"itemNotFound": {"code", "message"}}` (Nova, Cinder)
    Fault,
    /// `{"NeutronError": {"type", "message", "detail"}}`
    Neutron,
    /// An HTML page (Glance)
    Html,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// `links.next` beside the list, `truncated` when there is more.
    Keystone,
    /// `<many>_links` with `next`, absolute. A full page has one even if nothing follows.
    Links,
    /// The same with a `previous` link, and only if the client asked for a limit.
    Neutron,
    /// `next`, a path without host.
    Glance,
    /// `limit` and `offset`, no link at all.
    Offset,
    /// Everything in one answer.
    Whole,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Id,
    Oldest,
    Newest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// With dashes.
    Uuid,
    /// 32 hex digits, no dashes.
    Hex,
    /// 1, 2, 3…
    Number,
    /// The caller gives it as `id`.
    Given,
}

/// Who may see a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Things of one's own project; an administrator sees all.
    Project,
    /// Things of one's own user; an administrator sees all.
    User,
    /// Things of the user in `?user_id=`, without it one's own.
    Owner,
    /// Readable by everybody, changed by administrators.
    Cloud,
    /// Administrators only.
    Admin,
}

/// The query parameter an administrator needs to see other projects' things.
pub(crate) struct Wide {
    pub(crate) parameter: &'static str,
    /// The policy that refuses it to others; `None`: it is ignored for them.
    pub(crate) policy: Option<&'static str>,
}

/// What must not be so for a DELETE to be accepted.
pub(crate) struct Guard {
    pub(crate) test: Test,
    pub(crate) status: u16,
    /// Neutron's exception type; other services have none.
    pub(crate) name: &'static str,
    /// With `{id}`, `{by}` (first user's id), `{bys}` (all of them) and `{value}` (of the tested field).
    pub(crate) message: &'static str,
    /// Administrators pass.
    pub(crate) members_only: bool,
}

pub(crate) enum Test {
    /// A thing of `kind` names this one in `via`, unless its field has one of the values.
    UsedBy {
        kind: &'static str,
        via: &'static str,
        unless: (&'static str, &'static [&'static str]),
    },
    /// The field has one of the values, compared as text.
    Is(&'static str, &'static [&'static str]),
    IsNot(&'static str, &'static [&'static str]),
}

/// A field computed from the things that name this one.
pub(crate) struct Embed {
    pub(crate) field: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) via: &'static str,
    pub(crate) as_what: As,
}

pub(crate) enum As {
    Ids,
    Objects,
    /// Whether there is any.
    Flag,
}

/// Things that go together with the one they name, if their field has that value.
pub(crate) struct Takes {
    pub(crate) kind: &'static str,
    pub(crate) via: &'static str,
    pub(crate) when: (&'static str, &'static str),
}

/// Fields that are overwritten in the things that name one that goes. Values are JSON.
pub(crate) struct Frees {
    pub(crate) kind: &'static str,
    pub(crate) via: &'static str,
    pub(crate) set: &'static [(&'static str, &'static str)],
}

/// How a thing looks between an accepted DELETE and its end.
pub(crate) struct Leaving {
    pub(crate) field: &'static str,
    pub(crate) value: &'static str,
    /// What is set instead of the end where the back end fails.
    pub(crate) failed: &'static [(&'static str, &'static str)],
}

/// One collection.
///
/// `shape` is a JSON object: every field with what a thing has unless it was given otherwise. Inside strings
/// `$id`, `$project`, `$user`, `$z` and `$micro` (creation, with `Z` or microseconds), `$url` (endpoint),
/// `$mark` (endpoint without version) and `$_x` (the thing's hidden field `_x`) are filled in.
/// A key may end in `@9` (since microversion x.9), `@-9` (up to it) and `!` (administrators only).
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) path: &'static str,
    pub(crate) many: &'static str,
    pub(crate) one: &'static str,
    pub(crate) shape: &'static str,
    /// Fields of the plain list, where the API keeps the rest for `/detail`.
    pub(crate) brief: &'static [&'static str],
    pub(crate) ids: Ids,
    pub(crate) reach: Reach,
    /// A thing whose field has this value is seen by everybody.
    pub(crate) everyone: &'static [(&'static str, &'static str)],
    pub(crate) wide: Option<Wide>,
    /// The field behind `?is_public=`, where a list has public things only unless asked.
    pub(crate) public: &'static str,
    /// A thing whose field has this value is left out, unless the client asks for a value of that field.
    pub(crate) hidden: &'static [(&'static str, &'static str)],
    /// Filters that apply unless the client gives the same one.
    pub(crate) unless_asked: &'static [(&'static str, &'static str)],
    /// Policy names of list and delete, as the service prints them.
    pub(crate) policy: (&'static str, &'static str),
    /// Neutron's type and the message for an unknown id.
    pub(crate) missing: (&'static str, &'static str),
    /// The message where DELETE words it differently.
    pub(crate) missing_delete: &'static str,
    /// Changing another project's thing is a 403 even where it is not listed.
    pub(crate) refuses_foreign: bool,
    /// Name of the page links, if not `<many>_links`.
    pub(crate) links: &'static str,
    pub(crate) order: Option<Order>,
    pub(crate) pages: Option<Pages>,
    /// Each list entry is wrapped again in `{one: …}`.
    pub(crate) nested: bool,
    pub(crate) created: u16,
    pub(crate) deleted: u16,
    pub(crate) leaving: Option<Leaving>,
    pub(crate) guards: &'static [Guard],
    /// Fields that hold ids of other things, as `a`, `a[]`, `a.b` or `a[].b`.
    pub(crate) refs: &'static [&'static str],
    pub(crate) embeds: &'static [Embed],
    pub(crate) takes: &'static [Takes],
    pub(crate) frees: &'static [Frees],
    /// First minor version that knows the collection.
    pub(crate) since: u32,
}

impl Row {
    /// A project's things with uuids, gone at once, nothing in the way.
    pub(crate) const fn new(
        kind: &'static str,
        path: &'static str,
        many: &'static str,
        one: &'static str,
    ) -> Row {
        Row {
            kind,
            path,
            many,
            one,
            shape: r#"{"id":"$id","name":""}"#,
            brief: &[],
            ids: Ids::Uuid,
            reach: Reach::Project,
            everyone: &[],
            wide: None,
            public: "",
            hidden: &[],
            unless_asked: &[],
            policy: ("", ""),
            missing: ("", "The resource could not be found."),
            missing_delete: "",
            refuses_foreign: false,
            links: "",
            order: None,
            pages: None,
            nested: false,
            created: 201,
            deleted: 204,
            leaving: None,
            guards: &[],
            refs: &[],
            embeds: &[],
            takes: &[],
            frees: &[],
            since: 0,
        }
    }
}

impl Guard {
    /// Refuses while a thing of `kind` names this one in `via`.
    pub(crate) const fn used(
        kind: &'static str,
        via: &'static str,
        status: u16,
        name: &'static str,
        message: &'static str,
    ) -> Guard {
        Guard {
            test: Test::UsedBy {
                kind,
                via,
                unless: ("", &[]),
            },
            status,
            name,
            message,
            members_only: false,
        }
    }

    pub(crate) const fn is(
        field: &'static str,
        any: &'static [&'static str],
        status: u16,
        name: &'static str,
        message: &'static str,
    ) -> Guard {
        Guard {
            test: Test::Is(field, any),
            status,
            name,
            message,
            members_only: false,
        }
    }

    pub(crate) const fn is_not(
        field: &'static str,
        any: &'static [&'static str],
        status: u16,
        message: &'static str,
    ) -> Guard {
        Guard {
            test: Test::IsNot(field, any),
            status,
            name: "",
            message,
            members_only: false,
        }
    }
}

impl Takes {
    pub(crate) const fn all(kind: &'static str, via: &'static str) -> Takes {
        Takes {
            kind,
            via,
            when: ("", ""),
        }
    }
}

/// Every service of the cloud. A new one is a file with a `SERVICE` and a line here.
pub(crate) const SERVICES: &[&Service] = &[
    &super::identity::SERVICE,
    &super::compute::SERVICE,
    &super::network::SERVICE,
    &super::block_storage::SERVICE,
    &super::image::SERVICE,
];
