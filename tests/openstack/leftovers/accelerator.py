"""Cyborg: device profiles, and requests for what they describe."""

SERVICE = "accelerator"


def make_as_admin(unit):
    cyborg, name = unit.rest(SERVICE), unit.name("profile")
    profile = cyborg.post("/device_profiles", [{"name": name, "groups": [{"resources:FPGA": "1"}]}])
    unit.add("accelerator.device-profile", profile["uuid"], name=name)
