//! A kind as a row.

use crate::listing::Paging;
use crate::model::{Fields, Kind, OwnerField, Property};
use crate::requests::Target;
use crate::{Item, Object, Outcome, Owner, Reach, Relation, RuleError, Step, Thing};

/// Which kind, and where in a thing's object its id stands: `("network.network", "/network_id")`. `/*` in the pointer
/// stands for every element of an array.
pub type Place = (&'static str, &'static str);

/// Deletes a thing, where that takes more than the last of its row's requests.
pub type Delete = fn(&Target) -> Result<Outcome, RuleError>;

/// One kind. Made by [`Row::new`] and refined by its methods; what a method does not say has the commonest value.
#[derive(Clone, Copy)]
pub struct Row {
    pub(crate) name: &'static str,
    pub(crate) list: &'static str,
    pub(crate) at: &'static str,
    pub(crate) requests: &'static [&'static str],
    pub(crate) forced_requests: &'static [&'static str],
    pub(crate) everywhere: &'static str,
    pub(crate) narrow: &'static str,
    pub(crate) again: &'static str,
    pub(crate) own_if_denied: bool,
    pub(crate) parent_gone: Option<u32>,
    pub(crate) paging: Paging,
    pub(crate) microversion: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) conflicts: &'static [u32],
    pub(crate) id: &'static str,
    pub(crate) optional: bool,
    pub(crate) lingers: bool,
    reach: Spread,
    names: &'static [&'static str],
    given_names: &'static [&'static str],
    id_is_no_name: bool,
    project: &'static str,
    created_at: &'static str,
    status: &'static str,
    tags: &'static str,
    failed_states: &'static [&'static str],
    owners: &'static [Place],
    parts_of: &'static [Place],
    before: &'static [Place],
    after: &'static [Place],
    last_of: &'static [&'static str],
    part_of_parent: bool,
    goes_with_parent: bool,
    pub(crate) stays_listed: bool,
    owners_by: Option<fn(&Object) -> Vec<Owner>>,
    order_by: Option<fn(&Object) -> Vec<Step>>,
    pub(crate) delete_by: Option<Delete>,
}

/// `Reach`, in a form that a `static` can hold.
#[derive(Clone, Copy)]
enum Spread {
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
            forced_requests: &[],
            everywhere: "",
            narrow: "project_id={project}",
            again: "",
            own_if_denied: false,
            parent_gone: None,
            paging: Paging::Links,
            microversion: "",
            headers: &[],
            conflicts: &[],
            id: "/id",
            optional: false,
            lingers: false,
            reach: Spread::Projects,
            names: &["/name"],
            given_names: &[],
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

    /// Names which the cloud itself gives: no names at all. A `*` at the end stands for any tail.
    pub const fn given_names(self, given_names: &'static [&'static str]) -> Self {
        Self {
            given_names,
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

    pub(crate) fn kind(&self, service: &str) -> Kind {
        Kind {
            name: self.name.to_owned(),
            service: service.to_owned(),
            reach: match self.reach {
                Spread::Projects => Reach::Projects,
                Spread::EachProject => Reach::EachProject,
                Spread::Cloud => Reach::Cloud,
                Spread::UnderEach(kind) => Reach::UnderEach(kind.to_owned()),
                Spread::UnderDeleted(kind) => Reach::UnderDeleted(kind.to_owned()),
            },
            fields: Fields {
                id: self.id.to_owned(),
                names: owned(self.names),
                project: self.project.to_owned(),
                created_at: self.created_at.to_owned(),
                status: self.status.to_owned(),
                tags: self.tags.to_owned(),
            },
            owners: self
                .owners
                .iter()
                .chain(self.parts_of)
                .map(|(kind, at)| owner_field(kind, at))
                .collect(),
            after: owned(self.last_of),
            requests: owned(self.requests),
            failed_states: owned(self.failed_states),
            extra: self
                .forced_requests
                .iter()
                .filter(|template| !self.requests.contains(template))
                .map(|template| Property {
                    name: "forced-request".to_owned(),
                    value: (*template).to_owned(),
                })
                .collect(),
        }
    }

    pub(crate) fn own_name<'a>(&self, object: &'a Object) -> Option<&'a str> {
        let name = self.names.iter().find_map(|pointer| object.text(pointer))?;
        let given = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        };
        let is_id = self.id_is_no_name && object.text(self.id) == Some(name);
        (!is_id && !self.given_names.iter().any(given)).then_some(name)
    }

    pub(crate) fn owners_of(&self, item: &Item) -> Vec<Owner> {
        let object = &Object::parse(&item.object);
        let named_by = match self.owners_by {
            Some(owners_by) => owners_by(object),
            None => relate(Relation::NamedBy, self.owners, object),
        };
        let mut owners = relate(Relation::PartOf, self.parts_of, object);
        // Of what is listed under deleted things the runner says so itself.
        if self.part_of_parent && matches!(self.reach, Spread::UnderEach(_)) {
            owners.extend(self.parent(item).map(|owner| Owner {
                relation: Relation::PartOf,
                owner,
            }));
        }
        owners.extend(named_by);
        owners
    }

    /// The thing under which one was listed.
    fn parent(&self, item: &Item) -> Option<Thing> {
        let (Spread::UnderEach(kind) | Spread::UnderDeleted(kind)) = self.reach else {
            return None;
        };
        Some(Thing {
            kind: kind.to_owned(),
            id: item.parent.clone(),
        })
    }

    pub(crate) fn order_of(&self, item: &Item) -> Vec<Step> {
        let object = &Object::parse(&item.object);
        let before = object.things(self.before).into_iter();
        let after = object.things(self.after).into_iter();
        let mut steps: Vec<Step> = before.map(Step::Before).collect();
        steps.extend(after.map(Step::After));
        steps.extend(
            self.order_by
                .into_iter()
                .flat_map(|order_by| order_by(object)),
        );
        if self.goes_with_parent {
            steps.extend(self.parent(item).map(Step::After));
        }
        steps
    }
}

fn relate(relation: Relation, places: &[Place], object: &Object) -> Vec<Owner> {
    let things = object.things(places).into_iter();
    things.map(|owner| Owner { relation, owner }).collect()
}

fn owner_field(kind: &str, at: &str) -> OwnerField {
    OwnerField {
        kind: kind.to_owned(),
        at: at.to_owned(),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &[&[Row]] = &[
        &[named("a.first"), named("a.second")],
        &[],
        &[named("a.third")],
    ];

    const fn named(name: &'static str) -> Row {
        Row::new(name, "/things", "/things", &["DELETE /things/{id}"])
    }

    #[test]
    fn tables_are_joined_in_their_order() {
        let rows: [Row; rows_in(TABLES)] = joined(TABLES);
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["a.first", "a.second", "a.third"]);
    }
}
