"""What the tests share: the cloud, its access log, the binary under test, and seeds.

Seeding takes a minute and more, so each seed serves several tests, each test a task of its own or the next
step with the same task. Tests therefore run in the order in which they stand.
"""

import json
import os
import pathlib
import subprocess
import sys

import openstack
import pytest

import listing
from access_log import AccessLog
from sweep import Runner

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STATE = pathlib.Path(os.environ.get("RUNNER_OPENSTACK_DIR", ROOT / "target" / "openstack")).resolve()
CLOUDS_YAML = STATE / "clouds.yaml"
UP_SECONDS_MAX = 900
SEED_SECONDS_MAX = 900
# They bring up further services: the others measure themselves by a cloud that has the core only.
LAST = ["test_rally", "test_services"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LAST.index(name) + 1 if (name := item.module.__name__) in LAST else 0)


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
    manifest = directory / "manifest.json"
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
def look(cloud):
    """Lists the whole cloud, now."""
    return lambda: listing.take(cloud)


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
    """Six tasks beside two tenants; the last has a tenant's port in one of its networks."""
    return seed_cloud(tmp_path_factory.mktemp("seed"), "--core", "--tasks", 6, "--foreign-port")


@pytest.fixture(scope="module")
def big_seed(cloud, tmp_path_factory):
    """One task with hundreds of things."""
    return seed_cloud(tmp_path_factory.mktemp("big-seed"), "--core", "--tasks", 1, "--scale", 5)
