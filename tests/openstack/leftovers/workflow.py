"""Mistral: a workflow with triggers and an execution, a workbook, an action, an environment."""

from leftovers import trusts
from leftovers.rest import settled

SERVICE = "workflow"
TEXT = {"Content-Type": "text/plain"}


def make(unit):
    mistral = unit.rest(SERVICE)
    workflow = make_workflow(unit, mistral)
    make_execution(unit, mistral, workflow)
    make_workbook(unit, mistral)
    name = unit.name("action")
    text = f"version: '2.0'\n{name}:\n  base: std.echo\n  base-input:\n    output: done\n"
    action = mistral.post("/actions", data=text, headers=TEXT)["actions"][0]["id"]
    unit.add("workflow.action", action, name=name)
    name = unit.name("environment")
    mistral.post("/environments", {"name": name, "variables": "{}"})
    unit.add("workflow.environment", name, name=name)
    make_trigger(unit, mistral, workflow)


def make_workflow(unit, mistral):
    name = unit.name("workflow")
    text = f"version: '2.0'\n{name}:\n  type: direct\n  tasks:\n    only:\n      action: std.noop\n"
    identity = mistral.post("/workflows", data=text, headers=TEXT)["workflows"][0]["id"]
    unit.add("workflow.workflow", identity, name=name)
    return name


def make_execution(unit, mistral, workflow):
    """It bears the name of its workflow."""
    execution = mistral.post("/executions", {"workflow_name": workflow})["id"]
    unit.add("workflow.execution", execution, name=workflow)
    settled(f"execution of {workflow}", lambda: mistral.get(f"/executions/{execution}")["state"], "SUCCESS")


def make_workbook(unit, mistral):
    """Its workflow outlives it, under a name that begins with its own."""
    name = unit.name("workbook")
    text = f"version: '2.0'\nname: {name}\nworkflows:\n  inner:\n    tasks:\n      only:\n        action: std.noop\n"
    mistral.post("/workbooks", data=text, headers=TEXT)
    unit.add("workflow.workbook", name, name=name)
    found = mistral.get("/workflows?limit=1000")["workflows"]
    inner = next(each["id"] for each in found if each["name"] == f"{name}.inner")
    unit.add("workflow.workflow", inner, name=f"{name}.inner")


def make_trigger(unit, mistral, workflow):
    """It acts by a trust."""
    name = unit.name("trigger")
    body = {"name": name, "workflow_name": workflow, "pattern": "0 0 1 1 *", "workflow_input": "{}"}
    with trusts.noticed(unit) as made:
        trigger = mistral.post("/cron_triggers", body)["id"]
    unit.add("workflow.cron-trigger", trigger, name=name)
    for trust in made:
        unit.add("identity.trust", trust, why=f"belongs to workflow.cron-trigger {trigger}")
