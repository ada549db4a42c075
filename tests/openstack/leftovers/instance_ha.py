"""Masakari: segments. The cloud's one host can be in one of them only, so it is in none."""

SERVICE = "instance-ha"


def make_as_admin(unit):
    name = unit.name("segment")
    body = {"segment": {"name": name, "recovery_method": "auto", "service_type": "compute"}}
    segment = unit.rest(SERVICE).post("/segments", body)["segment"]["uuid"]
    unit.add("instance-ha.segment", segment, name=name)
