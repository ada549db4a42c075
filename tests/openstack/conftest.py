"""What the tests share: the cloud, its access log, the binary under test, and seeds.

Seeding takes a minute and more, so each seed serves several tests, each test a task of its own or the next
step with the same task. Tests therefore run in the order in which they stand.
"""

import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time

import openstack
import pytest
from openstack import exceptions

import listing
from access_log import AccessLog
from outage import Parts
from seed import Task
from sweep import Runner

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STATE = pathlib.Path(os.environ.get("RUNNER_OPENSTACK_DIR", ROOT / "target" / "openstack")).resolve()
CLOUDS_YAML = STATE / "clouds.yaml"
UP_SECONDS_MAX = 900
SEED_SECONDS_MAX = 900
# What needs least comes first: rules in other languages are built late. Those of Rally, of keys and of all services bring up
# further services, and the others measure themselves by a cloud that has the core only, or by itself.
ORDER = ["test_sweep", "test_flags", "test_access", "test_auth", "test_doubt", "test_languages", "test_rally"]
ORDER += ["test_faults", "test_faults_keys", "test_services"]
# Six tasks beside two tenants; the last has a tenant's port in one of its networks.
SEED = ["--core", "--tasks", 6, "--foreign-port"]
SEED_AHEAD = STATE / "seed-ahead.json"


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: seconds only, and nothing is stopped: fit for each change")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.module.__name__))


class Seed:
    """What one seeding made, and which of it may go."""

    def __init__(self, manifest):
        self.tasks = manifest["tasks"]
        self.things = manifest["things"]

    def of(self, task, place=None):
        """Ids of a task's things that can go; `place` narrows them to one project."""
        return {
            thing["id"]
            for thing in self.things
            if thing["task"] == task and not thing["held_by"] and place in (None, thing["place"])
        }

    def named(self, task):
        """Ids of those that bear the task's name. The others belong to one of them, and may silently go with it."""
        belonging = {thing["id"] for thing in self.things if (thing["why"] or "").startswith("belongs to")}
        return self.of(task) - belonging

    def held(self, task):
        """A task's things that cannot go, with what holds each: {id: id}."""
        return {thing["id"]: thing["held_by"] for thing in self.things if thing["task"] == task and thing["held_by"]}


def seed_cloud(directory, *options):
    return seed_into(directory / "manifest.json", *options)


def seed_ahead():
    """Makes the first seed before there is anything to test, into a cloud that is empty."""
    SEED_AHEAD.unlink(missing_ok=True)
    unfinished = SEED_AHEAD.with_suffix(".unfinished")
    seed_into(unfinished, *SEED)
    unfinished.rename(SEED_AHEAD)


def seed_into(manifest, *options):
    command = [sys.executable, HERE / "seed.py", "--manifest", manifest, *map(str, options)]
    subprocess.run(
        command, check=True, timeout=SEED_SECONDS_MAX, env=os.environ | {"OS_CLIENT_CONFIG_FILE": CLOUDS_YAML}
    )
    return Seed(json.loads(manifest.read_text()))


@pytest.fixture(scope="module")
def cloud():
    return administrator()


def administrator():
    """A connection for looking."""
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(CLOUDS_YAML)
    cloud = openstack.connect(cloud="admin")
    # The first look at one's own security groups makes the default one: before the tests, not in them.
    for name in ("admin", "demo", "demo2"):
        list(openstack.connect(cloud=name).network.security_groups())
    return cloud


@pytest.fixture
def demo(cloud):
    """A tenant, after `cloud` has set the configuration's place."""
    return openstack.connect(cloud="demo")


@pytest.fixture
def after():
    """What is to be done when the test is over, the last first. What has gone meanwhile is all right."""
    with contextlib.ExitStack() as stack:

        def call(work, *arguments, **options):
            def tolerant():
                with contextlib.suppress(exceptions.NotFoundException):
                    work(*arguments, **options)

            stack.callback(tolerant)

        yield call


def tenants_name():
    return f"prod-{secrets.token_hex(4)}"


@pytest.fixture
def network(demo, after):
    """A tenant's."""
    made = demo.network.create_network(name=tenants_name())
    after(demo.network.delete_network, made)
    demo.network.create_subnet(network_id=made.id, ip_version=4, cidr="10.66.0.0/24", name=tenants_name())
    return made


@pytest.fixture(scope="session")
def parts():
    """The cloud's processes and settings, to be taken away and brought back."""
    return Parts(STATE)


@pytest.fixture
def task():
    """One that has made nothing yet."""
    return Task()


@pytest.fixture
def look(cloud):
    """Lists the whole cloud, now."""
    return lambda: listing.take(cloud)


@pytest.fixture
def at_rest(look):
    """What an earlier test has had deleted may be on its way out: nothing begins before it is."""
    deadline = time.monotonic() + 60
    before = look()
    while True:
        time.sleep(1)
        now = look()
        if not before - now and not now - before:
            return
        assert time.monotonic() < deadline, "the cloud does not come to rest"
        before = now


@pytest.fixture(scope="session")
def access_log():
    return AccessLog(STATE / "log")


@pytest.fixture(scope="session")
def runner(tmp_path_factory):
    binary = pathlib.Path(os.environ.get("RUNNER", ROOT / "target" / "release" / "runner"))
    guests = pathlib.Path(os.environ.get("RUNNER_GUESTS", ROOT / "target" / "guests"))
    assert binary.is_file(), f"no binary at {binary}: cargo build --release"
    assert list(guests.glob("*.wasm")), f"no components in {guests}"
    return Runner(binary, guests, CLOUDS_YAML, tmp_path_factory.mktemp("runner"))


@pytest.fixture(scope="module")
def seed(cloud, tmp_path_factory):
    """The one that was made ahead serves once: its tasks are gone then."""
    if SEED_AHEAD.exists():
        seed = Seed(json.loads(SEED_AHEAD.read_text()))
        SEED_AHEAD.unlink()
        return seed
    return seed_cloud(tmp_path_factory.mktemp("seed"), *SEED)


@pytest.fixture(scope="module")
def big_seed(cloud, tmp_path_factory):
    """One task with hundreds of things."""
    return seed_cloud(tmp_path_factory.mktemp("big-seed"), "--core", "--tasks", 1, "--scale", 5)
