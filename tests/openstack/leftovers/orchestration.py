"""Heat: a stack with things of other services and a nested stack; a deployment of a configuration."""

from leftovers import trusts
from leftovers.rest import settled

SERVICE = "orchestration"

TEMPLATE = {
    "heat_template_version": "2018-08-31",
    "resources": {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.99.0.0/24"},
        },
        "group": {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 2, "resource_def": {"type": "OS::Heat::RandomString"}},
        },
    },
}
# What a stack makes that listings of other services show.
SHOWN_ELSEWHERE = {"OS::Neutron::Net": "network.network", "OS::Neutron::Subnet": "network.subnet"}


def make(unit):
    heat = unit.rest(SERVICE)
    path, _ = make_stack(unit, heat, unit.name("stack"))
    heat.post(f"{path}/snapshots", {"name": "before"})
    make_deployment(unit, heat, unit.name("config"))


def make_stack(unit, heat, name):
    """Returns the stack's path, and its trusts."""
    with trusts.noticed(unit) as made:
        identity = heat.post("/stacks", {"stack_name": name, "template": TEMPLATE})["stack"]["id"]
    unit.add("orchestration.stack", identity, name=name)
    for trust in made:
        unit.add("identity.trust", trust, why=f"belongs to orchestration.stack {identity}")
    path = f"/stacks/{name}/{identity}"
    settled(f"stack {name}", lambda: heat.get(path)["stack"]["stack_status"], "CREATE_COMPLETE")
    for resource in heat.get(f"{path}/resources")["resources"]:
        if kind := SHOWN_ELSEWHERE.get(resource["resource_type"]):
            unit.add(kind, resource["physical_resource_id"], why=f"belongs to orchestration.stack {identity}")
    return path, made


def make_deployment(unit, heat, name):
    config = heat.post("/software_configs", {"name": name, "group": "script", "config": "true"})["software_config"]
    unit.add("orchestration.software-config", config["id"], name=name)
    server = unit.server.id if unit.server else "00000000-0000-4000-8000-000000000000"
    deployment = heat.post("/software_deployments", {"config_id": config["id"], "server_id": server})
    identity = deployment["software_deployment"]["id"]
    why = f"belongs to orchestration.software-config {config['id']}"
    unit.add("orchestration.software-deployment", identity, why=why)


def entangle(unit, tenant):
    """A stack whose network a tenant's port is on. It tries, and keeps the trust by which it would try again."""
    heat = unit.rest(SERVICE)
    path, given = make_stack(unit, heat, unit.name("stack"))
    resources = heat.get(f"{path}/resources")["resources"]
    ids = {resource["resource_name"]: resource["physical_resource_id"] for resource in resources}
    port = unit.cloud.network.create_port(network_id=ids["net"], name="prod-on-a-stack")
    unit.keep("network.port", port, why="the tenant's own, on a network of a task's stack")
    unit.hold("orchestration.stack", path.rpartition("/")[2], port)
    unit.hold("network.network", ids["net"], port)
    unit.hold("network.subnet", ids["subnet"], port)
    for trust in given:
        unit.hold("identity.trust", trust, port)


def adopt(seeding):
    """Heat makes a project for a stack's own users, named by the owner's project and the stack's id, cut off at 64 characters."""
    stacks = [entry for entry in seeding.manifest.entries.values() if entry.kind == "orchestration.stack"]
    for project in seeding.admin.identity.projects():
        tail = project.name.partition("-")[2]
        owner = next((stack for stack in stacks if tail and stack.id.startswith(tail)), None)
        seeding.manifest.adopt("identity.project", project, owner)
