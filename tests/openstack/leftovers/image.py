"""Glance: a namespace of definitions."""

SERVICE = "image"


def make_as_admin(unit):
    name = unit.name("namespace")
    unit.rest(SERVICE).post("/v2/metadefs/namespaces", {"namespace": name})
    unit.add("image.metadef-namespace", name, name=name)
