"""Aodh: alarms."""

SERVICE = "alarming"


def make(unit):
    name = unit.name("alarm")
    body = {"name": name, "type": "event", "event_rule": {"event_type": "compute.instance.update"}}
    unit.add("alarming.alarm", unit.rest(SERVICE).post("/v2/alarms", body)["alarm_id"], name=name)
