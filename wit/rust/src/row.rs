//! A kind as a row.

use crate::effects::Effects;
use crate::paging::Paging;
use crate::requests::Target;
use crate::{Object, Outcome, Owner, RuleError, Step};

/// Which kind, and where in a thing's object its id stands: `("network.network", "/network_id")`. `/*` in the pointer
/// stands for every element of an array.
pub type Place = (&'static str, &'static str);

/// Where the places stand that a listing may leave out whole, as domains with a directory of their own, and how one is asked for.
#[derive(Clone, Copy)]
pub struct Places {
    /// The path that lists the places.
    pub list: &'static str,
    /// Their ids in the answer: `/domains/*/id`.
    pub ids: &'static str,
    /// Where a thing of the kind's own listing says in which place it is: `/users/*/domain_id`.
    pub shown: &'static str,
    /// The query that asks for one place.
    pub query: &'static str,
}

/// Deletes a thing, where that takes more than the last of its row's requests.
pub type Delete = fn(&Target) -> Result<Outcome, RuleError>;

/// One kind. Made by [`Row::new`] and refined by its methods; what a method does not say has the commonest value.
#[derive(Clone, Copy)]
pub struct Row {
    pub(crate) name: &'static str,
    pub(crate) list: &'static str,
    pub(crate) at: &'static str,
    pub(crate) requests: &'static [&'static str],
    pub(crate) reads: &'static [&'static str],
    pub(crate) sees: &'static [&'static str],
    pub(crate) forced_requests: &'static [&'static str],
    pub(crate) everywhere: &'static str,
    pub(crate) narrow: &'static str,
    pub(crate) again: &'static str,
    pub(crate) again_may_be_denied: bool,
    pub(crate) also_in: Option<Places>,
    pub(crate) cut_off_where: Option<(&'static str, &'static str, &'static str)>,
    pub(crate) own_if_denied: bool,
    pub(crate) parent_gone: Option<u32>,
    pub(crate) paging: Paging,
    pub(crate) microversion: &'static str,
    pub(crate) listing_microversions: &'static [&'static str],
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) conflicts: &'static [u32],
    pub(crate) id: &'static str,
    pub(crate) optional: bool,
    pub(crate) lingers: bool,
    pub(crate) reach: Spread,
    pub(crate) names: &'static [&'static str],
    pub(crate) given_names: &'static [&'static str],
    pub(crate) given_names_where: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) id_is_no_name: bool,
    pub(crate) project: &'static str,
    pub(crate) created_at: &'static str,
    pub(crate) status: &'static str,
    pub(crate) tags: &'static str,
    pub(crate) failed_states: &'static [&'static str],
    pub(crate) owners: &'static [Place],
    pub(crate) parts_of: &'static [Place],
    pub(crate) before: &'static [Place],
    pub(crate) after: &'static [Place],
    pub(crate) last_of: &'static [&'static str],
    pub(crate) part_of_parent: bool,
    pub(crate) goes_with_parent: bool,
    pub(crate) stays_listed: bool,
    pub(crate) owners_by: Option<fn(&Object) -> Vec<Owner>>,
    pub(crate) order_by: Option<fn(&Object) -> Vec<Step>>,
    pub(crate) delete_by: Option<Delete>,
    pub(crate) effects: Effects,
}

/// `Reach`, in a form that a `static` can hold.
#[derive(Clone, Copy)]
pub(crate) enum Spread {
    Projects,
    EachProject,
    Cloud,
    UnderEach(&'static str),
    UnderDeleted(&'static str),
}

impl Row {
    /// A kind that is listed by `GET list`, with its objects at the JSON pointer `at` of the answer, and changed only by
    /// `requests`, the last of which deletes it.
    pub const fn new(
        name: &'static str,
        list: &'static str,
        at: &'static str,
        requests: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            list,
            at,
            requests,
            reads: &[],
            sees: &[],
            forced_requests: &[],
            everywhere: "",
            narrow: "project_id={project}",
            again: "",
            again_may_be_denied: false,
            also_in: None,
            cut_off_where: None,
            own_if_denied: false,
            parent_gone: None,
            paging: Paging::Links,
            microversion: "",
            listing_microversions: &[],
            headers: &[],
            conflicts: &[],
            id: "/id",
            optional: false,
            lingers: false,
            reach: Spread::Projects,
            names: &["/name"],
            given_names: &[],
            given_names_where: &[],
            id_is_no_name: false,
            project: "/project_id",
            created_at: "/created_at",
            status: "/status",
            tags: "",
            failed_states: &[],
            owners: &[],
            parts_of: &[],
            before: &[],
            after: &[],
            last_of: &[],
            part_of_parent: false,
            goes_with_parent: false,
            stays_listed: false,
            owners_by: None,
            order_by: None,
            delete_by: None,
            effects: Effects::NONE,
        }
    }

    /// Belongs to no project.
    pub const fn cloud_wide(self) -> Self {
        Self {
            reach: Spread::Cloud,
            narrow: "",
            project: "",
            ..self
        }
    }

    /// Can be listed only with a token for the very project.
    pub const fn by_project_token(self) -> Self {
        Self {
            reach: Spread::EachProject,
            narrow: "",
            ..self
        }
    }

    /// Is listed under each thing of another kind; `{parent}` in the path is that thing's id.
    pub const fn under_each(self, kind: &'static str) -> Self {
        Self {
            reach: Spread::UnderEach(kind),
            ..self
        }
    }

    /// Is listed under those things of another kind that are to be deleted, as a part of them.
    pub const fn under_deleted(self, kind: &'static str) -> Self {
        Self {
            reach: Spread::UnderDeleted(kind),
            ..self
        }
    }

    /// The query by which an administrator asks for all projects (`all_tenants=1`), and the one that narrows a listing to
    /// `{project}`.
    pub const fn scoped(self, everywhere: &'static str, narrow: &'static str) -> Self {
        Self {
            everywhere,
            narrow,
            ..self
        }
    }

    /// The API denies the queries of `scoped` to whoever is no administrator, where other APIs ignore them: then a project, or
    /// what lies under a thing, is listed without. What comes back is the project of the token, so the runner may ask for no
    /// other.
    pub const fn own_if_denied(self) -> Self {
        Self {
            own_if_denied: true,
            ..self
        }
    }

    /// A listing answers with this status, and not only with 404, where the thing under which it lists has gone.
    pub const fn parent_gone(self, status: u32) -> Self {
        Self {
            parent_gone: Some(status),
            ..self
        }
    }

    /// Is listed a second time with this query, for what the first listing leaves out.
    pub const fn again(self, again: &'static str) -> Self {
        Self { again, ..self }
    }

    /// As `again`, but whoever may not ask so (400, 403, 404) is shown nothing more.
    pub const fn again_if_allowed(self, again: &'static str) -> Self {
        Self {
            again,
            again_may_be_denied: true,
            ..self
        }
    }

    /// A listing may leave out all that is in some places. Those of which it shows nothing are asked for one by one.
    pub const fn also_in(self, places: Places) -> Self {
        Self {
            also_in: Some(places),
            ..self
        }
    }

    /// A listing in which this value stands at this pointer (`*` is any element of an array) is not whole, for this reason.
    pub const fn cut_off_where(
        self,
        pointer: &'static str,
        value: &'static str,
        why: &'static str,
    ) -> Self {
        Self {
            cut_off_where: Some((pointer, value, why)),
            ..self
        }
    }

    /// How pages follow each other, where not by links.
    pub const fn paged(self, paging: Paging) -> Self {
        Self { paging, ..self }
    }

    /// The API microversion that all its requests ask for.
    pub const fn microversion(self, microversion: &'static str) -> Self {
        Self {
            microversion,
            ..self
        }
    }

    /// The microversions that a listing asks for instead, the newest first: where a service is too old for one (406, or 400), it is
    /// asked for the next.
    pub const fn listing_microversions(self, microversions: &'static [&'static str]) -> Self {
        Self {
            listing_microversions: microversions,
            ..self
        }
    }

    /// Headers of all changing requests.
    pub const fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// Statuses, besides 409 and 423, by which a changing request is answered because of the thing's state or of what
    /// depends on it: worth another attempt when something has gone.
    pub const fn conflicts(self, conflicts: &'static [u32]) -> Self {
        Self { conflicts, ..self }
    }

    /// Where the id stands, if not at `/id`.
    pub const fn id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// Where names stand, if not at `/name`.
    pub const fn names(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }

    /// Names which the cloud itself gives: no names at all. `{uuid}` stands for a UUID, and nothing for an open tail.
    pub const fn given_names(self, given_names: &'static [&'static str]) -> Self {
        Self {
            given_names,
            ..self
        }
    }

    /// As `given_names`, where this value stands at this pointer besides: `("image-{uuid}", "/metadata/readonly", "True")`.
    pub const fn given_names_where(
        self,
        given_names: &'static [(&'static str, &'static str, &'static str)],
    ) -> Self {
        Self {
            given_names_where: given_names,
            ..self
        }
    }

    /// Where it was given no name, its id stands in the name's place.
    pub const fn id_is_no_name(self) -> Self {
        Self {
            id_is_no_name: true,
            ..self
        }
    }

    /// Where the project's id stands, if not at `/project_id`. Empty: nowhere.
    pub const fn project(self, project: &'static str) -> Self {
        Self { project, ..self }
    }

    /// Where the time of creation stands, if not at `/created_at`.
    pub const fn created_at(self, created_at: &'static str) -> Self {
        Self { created_at, ..self }
    }

    /// Where tags stand.
    pub const fn tags(self, tags: &'static str) -> Self {
        Self { tags, ..self }
    }

    /// Goes away some time after the cloud has accepted the deletion.
    pub const fn lingers(self) -> Self {
        Self {
            lingers: true,
            ..self
        }
    }

    /// As `lingers`, and these values of `status` mean that it will not go.
    pub const fn lingers_unless(
        self,
        status: &'static str,
        failed_states: &'static [&'static str],
    ) -> Self {
        Self {
            lingers: true,
            status,
            failed_states,
            ..self
        }
    }

    /// Not every cloud has this collection: where it answers 404, or 406 for the microversion, there is nothing.
    pub const fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// A nameless thing is named by the first of these owners.
    pub const fn owners(self, owners: &'static [Place]) -> Self {
        Self { owners, ..self }
    }

    /// Goes with these, whatever it is called.
    pub const fn part_of(self, parts_of: &'static [Place]) -> Self {
        Self { parts_of, ..self }
    }

    /// Goes with the thing under which it was listed, whatever it is called.
    pub const fn part_of_parent(self) -> Self {
        Self {
            part_of_parent: true,
            ..self
        }
    }

    /// As `part_of_parent`, and vanishes with it.
    pub const fn goes_with_parent(self) -> Self {
        Self {
            part_of_parent: true,
            goes_with_parent: true,
            ..self
        }
    }

    /// As `owners`, where a pointer alone cannot say which owner counts. It may return only owners at the row's places.
    pub const fn owners_by(
        self,
        owners: &'static [Place],
        owners_by: fn(&Object) -> Vec<Owner>,
    ) -> Self {
        Self {
            owners,
            owners_by: Some(owners_by),
            ..self
        }
    }

    /// Must be gone before these can go.
    pub const fn before(self, before: &'static [Place]) -> Self {
        Self { before, ..self }
    }

    /// Can go only when these are gone.
    pub const fn after(self, after: &'static [Place]) -> Self {
        Self { after, ..self }
    }

    /// Goes after all things of these kinds, wherever they are.
    pub const fn last_of(self, kinds: &'static [&'static str]) -> Self {
        Self {
            last_of: kinds,
            ..self
        }
    }

    /// Further order, where pointers alone cannot say it.
    pub const fn order_by(self, order_by: fn(&Object) -> Vec<Step>) -> Self {
        Self {
            order_by: Some(order_by),
            ..self
        }
    }

    /// Is listed for as long as its parent is, and counts as gone once its deletion was accepted.
    pub const fn stays_listed(self) -> Self {
        Self {
            stays_listed: true,
            ..self
        }
    }

    /// Where it reads beside its listing and the collection that it is deleted from, with `*` for what only a thing says.
    pub const fn reads(self, reads: &'static [&'static str]) -> Self {
        Self { reads, ..self }
    }

    /// Members that the row's functions look at, beside those at its places: `/locked`, `/profile/*/name`. All others are hidden from
    /// them.
    pub const fn sees(self, sees: &'static [&'static str]) -> Self {
        Self { sees, ..self }
    }

    /// How to delete it after all, where the operator insists: these requests in turn, the last of which deletes it and may be
    /// an ordinary one. Those before it may fail.
    pub const fn forced_by(self, forced_requests: &'static [&'static str]) -> Self {
        Self {
            forced_requests,
            ..self
        }
    }

    /// How to delete it, where that is more than to send the last of its requests.
    pub const fn delete_by(self, delete_by: Delete) -> Self {
        Self {
            delete_by: Some(delete_by),
            ..self
        }
    }
}
