//! In which collections a kind's requests act, and by which members its things are tied to others.
//!
//! Names are a tenant's to give. So none may say in which collection a request acts, whose parent is in it, or who is whose owner:
//! a key pair called `servers` would be the parent of all servers, and one called `ACTIVE` the owner of what has that state.

use super::check::{NAME_FIELDS, PROJECT_FIELDS};
use super::{Kind, without_version};
use crate::resource::{DOMAIN_KIND, PROJECT_KIND, Template, USER_KIND};

/// The service whose collections are its containers, each called as its tenant likes.
const OBJECT_STORE: &str = "object-store";

/// Collections that have the object's name for a thing in them, each with its service.
const NAMED_BY_OBJECT: &[(&str, &str)] = &[
    // Heat takes a stack by its name and its id, and refuses if they are not of one stack.
    ("orchestration", "/stacks/{/stack_name}/"),
];

/// How members end that hold another thing's id.
const REFERENCES: &[&str] = &["id", "ids", "uuid", "uuids", "ref", "refs", "href", "hrefs"];

/// Members that hold an owner's id and are called otherwise, by service, with the owner's kind.
const OWNERS_OTHERWISE: &[(&str, &str, &str)] = &[
    ("block-storage", "/instance", "compute.server"),
    // What Cinder, Octavia and the former Neutron load balancer make has its owner's id in its name, behind a prefix.
    ("block-storage", "/name", "image.image"),
    ("network", "/name", "load_balancer.amphora"),
    ("network", "/name", "network.lb_vip"),
    ("network", "/egress", "network.port"),
    ("network", "/ingress", "network.port"),
    ("reservation", "/hypervisor_hostname", "baremetal.node"),
];

impl Kind {
    /// A request whose collection only a thing says: its path has nothing literal behind the version.
    pub(super) fn placeless(&self) -> Option<&Template> {
        let mut requests = self.requests.iter();
        requests.find(|it| self.service != OBJECT_STORE && !it.begins_literally())
    }

    /// What is unusual about where its requests act.
    pub(super) fn unusual_places(&self) -> Vec<String> {
        let of = |is: &dyn Fn(&Template) -> bool, what: &str| -> Vec<String> {
            let found = self.requests.iter().filter(|it| is(it));
            found
                .map(|it| format!("{} {what}: {it}", self.name))
                .collect()
        };
        [
            of(
                &|it| !it.acts_in_the_open() && !self.is_known_collection(it),
                "acts in a collection that only a thing says",
            ),
            of(
                &|it| it.says_its_query(),
                "sets a parameter that only the object says",
            ),
        ]
        .concat()
    }

    fn is_known_collection(&self, template: &Template) -> bool {
        let collection = template.acts_in().unwrap_or_default();
        let at = (self.service.as_str(), without_version(&collection));
        NAMED_BY_OBJECT.contains(&at)
            || self.service == OBJECT_STORE && template.is_name_below_parent()
    }

    /// What is unusual about the members that hold owners' ids, and about what gives its one thing an id.
    pub(super) fn unusual_owners(&self) -> Vec<String> {
        let owners = self.owners.iter();
        let owners = owners.filter(|owner| !self.is_owner_field(&owner.at, &owner.kind));
        let mut unusual: Vec<String> = owners
            .map(|owner| format!("{} takes its {} from {}", self.name, owner.kind, owner.at))
            .collect();
        let known = [PROJECT_KIND, DOMAIN_KIND, USER_KIND];
        let parent = self.reach.parent().filter(|_| self.fields.id.is_empty());
        unusual.extend(parent.filter(|it| !known.contains(&&***it)).map(|parent| {
            format!(
                "{} goes by the id of a {parent}, and what has no id of its own goes by that of a project, domain or user",
                self.name
            )
        }));
        unusual
    }

    /// Whether a member may hold an owner's id, by what it is called and by what else it is.
    fn is_owner_field(&self, at: &str, owner: &str) -> bool {
        if OWNERS_OTHERWISE.contains(&(self.service.as_str(), at, owner)) {
            return true;
        }
        let fields = &self.fields;
        let own = [&fields.id, &fields.created_at, &fields.status, &fields.tags];
        let is_own = own.into_iter().chain(&fields.names).any(|own| own == at);
        let mut steps = at.split('/').filter(|it| *it != "*");
        let last = steps.next_back().unwrap_or_default();
        let is_project = PROJECT_FIELDS.contains(&last) || at == fields.project;
        let is_name = NAME_FIELDS.contains(&last) || last == "tags" || last == "status";
        let word = last.rsplit(['_', '-']).next().unwrap_or_default();
        let is_reference = REFERENCES.contains(&word) || last.ends_with("Id");
        let is_reference = is_reference || is_called_after_owner(at, owner);
        is_reference && !is_own && !is_name && (!is_project || owner == PROJECT_KIND)
    }

    /// What of it does not fit the kinds to which it ties its things. `known` finds a kind by its name; what is not known is never
    /// listed, and ties nothing.
    pub fn unusual_ties<'a>(&self, known: &dyn Fn(&str) -> Option<&'a Self>) -> Vec<String> {
        let by_name = self.owners.iter().filter(|owner| {
            let goes_by_name = known(&owner.kind).is_some_and(Self::goes_by_name);
            goes_by_name && !is_called_after_owner(&owner.at, &owner.kind)
        });
        let by_name = by_name.map(|owner| {
            format!(
                "{} takes its {} from {}, and things of that kind go by names, which are their tenants' to give",
                self.name, owner.kind, owner.at
            )
        });
        let parent = self.reach.parent().and_then(|it| known(it));
        let through = self.requests.iter().filter(|template| {
            let collection = template.parents_collection();
            let parent = parent.filter(|_| collection.is_some());
            parent.is_some_and(|it| !self.is_beside(it, &collection.unwrap_or_default()))
        });
        let through = through.map(|template| {
            format!(
                "{} leads through a parent, and not where that is: {template}",
                self.name
            )
        });
        by_name.chain(through).collect()
    }

    /// Whether things of a kind are in this collection of its own service.
    fn is_beside(&self, parent: &Self, collection: &str) -> bool {
        let own = parent.requests.iter().filter_map(Template::acts_in);
        let mut own = own.filter(|_| parent.service == self.service);
        own.any(|own| without_version(&own) == without_version(collection))
    }
}

/// Whether a member is called after its owner's kind: `/server_id`, `/queue_name`, `/group/id`, `/pools/*/id`.
fn is_called_after_owner(at: &str, owner: &str) -> bool {
    let (_, resource) = owner.split_once('.').unwrap_or_default();
    let steps: Vec<&str> = at.split('/').filter(|it| *it != "*").collect();
    let (last, before) = match steps.as_slice() {
        [.., before, last] => (*last, *before),
        _ => return false,
    };
    let is_end = |end: &str| REFERENCES.contains(&end) || ["name", "names"].contains(&end);
    let stem = match last.rsplit_once('_') {
        Some((stem, end)) if is_end(end) => stem,
        _ if is_end(last) => before,
        _ => last,
    };
    let is = |stem: &str| stem == resource || stem.ends_with(&format!("_{resource}"));
    is(stem) || stem.strip_suffix('s').is_some_and(is)
}

#[cfg(test)]
mod tests {
    use super::super::tests::ports;
    use super::*;
    use crate::resource::{OwnerField, Reach};

    fn with(service: &str, requests: &[&str]) -> Kind {
        let requests = requests.iter().map(|it| Template::parse(it).unwrap());
        Kind {
            service: service.to_owned(),
            requests: requests.collect(),
            ..ports()
        }
    }

    #[test]
    fn a_collection_that_a_thing_says_is_refused_or_unusual() {
        for (service, request, is_refused, is_unusual) in [
            ("network", "DELETE /v2.0/ports/{id}", false, false),
            ("network", "DELETE /{parent}/{id}", true, true),
            ("network", "DELETE /v2.0/{parent}/{id}", true, true),
            ("network", "DELETE /{project}/ports/{id}", true, false),
            ("network", "DELETE /v2.0/{id}", true, false),
            ("network", "DELETE /v2.0/lbaas/{parent}/{id}", false, true),
            ("workflow", "DELETE /v2/{/tags/0}/{id}", true, true),
            ("image", "DELETE /v2/images/none/{/name}/{id}", false, true),
            (
                "image",
                "DELETE /v2/images/{id}?{/how}={/value}",
                false,
                true,
            ),
            ("image", "DELETE /v2/images/{id}?how={/value}", false, false),
            ("dns", "DELETE /v2/zones/{parent}/shares/{id}", false, false),
            ("object-store", "DELETE /{id}", false, false),
            ("object-store", "DELETE /{parent}/{id}", false, false),
            ("object-store", "DELETE /{/x}/{id}", false, true),
            (
                "orchestration",
                "DELETE /stacks/{/stack_name}/{id}",
                false,
                false,
            ),
            ("orchestration", "DELETE /stacks/{/x}/{id}", false, true),
            ("compute", "DELETE /stacks/{/stack_name}/{id}", false, true),
        ] {
            let kind = with(service, &[request]);
            assert_eq!(
                kind.placeless().is_some(),
                is_refused,
                "{service} {request}"
            );
            let unusual = kind.unusual_places();
            assert_eq!(
                !unusual.is_empty(),
                is_unusual,
                "{service} {request} {unusual:?}"
            );
        }
    }

    #[test]
    fn an_owners_id_is_in_a_member_that_is_called_so() {
        for (service, at, owner, is_fit) in [
            ("network", "/device_id", "network.router", true),
            (
                "network",
                "/attachments/*/server_id",
                "compute.server",
                true,
            ),
            ("network", "/instance_uuid", "compute.server", true),
            (
                "network",
                "/secret_refs/*/secret_ref",
                "key_manager.secret",
                true,
            ),
            ("network", "/logical_source_port", "network.port", true),
            ("network", "/scope/project/id", "identity.project", true),
            ("network", "/project_id", "identity.project", true),
            ("network", "/project_id", "compute.keypair", false),
            ("network", "/tenant_id", "compute.keypair", false),
            ("network", "/status", "compute.keypair", false),
            ("network", "/name", "compute.keypair", false),
            ("network", "/description", "compute.keypair", false),
            ("network", "/tags/*", "compute.keypair", false),
            ("network", "/id", "compute.keypair", false),
            ("network", "/flavor", "compute.server", false),
            ("network", "/egress", "network.port", true),
            ("network", "/egress", "compute.server", false),
            ("compute", "/egress", "network.port", false),
            ("network", "/name", "load_balancer.amphora", true),
        ] {
            let kind = Kind {
                owners: vec![OwnerField {
                    kind: owner.into(),
                    at: at.to_owned(),
                }],
                ..with(service, &["DELETE /v2.0/ports/{id}"])
            };
            let unusual = kind.unusual_owners();
            assert_eq!(unusual.is_empty(), is_fit, "{service} {at} {owner}");
        }
    }

    #[test]
    fn what_has_no_id_goes_by_that_of_a_project_domain_or_user() {
        for (parent, is_fit) in [
            ("identity.project", true),
            ("identity.user", true),
            ("compute.keypair", false),
            ("image.image", false),
        ] {
            let mut kind = with("compute", &["DELETE /servers/{id}"]);
            kind.fields.id.clear();
            kind.reach = Reach::UnderDeleted(parent.into());
            assert_eq!(kind.unusual_owners().is_empty(), is_fit, "{parent}");
        }
    }

    #[test]
    fn a_tie_to_what_goes_by_a_name_is_called_so_and_a_parent_is_where_it_is() {
        let mut keypair = with("compute", &["DELETE /os-keypairs/{id}?user_id={parent}"]);
        keypair.name = "compute.keypair".into();
        keypair.fields.id = "/keypair/name".to_owned();
        let mut zone = with("dns", &["DELETE /v2/zones/{id}"]);
        zone.name = "dns.zone".into();
        let find = |name: &str| [&keypair, &zone].into_iter().find(|it| &*it.name == name);
        let owned = |owner: &str, at: &str| Kind {
            owners: vec![OwnerField {
                kind: owner.into(),
                at: at.to_owned(),
            }],
            ..with("compute", &["DELETE /servers/{id}"])
        };
        for (owner, at, is_fit) in [
            ("compute.keypair", "/flavor_id", false),
            ("compute.keypair", "/keypair_name", true),
            ("dns.zone", "/flavor_id", true),
            ("unknown.kind", "/flavor_id", true),
        ] {
            let kind = owned(owner, at);
            assert_eq!(kind.unusual_ties(&find).is_empty(), is_fit, "{owner} {at}");
        }
        for (service, parent, request, is_fit) in [
            (
                "dns",
                "dns.zone",
                "DELETE /v2/zones/{parent}/shares/{id}",
                true,
            ),
            (
                "dns",
                "dns.zone",
                "DELETE /zones/{parent}/shares/{id}",
                true,
            ),
            (
                "dns",
                "dns.zone",
                "DELETE /v2/pools/{parent}/shares/{id}",
                false,
            ),
            (
                "compute",
                "dns.zone",
                "DELETE /v2/zones/{parent}/x/{id}",
                false,
            ),
            (
                "dns",
                "compute.keypair",
                "DELETE /v2/zones/{parent}/x/{id}",
                false,
            ),
            (
                "dns",
                "unknown.kind",
                "DELETE /v2/zones/{parent}/x/{id}",
                true,
            ),
        ] {
            let mut kind = with(service, &[request]);
            kind.reach = Reach::UnderDeleted(parent.into());
            let ties = kind.unusual_ties(&find);
            assert_eq!(
                ties.is_empty(),
                is_fit,
                "{service} {parent} {request} {ties:?}"
            );
        }
    }
}
