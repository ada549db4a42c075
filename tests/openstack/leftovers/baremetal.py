"""Ironic: nodes, one of them with all that hangs on a node; chassis, allocations. Rally writes dashes here."""

import os

from leftovers.rest import settled

SERVICE = "baremetal"
MICROVERSION = "1.97"


def make_as_admin(unit):
    ironic = unit.rest(SERVICE, MICROVERSION)
    chassis = ironic.post("/v1/chassis", {"description": unit.dashed_name("rack")})["uuid"]
    unit.add("baremetal.chassis", chassis)
    make_node(unit, ironic, chassis_uuid=chassis)
    node = make_node(unit, ironic)
    make_belongings(unit, ironic, node)
    name = unit.dashed_name("allocation")
    allocation = ironic.post("/v1/allocations", {"name": name, "resource_class": "nobody-has-this"})["uuid"]
    unit.add("baremetal.allocation", allocation, name=name)
    actions = [{"op": "fail", "args": {"msg": "x"}}]
    rule = {"description": unit.dashed_name("rule"), "actions": actions, "conditions": []}
    unit.add("baremetal.inspection-rule", ironic.post("/v1/inspection_rules", rule)["uuid"])


def make_node(unit, ironic, **attributes):
    name = unit.dashed_name("node")
    node = ironic.post("/v1/nodes", {"name": name, "driver": "fake-hardware", **attributes})["uuid"]
    unit.add("baremetal.node", node, name=name)
    ironic.put(f"/v1/nodes/{node}/states/provision", {"target": "manage"})
    settled(f"node {name}", lambda: ironic.get(f"/v1/nodes/{node}")["provision_state"], "manageable")
    return node


def make_belongings(unit, ironic, node):
    address = "52:54:" + ":".join(f"{byte:02x}" for byte in os.urandom(4))
    belongings = {
        "portgroup": ("/v1/portgroups", {"name": f"bond-{address.replace(':', '')}"}),
        "port": ("/v1/ports", {"address": address}),
        "volume-connector": (
            "/v1/volume/connectors",
            {"type": "iqn", "connector_id": f"iqn.2017-07.org.example:{address}"},
        ),
        "volume-target": (
            "/v1/volume/targets",
            {"volume_type": "iscsi", "boot_index": 0, "volume_id": node, "properties": {}},
        ),
    }
    # Ironic wants a node that is off before it takes a volume connector or target.
    ironic.put(f"/v1/nodes/{node}/states/power", {"target": "power off"})
    settled(f"power of {node}", lambda: ironic.get(f"/v1/nodes/{node}")["power_state"] or "", "power off")
    for kind, (path, body) in belongings.items():
        identity = ironic.post(path, {"node_uuid": node, **body})["uuid"]
        unit.add(f"baremetal.{kind}", identity, why=f"belongs to baremetal.node {node}")
