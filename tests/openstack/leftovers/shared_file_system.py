"""Manila: shares with snapshots, in groups, on offer, in the recycle bin; share networks; security services; types."""

from leftovers.rest import settled

SERVICE = "shared-file-system"
MICROVERSION = "2.77"
SPECS = {"driver_handles_share_servers": "false", "snapshot_support": "true"}


def manila_of(unit):
    return unit.rest(SERVICE, MICROVERSION)


def prepare(seeding):
    """A type of shares that can have snapshots, and one of groups of them: the cloud's own type can do neither."""
    manila = seeding.rest(SERVICE, MICROVERSION)
    name = seeding.prefix + "-shares"
    seeding.share_type = make_type(manila, name)
    seeding.group_type = make_group_type(manila, name, seeding.share_type)
    seeding.manifest.add("shared-file-system.share-type", seeding.share_type, None, "cloud", name=name)
    seeding.manifest.add("shared-file-system.group-type", seeding.group_type, None, "cloud", name=name)


def make_type(manila, name):
    body = {"name": name, "share_type_access:is_public": True, "extra_specs": SPECS}
    return manila.post("/types", {"share_type": body})["share_type"]["id"]


def make_group_type(manila, name, share_type):
    body = {"name": name, "is_public": True, "share_types": [share_type]}
    return manila.post("/share-group-types", {"share_group_type": body})["share_group_type"]["id"]


def make(unit):
    manila = manila_of(unit)
    share_type, group_type = unit.seeding.share_type, unit.seeding.group_type
    types = {"share_group_type_id": group_type, "share_types": [share_type]}
    group = make_one(unit, manila, "share-groups", "share-group", **types)
    plain, offered, binned = (ask_for_share(unit, manila, word, share_type) for word in ("share", "offered", "binned"))
    grouped = ask_for_share(unit, manila, "grouped", share_type, share_group_id=group)
    for share in (plain, offered, binned, grouped):
        wait(manila, "shares", share)
    make_one(unit, manila, "snapshots", "snapshot", share_id=plain)
    make_one(unit, manila, "share-group-snapshots", "group-snapshot", share_group_id=group)
    name = unit.name("transfer")
    transfer = manila.post("/share-transfers", {"transfer": {"share_id": offered, "name": name}})["transfer"]
    unit.add("shared-file-system.transfer", transfer["id"], name=name)
    manila.post(f"/shares/{binned}/action", {"soft_delete": None})
    make_share_network(unit, manila)
    unit.share = plain


# What Manila calls one of each collection.
KEYS = {
    "shares": "share",
    "snapshots": "snapshot",
    "share-groups": "share_group",
    "share-group-snapshots": "share_group_snapshot",
}


def make_one(unit, manila, collection, word, **attributes):
    key, name = KEYS[collection], unit.name(word)
    identity = manila.post(f"/{collection}", {key: {"name": name, **attributes}})[key]["id"]
    unit.add(f"shared-file-system.{word}", identity, name=name)
    wait(manila, collection, identity)
    return identity


def ask_for_share(unit, manila, word, share_type, **attributes):
    name = unit.name(word)
    body = {"name": name, "size": 1, "share_proto": "NFS", "share_type": share_type, **attributes}
    share = manila.post("/shares", {"share": body})["share"]["id"]
    unit.add("shared-file-system.share", share, name=name)
    return share


def wait(manila, collection, identity):
    path, key = f"/{collection}/{identity}", KEYS[collection]
    settled(path, lambda: manila.get(path)[key]["status"], "available")


def make_share_network(unit, manila):
    """With a second subnet, since one alone would go with it, and a security service that it uses."""
    where = {"neutron_net_id": unit.network.id, "neutron_subnet_id": unit.subnets[0].id}
    name = unit.context_name("share-net")
    network = manila.post("/share-networks", {"share_network": {"name": name, **where}})["share_network"]["id"]
    unit.add("shared-file-system.share-network", network, name=name)
    body = {"share-network-subnet": {**where, "availability_zone": "nova"}}
    manila.post(f"/share-networks/{network}/subnets", body)
    why = f"belongs to shared-file-system.share-network {network}"
    for subnet in manila.get(f"/share-networks/{network}/subnets")["share_network_subnets"]:
        unit.add("shared-file-system.share-network-subnet", subnet["id"], why=why)
    name = unit.name("ldap")
    body = {"name": name, "type": "ldap", "dns_ip": "10.0.0.1", "domain": "example"}
    service = manila.post("/security-services", {"security_service": body})["security_service"]["id"]
    unit.add("shared-file-system.security-service", service, name=name)
    manila.post(f"/share-networks/{network}/action", {"add_security_service": {"security_service_id": service}})


def make_as_admin(unit):
    """Types in use by a share and a group."""
    manila = manila_of(unit)
    name = unit.name("type")
    share_type = make_type(manila, name)
    unit.add("shared-file-system.share-type", share_type, name=name)
    name = unit.name("group-type")
    group_type = make_group_type(manila, name, share_type)
    unit.add("shared-file-system.group-type", group_type, name=name)
    wait(manila, "shares", ask_for_share(unit, manila, "share", share_type))
    make_one(unit, manila, "share-groups", "share-group", share_group_type_id=group_type, share_types=[share_type])


def entangle(unit, tenant):
    """A tenant's snapshot of the task's share, and a share of a tenant's that has the task's type."""
    manila = manila_of(unit)
    share = ask_for_share(unit, manila, "share", unit.seeding.share_type)
    wait(manila, "shares", share)
    body = {"snapshot": {"share_id": share, "name": "nightly"}}
    snapshot = manila.post("/snapshots", body)["snapshot"]["id"]
    wait(manila, "snapshots", snapshot)
    unit.keep("shared-file-system.snapshot", snapshot, why="the tenant's own, of a task's share")
    unit.hold("shared-file-system.share", share, snapshot)
    name = unit.name("type")
    share_type = make_type(unit.seeding.rest(SERVICE, MICROVERSION), name)
    unit.add("shared-file-system.share-type", share_type, name=name)
    body = {"name": "prod-share", "size": 1, "share_proto": "NFS", "share_type": share_type}
    kept = manila.post("/shares", {"share": body})["share"]["id"]
    wait(manila, "shares", kept)
    unit.keep("shared-file-system.share", kept, why="the tenant's own, of a task's type")
    unit.hold("shared-file-system.share-type", share_type, kept)
