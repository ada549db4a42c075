"""Gnocchi: metrics, resources and their types, archive policies and their rules."""

SERVICE = "metric"


def make(unit):
    gnocchi = unit.rest(SERVICE)
    name = unit.name("metric")
    metric = gnocchi.post("/v1/metric", {"name": name, "archive_policy_name": "low"})["id"]
    unit.add("metric.metric", metric, name=name)
    name = unit.name("resource")
    body = {"id": name, "metrics": {"cpu": {"archive_policy_name": "low"}}}
    resource = gnocchi.post("/v1/resource/generic", body)
    unit.add("metric.resource", resource["id"], name=name)
    for metric in resource["metrics"].values():
        unit.add("metric.metric", metric, why=f"belongs to metric.resource {resource['id']}")


def make_policy(unit, gnocchi):
    name = unit.name("policy")
    gnocchi.post("/v1/archive_policy", {"name": name, "definition": [{"granularity": "1s", "points": 10}]})
    unit.add("metric.archive-policy", name, name=name)
    return name


def make_type(unit, gnocchi):
    name = unit.name("type")
    gnocchi.post("/v1/resource_type", {"name": name})
    unit.add("metric.resource-type", name, name=name)
    return name


def make_as_admin(unit):
    """A policy with a rule and a metric, a type with a resource."""
    gnocchi = unit.rest(SERVICE)
    policy, name = make_policy(unit, gnocchi), unit.name("rule")
    body = {"name": name, "metric_pattern": f"{name}*", "archive_policy_name": policy}
    gnocchi.post("/v1/archive_policy_rule", body)
    unit.add("metric.archive-policy-rule", name, name=name)
    name = unit.name("metric")
    metric = gnocchi.post("/v1/metric", {"name": name, "archive_policy_name": policy})["id"]
    unit.add("metric.metric", metric, name=name)
    kind, name = make_type(unit, gnocchi), unit.name("resource")
    unit.add("metric.resource", gnocchi.post(f"/v1/resource/{kind}", {"id": name})["id"], name=name)


def entangle(unit, tenant):
    """A tenant's metric under the task's policy, and a tenant's resource of the task's type."""
    gnocchi = unit.seeding.rest(SERVICE)
    policy = make_policy(unit, gnocchi)
    metric = gnocchi.post("/v1/metric", {"name": "prod-metric", "archive_policy_name": policy})["id"]
    unit.keep("metric.metric", metric, why="the tenant's own, under a task's policy")
    unit.hold("metric.archive-policy", policy, metric)
    kind = make_type(unit, gnocchi)
    resource = gnocchi.post(f"/v1/resource/{kind}", {"id": f"{unit.seeding.prefix}-resource"})["id"]
    unit.keep("metric.resource", resource, why="the tenant's own, of a task's type")
    unit.hold("metric.resource-type", kind, resource)
