//! What a row declares of its kind, and says of a thing: the contract's own values.

use crate::listing::Spread;
use crate::model::{Fields, Kind, OwnerField};
use crate::object::Place;
use crate::row::Row;
use crate::{Item, Object, Owner, Reach, Relation, Step, Thing};

impl Row {
    pub(crate) fn declared(&self, service: &str) -> Kind {
        let fields = &self.listing.fields;
        Kind {
            name: self.name.to_owned(),
            service: service.to_owned(),
            reach: match self.listing.reach {
                Spread::Projects => Reach::Projects,
                Spread::EachProject => Reach::EachProject,
                Spread::Cloud => Reach::Cloud,
                Spread::UnderEach(kind) => Reach::UnderEach(kind.to_owned()),
                Spread::UnderDeleted(kind) => Reach::UnderDeleted(kind.to_owned()),
            },
            fields: Fields {
                id: fields.id.to_owned(),
                names: owned(fields.names),
                project: fields.project.to_owned(),
                created_at: fields.created_at.to_owned(),
                status: fields.status.to_owned(),
                tags: fields.tags.to_owned(),
            },
            owners: self
                .ties
                .owners
                .iter()
                .chain(self.ties.parts_of)
                .map(|(kind, at)| owner_field(kind, at))
                .collect(),
            after: owned(self.ties.last_of),
            requests: self.requests.templates(),
            failed_states: owned(self.requests.failed_states),
            extra: self.properties(),
        }
    }

    pub(crate) fn owners_of(&self, item: &Item) -> Vec<Owner> {
        let object = &Object::parse(&item.object);
        let named_by = match self.ties.owners_by {
            Some(owners_by) => owners_by(object),
            None => relate(Relation::NamedBy, self.ties.owners, object),
        };
        let mut owners = relate(Relation::PartOf, self.ties.parts_of, object);
        // Of what is listed under deleted things the runner says so itself.
        if self.ties.part_of_parent && matches!(self.listing.reach, Spread::UnderEach(_)) {
            owners.extend(self.parent(item).map(|owner| Owner {
                relation: Relation::PartOf,
                owner,
            }));
        }
        owners.extend(named_by);
        owners
    }

    /// The kind that it is a part of because it is listed under it.
    pub(crate) fn whole_by_place(&self) -> Option<&'static str> {
        match self.listing.reach {
            Spread::UnderDeleted(kind) => Some(kind),
            Spread::UnderEach(kind) if self.ties.part_of_parent => Some(kind),
            _ => None,
        }
    }

    /// The thing under which one was listed.
    fn parent(&self, item: &Item) -> Option<Thing> {
        let (Spread::UnderEach(kind) | Spread::UnderDeleted(kind)) = self.listing.reach else {
            return None;
        };
        Some(Thing {
            kind: kind.to_owned(),
            id: item.parent.clone(),
        })
    }

    pub(crate) fn order_of(&self, item: &Item) -> Vec<Step> {
        let object = &Object::parse(&item.object);
        let before = object.things(self.ties.before).into_iter();
        let after = object.things(self.ties.after).into_iter();
        let mut steps: Vec<Step> = before.map(Step::Before).collect();
        steps.extend(after.map(Step::After));
        steps.extend(
            self.ties
                .order_by
                .into_iter()
                .flat_map(|order_by| order_by(object)),
        );
        if self.ties.goes_with_parent {
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
