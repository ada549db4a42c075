"""Placement: a provider of resources that nobody has."""

SERVICE = "placement"
MICROVERSION = "1.20"


def make_as_admin(unit):
    name = unit.name("provider")
    provider = unit.rest(SERVICE, MICROVERSION).post("/resource_providers", {"name": name})["uuid"]
    unit.add("placement.resource-provider", provider, name=name)
