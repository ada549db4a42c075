"""Designate: zones with record sets, shared, on offer, exported, imported. Rally writes dashes here, and a domain."""

import time

from leftovers.rest import Rest, settled

SERVICE = "dns"
# Without a name server nobody asks whose domain this is.
DOMAIN = "name"


def make(unit):
    designate = unit.rest(SERVICE)
    zone, name = make_zone(unit, designate)
    unit.zone = zone, name
    add_recordset(designate, zone, f"www.{name}")
    other = (unit.seeding.demo if unit.place == "demo2" else unit.seeding.demo2).current_project_id
    share = designate.post(f"/v2/zones/{zone}/shares", {"target_project_id": other})
    why = f"belongs to dns.zone {zone}"
    unit.add("dns.zone-share", share["id"], why=why)
    offer = designate.post(f"/v2/zones/{zone}/tasks/transfer_requests", {"description": unit.name("offer")})
    unit.add("dns.transfer-request", offer["id"], why=why)
    export = designate.post(f"/v2/zones/{zone}/tasks/export")
    unit.add("dns.export", export["id"], why=why)
    import_zone(unit, designate)
    enter_recordsets(unit, designate, zone)


def make_zone(unit, designate):
    name = unit.zone_name("zone")
    zone = designate.post("/v2/zones", {"name": name, "email": "hostmaster@example.org"})["id"]
    unit.add("dns.zone", zone, name=name)
    settled(f"zone {name}", lambda: designate.get(f"/v2/zones/{zone}")["status"], "ACTIVE")
    return zone, name


def add_recordset(designate, zone, name):
    return designate.post(f"/v2/zones/{zone}/recordsets", {"name": name, "type": "A", "records": ["10.0.0.1"]})["id"]


def import_zone(unit, designate):
    name = unit.zone_name("imported")
    text = f"$ORIGIN {name}\n{name} 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 900 86400 300\n"
    record = designate.post("/v2/zones/tasks/imports", data=text, headers={"Content-Type": "text/dns"})["id"]

    def state():
        return designate.get(f"/v2/zones/tasks/imports/{record}")["status"]

    settled(f"import of {name}", state, "COMPLETE")
    zone = designate.get(f"/v2/zones/tasks/imports/{record}")["zone_id"]
    unit.add("dns.zone", zone, name=name)
    unit.add("dns.import", record, why=f"belongs to dns.zone {zone}")
    enter_recordsets(unit, designate, zone)


def enter_recordsets(unit, designate, zone, **more):
    for recordset in designate.get(f"/v2/zones/{zone}/recordsets")["recordsets"]:
        unit.add("dns.recordset", recordset["id"], **{"why": f"belongs to dns.zone {zone}", **more})


def make_as_admin(unit):
    designate = unit.rest(SERVICE)
    pool = designate.get("/v2/pools")["pools"][0]["id"]
    name = unit.zone_name("key").rstrip(".")
    body = {"name": name, "algorithm": "hmac-sha256", "secret": "secret", "scope": "POOL", "resource_id": pool}
    unit.add("dns.tsig-key", designate.post("/v2/tsigkeys", body)["id"], name=name)
    name = unit.name("blacklist")
    body = {"pattern": rf"^{unit.zone_name('x')}nowhere\.$", "description": name}
    unit.add("dns.blacklist", designate.post("/v2/blacklists", body)["id"], name=name)


def entangle(unit, tenant):
    designate = unit.rest(SERVICE)
    make_tlds(unit)
    put_zone_below(unit, designate)
    share_zone(unit, designate)
    mine = f"{unit.zone_name('host').split('.')[0]}.{tenant.zone[1]}"
    unit.add("dns.recordset", add_recordset(designate, tenant.zone[0], mine), name=mine, why="in a tenant's zone")


def make_tlds(unit):
    """As soon as there is one, zones can be made only below one: so the tenants' is there first."""
    designate = unit.seeding.rest(SERVICE)
    known = {tld["name"]: tld["id"] for tld in designate.get("/v2/tlds")["tlds"]}
    unit.keep("dns.tld", known.get(DOMAIN) or designate.post("/v2/tlds", {"name": DOMAIN})["id"])
    description, name = unit.name("tld"), f"tld{unit.task.part}"
    unit.add("dns.tld", designate.post("/v2/tlds", {"name": name, "description": description})["id"])


def share_zone(unit, designate):
    """Another tenant's record set in a zone that the task shared with him keeps that, and the share."""
    zone, name = make_zone(unit, designate)
    other = unit.seeding.demo2
    share = designate.post(f"/v2/zones/{zone}/shares", {"target_project_id": other.current_project_id})
    theirs = add_recordset(Rest(other, SERVICE), zone, f"prod.{name}")
    unit.keep("dns.recordset", theirs, why=f"a tenant's, in dns.zone {zone}")
    unit.add("dns.zone-share", share["id"], why=f"belongs to dns.zone {zone}", held_by=theirs)
    unit.hold("dns.zone", zone, theirs)
    for recordset in designate.get(f"/v2/zones/{zone}/recordsets")["recordsets"]:
        if recordset["id"] != theirs:
            unit.add("dns.recordset", recordset["id"], why=f"belongs to dns.zone {zone}", held_by=theirs)


def put_zone_below(unit, designate):
    """A tenant's zone below the task's keeps that, and its record sets."""
    zone, name = make_zone(unit, designate)
    below = designate.post("/v2/zones", {"name": f"prod.{name}", "email": "hostmaster@example.org"})["id"]
    unit.keep("dns.zone", below, why="the tenant's own, below a task's zone")
    enter_kept_recordsets(unit, designate, below)
    enter_recordsets(unit, designate, zone)
    unit.hold("dns.zone", zone, below)
    for recordset in designate.get(f"/v2/zones/{zone}/recordsets")["recordsets"]:
        unit.hold("dns.recordset", recordset["id"], below)


def enter_kept_recordsets(unit, designate, zone):
    deadline = time.monotonic() + 60
    while not (found := designate.get(f"/v2/zones/{zone}/recordsets")["recordsets"]) and time.monotonic() < deadline:
        time.sleep(0.3)
    for recordset in found:
        unit.keep("dns.recordset", recordset["id"])
