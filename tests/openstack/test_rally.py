"""A real Rally is killed in mid-task and its database removed: what it left is found by its names and owners alone.

Brings up Heat on top of what runs. Rally works at two places at once. At `own` it makes tenants, and is killed in the second workload of a task whose first
asked for no clean-up. At `existing` it works as users that are there; a first task ends by itself, leaves things all
the same, and is reported; a second is killed like the other. The tests then take away what is there, piece by piece, in
the order in which they stand. What each may take is computed from listings, by `whose`.
"""

import collections
import concurrent.futures
import dataclasses
import pathlib
import subprocess
import time

import openstack
import pytest
import yaml

import listing
from conftest import CLOUDS_YAML, HERE, STATE, UP_SECONDS_MAX, administrator
from rally_process import EXISTING, OWN, Rally
from test_sweep import CLEAN, gone_between
from whose import STACK, TRUST, Leftovers

# What a killed task leaves behind, each at least once, wherever it works.
KINDS = {
    *("network.network", "network.subnet", "network.router", "network.port", "network.floating-ip"),
    *("network.security-group", "network.security-group-rule", "compute.server", "compute.server-group"),
    *("compute.keypair", "block-storage.volume", "block-storage.snapshot", "image.image", STACK),
}
KINDS_OF_OWN_TENANTS = {"identity.project", "identity.user"}


@dataclasses.dataclass
class Visit:
    """That Rally has been here. Workloads stand in the order in which they ran."""

    before: listing.Snapshot
    leftovers: Leftovers
    report: pathlib.Path
    reported: list
    own: list
    existing: list

    def ids(self, *workloads, **narrowed):
        return {thing.id for thing in self.leftovers.of(*workloads, **narrowed)}

    def kinds(self, *workloads):
        return {thing.kind for thing in self.leftovers.of(*workloads)}


@pytest.fixture(scope="module")
def cloud():
    subprocess.run([HERE / "up", "nova", "heat"], check=True, timeout=UP_SECONDS_MAX)
    return administrator()


@pytest.fixture(scope="module")
def tenants(cloud, runner):
    """Tenants' own things where Rally will work; but of tasks nothing at all, whatever earlier tests have left."""
    outcome = runner.sweep(extra=["--yes"])
    assert outcome.code == CLEAN, outcome
    public = cloud.network.find_network("public", ignore_missing=False)
    for name in ("demo", "demo2"):
        make_tenants_things(openstack.connect(cloud=name), public)


def make_tenants_things(tenant, public):
    """What Rally's networks are like, and names that nearly are Rally's."""
    neutron = tenant.network
    network = neutron.create_network(name="prod-net")
    subnet = neutron.create_subnet(network_id=network.id, name="prod-subnet", ip_version=4, cidr="10.79.0.0/24")
    router = neutron.create_router(name="prod-router", external_gateway_info={"network_id": public.id})
    neutron.add_interface_to_router(router, subnet_id=subnet.id)
    port = neutron.create_port(network_id=network.id)
    neutron.create_ip(floating_network_id=public.id, port_id=port.id)
    for name in ("c_rally_project_docs", "my_s_rally_0a1b2c3d_AbCdEf12", "s_rally_0a1b2c3d_AbCdEf1"):
        tenant.block_storage.create_volume(size=1, name=name)
        neutron.create_security_group(name=name)


@pytest.fixture(scope="module")
def visit(cloud, tenants, tmp_path_factory):
    clouds = yaml.safe_load(CLOUDS_YAML.read_text())["clouds"]
    rally = Rally(STATE, clouds, tmp_path_factory.mktemp("rally"))
    own, existing = rally.session(OWN), rally.session(EXISTING)
    before = settled(cloud)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        elsewhere = pool.submit(run_until_killed, own, OWN)
        with existing.start("finished", EXISTING) as task:
            task.finish()
        report, reported = existing.report(), existing.workloads()
        run_until_killed(existing, EXISTING)
        elsewhere.result()
    workloads = own.workloads(), existing.workloads()[len(reported) :]
    own.forget()
    existing.forget()
    return Visit(before, Leftovers(before, settled(cloud)), report, reported, *workloads)


def run_until_killed(session, environment):
    with session.start("killed", environment) as task:
        task.kill_in(workload=2, iterations=2)


def settled(cloud):
    """What was asked of the cloud goes on for a while after a kill. Waits until nothing changes any more."""
    deadline = time.monotonic() + 300
    seen = listing.take(cloud)
    while time.monotonic() < deadline:
        time.sleep(3)
        now = listing.take(cloud)
        if now.states.keys() == seen.states.keys() and not seen.changed_in(now):
            return now
        seen = now
    raise TimeoutError("the cloud does not come to rest")


@pytest.fixture
def taken(runner, look):
    """Sweeps, and returns the ids of what has gone by that, but for trusts: of these only the number can be told."""

    def taken(*tasks, **options):
        before = look()
        outcome = runner.sweep(*tasks, **options)
        after = look()
        assert outcome.code == CLEAN, outcome
        assert outcome.summary["left"] == 0
        assert outcome.summary["failed"] == 0
        gone_between(before, after)
        gone = before - after
        kinds = collections.Counter(thing.kind for thing in gone)
        assert kinds[TRUST] == kinds[STACK], "a stack has a trust, which goes with it"
        return {thing.id for thing in gone if thing.kind != TRUST}

    return taken


def test_rally_has_left_something_everywhere(visit):
    """Else the other tests would prove little. And each thing is somebody's, else `whose` or the listing is wrong."""
    assert visit.leftovers.nobodys() == set()
    for workloads in (visit.own, visit.existing):
        assert len(workloads) == 2
        assert visit.kinds(*workloads) >= KINDS
    for workload in visit.own:
        assert visit.kinds(workload) >= KINDS_OF_OWN_TENANTS
    assert len(visit.reported) == 3
    for workload in visit.reported:
        assert visit.ids(workload), "a finished workload has left nothing"


def test_a_report_tells_the_workloads(visit, taken):
    assert taken(extra=["--rally-report", visit.report]) == visit.ids(*visit.reported)


def test_one_workload_goes_and_another_of_the_same_task_stays(visit, taken):
    forgetful, killed = visit.own
    assert taken(forgetful) == visit.ids(forgetful)


def test_scenarios_go_and_contexts_stay(visit, taken):
    _, killed = visit.existing
    assert visit.ids(killed, family="context")
    assert taken(killed, extra=["--origin", "scenario"]) == visit.ids(killed, family="scenario")


def test_then_the_contexts_go(visit, taken):
    _, killed = visit.existing
    assert taken(killed, extra=["--origin", "context"]) == visit.ids(killed, family="context")


def test_a_killed_workload_is_planned_exactly(visit, runner, look):
    _, killed = visit.own
    before = look()
    outcome = runner.sweep(killed, dry_run=True)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == set()
    named = {thing for thing in visit.leftovers.of(killed) if "_rally_" in thing.name}
    ports = {thing for thing in visit.leftovers.of(killed) if thing.kind == "network.port"}
    trusts = {thing for thing in before.states if thing.kind == TRUST}
    assert as_planned(named | ports) <= outcome.planned()
    assert outcome.planned() <= as_planned(visit.leftovers.of(killed) | trusts)


def as_planned(things):
    """Ids as a plan has them: it knows a key by its name."""
    return {thing.id.rpartition("/")[2] for thing in things}


def test_after_a_disaster_all_of_rallys_goes(visit, taken, look):
    """Projects and users that a kill has left, default groups, nameless ports; and what was forgotten at `existing`."""
    _, killed = visit.own
    forgetful, _ = visit.existing
    left = visit.leftovers.of(killed)
    assert left <= look().states.keys()
    assert {thing.kind for thing in left} >= KINDS_OF_OWN_TENANTS
    assert any(thing.kind == "network.security-group" and thing.name == "default" for thing in left)
    assert any(thing.kind == "network.port" and not thing.name for thing in left)
    assert taken(extra=["--yes"]) == visit.ids(killed, forgetful)


def test_the_cloud_is_as_it_was(visit, look):
    assert gone_between(visit.before, look()) == set()
