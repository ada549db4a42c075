"""A full listing of a cloud, all projects, all users, all kinds that matter: the oracle of the tests.

    listing.py          prints kind, id, project and name of everything, sorted: made to be diffed

Asks the services plainly, page by page, and shares nothing with what is tested. A listing that fails is an
error: a half-seen cloud would prove anything.
"""

import concurrent.futures
import dataclasses
import urllib.parse

import openstack

# What changes in a thing that nobody touches.
VOLATILE = {"updated_at", "updated", "revision_number", "links", "progress", "OS-EXT-STS:task_state", "locked_reason"}
# Where a thing says whose it is. Several fields may be there; the first that is filled counts.
PROJECT_FIELDS = ("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id", "owner")


@dataclasses.dataclass(frozen=True, order=True)
class Thing:
    kind: str
    id: str
    project: str
    name: str


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one kind is listed: where, under which key, and by which field a thing is known."""

    name: str
    path: str
    key: str
    id: str = "id"
    microversion: str | None = None
    wrapped: str | None = None


ALL = "all_tenants=1"
KINDS = {
    "network": [
        Kind("network.network", "/networks", "networks"),
        Kind("network.subnet", "/subnets", "subnets"),
        Kind("network.port", "/ports", "ports"),
        Kind("network.router", "/routers", "routers"),
        Kind("network.floating-ip", "/floatingips", "floatingips"),
        Kind("network.security-group", "/security-groups", "security_groups"),
        Kind("network.security-group-rule", "/security-group-rules", "security_group_rules"),
        Kind("network.trunk", "/trunks", "trunks"),
        Kind("network.subnet-pool", "/subnetpools", "subnetpools"),
        Kind("network.address-scope", "/address-scopes", "address_scopes"),
        Kind("network.address-group", "/address-groups", "address_groups"),
        Kind("network.qos-policy", "/qos/policies", "policies"),
        Kind("network.rbac-policy", "/rbac-policies", "rbac_policies"),
    ],
    "image": [
        Kind("image.image", "/images?visibility=all&limit=200", "images"),
        Kind("image.image", "/images?visibility=all&limit=200&os_hidden=true", "images"),
    ],
    "block-storage": [
        Kind("block-storage.volume", f"/volumes/detail?{ALL}", "volumes"),
        Kind("block-storage.snapshot", f"/snapshots/detail?{ALL}", "snapshots"),
        Kind("block-storage.backup", f"/backups/detail?{ALL}", "backups"),
        Kind("block-storage.transfer", f"/volume-transfers/detail?{ALL}", "transfers", microversion="3.55"),
        Kind("block-storage.group", f"/groups/detail?{ALL}", "groups", microversion="3.13"),
        Kind("block-storage.group-snapshot", f"/group_snapshots/detail?{ALL}", "group_snapshots", microversion="3.14"),
        Kind("block-storage.group-type", "/group_types?is_public=None", "group_types", microversion="3.11"),
        Kind("block-storage.type", "/types?is_public=None", "volume_types"),
        Kind("block-storage.qos-specs", "/qos-specs", "qos_specs"),
    ],
    "compute": [
        Kind("compute.server", f"/servers/detail?{ALL}", "servers", microversion="2.90"),
        Kind("compute.server-group", "/os-server-groups?all_projects=True", "server_groups", microversion="2.64"),
        Kind("compute.flavor", "/flavors/detail?is_public=None", "flavors", microversion="2.61"),
        Kind("compute.aggregate", "/os-aggregates", "aggregates"),
    ],
    "identity": [
        Kind("identity.project", "/projects", "projects"),
        Kind("identity.user", "/users", "users"),
        Kind("identity.role", "/roles", "roles"),
        Kind("identity.group", "/groups", "groups"),
        Kind("identity.domain", "/domains", "domains"),
        Kind("identity.service", "/services", "services"),
        Kind("identity.endpoint", "/endpoints", "endpoints"),
        Kind("identity.credential", "/credentials", "credentials"),
    ],
}


class Snapshot:
    """What was there at one moment: things, and the state of each."""

    def __init__(self, states):
        self.states = states

    def __sub__(self, other):
        return set(self.states) - set(other.states)

    def __len__(self):
        return len(self.states)

    def ids(self):
        return {thing.id for thing in self.states}

    def changed_in(self, other):
        """Things of both snapshots that do not look the same, with the fields that differ."""
        both = self.states.keys() & other.states.keys()
        return {
            thing: fields for thing in both if (fields := differing_fields(self.states[thing], other.states[thing]))
        }


def differing_fields(before, after):
    fields = (before.keys() | after.keys()) - VOLATILE
    return {
        field: (before.get(field), after.get(field))
        for field in fields
        if in_order(before.get(field)) != in_order(after.get(field))
    }


def in_order(value):
    """Lists in an answer are sets, in whatever order the database found them."""
    return sorted(value, key=repr) if isinstance(value, list) else value


def take(cloud):
    """Lists everything that an administrator's connection can see."""
    users = list(pages(cloud, "identity", Kind("identity.user", "/users", "users")))
    wanted = [(service, kind) for service, kinds in KINDS.items() for kind in kinds]
    wanted += [job for user in users for job in kinds_of_user(user["id"])]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        listed = pool.map(lambda job: list(read(cloud, *job)), wanted)
        return Snapshot({thing: state for batch in listed for thing, state in batch})


def kinds_of_user(user):
    """What each user has, and what no listing of the whole cloud shows."""
    credentials = f"/users/{user}/application_credentials"
    yield "identity", Kind("identity.application-credential", credentials, "application_credentials")
    keys = Kind(
        "compute.keypair", f"/os-keypairs?user_id={user}", "keypairs", id="name", microversion="2.10", wrapped="keypair"
    )
    yield "compute", keys


def read(cloud, service, kind):
    for item in pages(cloud, service, kind):
        item = item[kind.wrapped] if kind.wrapped else item
        identity = str(item[kind.id])
        if kind.name == "compute.keypair":  # a key's name is unique for its user only
            identity = f"{kind.path.rpartition('=')[2]}/{identity}"
        project = next((item[key] for key in PROJECT_FIELDS if item.get(key)), "")
        yield Thing(kind.name, identity, project, item.get("name") or ""), item


def pages(cloud, service, kind):
    """All items of all pages. Follows both ways in which the services name the next page."""
    adapter = getattr(cloud, service.replace("-", "_"))
    path = kind.path
    while path:
        answer = adapter.get(path, microversion=kind.microversion)
        answer.raise_for_status()
        body = answer.json()
        yield from body[kind.key]
        path = next_page(body, kind)


def next_page(body, kind):
    links = body.get(f"{kind.key}_links", [])
    url = body.get("next") or next((link["href"] for link in links if link["rel"] == "next"), None)
    if not url:
        return None
    return f"{kind.path.partition('?')[0]}?{urllib.parse.urlsplit(url).query}"


def main():
    for thing in sorted(take(openstack.connect(cloud="admin")).states):
        print(thing.kind, thing.id, thing.project or "-", repr(thing.name), sep="\t")


if __name__ == "__main__":
    main()
