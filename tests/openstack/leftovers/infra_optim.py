"""Watcher: a template, an audit made from it, and the action plan that comes of it."""

from leftovers.rest import settled

SERVICE = "infra-optim"
AIM = {"goal": "dummy", "strategy": "dummy"}


def make_as_admin(unit):
    """And a tenant's audit, whose action plan has no name either."""
    watcher, name = unit.rest(SERVICE), unit.name("template")
    template = watcher.post("/v1/audit_templates", {"name": name, **AIM})["uuid"]
    unit.add("infra-optim.audit-template", template, name=name)
    audit = make_audit(unit.add, watcher, unit.name("audit"), audit_type="ONESHOT")
    plan = plan_of(watcher, audit)
    unit.add("infra-optim.action-plan", plan, why=f"belongs to infra-optim.audit {audit}")
    audit = make_audit(unit.add, watcher, unit.name("watch"), audit_type="CONTINUOUS", interval="3600")
    unit.add("infra-optim.action-plan", plan_of(watcher, audit), why=f"belongs to infra-optim.audit {audit}")
    audit = make_audit(unit.keep, watcher, f"{unit.seeding.prefix}-{unit.task.part[::-1]}", audit_type="ONESHOT")
    unit.keep("infra-optim.action-plan", plan_of(watcher, audit))


def make_audit(enter, watcher, name, **attributes):
    audit = watcher.post("/v1/audits", {"name": name, **AIM, **attributes})["uuid"]
    enter("infra-optim.audit", audit, name=name)
    return audit


def plan_of(watcher, audit):
    """The first that comes of an audit. One that goes on makes a second only after its interval."""

    def plans():
        found = watcher.get("/v1/action_plans/detail")["action_plans"]
        return [plan["uuid"] for plan in found if plan["audit_uuid"] == audit]

    settled(f"audit {audit}", lambda: "planned" if plans() else "under way", "planned")
    return plans()[0]
