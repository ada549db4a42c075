"""A full listing of a cloud, all projects, all users, all kinds that matter: the oracle of the tests.

    listing.py          prints kind, id, project and name of everything, sorted: made to be diffed

Asks the services plainly, page by page, and shares nothing with what is tested. A listing that fails is an
error: a half-seen cloud would prove anything.
"""

import concurrent.futures
import dataclasses
import itertools
import time
import urllib.parse

import openstack
from keystoneauth1 import adapter

# What changes in a thing that nobody touches.
VOLATILE = {
    *("updated_at", "updated", "revision_number", "links", "progress", "OS-EXT-STS:task_state", "locked_reason"),
    # Of a zone or a load balancer, and what is below it, while the service still works on what is around it.
    *("serial", "version", "action", "provisioning_status", "operating_status", "records", "age"),
}
# The same, where the field means something elsewhere.
VOLATILE_IN = {
    # A tenant's may have parts of a task's.
    "load-balancer.load-balancer": {"listeners", "pools"},
    "dns.zone": {"status"},
    "dns.recordset": {"status"},
    "object-store.container": {"count", "bytes", "last_modified"},
    "orchestration.stack": {"stack_status_reason"},
    # A project's default one has all its ports.
    "network.firewall-group": {"ports"},
    # Tells what is free in it.
    "network.network-segment-range": {"available", "used"},
    # Counts what was allocated from it.
    "placement.resource-provider": {"generation"},
}
# Where a thing says whose it is. Several fields may be there; the first that is filled counts.
PROJECT_FIELDS = ("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id", "owner", "project", "source_project_id")
NAME_FIELDS = ("name", "stack_name")


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
    key: str | None
    id: str = "id"
    microversion: str | None = None
    wrapped: str | None = None
    headers: dict | None = None
    paged: bool = True
    # Put before the id, where ids are unique within something only.
    within: str = ""


EXTENSION = Kind("network.extension", "/v2.0/extensions", "extensions")
ALL = "all_tenants=1"
ALL_PROJECTS = {"X-Auth-All-Projects": "true"}
# Zaqar wants to know which client asks.
CLIENT = {"Client-ID": "6f726163-6c65-4072-8000-000000000000"}


def manila(name, path, key):
    return Kind(f"shared-file-system.{name}", path, key, microversion="2.77")


def ironic(name, path, key):
    return Kind(f"baremetal.{name}", path, key, id="uuid", microversion="1.97")


def zun(name, key):
    return Kind(f"container.{name}", f"/{key}?all_projects=true", key, id="uuid", microversion="1.40")


def designate(name, path, key):
    return Kind(f"dns.{name}", f"/v2/{path}?limit=max", key, headers=ALL_PROJECTS)


KINDS = {
    "network": [
        Kind("network.network", "/v2.0/networks", "networks"),
        Kind("network.subnet", "/v2.0/subnets", "subnets"),
        Kind("network.port", "/v2.0/ports", "ports"),
        Kind("network.router", "/v2.0/routers", "routers"),
        Kind("network.floating-ip", "/v2.0/floatingips", "floatingips"),
        Kind("network.security-group", "/v2.0/security-groups", "security_groups"),
        Kind("network.security-group-rule", "/v2.0/security-group-rules", "security_group_rules"),
        Kind("network.trunk", "/v2.0/trunks", "trunks"),
        Kind("network.subnet-pool", "/v2.0/subnetpools", "subnetpools"),
        Kind("network.address-scope", "/v2.0/address-scopes", "address_scopes"),
        Kind("network.address-group", "/v2.0/address-groups", "address_groups"),
        Kind("network.qos-policy", "/v2.0/qos/policies", "policies"),
        Kind("network.rbac-policy", "/v2.0/rbac-policies", "rbac_policies"),
    ],
    "image": [
        Kind("image.image", "/v2/images?visibility=all&limit=200", "images"),
        Kind("image.image", "/v2/images?visibility=all&limit=200&os_hidden=true", "images"),
        Kind("image.metadef-namespace", "/v2/metadefs/namespaces", "namespaces", id="namespace"),
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
        Kind("identity.region", "/regions", "regions"),
        Kind("identity.credential", "/credentials", "credentials"),
        Kind("identity.trust", "/OS-TRUST/trusts", "trusts"),
        Kind("identity.registered-limit", "/registered_limits", "registered_limits"),
        Kind("identity.limit", "/limits", "limits"),
        Kind("identity.mapping", "/OS-FEDERATION/mappings", "mappings"),
        Kind("identity.identity-provider", "/OS-FEDERATION/identity_providers", "identity_providers"),
        Kind("identity.service-provider", "/OS-FEDERATION/service_providers", "service_providers"),
        Kind("identity.oauth-consumer", "/OS-OAUTH1/consumers", "consumers"),
    ],
    "orchestration": [
        Kind("orchestration.stack", "/stacks?show_hidden=true", "stacks"),
        Kind("orchestration.software-config", "/software_configs", "software_configs"),
        Kind("orchestration.software-deployment", "/software_deployments", "software_deployments"),
    ],
    "load-balancer": [
        Kind("load-balancer.load-balancer", "/v2.0/lbaas/loadbalancers", "loadbalancers"),
        Kind("load-balancer.listener", "/v2.0/lbaas/listeners", "listeners"),
        Kind("load-balancer.l7-policy", "/v2.0/lbaas/l7policies", "l7policies"),
        Kind("load-balancer.pool", "/v2.0/lbaas/pools", "pools"),
        Kind("load-balancer.health-monitor", "/v2.0/lbaas/healthmonitors", "healthmonitors"),
        Kind("load-balancer.amphora", "/v2.0/octavia/amphorae", "amphorae"),
        Kind("load-balancer.flavor", "/v2.0/lbaas/flavors", "flavors"),
        Kind("load-balancer.flavor-profile", "/v2.0/lbaas/flavorprofiles", "flavorprofiles"),
        Kind("load-balancer.availability-zone", "/v2.0/lbaas/availabilityzones", "availability_zones", id="name"),
        Kind(
            "load-balancer.availability-zone-profile",
            "/v2.0/lbaas/availabilityzoneprofiles",
            "availability_zone_profiles",
        ),
    ],
    "dns": [
        designate("zone", "zones", "zones"),
        designate("recordset", "recordsets", "recordsets"),
        designate("transfer-request", "zones/tasks/transfer_requests", "transfer_requests"),
        designate("import", "zones/tasks/imports", "imports"),
        designate("export", "zones/tasks/exports", "exports"),
        designate("tld", "tlds", "tlds"),
        designate("tsig-key", "tsigkeys", "tsigkeys"),
        designate("blacklist", "blacklists", "blacklists"),
    ],
    "shared-file-system": [
        manila("share", f"/shares/detail?{ALL}", "shares"),
        manila("share", f"/shares/detail?{ALL}&is_soft_deleted=true", "shares"),
        manila("snapshot", f"/snapshots/detail?{ALL}", "snapshots"),
        manila("share-group", f"/share-groups/detail?{ALL}", "share_groups"),
        manila("group-snapshot", f"/share-group-snapshots/detail?{ALL}", "share_group_snapshots"),
        manila("transfer", f"/share-transfers/detail?{ALL}", "transfers"),
        manila("share-network", f"/share-networks/detail?{ALL}", "share_networks"),
        manila("share-server", "/share-servers", "share_servers"),
        manila("security-service", f"/security-services/detail?{ALL}", "security_services"),
        manila("share-type", "/types?is_public=all", "share_types"),
        manila("group-type", "/share-group-types?is_public=all", "share_group_types"),
    ],
    "messaging": [
        Kind("messaging.pool", "/v2/pools?limit=20", "pools", id="name", headers=CLIENT),
    ],
    "infra-optim": [
        Kind("infra-optim.audit-template", "/v1/audit_templates/detail", "audit_templates", id="uuid"),
        Kind("infra-optim.audit", "/v1/audits/detail", "audits", id="uuid"),
        Kind("infra-optim.action-plan", "/v1/action_plans/detail", "action_plans", id="uuid"),
    ],
    "accelerator": [
        Kind("accelerator.device-profile", "/device_profiles", "device_profiles", id="uuid"),
        Kind("accelerator.request", "/accelerator_requests", "arqs", id="uuid"),
    ],
    "placement": [
        Kind("placement.resource-provider", "/resource_providers", "resource_providers", id="uuid"),
        Kind("placement.resource-class", "/resource_classes", "resource_classes", id="name", microversion="1.20"),
    ],
    "baremetal": [
        ironic("node", "/v1/nodes/detail", "nodes"),
        ironic("chassis", "/v1/chassis/detail", "chassis"),
        ironic("port", "/v1/ports/detail", "ports"),
        ironic("portgroup", "/v1/portgroups/detail", "portgroups"),
        ironic("volume-connector", "/v1/volume/connectors?detail=true", "connectors"),
        ironic("volume-target", "/v1/volume/targets?detail=true", "targets"),
        ironic("allocation", "/v1/allocations", "allocations"),
        ironic("deploy-template", "/v1/deploy_templates", "deploy_templates"),
        ironic("runbook", "/v1/runbooks", "runbooks"),
        ironic("inspection-rule", "/v1/inspection_rules", "inspection_rules"),
    ],
    "metric": [
        Kind("metric.metric", "/v1/metric?limit=1000&sort=id:asc", None),
        Kind("metric.resource", "/v1/resource/generic?limit=1000&sort=id:asc", None),
        Kind("metric.archive-policy", "/v1/archive_policy", None, id="name", paged=False),
        Kind("metric.archive-policy-rule", "/v1/archive_policy_rule", None, id="name", paged=False),
        Kind("metric.resource-type", "/v1/resource_type", None, id="name", paged=False),
    ],
    "alarming": [
        Kind(
            "alarming.alarm",
            "/v2/alarms?q.field=all_projects&q.op=eq&q.value=true",
            None,
            id="alarm_id",
            paged=False,
        ),
    ],
    "instance-ha": [
        Kind("instance-ha.segment", "/segments", "segments", id="uuid"),
    ],
    "container-infrastructure-management": [
        Kind("container-infra.cluster", "/clusters/detail", "clusters", id="uuid"),
        Kind("container-infra.cluster-template", "/clustertemplates/detail", "clustertemplates", id="uuid"),
    ],
    "workflow": [
        Kind("workflow.cron-trigger", "/cron_triggers?all_projects=true", "cron_triggers"),
        Kind("workflow.event-trigger", "/event_triggers?all_projects=true", "event_triggers"),
        Kind("workflow.execution", "/executions?all_projects=true", "executions"),
        Kind("workflow.workflow", "/workflows?all_projects=true", "workflows"),
        Kind("workflow.action", "/actions", "actions"),
    ],
    "container": [
        zun("container", "containers"),
        zun("capsule", "capsules"),
        Kind("container.registry", "/registries?all_projects=true", "registries", id="uuid", microversion="1.40"),
    ],
    # Whatever the project of an administrator's token is.
    "database": [
        Kind("database.configuration", "/configurations", "configurations"),
    ],
    "reservation": [
        Kind("reservation.lease", "/leases", "leases"),
        Kind("reservation.floating-ip", "/floatingips", "floatingips"),
        Kind("reservation.host", "/os-hosts", "hosts"),
    ],
}
# What Neutron has only with an extension of this alias loaded: path, and the key where it is not the path's end.
KINDS_OF_EXTENSION = {
    "metering": {"metering-label": "metering/metering-labels metering_labels"},
    "segment": {"segment": "segments"},
    "network-segment-range": {"network-segment-range": "network_segment_ranges"},
    "flavors": {"flavor": "flavors", "service-profile": "service_profiles"},
    "local_ip": {"local-ip": "local_ips"},
    "logging": {"log": "log/logs"},
    "l3-ndp-proxy": {"ndp-proxy": "ndp_proxies"},
    "bgp": {"bgp-speaker": "bgp-speakers bgp_speakers", "bgp-peer": "bgp-peers bgp_peers"},
    "sfc": {
        "sfc-port-pair": "sfc/port_pairs",
        "sfc-port-pair-group": "sfc/port_pair_groups",
        "sfc-port-chain": "sfc/port_chains",
    },
    "service_graph": {"sfc-service-graph": "sfc/service_graphs"},
    "flow_classifier": {"sfc-flow-classifier": "sfc/flow_classifiers"},
    "vpnaas": {
        "vpn-ike-policy": "vpn/ikepolicies",
        "vpn-ipsec-policy": "vpn/ipsecpolicies",
        "vpn-service": "vpn/vpnservices",
        "vpn-ipsec-site-connection": "vpn/ipsec-site-connections ipsec_site_connections",
    },
    "vpn-endpoint-groups": {"vpn-endpoint-group": "vpn/endpoint-groups endpoint_groups"},
    "fwaas_v2": {
        "firewall-group": "fwaas/firewall_groups",
        "firewall-policy": "fwaas/firewall_policies",
        "firewall-rule": "fwaas/firewall_rules",
    },
    "bgpvpn": {"bgpvpn": "bgpvpn/bgpvpns"},
    "taas": {"tap-service": "taas/tap_services", "tap-flow": "taas/tap_flows"},
    "tap-mirror": {"tap-mirror": "taas/tap_mirrors"},
}
# What no listing of the whole cloud shows, and who is in a project sees.
KINDS_OF_PROJECT = {
    "object-store": [Kind("object-store.container", "?format=json", None, id="name")],
    "key-manager": [
        Kind("key-manager.secret", "/v1/secrets?limit=100", "secrets", id="secret_ref"),
        Kind("key-manager.container", "/v1/containers?limit=100", "containers", id="container_ref"),
        Kind("key-manager.order", "/v1/orders?limit=100", "orders", id="order_ref"),
    ],
    "workflow": [
        Kind("workflow.workbook", "/workbooks", "workbooks", id="name"),
        Kind("workflow.environment", "/environments", "environments", id="name"),
    ],
    "database": [
        Kind("database.instance", "/instances", "instances"),
    ],
    "messaging": [
        Kind("messaging.queue", "/v2/queues?limit=20", "queues", id="name", headers=CLIENT),
        Kind("messaging.flavor", "/v2/flavors?limit=20", "flavors", id="name", headers=CLIENT),
    ],
}
# What is listed below something else: for each kind of parent, the path, with the parent's id in it.
KINDS_BELOW = {
    "identity.domain": ("identity", Kind("identity.domain-role", "/roles?domain_id={}", "roles")),
    "identity.identity-provider": (
        "identity",
        Kind("identity.protocol", "/OS-FEDERATION/identity_providers/{}/protocols", "protocols"),
    ),
    "load-balancer.pool": ("load-balancer", Kind("load-balancer.member", "/v2.0/lbaas/pools/{}/members", "members")),
    "dns.zone": ("dns", Kind("dns.zone-share", "/v2/zones/{}/shares", "shared_zones", headers=ALL_PROJECTS)),
    "shared-file-system.share-network": (
        "shared-file-system",
        manila("share-network-subnet", "/share-networks/{}/subnets", "share_network_subnets"),
    ),
    "messaging.queue": (
        "messaging",
        Kind("messaging.subscription", "/v2/queues/{}/subscriptions", "subscriptions", headers=CLIENT),
    ),
    "instance-ha.segment": ("instance-ha", Kind("instance-ha.host", "/segments/{}/hosts", "hosts", id="uuid")),
    "object-store.container": ("object-store", Kind("object-store.object", "/{}?format=json", None, id="name")),
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
            thing: fields
            for thing in both
            if (fields := differing_fields(thing.kind, self.states[thing], other.states[thing]))
        }


def differing_fields(kind, before, after):
    fields = (before.keys() | after.keys()) - VOLATILE - VOLATILE_IN.get(kind, set())
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
    services = {service.type for service in cloud.identity.services()}
    # Nobody is given a token for a project that is disabled.
    users, projects = ids_of(cloud, "users"), ids_of(cloud, "projects?enabled=true")
    wanted = [(kind, client(cloud, service), "") for service, kind in running(KINDS, services)]
    wanted += [(kind, client(cloud, "network"), "") for kind in kinds_of_extensions(cloud)]
    wanted += [(kind, client(cloud, service), "") for user in users for service, kind in kinds_of_user(user)]
    inside = list(running(KINDS_OF_PROJECT, services))
    clouds = {project: in_project(cloud, project) for project in projects} if inside else {}
    wanted += [(kind, client(each, service), project) for project, each in clouds.items() for service, kind in inside]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        states = dict(itertools.chain.from_iterable(pool.map(lambda job: list(read(*job)), wanted)))
        below = [job for thing in states for job in kinds_below(thing, cloud, clouds)]
        states.update(itertools.chain.from_iterable(pool.map(lambda job: list(read(*job)), below)))
        return Snapshot(states)


def ids_of(cloud, collection):
    kind = Kind(f"identity.{collection}", f"/{collection}", collection.partition("?")[0])
    return [item["id"] for item in pages(kind, client(cloud, "identity"))]


def running(table, services):
    """(service, kind) of each kind in a table whose service is there."""
    return ((service, kind) for service, kinds in table.items() if service in services for kind in kinds)


def kinds_of_extensions(cloud):
    """What this Neutron has beyond its core."""
    loaded = {extension["alias"] for extension in pages(EXTENSION, client(cloud, "network"))}
    for alias in KINDS_OF_EXTENSION.keys() & loaded:
        for name, where in KINDS_OF_EXTENSION[alias].items():
            path, _, key = where.partition(" ")
            yield Kind(f"network.{name}", f"/v2.0/{path}", key or path.rpartition("/")[2])


def kinds_of_user(user):
    """What each user has, and what no listing of the whole cloud shows."""
    credentials = f"/users/{user}/application_credentials"
    yield "identity", Kind("identity.application-credential", credentials, "application_credentials")
    path = f"/os-keypairs?user_id={user}"
    # A key's name is unique for its user only.
    keypair = Kind("compute.keypair", path, "keypairs", id="name", microversion="2.10", wrapped="keypair")
    yield "compute", dataclasses.replace(keypair, within=f"{user}/")


def kinds_below(thing, cloud, clouds):
    """What has to be listed below a thing, and with whose eyes."""
    if below := KINDS_BELOW.get(thing.kind):
        service, kind = below
        project = thing.project if service in KINDS_OF_PROJECT else ""
        parent = urllib.parse.quote(thing.id, safe="")
        within = f"{thing.id}/" if service == "object-store" else ""
        kind = dataclasses.replace(kind, path=kind.path.format(parent), within=within)
        yield kind, client(clouds.get(project, cloud), service), project


def in_project(cloud, project):
    """The administrator, with a token for this project."""
    auth = cloud.config.config["auth"]
    auth = {key: auth[key] for key in ("auth_url", "username", "password", "user_domain_id")} | {"project_id": project}
    region = cloud.config.region_name
    return openstack.connect(auth=auth, region_name=region, load_yaml_config=False, load_envvars=False)


def client(cloud, service):
    """Requests to a service, by the path below its endpoint in the catalog."""
    return adapter.Adapter(
        cloud.session, service_type=service, interface="public", region_name=cloud.config.region_name
    )


def read(kind, service, project):
    for item in pages(kind, service):
        item = item[kind.wrapped] if kind.wrapped else item
        # Barbican knows its things by their URLs.
        address = f"{service.get_endpoint()}{kind.path.partition('?')[0]}/"
        identity = kind.within + str(item[kind.id]).removeprefix(address)
        owner = next((item[key] for key in PROJECT_FIELDS if item.get(key)), project)
        name = next((item[key] for key in NAME_FIELDS if item.get(key)), "")
        yield Thing(kind.name, identity, owner, name), item


def pages(kind, service):
    """All items of all pages. Follows the ways in which the services name the next page."""
    path = kind.path
    while path:
        body = ask(kind, service, path)
        items = body if kind.key is None else body[kind.key]
        yield from items
        path = next_page(body, items, kind)


def ask(kind, service, path):
    """The answer's body. A service that is busy, or has just come back, gets a second and a third chance."""
    for pause in (1, 3, None):
        answer = service.get(path, microversion=kind.microversion, headers=kind.headers or {}, raise_exc=False)
        if answer.ok:
            return answer.json() if answer.content else []
        if pause is None or answer.status_code < 500:
            raise RuntimeError(f"{kind.name}, {path}: {answer.status_code} {answer.text[:300]}")
        time.sleep(pause)


def next_page(body, items, kind):
    if not (kind.paged and items):
        return None
    if kind.key is None:
        return f"{kind.path}&marker={urllib.parse.quote(items[-1][kind.id], safe='')}"
    links = body.get(f"{kind.key}_links") or body.get("links") or []
    if isinstance(links, dict):
        url = links.get("next")
    else:
        url = body.get("next") or next((link["href"] for link in links if link["rel"] == "next"), None)
    if not url:
        return None
    return f"{kind.path.partition('?')[0]}?{urllib.parse.urlsplit(url).query}"


def main():
    for thing in sorted(take(openstack.connect(cloud="admin")).states):
        print(thing.kind, thing.id, thing.project or "-", repr(thing.name), sep="\t")


if __name__ == "__main__":
    main()
