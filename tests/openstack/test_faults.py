"""Faults of a real OpenStack: parts of it that stop in mid-run, regions and projects out of reach, a hidden server, long chains.

Each test makes one task's few things beside the tenants', and compares full listings. What has come between the listing before the
task and the one after it is the task's; at the end the cloud is as it was before.

Not tried, for this cloud has not got it: a cell of Nova that is down (there is one cell, and its loss is that of the database); two
Keystones, or one behind a balancer that answers 503 in its stead (it is one process: while it is away nothing is answered at all);
a broker that is away for Neutron, which has none here.
"""

import collections
import concurrent.futures
import os
import time

import openstack
import pytest
import yaml
from openstack import exceptions

from conftest import tenants_name
from leftovers.rest import settled
from seed import Task
from test_doubt import SECONDS_MAX, server, why_left
from test_flags import volume_in
from test_sweep import CLEAN, LEFTOVERS, admin_entry, gone_between

UNLISTED = 4
CYCLES = int(os.environ.get("RUNNER_CYCLES", "2"))
IMAGE_FORM = {"disk_format": "raw", "container_format": "bare"}


@pytest.fixture(scope="module")
def tenants(cloud):
    """What must stay, whatever happens: in the project in which the tasks work, too."""
    demo = openstack.connect(cloud="demo")
    network = demo.network.create_network(name=tenants_name())
    demo.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.67.0.0/24", name=tenants_name())
    made = [
        (demo.network.delete_port, demo.network.create_port(network_id=network.id, name=tenants_name())),
        (demo.network.delete_network, network),
        (demo.network.delete_security_group, demo.network.create_security_group(name=tenants_name())),
        (demo.block_storage.delete_volume, volume_in(demo.block_storage, tenants_name())),
        (demo.image.delete_image, demo.image.create_image(tenants_name(), data=b"x", **IMAGE_FORM)),
        (cloud.identity.delete_role, cloud.identity.create_role(name=tenants_name())),
        (cloud.identity.delete_project, cloud.identity.create_project(name=tenants_name(), domain_id="default")),
    ]
    yield
    for delete, thing in made:
        delete(thing)


class Leavings:
    """What one task leaves in the services of the core: in `demo`, in a project of its own, and in none."""

    def __init__(self, task, cloud, demo):
        self.task, self.cloud, self.demo = task, cloud, demo

    def make(self, roles=4, images=3):
        jobs = [self.network, self.project, self.volume_with_snapshot, self.volume_with_snapshot]
        jobs += [self.server, self.loose_network, self.groups, lambda: self.names(roles), lambda: self.images(images)]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(job) for job in jobs]:
                done.result()

    def network(self):
        """With a subnet, a port, and a router."""
        neutron, made = self.demo.network, self.loose_network()
        router = neutron.create_router(name=self.task.context())
        neutron.add_interface_to_router(router, subnet_id=made.subnet_ids[0])
        return made

    def loose_network(self):
        neutron = self.demo.network
        made = neutron.create_network(name=self.task.context())
        neutron.create_subnet(network_id=made.id, ip_version=4, cidr="10.68.0.0/24", name=self.task.context())
        neutron.create_port(network_id=made.id, name=self.task.scenario())
        return neutron.get_network(made.id)

    def server(self):
        """On a port that Nova makes, with a volume attached."""
        nova, network = self.demo.compute, self.loose_network()
        made = nova.create_server(
            name=self.task.scenario(),
            image_id=self.demo.image.find_image("cirros").id,
            flavor_id=nova.find_flavor("m1.tiny").id,
            networks=[{"uuid": network.id}],
        )
        volume = volume_in(self.demo.block_storage, self.task.scenario())
        nova.wait_for_server(made, wait=SECONDS_MAX)
        nova.create_volume_attachment(made, volume_id=volume.id)
        settled("attached volume", lambda: self.demo.block_storage.get_volume(volume.id).status, "in-use")

    def volume_with_snapshot(self):
        cinder = self.demo.block_storage
        volume = volume_in(cinder, self.task.scenario())
        snapshot = cinder.create_snapshot(volume_id=volume.id, name=self.task.scenario())
        settled("snapshot", lambda: cinder.get_snapshot(snapshot.id).status, "available")

    def groups(self):
        for _ in range(4):
            self.demo.network.create_security_group(name=self.task.scenario())

    def images(self, count):
        for _ in range(count):
            self.demo.image.create_image(self.task.scenario(), data=b"x" * 512, **IMAGE_FORM)

    def project(self):
        """With a user in it, and a network."""
        keystone = self.cloud.identity
        project = keystone.create_project(name=self.task.context(), domain_id="default")
        user = keystone.create_user(name=self.task.context(), domain_id="default", default_project_id=project.id)
        keystone.assign_project_role_to_user(project, user, keystone.find_role("member"))
        self.cloud.network.create_network(name=self.task.context(), project_id=project.id)

    def names(self, roles):
        keystone = self.cloud.identity
        for _ in range(roles):
            keystone.create_role(name=self.task.scenario())
        for _ in range(roles // 2):
            keystone.create_group(name=self.task.scenario(), domain_id="default")


@pytest.fixture
def leavings(task, cloud, demo, tenants):
    return Leavings(task, cloud, demo)


def handle(thing):
    """A listed thing as the runner calls it."""
    return f"{thing.kind.replace('-', '_')}/{thing.id}"


def assert_true(outcome, own, now):
    """What a run says of a task's things is as they are now, and so is its exit code."""
    report = outcome.report
    there = {handle(thing) for thing in now.states}
    left = {item["thing"] for item in report["left"]}
    unlisted = {failure["kind"] for failure in report["listing_failures"]}
    gone = {row["thing"] for row in report["items"] if row["result"] == "gone"}
    assert gone & there == set(), f"said to be gone, and there: {gone & there}\n{outcome}"
    ungone = {row["thing"] for row in report["items"]} - gone
    untold = {thing for thing in ungone & there - left if thing.partition("/")[0] not in unlisted}
    assert untold == set(), f"there, and not said to be left: {untold}\n{outcome}"
    is_unlisted = bool(unlisted) or any(each["is_failure"] for each in report["unlooked"])
    stays = {thing for thing in own if thing in now.states}
    match outcome.code:
        case 0:
            assert stays == set() and not left and not is_unlisted, f"{stays}\n{outcome}"
        case 3:
            assert left and not is_unlisted, outcome
        case 4:
            assert is_unlisted, outcome
        case _:
            pytest.fail(str(outcome))


def assert_within(own, before, now):
    """Nothing but what is in `own` has gone or changed. What has come belongs to a project of the task's, as its default group."""
    projects = {thing.id for thing in own if thing.kind == "identity.project"}
    assert before - now <= own
    assert {thing for thing in now - before if thing.project not in projects} == set(), "something was made"
    assert {thing: fields for thing, fields in before.changed_in(now).items() if thing not in own} == {}


class Trial:
    """A task's things with a listing before them and one with them; then runs, and what they come to."""

    def __init__(self, runner, look, leavings, **more):
        self.runner, self.look, self.task = runner, look, leavings.task.uuid
        self.baseline = look()
        leavings.make(**more)
        self.before = look()
        self.own = self.before - self.baseline

    def judge(self, outcome):
        """A run may do less than one without faults, never more, and says how much."""
        now = self.look()
        assert_within(self.own, self.before, now)
        assert_true(outcome, self.own, now)
        stays = len({thing for thing in self.own if thing in now.states})
        summary = outcome.summary
        print(
            f"{len(self.own)} of the task's, {stays} left by exit {outcome.code}: "
            f"{summary['deleted']} deleted, {summary['failed']} failed, {summary['requests']} requests, {summary['seconds']} s"
        )
        for left in outcome.report["left"]:
            print(f"  left {left['thing']}: {left['why']}")
        return now

    def end(self):
        """The same again ends the work."""
        outcome = self.runner.sweep(self.task)
        assert outcome.code == CLEAN, outcome
        assert gone_between(self.baseline, self.look()) == set()
        print(f"again: {outcome.summary['deleted']} deleted, {outcome.summary['seconds']} s")
        return outcome


# How each part ends, which processes it is, and how long it is away. What is killed breaks off what it is doing.
OUTAGES = {
    "keystone": ("kill", ["keystone"], 5),
    "neutron": ("kill", ["neutron"], 5),
    "cinder": ("kill", ["cinder-api"], 5),
    "glance": ("kill", ["glance"], 5),
    "nova": ("kill", ["nova-api"], 5),
    "cinder-volume": ("kill", ["cinder-volume"], 5),
    "nova-compute": ("kill", ["nova-compute"], 5),
    "database": ("stop", ["mariadb"], 5),
    "broker": ("stop", ["rabbitmq"], 5),
    "neutron-for-a-minute": ("kill", ["neutron"], 60),
    "five-at-once": ("kill", ["keystone", "neutron", "cinder-api", "glance", "nova-api"], 5),
}


@pytest.fixture
def impatient(tmp_path):
    """Flags of a run that does not wait ten minutes for what a service has forgotten to delete."""
    config = tmp_path / "runner.toml"
    config.write_text("[sweep]\ndisappear_s_max = 60\n")
    return ["--config", config]


@pytest.mark.parametrize("name", OUTAGES)
def test_a_part_that_is_away_in_mid_run(name, runner, look, leavings, parts, impatient):
    """What goes is some of what goes without the outage; the run says truly how it ended, and the same again ends the work."""
    how, names, seconds = OUTAGES[name]
    trial = Trial(runner, look, leavings)

    def outage():
        getattr(parts, how)(*names)
        time.sleep(seconds)
        parts.start()

    outcome = runner.disturbed(trial.task, outage, extra=impatient)
    parts.wait()
    trial.judge(outcome)
    if name == "database":
        # No request moves such an image any more: what the run says of it is true, and the rest is for the cloud's operator.
        parts.mend_images()
    trial.end()


def test_a_part_that_is_away_while_all_is_listed(runner, look, leavings, parts):
    """What cannot be listed in the end is said, and holds what it may belong to."""
    trial = Trial(runner, look, leavings)

    def outage():
        parts.kill("neutron")
        time.sleep(2)
        parts.start()

    outcome = runner.disturbed(trial.task, outage, deletions=0)
    parts.wait()
    trial.judge(outcome)
    trial.end()


@pytest.mark.parametrize("name", ["neutron", "cinder-api", "glance", "nova-api"])
def test_a_service_that_is_away_all_along(name, runner, look, leavings, parts):
    """Nobody can say what it has: what may be in its way, or contain its things, stays, and the run does not call it clean."""
    trial = Trial(runner, look, leavings)
    with parts.without(name):
        outcome = runner.sweep(trial.task)
    assert outcome.code == UNLISTED, outcome
    now = trial.judge(outcome)
    projects = {thing for thing in trial.own if thing.kind == "identity.project"}
    assert projects <= now.states.keys(), "a project has gone that nobody could look into"
    trial.end()


def repeated(requests):
    """Of those that were refused or failed: each with the answers that came after, in order."""
    answers = collections.defaultdict(list)
    for request in requests:
        answers[request.method, request.path].append(request.status)
    return {key: statuses for key, statuses in answers.items() if any(is_doubtful(each) for each in statuses)}


def is_doubtful(status):
    return status == 403 or status >= 500


@pytest.mark.parametrize("how", ["killed", "without-database"])
def test_keystone_is_asked_again_while_it_comes_back(how, runner, look, leavings, parts, access_log):
    """Neither is final: 403 to what comes first after its start, and 403 or 500 while its database is away.

    The 403 comes where it should look up the thing to judge who may delete it, and cannot: mostly of groups. It may be the first that
    a run hears of the outage.
    """
    # Images have their own trouble without a database, and are no matter of Keystone's.
    trial = Trial(runner, look, leavings, roles=30, images=0)

    def outage():
        if how == "killed":
            parts.kill("keystone")
        else:
            parts.stop("mariadb")
        parts.start()

    mark = access_log.mark()
    outcome = runner.disturbed(trial.task, outage)
    doubtful = repeated(each for each in access_log.since(mark) if each.service == "keystone")
    parts.wait()
    trial.judge(outcome)
    statuses = collections.Counter(each for answers in doubtful.values() for each in answers if is_doubtful(each))
    print(f"keystone, {how}: {dict(statuses)} to {len(doubtful)} requests")
    # A Keystone that was killed need not refuse anything: that is a race of its own threads.
    assert doubtful or how == "killed", "nothing was refused: this test would prove nothing"
    final = {request: answers for request, answers in doubtful.items() if is_doubtful(answers[-1])}
    trial.end()
    assert final == {}, outcome
    assert outcome.code == CLEAN, outcome


def test_cycles_of_seed_and_sweep(runner, look, tenants, cloud, demo):
    """RUNNER_CYCLES of them, 2 if nothing is said. Each ends clean, and leaves the cloud as it was."""
    baseline = look()
    deleted, requests, seconds = 0, 0, []
    for cycle in range(CYCLES):
        each = Leavings(Task(), cloud, demo)
        each.make()
        outcome = runner.sweep(each.task.uuid)
        assert outcome.code == CLEAN, f"cycle {cycle}: {outcome}"
        assert gone_between(baseline, look()) == set(), f"cycle {cycle}"
        deleted += outcome.summary["deleted"]
        requests += outcome.summary["requests"]
        seconds.append(outcome.summary["seconds"])
    print(f"{CYCLES} cycles: {deleted} deleted, {requests} requests, {min(seconds)} to {max(seconds)} s each")


@pytest.fixture
def second_region(cloud, parts, after):
    """A region with a Neutron of its own, and an entry for compute that leads to the one Nova. Gives a connection to it."""
    keystone, endpoints = cloud.identity, {each.type: each for each in cloud.identity.services()}
    parts.second_neutron()
    after(parts.stop, "neutron-two")
    first = {
        each.service_id: each.url
        for each in keystone.endpoints(interface="public")
        if each.region_id == cloud.config.region_name
    }
    port = int(first[endpoints["network"].id].rpartition(":")[2]) + 1
    urls = {"network": f"http://127.0.0.1:{port}", "compute": first[endpoints["compute"].id]}
    region = keystone.create_region(id="RegionTwo")
    after(keystone.delete_region, region)
    for kind, url in urls.items():
        made = keystone.create_endpoint(
            service_id=endpoints[kind].id, interface="public", url=url, region_id=region.id
        )
        after(keystone.delete_endpoint, made)
    settled("second Neutron", lambda: answer_of(urls["network"], cloud), "yes")
    auth = cloud.config.config["auth"]
    return openstack.connect(auth=auth, region_name="RegionTwo", load_yaml_config=False, load_envvars=False)


def answer_of(url, cloud):
    """Its first answers may be refusals, while it loads its policies."""
    answer = cloud.session.get(f"{url}/v2.0/networks", raise_exc=False, connect_retries=20)
    return "yes" if answer.status_code == 200 else f"not yet: {answer.status_code}"


def test_a_region_that_was_not_looked_at_keeps_the_project(
    runner, look, cloud, task, second_region, after, tmp_path, monkeypatch
):
    """Its things are in region two. It goes when somebody says that region two holds nothing of it."""
    keystone = cloud.identity
    project = keystone.create_project(name=task.context(), domain_id="default")
    after(keystone.delete_project, project)
    here = cloud.network.create_network(name=task.scenario(), project_id=project.id)
    there = second_region.network.create_network(name=task.scenario(), project_id=project.id)
    precious = second_region.network.create_network(name=tenants_name())
    before = look()
    plan = runner.sweep(task.uuid, dry_run=True)
    assert plan.code == CLEAN, plan
    (row,) = (row for row in plan.report["items"] if row["thing"] == f"identity.project/{project.id}")
    assert "RegionTwo" in str(row), row
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    why = why_left(outcome, "identity.project", project)
    assert "RegionTwo" in why, why
    print(f"left: {why}")
    assert {(each["service"], each["region"]) for each in outcome.report["unlooked"]} >= {
        ("network", "RegionTwo"),
        ("compute", "RegionTwo"),
    }
    went = gone_between(before, look())
    assert here.id in went and project.id not in went
    assert second_region.network.get_network(there.id).name == there.name

    # Region two by itself: images and volumes are in region one only, which this run does not reach.
    clouds = admin_entry()
    clouds["clouds"]["admin"]["region_name"] = second_region.config.region_name
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    before = look()
    with monkeypatch.context() as there_now:
        there_now.setitem(runner.environment, "OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
        outcome = runner.sweep(task.uuid)
    assert outcome.code == UNLISTED, outcome
    assert gone_between(before, look()) == set()
    print(f"region two: {[(each['service'], each['why']) for each in outcome.report['unlooked']]}")
    assert second_region.network.find_network(there.id) is None
    assert second_region.network.find_network(precious.id)
    assert "RegionOne" in why_left(outcome, "identity.project", project)

    outcome = runner.sweep(task.uuid, extra=["--unlooked", "network", "--unlooked", "compute"])
    assert outcome.code == CLEAN, outcome
    assert project.id in gone_between(before, look())


@pytest.mark.quick
def test_a_token_for_the_system_says_what_it_does_not_reach(runner, look, leavings):
    """What is found with such a token is said thing by thing; what cannot be asked for, by its kind or its service."""
    trial = Trial(runner, look, leavings)
    outcome = runner.sweep(trial.task, cloud="system-admin", extra=["--show-kept"])
    now = trial.judge(outcome)
    report = outcome.report
    for each in report["unlooked"]:
        print(f"  not looked at: {each['service']}: {each['why']}")
    for each in report["listing_failures"]:
        print(f"  not listed: {each['kind']}, {each['scope']}: {each['why']}")
    services = {kind["kind"]: kind["service"] for kind in runner.kinds()}
    told = {item["thing"] for item in report["items"] + report["kept"]}
    unsaid = {each["kind"] for each in report["listing_failures"]} | report["skipped"].keys()
    unreached = {each["service"] for each in report["unlooked"]}
    silent = {
        handle(thing)
        for thing in trial.before.states
        if (kind := handle(thing).partition("/")[0]) in services
        and handle(thing) not in told
        and kind not in unsaid
        and services[kind] not in unreached
        # Known to a plan by its name alone.
        and kind != "compute.keypair"
    }
    assert silent == set()
    assert outcome.code == UNLISTED, outcome
    assert "block-storage" in unreached, "its endpoint has a project in it, which such a token has not"
    projects = {thing for thing in trial.own if thing.kind == "identity.project"}
    assert projects <= now.states.keys(), "a project has gone that nobody could look into"
    trial.end()


def backup_of(cinder, volume, name, **options):
    made = cinder.create_backup(volume_id=volume.id, name=name, **options)
    settled("backup", lambda: cinder.get_backup(made.id).status, "available")
    return made


@pytest.mark.parametrize("who", ["admin", "demo"])
def test_the_base_of_a_tenants_increment_stays(who, runner, look, demo, task, after):
    """Cinder refuses its owner, and would let an administrator destroy it. The task's volume is free to go."""
    cinder = demo.block_storage
    volume = volume_in(cinder, task.scenario())
    base = backup_of(cinder, volume, task.scenario())
    middle = backup_of(cinder, volume, task.scenario(), is_incremental=True)
    theirs = backup_of(cinder, volume, tenants_name(), is_incremental=True)
    before = look()
    outcome = runner.sweep(task.uuid, cloud=who)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == {volume.id}
    for each in (base, middle):
        print(f"left: {why_left(outcome, 'block_storage.backup', each)}")
    print(f"{outcome.summary['requests']} requests, {outcome.summary['seconds']} s")
    cinder.delete_backup(theirs)
    cinder.wait_for_delete(theirs, wait=SECONDS_MAX)
    before = look()
    outcome = runner.sweep(task.uuid, cloud=who)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == {base.id, middle.id}


@pytest.fixture
def soft_deleting(parts):
    """Nova keeps what is deleted for an hour."""
    more = {"nova/nova.conf": "[DEFAULT]\nreclaim_instance_interval = 3600\n"}
    with parts.setting(more, "nova-api", "nova-compute"):
        yield


@pytest.mark.parametrize("who", ["admin", "demo"])
def test_a_soft_deleted_server_is_hidden_and_not_gone(who, runner, look, cloud, demo, task, network, after, soft_deleting):
    """It holds its port and its volume, and no ordinary listing shows it. `--force` ends it, for its owner too."""
    made = server(demo, cloud, task, network, after, image_id=demo.image.find_image("cirros").id)
    volume = volume_in(demo.block_storage, task.scenario())
    demo.compute.create_volume_attachment(made, volume_id=volume.id)
    settled("attached volume", lambda: demo.block_storage.get_volume(volume.id).status, "in-use")
    for _ in range(2):
        outcome = runner.sweep(task.uuid, cloud=who)
        assert outcome.code == LEFTOVERS, outcome
        assert cloud.compute.get_server(made.id).status == "SOFT_DELETED"
        assert "SOFT_DELETED" in why_left(outcome, "compute.server", made)
        assert why_left(outcome, "block_storage.volume", volume)
        print(f"{who}: left: {why_left(outcome, 'compute.server', made)}")
    outcome = runner.sweep(task.uuid, cloud=who, extra=["--force"])
    assert outcome.code == CLEAN, outcome
    with pytest.raises(exceptions.NotFoundException):
        cloud.compute.get_server(made.id)
    assert not look().ids() & {made.id, volume.id}


@pytest.mark.quick
def test_a_disabled_project_is_swept_beside_others(runner, look, leavings, cloud, task, after):
    """Where nothing is listed by a token for it, it is like any other; and a tenant's stays with all that is in it."""
    keystone = cloud.identity
    theirs = keystone.create_project(name=tenants_name(), domain_id="default")
    after(keystone.delete_project, theirs)
    after(cloud.network.delete_network, cloud.network.create_network(name=tenants_name(), project_id=theirs.id))
    keystone.update_project(theirs, is_enabled=False)
    baseline = look()
    leavings.make()
    ours = keystone.create_project(name=task.context(), domain_id="default")
    cloud.network.create_network(name=task.scenario(), project_id=ours.id)
    keystone.update_project(ours, is_enabled=False)
    outcome = runner.sweep(task.uuid)
    assert outcome.code == CLEAN, outcome
    assert gone_between(baseline, look()) == set()
