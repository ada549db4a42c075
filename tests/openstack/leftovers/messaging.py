"""Zaqar: queues with subscriptions; pools and flavors. A queue has no id but its name, and is its project's."""

import threading

SERVICE = "messaging"
ONE_BY_ONE = threading.Lock()
# Zaqar wants to know which client asks; any will do.
CLIENT = {"Client-ID": "6c656674-6f76-4572-8000-000000000000"}


def make(unit):
    make_queue(unit, unit.rest(SERVICE), unit.name("queue"))


def make_queue(unit, zaqar, name):
    zaqar.put(f"/v2/queues/{name}", {}, headers=CLIENT)
    unit.add("messaging.queue", name, name=name)
    body = {"subscriber": "http://127.0.0.1:9/hook", "ttl": 3600, "options": {}}
    subscription = zaqar.post(f"/v2/queues/{name}/subscriptions", body, headers=CLIENT)["subscription_id"]
    unit.add("messaging.subscription", subscription, why=f"belongs to messaging.queue {name}")


def make_as_admin(unit):
    """The message store has sixteen databases, each good for one pool."""
    zaqar, name = unit.rest(SERVICE), unit.name("pool")
    with ONE_BY_ONE:
        taken = {pool["uri"] for pool in zaqar.get("/v2/pools?limit=20&detailed=true", headers=CLIENT)["pools"]}
        store = next(iter(taken)).partition("?")[0]
        uri = next(uri for database in range(1, 16) if (uri := f"{store}?dbid={database}") not in taken)
        # Of no weight, so that nobody's queue is put into it: what was in a pool is out of reach when that has gone.
        zaqar.put(f"/v2/pools/{name}", {"uri": uri, "weight": 0}, headers=CLIENT)
    unit.add("messaging.pool", name, name=name)
    pool, name = name, unit.name("flavor")
    zaqar.put(f"/v2/flavors/{name}", {"pool_list": [pool]}, headers=CLIENT)
    unit.add("messaging.flavor", name, name=name)
