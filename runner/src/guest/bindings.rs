//! The contract's bindings, and conversions between them and the runner's own nouns. Nothing else.

use std::sync::Arc;

use crate::cloud::official_service_type;
use crate::resource::effects::EffectError;
use crate::resource::{
    Effects, Fields, Kind, ListScope, MemberPointer, MemberPointerError, Owner, OwnerField, Reach,
    ReadPath, ReadPathError, Relation, Step, Template, TemplateError, Thing, ThingRef, View,
};
use crate::rule::{Cause, Outcome};
use crate::text::plain;

wasmtime::component::bindgen!({
    path: "wit",
    world: "guest-force",
    imports: { default: async },
    exports: { default: async },
});

pub(super) use cleanup::rules::{http, logging, model};
pub(super) use exports::cleanup::rules::{force, order, owners, presence, rule};

/// The property by which a kind declares a request that it sends only where the operator insists.
const FORCED_REQUEST: &str = "forced-request";

/// The property by which a kind declares a path that its rule reads beside its collection.
const READS: &str = "reads";

/// The property by which a kind declares a member that its rule needs, and that it needs no others.
const SEES: &str = "sees";

impl TryFrom<model::Kind> for Kind {
    type Error = KindError;

    fn try_from(kind: model::Kind) -> Result<Self, KindError> {
        let mut requests: Vec<Template> = Vec::new();
        for source in &kind.requests {
            requests.push(Template::parse(source)?);
        }
        let (mut reads, mut sees) = (Vec::new(), Vec::new());
        let mut effects = Effects::default();
        for property in &kind.extra {
            if property.name == FORCED_REQUEST {
                requests.push(Template::parse_forced(&property.value)?);
            } else if property.name == READS {
                reads.push(ReadPath::parse(&property.value)?);
            } else if property.name == SEES {
                sees.push(MemberPointer::parse(&property.value)?);
            } else if !effects.declare(&property.name, &property.value)? {
                return Err(KindError::Property {
                    kind: kind.name,
                    property: property.name.clone(),
                });
            }
        }
        let owners = kind.owners.into_iter().map(|field| OwnerField {
            kind: field.kind.into(),
            at: field.at,
        });
        // Of two words for one service nobody has to know both: what is compared with `identity` is `identity`.
        let service = match official_service_type(&kind.service) {
            Some(official) => official.to_owned(),
            None => kind.service,
        };
        Ok(Self {
            name: kind.name.into(),
            service,
            reach: match kind.reach {
                model::Reach::Projects => Reach::Projects,
                model::Reach::EachProject => Reach::EachProject,
                model::Reach::Cloud => Reach::Cloud,
                model::Reach::UnderEach(parent) => Reach::UnderEach(parent.into()),
                model::Reach::UnderDeleted(parent) => Reach::UnderDeleted(parent.into()),
            },
            fields: Fields {
                id: kind.fields.id,
                names: kind.fields.names,
                project: kind.fields.project,
                created_at: kind.fields.created_at,
                status: kind.fields.status,
                tags: kind.fields.tags,
            },
            owners: owners.collect(),
            after: kind.after.into_iter().map(Arc::from).collect(),
            requests,
            reads,
            sees,
            failed_states: kind.failed_states,
            effects,
        })
    }
}

/// Why a declared kind cannot be taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// A property that this runner does not know.
    #[error("kind {kind} has the property {property:?}, which this runner does not know")]
    Property {
        /// The kind.
        kind: String,
        /// The property.
        property: String,
    },
    /// A property whose value has another form.
    #[error(transparent)]
    Effect(#[from] EffectError),
    /// A malformed request template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A malformed path to read.
    #[error(transparent)]
    ReadPath(#[from] ReadPathError),
    /// A malformed pointer to a member.
    #[error(transparent)]
    MemberPointer(#[from] MemberPointerError),
}

impl From<&ListScope> for model::Scope {
    fn from(scope: &ListScope) -> Self {
        match scope {
            ListScope::All => Self::All,
            ListScope::Project(project) => Self::Project(project.to_string()),
            ListScope::Under(parent) => Self::Under(model::Thing {
                kind: parent.at.kind.to_string(),
                id: parent.at.id.to_string(),
            }),
        }
    }
}

impl model::Item {
    /// A thing, with what its rule sees of its object.
    pub(super) fn of(thing: &Thing, view: &View) -> Self {
        Self {
            id: thing.at.id.to_string(),
            project: thing.project.as_deref().unwrap_or_default().to_owned(),
            parent: thing
                .parent
                .as_ref()
                .map_or_else(String::new, |parent| parent.id.to_string()),
            object: view.of_thing(&thing.object),
        }
    }
}

impl From<model::Thing> for ThingRef {
    fn from(thing: model::Thing) -> Self {
        Self::new(thing.kind, thing.id)
    }
}

impl From<model::Owner> for Owner {
    fn from(owner: model::Owner) -> Self {
        let relation = match owner.relation {
            model::Relation::NamedBy => Relation::NamedBy,
            model::Relation::PartOf => Relation::PartOf,
        };
        Self {
            relation,
            owner: owner.owner.into(),
        }
    }
}

impl From<model::Step> for Step {
    fn from(step: model::Step) -> Self {
        match step {
            model::Step::Before(other) => Self::Before(other.into()),
            model::Step::After(other) => Self::After(other.into()),
        }
    }
}

impl From<model::Outcome> for Outcome {
    fn from(outcome: model::Outcome) -> Self {
        match outcome {
            model::Outcome::Gone => Self::Gone,
            model::Outcome::Accepted => Self::Accepted,
            model::Outcome::Blocked(by) => {
                let plain =
                    |thing: &model::Thing| ThingRef::new(plain(&thing.kind), plain(&thing.id));
                Self::Blocked(by.iter().map(plain).collect())
            }
            model::Outcome::Refused(why) => Self::Refused(plain(&why)),
        }
    }
}

impl From<model::RuleError> for Cause {
    fn from(error: model::RuleError) -> Self {
        match error {
            model::RuleError::NotFound => Self::NotFound,
            model::RuleError::Conflict(text) => Self::Conflict(text),
            model::RuleError::Denied(text) => Self::Denied(text),
            model::RuleError::Throttled(text) => Self::Throttled(text),
            model::RuleError::Unavailable(text) => Self::Unavailable(text),
            model::RuleError::Malformed(text) => Self::Malformed(text),
            model::RuleError::Other(text) => Self::Other(text),
        }
    }
}
