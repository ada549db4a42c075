"""Octavia: load balancers with all that they are made of; flavors and availability zones."""

import json

from leftovers.rest import settled

SERVICE = "load-balancer"


def make(unit):
    octavia = unit.rest(SERVICE)
    unit.balancer = make_balancer(unit, octavia, unit.subnets[0].id)


def make_balancer(unit, octavia, subnet):
    """Made with all its parts in one request. The member bears a name that no task gave."""
    pool = {
        "name": unit.name("backends"),
        "protocol": "HTTP",
        "lb_algorithm": "ROUND_ROBIN",
        "members": [{"name": "blue", "address": "10.9.9.9", "protocol_port": 80, "subnet_id": subnet}],
        "healthmonitor": {"name": unit.name("monitor"), "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
    }
    policy = {
        "name": unit.name("policy"),
        "action": "REDIRECT_TO_URL",
        "redirect_url": "http://example.org",
        "rules": [{"type": "PATH", "compare_type": "STARTS_WITH", "value": "/old"}],
    }
    listener = {
        "name": unit.name("listener"),
        "protocol": "HTTP",
        "protocol_port": 80,
        "default_pool": pool,
        "l7policies": [policy],
    }
    name = unit.name("lb")
    body = {"name": name, "vip_subnet_id": subnet, "listeners": [listener]}
    balancer = octavia.post("/v2.0/lbaas/loadbalancers", {"loadbalancer": body})["loadbalancer"]["id"]
    unit.add("load-balancer.load-balancer", balancer, name=name)
    wait(octavia, balancer)
    enter_parts(unit, octavia, balancer)
    return balancer


def wait(octavia, balancer):
    def status():
        return octavia.get(f"/v2.0/lbaas/loadbalancers/{balancer}")["loadbalancer"]["provisioning_status"]

    settled(f"load balancer {balancer}", status, "ACTIVE")


def enter_parts(unit, octavia, balancer):
    why = f"belongs to load-balancer.load-balancer {balancer}"
    tree = octavia.get(f"/v2.0/lbaas/loadbalancers/{balancer}/status")["statuses"]["loadbalancer"]
    for listener in tree["listeners"]:
        unit.add("load-balancer.listener", listener["id"], why=why)
        for policy in octavia.get(f"/v2.0/lbaas/l7policies?listener_id={listener['id']}")["l7policies"]:
            unit.add("load-balancer.l7-policy", policy["id"], why=why)
        for pool in listener["pools"]:
            unit.add("load-balancer.pool", pool["id"], why=why)
            unit.add("load-balancer.health-monitor", pool["health_monitor"]["id"], why=why)
            for member in pool["members"]:
                unit.add("load-balancer.member", member["id"], why=why)


def make_as_admin(unit):
    """A flavor and an availability zone, in use, and the profiles that they refer to. A zone's name is its id."""
    octavia = unit.rest(SERVICE)

    def profile(kind, data):
        field = "flavor_data" if kind == "flavor_profile" else "availability_zone_data"
        body = {"name": unit.name("profile"), "provider_name": "amphora", field: json.dumps(data)}
        key = kind.replace("_", "") if kind == "flavor_profile" else kind
        made = octavia.post(f"/v2.0/lbaas/{kind.replace('_', '')}s", {key: body})[key]
        unit.add(f"load-balancer.{kind.replace('_', '-')}", made["id"], name=made["name"])
        return made["id"]

    flavor_profile = profile("flavor_profile", {"loadbalancer_topology": "SINGLE"})
    body = {"name": unit.name("flavor"), "flavor_profile_id": flavor_profile}
    flavor = octavia.post("/v2.0/lbaas/flavors", {"flavor": body})["flavor"]
    unit.add("load-balancer.flavor", flavor["id"], name=flavor["name"])
    zone_profile = profile("availability_zone_profile", {"compute_zone": "nova"})
    body = {"name": unit.name("zone"), "availability_zone_profile_id": zone_profile}
    zone = octavia.post("/v2.0/lbaas/availabilityzones", {"availability_zone": body})["availability_zone"]["name"]
    unit.add("load-balancer.availability-zone", zone, name=zone)


def entangle(unit, tenant):
    """A tenant's listener in the task's load balancer goes with it. The task's parts in a tenant's go alone."""
    octavia = unit.rest(SERVICE)
    balancer = make_balancer(unit, octavia, tenant.subnets[0].id)
    body = {"name": "prod-https", "protocol": "HTTPS", "protocol_port": 443, "loadbalancer_id": balancer}
    listener = octavia.post("/v2.0/lbaas/listeners", {"listener": body})["listener"]
    why = f"belongs to load-balancer.load-balancer {balancer}, whatever it is called"
    unit.add("load-balancer.listener", listener["id"], why=why)
    wait(octavia, balancer)
    body = {"name": unit.name("listener"), "protocol": "TCP", "protocol_port": 8080, "loadbalancer_id": tenant.balancer}
    listener = octavia.post("/v2.0/lbaas/listeners", {"listener": body})["listener"]
    unit.add("load-balancer.listener", listener["id"], name=listener["name"])
    wait(octavia, tenant.balancer)
    body = {"name": unit.name("pool"), "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN", "listener_id": listener["id"]}
    pool = octavia.post("/v2.0/lbaas/pools", {"pool": body})["pool"]
    unit.add("load-balancer.pool", pool["id"], name=pool["name"])
    wait(octavia, tenant.balancer)
    body = {"name": "blue", "address": "10.9.9.10", "protocol_port": 80}
    member = octavia.post(f"/v2.0/lbaas/pools/{pool['id']}/members", {"member": body})["member"]
    unit.add("load-balancer.member", member["id"], why=f"belongs to load-balancer.pool {pool['id']}")
    wait(octavia, tenant.balancer)
    body = {"name": unit.name("m"), "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2, "pool_id": pool["id"]}
    monitor = octavia.post("/v2.0/lbaas/healthmonitors", {"healthmonitor": body})["healthmonitor"]
    unit.add("load-balancer.health-monitor", monitor["id"], name=monitor["name"])
    wait(octavia, tenant.balancer)


def adopt(seeding):
    """The ports of VIPs, and amphorae."""
    manifest, owners = seeding.manifest, seeding.manifest.by_id()
    for port in seeding.admin.network.ports(device_owner="Octavia"):
        manifest.adopt("network.port", port, owners.get(port.device_id.removeprefix("lb-")))
    for amphora in seeding.rest(SERVICE).get("/v2.0/octavia/amphorae")["amphorae"]:
        manifest.adopt("load-balancer.amphora", amphora["id"], owners.get(amphora["loadbalancer_id"]))
