"""Zun: a container on the unit's network, and a registry."""

from leftovers.rest import settled

SERVICE = "container"
MICROVERSION = "1.40"


def make(unit):
    zun, name = unit.rest(SERVICE, MICROVERSION), unit.name("container")
    body = {"name": name, "image": "cirros", "nets": [{"network": unit.network.id}], "memory": "64", "cpu": 0.1}
    container = zun.post("/containers?run=true", body)["uuid"]
    unit.add("container.container", container, name=name)
    settled(f"container {name}", lambda: zun.get(f"/containers/{container}")["status"], "Running")
    for port in unit.cloud.network.ports(device_id=container):
        unit.add("network.port", port, why=f"belongs to container.container {container}")
    name = unit.name("registry")
    body = {"name": name, "domain": "example.org", "username": "u", "password": "p"}
    registry = zun.post("/registries", {"registry": body})
    unit.add("container.registry", registry.get("registry", registry)["uuid"], name=name)
