"""All services at once: every rule of the pack on a seed that has something for it.

Needs a cloud with services beyond the core, and is skipped without. Of the seed's three tasks A is rehearsed, cleaned,
and cleaned again; B is cleaned in one project by its user, then killed, then cleaned by the administrator; C is entangled
with tenants' things, and is cleaned as far as that goes, then wholly, when what was in the way has gone.
"""

import collections
import time

import openstack
import pytest

from conftest import seed_cloud
from leftovers.rest import Rest
from test_sweep import CLEAN, LEFTOVERS, changes, gone_between, key_names

A, B, C = range(3)
# Where the core ends: without one of these there is nothing here that test_sweep has not.
BEYOND = {"orchestration", "load-balancer", "dns", "object-store", "key-manager", "shared-file-system"}


@pytest.fixture(scope="module")
def services(cloud):
    running = {service.type for service in cloud.identity.services()}
    if not running & BEYOND:
        pytest.skip("only the core runs")
    return running


@pytest.fixture(scope="module")
def seed(services, tmp_path_factory):
    return seed_cloud(tmp_path_factory.mktemp("services"), "--tasks", 3, "--hard", "--jobs", 10)


@pytest.fixture(scope="module")
def big_seed(services, tmp_path_factory):
    return seed_cloud(tmp_path_factory.mktemp("big-services"), "--tasks", 1, "--scale", 3, "--jobs", 10)


@pytest.fixture(scope="module")
def planned_kinds():
    """What the plans of this module's runs had, for the last test to look at."""
    return set()


def kinds_of(outcome):
    return {item["thing"].partition("/")[0] for item in outcome.plan["items"]}


def test_dry_run_changes_nothing(runner, seed, look, access_log):
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


def test_exactly_one_tasks_things_go(runner, seed, look, planned_kinds):
    task = seed.tasks[A]
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.of(task)
    assert outcome.summary["left"] == 0
    assert outcome.summary["failed"] == 0
    planned_kinds |= kinds_of(outcome)


def test_same_again_does_nothing(runner, seed, look, access_log):
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(seed.tasks[A])
    assert outcome.code == CLEAN, outcome
    assert changes(access_log.since(mark)) == []
    assert outcome.planned() == set()
    assert gone_between(before, look()) == set()


def test_a_user_cleans_the_own_project(runner, seed, look):
    """All but the orders: only an administrator may delete these."""
    task = seed.tasks[B]
    before = look()
    outcome = runner.sweep(task, cloud="demo")
    orders = {thing["id"] for thing in seed.things if thing["kind"] == "key-manager.order"}
    mine = seed.of(task, place="demo")
    assert outcome.code == (LEFTOVERS if mine & orders else CLEAN), outcome
    assert gone_between(before, look()) == mine - orders
    assert outcome.summary["left"] == len(mine & orders)


def test_killed_in_mid_purge_then_ends_clean(runner, seed, look):
    task = seed.tasks[B]
    before = look()
    for kill in range(3):
        assert runner.kill_after(task, deletions=5 + 10 * kill), "killed before the purge"
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert outcome.planned(), "nothing was left for the last run: it was not interrupted in mid-purge"
    assert gone_between(before, look()) <= seed.of(task)
    assert look().ids() & seed.of(task) == set()


# A zone does not say which zones are below it.
UNTOLD = {"dns.zone", "dns.recordset"}


def test_what_tenants_hold_stays(runner, seed, look, services, planned_kinds):
    task = seed.tasks[C]
    held = seed.held(task)
    before = look()
    outcome = runner.sweep(task)
    after = look()
    assert outcome.code == LEFTOVERS, outcome
    assert {thing.id for thing in before - after} == seed.of(task)
    assert after - before == set(), "something was made"
    # What is held may show that its deletion was tried.
    assert {thing: fields for thing, fields in before.changed_in(after).items() if thing.id not in held} == {}
    planned = outcome.planned()
    told = {thing["id"] for thing in seed.things if thing["kind"] not in UNTOLD}
    for thing, blocker in held.items():
        if thing in planned & told:
            assert blocker in outcome.stdout, f"{blocker}, in the way of {thing}, is not named"
    zones_told = "dns" not in services or "subzones" in outcome.stdout
    assert zones_told, "the report does not say what is in the way of a zone"
    assert outcome.summary["left"] == len(planned & held.keys())
    planned_kinds |= kinds_of(outcome)


# How a blocker is taken away: its service, its path, and a microversion where one is needed.
REMOVAL = {
    "network.port": ("network", "/v2.0/ports/{}", None),
    "compute.server": ("compute", "/servers/{}", None),
    "block-storage.snapshot": ("block-storage", "/snapshots/{}", None),
    "dns.zone": ("dns", "/v2/zones/{}?all_projects=true", None),
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
    owner = openstack.connect(cloud="demo")
    for blocker in set(held.values()) - held.keys():
        service, path, microversion = REMOVAL[kinds[blocker]]
        # A secret's container is there for its own project only.
        Rest(owner if service == "key-manager" else cloud, service, microversion).delete(path.format(blocker))
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


def test_what_was_held_goes_when_the_way_is_free(runner, seed, look, cloud):
    task = seed.tasks[C]
    clear_the_way(seed, task, cloud, look)
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.held(task).keys()


def test_few_requests_for_many_things_of_all_services(runner, big_seed, look, access_log, planned_kinds):
    task = big_seed.tasks[0]
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(task)
    requests = access_log.since(mark)
    assert outcome.code == CLEAN, outcome
    gone = gone_between(before, look())
    assert gone == big_seed.of(task)
    planned_kinds |= kinds_of(outcome)
    summary = outcome.summary
    by_service = collections.Counter((request.service, request.method) for request in requests)
    print(f"{len(gone)} things gone, {summary}, requests {dict(by_service)}")
    assert summary["deleted"] >= 300
    assert summary["deleted"] <= len(gone), "more was counted than has gone"
    assert summary["requests"] == len(requests), "the summary and the cloud's own log disagree"
    assert len(requests) / summary["deleted"] <= 1.5


# Kinds of services that run which no seed has, and why not.
NEVER_PLANNED = {
    "shared_file_system.replica": "Manila's dummy driver without share servers has none",
    "shared_file_system.share_server": "the same",
}


def test_every_kind_was_planned(runner, seed, services, planned_kinds):
    known = {kind["kind"] for kind in runner.kinds() if kind["service"] in services}
    assert planned_kinds, "no run before this one made a plan"
    assert known - planned_kinds - NEVER_PLANNED.keys() == set(), "no seed has these"
    assert planned_kinds & NEVER_PLANNED.keys() == set(), "these were planned after all"
