"""All services at once: every rule of the pack on a seed that has something for it.

Brings up the services beyond the core, on top of what runs. Of the seed's two tasks A is rehearsed, cleaned in one project by
its user, interrupted, cleaned, and cleaned again; B is entangled with tenants' things, and is cleaned as far as that goes, then
wholly, when what was in the way has gone. A seed of its own, with many things of one task, is cleaned in one run.
"""

import collections
import os
import subprocess
import time
import tomllib

import openstack
import pytest

from conftest import HERE, UP_SECONDS_MAX, administrator, seed_cloud
from leftovers.rest import Rest
from test_sweep import CLEAN, LEFTOVERS, changes, gone_between, key_names

A, B = range(2)
VERIFIED = HERE / "verified.toml"


@pytest.fixture(scope="module")
def cloud():
    """Connected when all runs: a token's catalog has what there was when it was issued."""
    subprocess.run([HERE / "up", "all"], check=True, timeout=UP_SECONDS_MAX)
    return administrator()


@pytest.fixture(scope="module")
def services(cloud):
    return {service.type for service in cloud.identity.services()}


@pytest.fixture(scope="module")
def seed(cloud, tmp_path_factory):
    return seed_cloud(tmp_path_factory.mktemp("services"), "--tasks", 2, "--hard", "--jobs", 10)


@pytest.fixture(scope="module")
def big_seed(cloud, tmp_path_factory):
    return seed_cloud(tmp_path_factory.mktemp("big-services"), "--tasks", 1, "--scale", 3, "--jobs", 10)


@pytest.fixture(scope="module")
def cleaned_kinds():
    """Of what something was planned and has gone, for the last test to look at."""
    return set()


@pytest.fixture(scope="module")
def rehearsals():
    """Outcomes of dry runs, by task."""
    return {}


def kinds_gone(outcome, after):
    """The kinds of what a plan has, as far as it is not there any more."""
    there = key_names(after.ids())
    things = (item["thing"].partition("/") for item in outcome.plan["items"])
    return {kind for kind, _, identity in things if identity not in there}


def test_dry_run_changes_nothing(runner, seed, look, access_log, rehearsals):
    task = seed.tasks[A]
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(task, dry_run=True)
    assert outcome.code == CLEAN, outcome
    requests = access_log.since(mark)
    assert requests, "the log has no request of the runner: this test would prove nothing"
    assert changes(requests) == []
    assert gone_between(before, look()) == set()
    assert outcome.planned() >= key_names(seed.named(task))
    assert outcome.planned() <= key_names(seed.of(task))
    rehearsals[task] = outcome


def orders_of(seed, task, place):
    orders = {thing["id"] for thing in seed.things if thing["kind"] == "key-manager.order"}
    return seed.of(task, place) & orders


def test_a_user_cleans_the_own_project(runner, seed, look):
    """All but the orders, which only an administrator may delete, and metrics of no resource, which no user is shown."""
    task = seed.tasks[A]
    hidden = {thing["id"] for thing in seed.things if thing["kind"] == "metric.metric" and not thing["why"]}
    before = look()
    outcome = runner.sweep(task, cloud="demo")
    mine, orders = seed.of(task, place="demo"), orders_of(seed, task, place="demo")
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == mine - orders - hidden
    assert outcome.summary["left"] == len(orders)


def test_killed_in_mid_purge_then_ends_clean(runner, seed, look, rehearsals, cleaned_kinds):
    task = seed.tasks[A]
    before = look()
    # An order whose secret has gone is known to nobody any more.
    left = before.ids() & seed.of(task) - orders_of(seed, task, place="demo")
    for kill in range(3):
        assert runner.kill_after(task, deletions=5 + 10 * kill), "killed before the purge"
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert outcome.planned(), "nothing was left for the last run: it was not interrupted in mid-purge"
    after = look()
    assert gone_between(before, after) == left
    assert outcome.summary["left"] == 0
    assert outcome.summary["failed"] == 0
    cleaned_kinds |= kinds_gone(rehearsals[task], after)


def test_same_again_does_nothing(runner, seed, look, access_log):
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(seed.tasks[A])
    assert outcome.code == CLEAN, outcome
    assert changes(access_log.since(mark)) == []
    assert outcome.planned() == set()
    assert gone_between(before, look()) == set()


# A zone does not say which zones are below it, nor a share whose record sets there are.
UNTOLD = {"dns.zone", "dns.recordset", "dns.zone-share"}
# Heat may or may not have given up the project of a stack that it could not delete. Its trust it puts into the name of whoever
# has asked for the deletion: one goes, and another is made.
EITHER_WAY = "belongs to orchestration.stack"
TRUST = "identity.trust"


def held_for_good(seed, task):
    either_way = {
        thing["id"]
        for thing in seed.things
        if thing["kind"].startswith("identity.") and (thing["why"] or "").startswith(EITHER_WAY)
    }
    return {thing: blocker for thing, blocker in seed.held(task).items() if thing not in either_way}


def kept_with_a_stack(seed, task):
    """Users of a task's of which a stack is held: Heat needs them for its deletion."""
    things = [thing for thing in seed.things if thing["task"] == task]
    if not any(thing["kind"] == "orchestration.stack" and thing["held_by"] for thing in things):
        return set()
    return {thing["id"] for thing in things if thing["kind"] == "identity.user" and not thing["why"]}


def test_what_tenants_hold_stays(runner, seed, look, services, cleaned_kinds):
    task = seed.tasks[B]
    held = held_for_good(seed, task)
    before = look()
    outcome = runner.sweep(task)
    after = look()
    assert outcome.code == LEFTOVERS, outcome
    expected = seed.of(task) - kept_with_a_stack(seed, task)
    assert {thing.id for thing in before - after} - (seed.held(task).keys() - held.keys()) == expected
    assert {thing for thing in after - before if thing.kind != TRUST} == set(), "something was made"
    # What is held may show that its deletion was tried.
    assert {thing: fields for thing, fields in before.changed_in(after).items() if thing.id not in held} == {}
    planned = outcome.planned()
    told = {thing["id"] for thing in seed.things if thing["kind"] not in UNTOLD}
    for thing, blocker in held.items():
        if thing in planned & told:
            assert blocker in outcome.stdout, f"{blocker}, in the way of {thing}, is not named"
    zones_told = "dns" not in services or "subzones" in outcome.stdout
    assert zones_told, "the report does not say what is in the way of a zone"
    assert outcome.summary["left"] == len(planned & (held.keys() | kept_with_a_stack(seed, task)))
    cleaned_kinds |= kinds_gone(outcome, after)


# How a blocker is taken away: its service, its path, and a microversion where one is needed.
REMOVAL = {
    "network.port": ("network", "/v2.0/ports/{}", None),
    "compute.server": ("compute", "/servers/{}", None),
    "block-storage.snapshot": ("block-storage", "/snapshots/{}", None),
    "dns.zone": ("dns", "/v2/zones/{}?all_projects=true", None),
    "dns.recordset": ("dns", "/v2/zones/{within}/recordsets/{}?all_projects=true", None),
    "shared-file-system.snapshot": ("shared-file-system", "/snapshots/{}", "2.77"),
    "shared-file-system.share": ("shared-file-system", "/shares/{}", "2.77"),
    "metric.metric": ("metric", "/v1/metric/{}", None),
    "metric.resource": ("metric", "/v1/resource/generic/{}", None),
    "key-manager.container": ("key-manager", "/v1/containers/{}", None),
}


def clear_the_way(seed, task, cloud, look):
    """Takes away what the task's things are held by, and the state of those that hold themselves."""
    held = seed.held(task)
    kinds = {thing["id"]: thing["kind"] for thing in seed.things}
    within = {thing["id"]: (thing["why"] or "").rpartition(" ")[2] for thing in seed.things}
    owner = openstack.connect(cloud="demo")
    for blocker in set(held.values()) - held.keys():
        service, path, microversion = REMOVAL[kinds[blocker]]
        # A secret's container is there for its own project only.
        path = path.format(blocker, within=within[blocker])
        Rest(owner if service == "key-manager" else cloud, service, microversion).delete(path)
    for stuck in held.keys() & set(held.values()):
        if kinds[stuck] == "image.image":
            cloud.image.update_image(stuck, is_protected=False)
        else:
            body = {"os-reset_status": {"status": "available", "attach_status": "detached"}}
            Rest(cloud, "block-storage").post(f"/volumes/{stuck}/action", body)
    blockers = set(held.values()) - held.keys()
    deadline = time.monotonic() + 120
    while left := look().ids() & blockers:
        assert time.monotonic() < deadline, f"still there: {left}"


def test_what_was_held_goes_when_the_way_is_free(runner, seed, look, cloud, cleaned_kinds):
    task = seed.tasks[B]
    clear_the_way(seed, task, cloud, look)
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    after = look()
    gone = gone_between(before, after)
    trusts = {thing.id for thing in before.states if thing.kind == TRUST}
    late = kept_with_a_stack(seed, task)
    assert held_for_good(seed, task).keys() | late <= gone <= seed.held(task).keys() | trusts | late
    cleaned_kinds |= kinds_gone(outcome, after)


def test_few_requests_for_many_things_of_all_services(runner, big_seed, look, access_log, cleaned_kinds):
    task = big_seed.tasks[0]
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(task)
    requests = access_log.since(mark)
    assert outcome.code == CLEAN, outcome
    after = look()
    gone = gone_between(before, after)
    assert gone == big_seed.of(task)
    cleaned_kinds |= kinds_gone(outcome, after)
    summary = outcome.summary
    by_service = collections.Counter((request.service, request.method) for request in requests)
    print(f"{len(gone)} things gone, {summary}, requests {dict(by_service)}")
    assert summary["deleted"] >= 300
    assert summary["deleted"] <= len(gone), "more was counted than has gone"
    assert summary["requests"] == len(requests), "the summary and the cloud's own log disagree"
    # Each kind is asked for twice at least, a dozen of them in each project, and what lingers is looked for: most of the
    # requests do not depend on how many things there are.
    assert len(requests) / summary["deleted"] <= 2.2


# Kinds of services that run which no seed has, and why not. They are tried on recorded answers only.
TRAIT = "its name is a trait or a class, which no task's name can be"
GUEST = "Trove's instances come up with an agent in the guest only, and these need an instance"
BALANCER = "this Neutron has no load balancers of its own any more"
NEVER_CLEANED = {
    "accelerator.request": "a server speaks for it, and without an agent none is bound to one",
    "baremetal.deploy_template": TRAIT,
    "baremetal.runbook": TRAIT,
    "block_storage.default_type": "no seed gives a project one",
    "container.capsule": "no seed makes one",
    "database.instance": GUEST,
    "database.cluster": GUEST,
    "database.backup": GUEST,
    "instance_ha.host": "the cloud's one host can be in one segment only",
    **{f"network.lb_{kind}": BALANCER for kind in ("health_monitor", "member", "pool", "vip")},
    **{
        f"network.lbaas_{kind}": BALANCER
        for kind in ("health_monitor", "l7_policy", "listener", "load_balancer", "member", "pool")
    },
    "placement.resource_class": TRAIT,
    "reservation.floating_ip": "an external network of a task's speaks for it, and Blazar takes one from the operator only",
    "reservation.host": "a task's bare-metal node speaks for it, and Blazar takes hosts of Nova's only",
    "shared_file_system.replica": "Manila's dummy driver without share servers has none",
    "shared_file_system.share_server": "the same",
    "workflow.event_trigger": "no seed makes one",
}


def test_every_kind_was_cleaned(runner, cleaned_kinds):
    """And docs/coverage.md, by way of verified.toml, claims no more."""
    # The rules' folder may also have the example that is no OpenStack.
    known = {kind["kind"] for kind in runner.kinds() if kind["service"] != "kinto"}
    assert cleaned_kinds, "no run before this one ended clean"
    assert known - cleaned_kinds - NEVER_CLEANED.keys() == set(), "no seed has these"
    assert cleaned_kinds & NEVER_CLEANED.keys() == set(), "these were cleaned after all"
    if "UPDATE_VERIFIED" in os.environ:
        comment = VERIFIED.read_text().partition("kinds =")[0]
        lines = "".join(f'    "{kind}",\n' for kind in sorted(cleaned_kinds))
        VERIFIED.write_text(f"{comment}kinds = [\n{lines}]\n")
    claimed = set(tomllib.loads(VERIFIED.read_text())["kinds"])
    assert claimed <= cleaned_kinds, "UPDATE_VERIFIED=1 writes verified.toml anew"
