"""Keystone beyond projects and users: a service with an endpoint and limits in a region, federation, a domain with a role."""

SERVICE = "identity"
FEDERATION = "/OS-FEDERATION"
RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]


def make_as_admin(unit):
    keystone = unit.rest(SERVICE)
    make_region(unit, keystone)
    make_federation(unit, keystone)
    name = unit.name("consumer")
    consumer = keystone.post("/OS-OAUTH1/consumers", {"consumer": {"description": name}})["consumer"]["id"]
    unit.add("identity.oauth-consumer", consumer, name=name)
    domain = make_one(unit, keystone, "domain")
    make_one(unit, keystone, "role", kind="domain-role", domain_id=domain)


def make_one(unit, keystone, word, kind=None, **more):
    name = unit.name(word)
    identity = keystone.post(f"/{word}s", {word: {"name": name, **more}})[word]["id"]
    unit.add(f"identity.{kind or word}", identity, name=name)
    return identity


def make_region(unit, keystone):
    region = unit.name("region")
    keystone.post("/regions", {"region": {"id": region}})
    unit.add("identity.region", region, name=region)
    # Of a type that holds nothing of anybody's: one that nobody looks at would rightly hold all projects while it is in the catalog.
    service = make_one(unit, keystone, "service", type="metering")
    why = f"belongs to identity.service {service}"
    place = {"service_id": service, "region_id": region}
    endpoint = {"interface": "public", "url": "http://127.0.0.1:9/", **place}
    unit.add("identity.endpoint", keystone.post("/endpoints", {"endpoint": endpoint})["endpoint"]["id"], why=why)
    limit = {"resource_name": "things", "default_limit": 9, **place}
    limits = keystone.post("/registered_limits", {"registered_limits": [limit]})["registered_limits"]
    unit.add("identity.registered-limit", limits[0]["id"], why=why)
    project = unit.cloud.current_project_id
    limit = {"resource_name": "things", "resource_limit": 5, "project_id": project, **place}
    unit.add("identity.limit", keystone.post("/limits", {"limits": [limit]})["limits"][0]["id"], why=why)


def make_federation(unit, keystone):
    """A provider without a domain given would get one of its own, of which nothing says where it comes from."""
    mapping, provider, protocol, partner = (unit.name(word) for word in ("mapping", "provider", "protocol", "partner"))
    keystone.put(f"{FEDERATION}/mappings/{mapping}", {"mapping": {"rules": RULES}})
    path = f"{FEDERATION}/identity_providers/{provider}"
    keystone.put(path, {"identity_provider": {"enabled": True, "domain_id": "default"}})
    keystone.put(f"{path}/protocols/{protocol}", {"protocol": {"mapping_id": mapping}})
    urls = {"auth_url": "https://example.org/auth", "sp_url": "https://example.org/sp"}
    keystone.put(f"{FEDERATION}/service_providers/{partner}", {"service_provider": urls})
    made = {"mapping": mapping, "identity-provider": provider, "protocol": protocol, "service-provider": partner}
    for kind, name in made.items():
        unit.add(f"identity.{kind}", name, name=name)
