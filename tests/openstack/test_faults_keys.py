"""Keys of encrypted volumes, and projects that give no token: what needs Barbican, which this brings up on top of what runs.

Barbican runs with the policies that it has had as its defaults since 2024: with the older ones Castellan, which makes keys for Cinder,
cannot take away the order by which it has made one, and no administrator may delete a key in another project.

Not tried, for it needs a hypervisor: that an encrypted volume is of no use once its key has gone. Volumes are rows here, their keys are
real.
"""

import subprocess

import pytest

import listing
from conftest import HERE, STATE, UP_SECONDS_MAX, administrator, tenants_name
from leftovers.rest import Rest, settled
from test_doubt import SECONDS_MAX, why_left
from test_faults import UNLISTED, Leavings, Trial, backup_of, tenants  # noqa: F401
from test_sweep import CLEAN, LEFTOVERS, gone_between


@pytest.fixture(scope="module")
def cloud(parts):
    """Connected when Barbican runs: a token's catalog has what there was when it was issued."""
    groups = [group for group in (STATE / "bootstrapped").read_text().split() if group != "core"]
    subprocess.run([HERE / "up", *dict.fromkeys([*groups, "barbican"])], check=True, timeout=UP_SECONDS_MAX)
    cloud = administrator()
    endpoint = next(
        each.url
        for service in cloud.identity.services(type="key-manager")
        for each in cloud.identity.endpoints(service_id=service.id, interface="public")
    )
    auth_url = cloud.config.config["auth"]["auth_url"]
    more = {
        "cinder/cinder.conf": "[key_manager]\nbackend = barbican\n"
        f"[barbican]\nbarbican_endpoint = {endpoint}\nauth_endpoint = {auth_url}\n",
        "barbican/barbican.conf": "[oslo_policy]\nenforce_new_defaults = true\nenforce_scope = true\n",
    }
    with parts.setting(more, "cinder-api", "cinder-volume", "cinder-backup", "barbican-api"):
        yield cloud


@pytest.fixture
def leavings(task, cloud, demo, tenants):  # noqa: F811
    return Leavings(task, cloud, demo)


@pytest.fixture
def encrypting(cloud, after):
    """A type of encrypted volumes."""
    cinder = Rest(cloud, "block-storage")
    made = cinder.post("/types", {"volume_type": {"name": tenants_name()}})["volume_type"]
    after(cinder.delete, f"/types/{made['id']}")
    how = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
    cinder.post(f"/types/{made['id']}/encryption", {"encryption": how})
    return made["name"]


def encrypted(owner, name, volume_type):
    """A volume, and the id of its key."""
    cinder = owner.block_storage
    volume = cinder.create_volume(size=1, name=name, volume_type=volume_type)
    settled("encrypted volume", lambda: cinder.get_volume(volume.id).status, "available")
    shown = Rest(owner, "block-storage", "3.64").get(f"/volumes/{volume.id}")["volume"]
    assert shown["encryption_key_id"], "the volume has no key: this test would prove nothing"
    return volume, shown["encryption_key_id"]


def remove(cinder, volume):
    cinder.delete_volume(volume)
    cinder.wait_for_delete(volume, wait=SECONDS_MAX)


@pytest.mark.parametrize("who", ["admin", "demo"])
def test_a_key_goes_or_stays_with_its_volume(who, runner, look, demo, task, encrypting, after):
    """A tenant's backup of the volume that goes has a key of its own, and his snapshot holds the other one."""
    cinder = demo.block_storage
    free, free_key = encrypted(demo, task.scenario(), encrypting)
    held, held_key = encrypted(demo, task.scenario(), encrypting)
    theirs, _ = encrypted(demo, tenants_name(), encrypting)
    after(remove, cinder, theirs)
    after(cinder.delete_backup, backup_of(cinder, free, tenants_name()))
    snapshot = cinder.create_snapshot(volume_id=held.id, name=tenants_name())
    settled("snapshot", lambda: cinder.get_snapshot(snapshot.id).status, "available")
    before = look()
    outcome = runner.sweep(task.uuid, cloud=who)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == {free.id, free_key}
    print(f"left: {why_left(outcome, 'block_storage.volume', held)}")
    cinder.delete_snapshot(snapshot)
    cinder.wait_for_delete(snapshot, wait=SECONDS_MAX)
    before = look()
    outcome = runner.sweep(task.uuid, cloud=who)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == {held.id, held_key}


def test_a_tenants_key_stays_with_his_volume_in_a_tasks_project(runner, look, cloud, task, encrypting, after):
    """A nameless secret in a project of the task's, by whom nobody asks but the volume."""
    keystone = cloud.identity
    project = keystone.create_project(name=task.context(), domain_id="default")
    after(keystone.delete_project, project)
    inside = listing.in_project(cloud, project.id)
    theirs, _ = encrypted(inside, tenants_name(), encrypting)
    after(remove, inside.block_storage, theirs)
    ours, key = encrypted(inside, task.scenario(), encrypting)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == {ours.id, key}
    print(f"left: {why_left(outcome, 'identity.project', project)}")


def test_a_project_without_a_token_keeps_itself_and_no_other(runner, look, leavings, cloud, task, after):
    """Nobody is shown the secrets of a disabled project: it stays, and the others are swept."""
    keystone = cloud.identity
    theirs = keystone.create_project(name=tenants_name(), domain_id="default")
    after(keystone.delete_project, theirs)
    keystone.update_project(theirs, is_enabled=False)
    trial = Trial(runner, look, leavings)
    ours = keystone.create_project(name=task.context(), domain_id="default")
    network = cloud.network.create_network(name=task.scenario(), project_id=ours.id)
    keystone.update_project(ours, is_enabled=False)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == UNLISTED, outcome
    went = gone_between(before, look())
    assert went >= {thing.id for thing in trial.own} | {network.id}
    assert ours.id not in went and theirs.id not in went
    failures = outcome.report["listing_failures"]
    assert failures
    for failure in failures:
        assert any(project.id in failure["scope"] for project in (ours, theirs)), failure
        assert "disabled" in failure["why"], failure
    print(f"not listed: {failures[0]}")
    print(f"left: {why_left(outcome, 'identity.project', ours)}")
    keystone.update_project(ours, is_enabled=True)
    # The tenant's is as it was.
    outcome = runner.sweep(task.uuid)
    assert outcome.code == UNLISTED, outcome
    assert gone_between(trial.baseline, look()) == set()
