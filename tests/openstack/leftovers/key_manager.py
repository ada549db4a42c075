"""Barbican: secrets, containers with and without a name, and an order with what it made."""

from leftovers.rest import settled

SERVICE = "key-manager"


def make(unit):
    barbican = unit.rest(SERVICE)
    unit.secret = make_secret(unit, barbican)
    make_container(unit, barbican, unit.name("certificate"), [unit.secret])
    make_container(unit, barbican, None, [make_secret(unit, barbican)])
    make_order(unit, barbican)


def id_of(reference):
    return reference.rpartition("/")[2]


def make_secret(unit, barbican):
    """Returns its URL, by which Barbican knows it."""
    name = unit.name("secret")
    body = {"name": name, "payload": "x", "payload_content_type": "text/plain"}
    reference = barbican.post("/v1/secrets", body)["secret_ref"]
    unit.add("key-manager.secret", id_of(reference), name=name)
    return reference


def make_container(unit, barbican, name, secrets):
    body = {"type": "generic", "secret_refs": [{"name": f"s{at}", "secret_ref": ref} for at, ref in enumerate(secrets)]}
    if name:
        body["name"] = name
    identity = id_of(barbican.post("/v1/containers", body)["container_ref"])
    why = None if name else f"belongs to key-manager.secret {id_of(secrets[0])}"
    unit.add("key-manager.container", identity, name=name, why=why)
    return identity


def make_order(unit, barbican):
    name = unit.name("order")
    meta = {
        "name": name,
        "algorithm": "aes",
        "bit_length": 256,
        "mode": "cbc",
        "payload_content_type": "application/octet-stream",
    }
    order = id_of(barbican.post("/v1/orders", {"type": "key", "meta": meta})["order_ref"])
    settled(f"order {name}", lambda: barbican.get(f"/v1/orders/{order}")["status"], "ACTIVE")
    secret = id_of(barbican.get(f"/v1/orders/{order}")["secret_ref"])
    unit.add("key-manager.secret", secret, name=name)
    unit.add("key-manager.order", order, why=f"belongs to key-manager.secret {secret}")


def entangle(unit, tenant):
    """A secret of the task's in a tenant's container: it would vanish out of it."""
    barbican = unit.rest(SERVICE)
    secret = make_secret(unit, barbican)
    body = {"name": "prod-bundle", "type": "generic", "secret_refs": [{"name": "s", "secret_ref": secret}]}
    container = id_of(barbican.post("/v1/containers", body)["container_ref"])
    unit.keep("key-manager.container", container, why="the tenant's own, with a task's secret in it")
    unit.hold("key-manager.secret", id_of(secret), container)
