"""What a sweep's flags add to it or take from it, on the few things that each needs. Compares listings, as ever."""

import contextlib
import json
import time

import pytest

from leftovers.rest import Rest
from seed import Task
from test_sweep import CLEAN, LEFTOVERS, USAGE, gone_between


@pytest.fixture
def project(cloud, task):
    """A project of the task's own, which the sweep is expected to take; the administrator has a role in it."""
    keystone = cloud.identity
    made = keystone.create_project(name=task.context(), domain_id="default")
    yield made
    if left := keystone.find_project(made.id):
        keystone.delete_project(left)


@contextlib.contextmanager
def kept(cloud, network):
    """A network that outlives the test's sweep, but not the test."""
    try:
        yield network
    finally:
        cloud.network.delete_network(network)


def volume_in(cinder, name):
    volume = cinder.create_volume(size=1, name=name)
    deadline = time.monotonic() + 60
    while cinder.get_volume(volume.id).status != "available":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return volume


def test_only_and_except_choose_kinds(runner, look, demo, task):
    network = demo.network.create_network(name=task.scenario())
    volume = volume_in(demo.block_storage, task.scenario())
    for flag, pattern, gone in (("--only", "network.*", network), ("--except", "network.*", volume)):
        before = look()
        outcome = runner.sweep(task.uuid, extra=[flag, pattern])
        assert outcome.code == CLEAN, outcome
        went = gone_between(before, look())
        assert gone.id in went
        assert {thing.kind for thing in before.states if thing.id in went} <= {
            "--only": {"network.network", "network.port"},
            "--except": {"block-storage.volume"},
        }[flag]


def test_force_moves_what_is_stuck(runner, look, cloud, demo, task):
    """A volume that a failed deletion left behind, and a protected image: reported without, gone with --force."""
    volume = volume_in(demo.block_storage, task.scenario())
    body = {"os-reset_status": {"status": "error_deleting", "attach_status": "detached"}}
    Rest(cloud, "block-storage").post(f"/volumes/{volume.id}/action", body)
    form = {"disk_format": "raw", "container_format": "bare"}
    image = demo.image.create_image(task.scenario(), data=b"x", is_protected=True, **form)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == set()
    outcome = runner.sweep(task.uuid, extra=["--force"])
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == {volume.id, image.id}


def test_with_projects_takes_what_is_in_them(runner, look, cloud, project, task):
    """A thing under another name keeps a task's project, unless the project is to be emptied."""
    network = cloud.network.create_network(name="built-by-hand", project_id=project.id)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    # What has no name in the project goes: its default group, with the rules in it.
    assert not gone_between(before, look()) & {project.id, network.id}
    assert network.id in outcome.stdout, "the report does not name what is in the way"
    outcome = runner.sweep(task.uuid, extra=["--with-projects"])
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) >= {project.id, network.id}


def test_unmatched_takes_what_bears_no_tasks_name(runner, look, cloud, project, task):
    stranger = cloud.network.create_network(name="old-stuff", project_id=project.id)
    mine = cloud.network.create_network(name=task.scenario(), project_id=project.id)
    with kept(cloud, mine):
        before = look()
        outcome = runner.sweep(extra=["--unmatched", "--yes"], projects=[project.id])
        assert outcome.code == CLEAN, outcome
        went = gone_between(before, look())
        assert stranger.id in went
        assert not went & {mine.id, project.id}


def test_unmatched_wants_a_project(runner, look):
    before = look()
    outcome = runner.sweep(extra=["--unmatched", "--yes"])
    assert outcome.code == USAGE, outcome
    assert gone_between(before, look()) == set()


def test_rally_report_names_the_workloads(runner, look, demo, task, tmp_path):
    """The report of a task of Rally's leads to its workloads, whose ids are in the names."""
    other = Task()
    report = {
        "info": {"rally_version": "5.1.1", "generated_at": "2026-11-25T00:00:00", "format_version": "1.2"},
        "tasks": [
            {
                "uuid": Task().uuid,
                "title": "Task",
                "subtasks": [{"uuid": Task().uuid, "title": "s", "workloads": [{"uuid": task.uuid}]}],
            }
        ],
    }
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    mine, others = (demo.network.create_network(name=each.scenario()) for each in (task, other))
    with kept(demo, others):
        before = look()
        outcome = runner.sweep(extra=["--rally-report", file])
        assert outcome.code == CLEAN, outcome
        went = gone_between(before, look())
        assert mine.id in went and others.id not in went
