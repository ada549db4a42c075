//! A kind as a row: how it is listed, by which requests it is deleted, and what hangs together with it.

use crate::listing::{Listing, Places, Spread};
use crate::object::Place;
use crate::paging::Paging;
use crate::requests::{Delete, Requests};
use crate::ties::Ties;
use crate::{Object, Owner, Step};

/// One kind. Made by [`Row::rest`], or by [`Row::kind`] of a preset, and refined by its methods; what a method does not say has the
/// commonest value. A path stands in it once: listing, pointer and requests follow from it.
#[derive(Clone, Copy)]
pub struct Row {
    pub(crate) name: &'static str,
    pub(crate) listing: Listing,
    pub(crate) requests: Requests,
    pub(crate) ties: Ties,
}

/// Which kind it is, and where.
impl Row {
    /// What every row says that says nothing else. With methods it is a preset: a row without name and path, for what several
    /// kinds have in common.
    pub const PLAIN: Self = Self {
        name: "",
        listing: Listing::PLAIN,
        requests: Requests::PLAIN,
        ties: Ties::NONE,
    };

    /// A kind whose things are a collection: listed by `GET {path}`, with the objects under the path's last segment as JSON spells
    /// it (`/port_pairs` for `/sfc/port-pairs`), and deleted by `DELETE {path}/{id}`. In the path, `{parent}` is the id of the
    /// thing under which it lists.
    pub const fn rest(name: &'static str, path: &'static str) -> Self {
        Self::PLAIN.kind(name, path)
    }

    /// As [`Row::rest`], and as this preset says.
    pub const fn kind(mut self, name: &'static str, path: &'static str) -> Self {
        self.name = name;
        self.listing.collection = path;
        self.requests.collection = path;
        self
    }
}

/// How it is listed.
impl Row {
    /// Listings with all details have a path of their own: `{path}/detail`.
    pub const fn detailed(mut self) -> Self {
        self.listing.below = "/detail";
        self
    }

    /// Where the objects stand in the answer, if not under the path's last segment. Empty: the answer is the array, or the object.
    pub const fn at(mut self, at: &'static str) -> Self {
        self.listing.at = Some(at);
        self
    }

    /// What every listing asks for: `limit=1000`. Where an answer is too large, half of a `limit` is asked for.
    pub const fn query(mut self, query: &'static str) -> Self {
        self.listing.query = query;
        self
    }

    /// Belongs to no project.
    pub const fn cloud_wide(mut self) -> Self {
        self.listing.reach = Spread::Cloud;
        self.listing.narrow = "";
        self.project("")
    }

    /// Can be listed only with a token for the very project.
    pub const fn by_project_token(mut self) -> Self {
        self.listing.reach = Spread::EachProject;
        self.listing.narrow = "";
        self
    }

    /// Is listed under each thing of another kind; `{parent}` in the path is that thing's id.
    pub const fn under_each(mut self, kind: &'static str) -> Self {
        self.listing.reach = Spread::UnderEach(kind);
        self
    }

    /// Is listed under those things of another kind that are to be deleted, as a part of them.
    pub const fn under_deleted(mut self, kind: &'static str) -> Self {
        self.listing.reach = Spread::UnderDeleted(kind);
        self
    }

    /// There is one for each thing of another kind that is to be deleted, at `{path}/{parent}`. It has neither id nor name.
    pub const fn one_for_each(mut self, kind: &'static str) -> Self {
        self.listing.below = "/{parent}";
        self.under_deleted(kind).id("").names(&[])
    }

    /// The query by which an administrator asks for all projects (`all_tenants=1`), and the one that narrows a listing to
    /// `{project}`.
    pub const fn scoped(mut self, everywhere: &'static str, narrow: &'static str) -> Self {
        self.listing.everywhere = everywhere;
        self.listing.narrow = narrow;
        self
    }

    /// The API denies the queries of `scoped` to whoever is no administrator, where other APIs ignore them: then a project, or
    /// what lies under a thing, is listed without. What comes back is the project of the token, so the runner may ask for no
    /// other.
    pub const fn own_if_denied(mut self) -> Self {
        self.listing.own_if_denied = true;
        self
    }

    /// A listing answers with this status, and not only with 404, where the thing under which it lists has gone.
    pub const fn parent_gone(mut self, status: u32) -> Self {
        self.listing.parent_gone = Some(status);
        self
    }

    /// Is listed a second time with this query, for what the first listing leaves out.
    pub const fn again(mut self, again: &'static str) -> Self {
        self.listing.again = again;
        self
    }

    /// As `again`, but whoever may not ask so (400, 403, 404) is shown nothing more.
    pub const fn again_if_allowed(mut self, again: &'static str) -> Self {
        self.listing.again_may_be_denied = true;
        self.again(again)
    }

    /// A listing may leave out all that is in some places. Those of which it shows nothing are asked for one by one.
    pub const fn also_in(mut self, places: Places) -> Self {
        self.listing.also_in = Some(places);
        self
    }

    /// A listing in which this value stands at this pointer (`*` is any element of an array) is not whole, for this reason.
    pub const fn cut_off_where(
        mut self,
        pointer: &'static str,
        value: &'static str,
        why: &'static str,
    ) -> Self {
        self.listing.cut_off_where = Some((pointer, value, why));
        self
    }

    /// How pages follow each other, where not by links.
    pub const fn paged(mut self, paging: Paging) -> Self {
        self.listing.paging = paging;
        self
    }

    /// The microversions that a listing asks for instead, the newest first: where a service is too old for one (406, or 400), it is
    /// asked for the next.
    pub const fn listing_microversions(mut self, microversions: &'static [&'static str]) -> Self {
        self.listing.microversions = microversions;
        self
    }

    /// Not every cloud has this collection: where it answers 404, or 406 for the microversion, there is nothing.
    pub const fn optional(mut self) -> Self {
        self.listing.optional = true;
        self
    }
}

/// What a listing shows of a thing.
impl Row {
    /// Where the id stands, if not at `/id`.
    pub const fn id(mut self, id: &'static str) -> Self {
        self.listing.fields.id = id;
        self
    }

    /// Where names stand, if not at `/name`.
    pub const fn names(mut self, names: &'static [&'static str]) -> Self {
        self.listing.fields.names = names;
        self
    }

    /// Names which the cloud itself gives: no names at all. `{uuid}` stands for a UUID, and nothing for an open tail.
    pub const fn given_names(mut self, given_names: &'static [&'static str]) -> Self {
        self.listing.fields.given_names = given_names;
        self
    }

    /// As `given_names`, where this value stands at this pointer besides: `("image-{uuid}", "/metadata/readonly", "True")`.
    pub const fn given_names_where(
        mut self,
        given_names: &'static [(&'static str, &'static str, &'static str)],
    ) -> Self {
        self.listing.fields.given_names_where = given_names;
        self
    }

    /// Where it was given no name, its id stands in the name's place.
    pub const fn id_is_no_name(mut self) -> Self {
        self.listing.fields.id_is_no_name = true;
        self
    }

    /// Where the project's id stands, if not at `/project_id`. Empty: nowhere.
    pub const fn project(mut self, project: &'static str) -> Self {
        self.listing.fields.project = project;
        self
    }

    /// Where the time of creation stands, if not at `/created_at`.
    pub const fn created_at(mut self, created_at: &'static str) -> Self {
        self.listing.fields.created_at = created_at;
        self
    }

    /// Where tags stand.
    pub const fn tags(mut self, tags: &'static str) -> Self {
        self.listing.fields.tags = tags;
        self
    }

    /// Members that the row's functions look at, beside those at its places: `/locked`, `/profile/*/name`. All others are hidden from
    /// them.
    pub const fn sees(mut self, sees: &'static [&'static str]) -> Self {
        self.listing.fields.sees = sees;
        self
    }
}

/// How it is deleted.
impl Row {
    /// The templates of all requests that change it, the last of which deletes it, if that is not `DELETE {self}` alone. `{self}` is
    /// its own path, `{path}/{id}`.
    pub const fn requests(mut self, templates: &'static [&'static str]) -> Self {
        self.requests.templates = templates;
        self
    }

    /// The API microversion that all its requests ask for, and its listings.
    pub const fn microversion(mut self, microversion: &'static str) -> Self {
        self.requests.microversion = microversion;
        self.listing.microversion = microversion;
        self
    }

    /// Headers of all changing requests.
    pub const fn headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.requests.headers = headers;
        self
    }

    /// Statuses, besides 409 and 423, by which a changing request is answered because of the thing's state or of what
    /// depends on it: worth another attempt when something has gone.
    pub const fn conflicts(mut self, conflicts: &'static [u32]) -> Self {
        self.requests.conflicts = conflicts;
        self
    }

    /// Goes away some time after the cloud has accepted the deletion.
    pub const fn lingers(mut self) -> Self {
        self.requests.lingers = true;
        self
    }

    /// As `lingers`, and these values of `status` mean that it will not go.
    pub const fn lingers_unless(
        mut self,
        status: &'static str,
        failed_states: &'static [&'static str],
    ) -> Self {
        self.listing.fields.status = status;
        self.requests.failed_states = failed_states;
        self.lingers()
    }

    /// Where it reads beside its listing and the collection that it is deleted from, with `*` for what only a thing says.
    pub const fn reads(mut self, reads: &'static [&'static str]) -> Self {
        self.requests.reads = reads;
        self
    }

    /// How to delete it after all, where the operator insists: these requests in turn, the last of which deletes it and may be
    /// an ordinary one. Those before it may fail.
    pub const fn forced_by(mut self, templates: &'static [&'static str]) -> Self {
        self.requests.forced = templates;
        self
    }

    /// How to delete it, where that is more than to send the last of its requests.
    pub const fn delete_by(mut self, delete_by: Delete) -> Self {
        self.requests.delete_by = Some(delete_by);
        self
    }
}

/// What it belongs to, and in which order things go.
impl Row {
    /// A nameless thing is named by the first of these owners.
    pub const fn owners(mut self, owners: &'static [Place]) -> Self {
        self.ties.owners = owners;
        self
    }

    /// As `owners`, where a pointer alone cannot say which owner counts. It may return only owners at the row's places.
    pub const fn owners_by(
        mut self,
        owners: &'static [Place],
        owners_by: fn(&Object) -> Vec<Owner>,
    ) -> Self {
        self.ties.owners_by = Some(owners_by);
        self.owners(owners)
    }

    /// Goes with these, whatever it is called.
    pub const fn part_of(mut self, parts_of: &'static [Place]) -> Self {
        self.ties.parts_of = parts_of;
        self
    }

    /// As `part_of`, and vanishes with them: it goes `after` these.
    pub const fn goes_with(self, wholes: &'static [Place]) -> Self {
        self.part_of(wholes).after(wholes)
    }

    /// Goes with the thing under which it was listed, whatever it is called.
    pub const fn part_of_parent(mut self) -> Self {
        self.ties.part_of_parent = true;
        self
    }

    /// As `part_of_parent`, and vanishes with it.
    pub const fn goes_with_parent(mut self) -> Self {
        self.ties.goes_with_parent = true;
        self.part_of_parent()
    }

    /// Must be gone before these can go.
    pub const fn before(mut self, before: &'static [Place]) -> Self {
        self.ties.before = before;
        self
    }

    /// Can go only when these are gone.
    pub const fn after(mut self, after: &'static [Place]) -> Self {
        self.ties.after = after;
        self
    }

    /// Goes after all things of these kinds, wherever they are.
    pub const fn last_of(mut self, kinds: &'static [&'static str]) -> Self {
        self.ties.last_of = kinds;
        self
    }

    /// Further order, where pointers alone cannot say it.
    pub const fn order_by(mut self, order_by: fn(&Object) -> Vec<Step>) -> Self {
        self.ties.order_by = Some(order_by);
        self
    }

    /// Is listed for as long as its parent is, and counts as gone once its deletion was accepted.
    pub const fn stays_listed(mut self) -> Self {
        self.ties.stays_listed = true;
        self
    }
}
