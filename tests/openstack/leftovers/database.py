"""Trove: configurations.

No instances, which never come up without an agent in the guest; no modules, which it lists to no administrator (500).
"""

SERVICE = "database"


def make(unit):
    name = unit.name("configuration")
    body = {"name": name, "values": {}, "datastore": {"type": "mysql", "version": "8.0"}}
    identity = unit.rest(SERVICE).post("/configurations", {"configuration": body})["configuration"]["id"]
    unit.add("database.configuration", identity, name=name)
