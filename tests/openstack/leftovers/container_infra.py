"""Magnum: cluster templates, and a cluster with the Heat stack that it stands on."""

from leftovers import trusts
from leftovers.rest import settled

SERVICE = "container-infrastructure-management"


def make(unit):
    magnum = unit.rest(SERVICE)
    key = unit.key.name
    name = unit.name("template")
    body = {
        "name": name,
        "image_id": "fedora-coreos",
        "coe": "kubernetes",
        "external_network_id": "public",
        "keypair_id": key,
        "flavor_id": "m1.tiny",
        "master_flavor_id": "m1.tiny",
    }
    template = magnum.post("/clustertemplates", body)["uuid"]
    unit.add("container-infra.cluster-template", template, name=name)
    name = unit.name("cluster")
    body = {"name": name, "cluster_template_id": template, "keypair": key, "master_count": 1, "node_count": 1}
    with trusts.noticed(unit) as made:
        cluster = magnum.post("/clusters", body)["uuid"]
        settled(f"stack of cluster {name}", lambda: "yes" if stack_of(magnum, cluster) else "no", "yes")
    unit.add("container-infra.cluster", cluster, name=name)
    settled(f"cluster {name}", lambda: magnum.get(f"/clusters/{cluster}")["status"], "CREATE_COMPLETE")
    why = f"belongs to container-infra.cluster {cluster}"
    for trust in made:
        unit.add("identity.trust", trust, why=why)
    enter_stack(unit, magnum.get(f"/clusters/{cluster}")["stack_id"], why)


def stack_of(magnum, cluster):
    """None before it is there: Magnum gives a cluster an id first, and makes it then."""
    found = magnum.get("/clusters")["clusters"]
    return next((each["stack_id"] for each in found if each["uuid"] == cluster), None)


def enter_stack(unit, stack, why):
    unit.add("orchestration.stack", stack, why=why)
    heat = unit.rest("orchestration")
    name = next(each["stack_name"] for each in heat.get("/stacks")["stacks"] if each["id"] == stack)
    for resource in heat.get(f"/stacks/{name}/{stack}/resources")["resources"]:
        if resource["resource_type"] == "OS::Neutron::Net":
            unit.add("network.network", resource["physical_resource_id"], why=why)


def adopt(seeding):
    """The user that Magnum makes for each cluster."""
    owners = seeding.manifest.by_id()
    for user in seeding.admin.identity.users():
        seeding.manifest.adopt("identity.user", user, owners.get(user.name.partition("_")[0]))
