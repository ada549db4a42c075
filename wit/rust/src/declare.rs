//! What a row declares of its kind, and says of a thing: the contract's own values.

use crate::model::{Fields, Kind, OwnerField};
use crate::row::{Place, Row, Spread};
use crate::{Item, Object, Owner, Reach, Relation, Step, Thing};

impl Row {
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
            extra: self.properties(),
        }
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

    /// The kind that it is a part of because it is listed under it.
    pub(crate) fn whole_by_place(&self) -> Option<&'static str> {
        match self.reach {
            Spread::UnderDeleted(kind) => Some(kind),
            Spread::UnderEach(kind) if self.part_of_parent => Some(kind),
            _ => None,
        }
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
