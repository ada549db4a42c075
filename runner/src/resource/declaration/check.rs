//! What a declaration may say: what is malformed, and what is unusual.

use std::collections::BTreeSet;

use super::{Flaw, Kind};
use crate::resource::{DOMAIN_KIND, Effects, PROJECT_KIND, Template, USER_KIND};

/// Most fields, templates or properties of one sort that a kind may declare. The richest kind of the pack has two dozen.
const DECLARED_MAX: usize = 200;

/// Fields that hold a thing's own id.
const ID_FIELDS: &[&str] = &["id", "uuid", "name", "namespace"];

/// Fields that hold a thing's own name.
pub(super) const NAME_FIELDS: &[&str] = &[
    "name",
    "display_name",
    "stack_name",
    "namespace",
    "description",
    "title",
    "workflow_name",
    "original_resource_id",
];

/// Fields that hold the id of a thing's own project; an extension's prefix (`os-vol-tenant-attr:`) may stand before.
pub(super) const PROJECT_FIELDS: &[&str] = &[
    "project_id",
    "tenant_id",
    "project",
    "owner",
    "source_project_id",
    "created_by_project_id",
];

/// The service of the kinds that mean something to the runner itself.
const IDENTITY: &str = "identity";

/// These kinds, each with the collection that is its own.
const OWN_COLLECTIONS: [(&str, &str); 4] = [
    (PROJECT_KIND, "/projects/"),
    // As they were called in the API's second version.
    (PROJECT_KIND, "/tenants/"),
    (DOMAIN_KIND, "/domains/"),
    (USER_KIND, "/users/"),
];

impl Kind {
    /// Checks a declaration by itself.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(&self) -> Result<(), Flaw> {
        if !is_kind_name(&self.name) {
            return Err(Flaw::KindName(self.name.to_string()));
        }
        if self.effects.is_witness && !self.requests.is_empty() {
            return Err(Flaw::Witness(self.name.clone()));
        }
        if self.effects.is_witness && self.reads.is_empty() {
            return Err(Flaw::Unread(self.name.clone()));
        }
        if !self.effects.is_witness && self.requests.iter().all(Template::is_forced) {
            return Err(Flaw::NoRequest(self.name.clone()));
        }
        let is_own = |(kind, _): &(&str, &str)| *kind == &*self.name;
        if OWN_COLLECTIONS.iter().any(is_own) && self.service != IDENTITY {
            return Err(Flaw::Identity(self.name.clone()));
        }
        if let Some(flaw) = self.refused_request() {
            return Err(flaw);
        }
        if let Some(what) = self.too_much() {
            let kind = self.name.clone();
            return Err(Flaw::TooMany { kind, what });
        }
        if let Some((what, why)) = self.unfit() {
            let kind = self.name.clone();
            return Err(Flaw::Unfit { kind, what, why });
        }
        let one_per_parent = self.fields.id.is_empty() && self.reach.parent().is_some();
        let fields = &self.fields;
        let optional = [
            &fields.project,
            &fields.created_at,
            &fields.status,
            &fields.tags,
        ];
        let given = fields
            .names
            .iter()
            .chain(optional.into_iter().filter(|pointer| !pointer.is_empty()));
        let id = std::iter::once(&fields.id).filter(|_| !one_per_parent);
        match given.chain(id).find(|pointer| !is_field(pointer)) {
            Some(pointer) => Err(Flaw::Pointer {
                kind: self.name.clone(),
                pointer: pointer.clone(),
            }),
            None => Ok(()),
        }
    }

    /// What is wrong with a request that is refused, whatever the operator says.
    fn refused_request(&self) -> Option<Flaw> {
        let kind = || self.name.clone();
        let find = |is: &dyn Fn(&Template) -> bool| {
            let found = self.requests.iter().find(|it| is(it));
            found.map(ToString::to_string)
        };
        if let Some(template) = find(&|it| !self.may_be_sent(it)) {
            let kind = kind();
            return Some(Flaw::IdentityRequest { kind, template });
        }
        if let Some(template) = self.placeless().map(ToString::to_string) {
            let kind = kind();
            return Some(Flaw::Placeless { kind, template });
        }
        let template = find(&Template::grants)?;
        Some(Flaw::Grant {
            kind: kind(),
            template,
        })
    }

    /// Whether a request is none for the projects, domains or users by a kind that is called otherwise. The collection may not be
    /// named by the object either, which could say `projects`.
    fn may_be_sent(&self, template: &Template) -> bool {
        let Some(collection) = template.acts_in().filter(|_| self.service == IDENTITY) else {
            return true;
        };
        let mut owners = OWN_COLLECTIONS.iter();
        let owner = owners.find(|(_, own)| collection.ends_with(own));
        template.begins_literally() && owner.is_none_or(|(kind, _)| *kind == &*self.name)
    }

    /// What is declared more often than any object could need: the runner looks at each for every thing.
    fn too_much(&self) -> Option<&'static str> {
        let Effects {
            takes,
            taken_by,
            made_for,
            holds,
            shared_if,
            refused_if,
            hidden_states,
            beside,
            ..
        } = &self.effects;
        let counts = [
            ("name fields", self.fields.names.len()),
            ("owner fields", self.owners.len()),
            ("kinds to wait for", self.after.len()),
            ("requests", self.requests.len()),
            ("paths to read", self.reads.len()),
            ("members to see", self.sees.len()),
            ("failed states", self.failed_states.len()),
            ("kinds that it takes along", takes.len()),
            ("kinds that take it along", taken_by.len() + made_for.len()),
            ("kinds that it holds", holds.len()),
            ("signs", shared_if.len() + refused_if.len()),
            ("hidden states", hidden_states.len()),
            ("words on what goes beside it", beside.len()),
        ];
        let mut counts = counts.into_iter();
        counts.find_map(|(what, count)| (count > DECLARED_MAX).then_some(what))
    }

    /// What this declaration asks for beyond the ordinary, in words. It is refused unless the operator allows it.
    pub fn unusual(&self) -> Vec<String> {
        let last = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let collections = self.requests.iter().filter_map(Template::acts_in);
        let collections: BTreeSet<String> = collections.collect();
        let mut unusual = Vec::new();
        let id = last(&self.fields.id);
        let is_known = ID_FIELDS.contains(&id.as_str()) || id.ends_with("_ref");
        let is_known = is_known || self.goes_by_link();
        if !id.is_empty() && !is_known && !is_called_after(&id, &collections) {
            unusual.push(format!(
                "{} takes its id from {}",
                self.name, self.fields.id
            ));
        }
        let is_ordinary = |pointer: &&String| {
            **pointer == self.fields.id || NAME_FIELDS.contains(&last(pointer).as_str())
        };
        for pointer in self
            .fields
            .names
            .iter()
            .filter(|pointer| !is_ordinary(pointer))
        {
            unusual.push(format!(
                "{} takes its name from {pointer}, and names are in fields such as {}",
                self.name,
                NAME_FIELDS.join(", ")
            ));
        }
        let project = last(&self.fields.project);
        let project = project.rsplit(':').next().unwrap_or_default();
        if !project.is_empty() && !PROJECT_FIELDS.contains(&project) {
            unusual.push(format!(
                "{} takes its project from {}",
                self.name, self.fields.project
            ));
        }
        if collections.len() > 1 {
            let collections: Vec<String> = collections.into_iter().collect();
            let collections = collections.join(" and ");
            unusual.push(format!("{} acts in {collections}", self.name));
        }
        let takes_from_owner = |template: &&Template| {
            let at = template.takes_away_at();
            at.is_some_and(|at| self.owners.iter().any(|owner| owner.at == at))
        };
        let others = self.requests.iter().filter(|it| it.acts_on_another());
        for template in others.filter(|it| !takes_from_owner(it)) {
            unusual.push(format!(
                "{} acts on another thing, and not to be taken away from an owner: {template}",
                self.name
            ));
        }
        for template in self.requests.iter().filter(|it| it.goes_on_unknown()) {
            unusual.push(format!(
                "{} goes on behind the thing's id with what the object says: {template}",
                self.name
            ));
        }
        unusual.extend(self.unusual_places());
        unusual.extend(self.unusual_owners());
        unusual
    }
}

pub(super) fn is_kind_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.len() <= 100
        && name
            .split_once('.')
            .is_some_and(|(service, resource)| word(service) && word(resource))
}

/// Whether a field is called after what the collections hold: `alarm_id`, of what is deleted from `/v2/alarms/`.
fn is_called_after(field: &str, collections: &BTreeSet<String>) -> bool {
    let Some(stem) = field.strip_suffix("_id").filter(|stem| !stem.is_empty()) else {
        return false;
    };
    let end = format!("/{stem}s/");
    !collections.is_empty() && collections.iter().all(|it| it.ends_with(&end))
}

fn is_field(pointer: &str) -> bool {
    let Some(steps) = pointer.strip_prefix('/') else {
        return false;
    };
    let steps: Vec<&str> = steps.split('/').collect();
    steps.len() <= 2 && steps.iter().all(|step| !step.is_empty() && *step != "*")
}
