"""The law of doubt on a real OpenStack: what its services delete, detach or invalidate beside the thing that a request names.

Each test makes the few things that it needs, with what a tenant must not lose among them, and removes afterwards what is left.
"""

import openstack
import pytest

from access_log import AccessLog
from conftest import tenants_name
from test_flags import volume_in
from test_sweep import CLEAN, LEFTOVERS, changes, gone_between

SECONDS_MAX = 120
pytestmark = pytest.mark.usefixtures("at_rest")


def why_left(outcome, kind, thing):
    left = {item["thing"]: item["why"] for item in outcome.report["left"]}
    return left[f"{kind}/{thing.id}"]


def server(demo, cloud, task, network, after, **options):
    compute = demo.compute
    flavor = compute.find_flavor("m1.tiny")
    made = compute.create_server(name=task.scenario(), flavor_id=flavor.id, networks=[{"uuid": network.id}], **options)

    def remove():
        compute.delete_server(made)
        compute.wait_for_delete(made, wait=SECONDS_MAX)

    after(remove)
    return compute.wait_for_server(made, wait=SECONDS_MAX)


def test_a_role_that_a_tenant_holds_stays_with_his_credentials(runner, look, cloud, task, after):
    """With a role Keystone destroys every application credential of everybody who holds it on a project."""
    keystone = cloud.identity
    project, member = keystone.find_project("demo2"), keystone.find_role("member")
    user = keystone.create_user(name=tenants_name(), domain_id="default", password="secret")
    after(keystone.delete_user, user)
    keystone.assign_project_role_to_user(project, user, member)
    auth = {**cloud.config.config["auth"], "username": user.name, "password": "secret", "project_name": project.name}
    theirs = openstack.connect(auth=auth, region_name="RegionOne", load_yaml_config=False, load_envvars=False)
    credential = theirs.identity.create_application_credential(user=user.id, name="prod-ci", roles=[{"id": member.id}])
    held = keystone.create_role(name=task.scenario())
    after(keystone.delete_role, held)
    keystone.assign_project_role_to_user(project, user, held)
    free = keystone.create_role(name=task.scenario())
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == {free.id}
    assert list(theirs.identity.application_credentials(user.id))[0].id == credential.id
    assert why_left(outcome, "identity.role", held)


def test_a_tenants_volume_that_would_go_with_a_server_holds_it(runner, look, cloud, demo, task, network, after):
    volumes = demo.block_storage
    boot, precious = volume_in(volumes, tenants_name()), volume_in(volumes, tenants_name())
    for volume in (boot, precious):
        after(volumes.wait_for_delete, volume, wait=SECONDS_MAX)
        after(volumes.delete_volume, volume)
    volumes.set_volume_bootable_status(boot.id, True)
    common = {"source_type": "volume", "destination_type": "volume"}
    mapping = [
        {"boot_index": 0, "uuid": boot.id, "delete_on_termination": False, **common},
        {"boot_index": 1, "uuid": precious.id, "delete_on_termination": True, **common},
    ]
    made = server(demo, cloud, task, network, after, block_device_mapping=mapping)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == set()
    assert precious.id in why_left(outcome, "compute.server", made)


def test_a_port_that_a_tenant_has_renamed_holds_its_server(runner, look, cloud, demo, task, network, after):
    made = server(demo, cloud, task, network, after, image_id=demo.image.find_image("cirros").id)
    (port,) = demo.network.ports(device_id=made.id)
    demo.network.update_port(port, name=tenants_name())
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == set()
    assert port.id in why_left(outcome, "compute.server", made)


def test_a_group_that_a_tenants_rule_names_stays(runner, look, demo, task, after):
    """A rule vanishes with the group that it names as remote."""
    groups = demo.network
    ours = groups.create_security_group(name=task.scenario())
    after(groups.delete_security_group, ours)
    theirs = groups.create_security_group(name=tenants_name())
    after(groups.delete_security_group, theirs)
    groups.create_security_group_rule(security_group_id=theirs.id, direction="ingress", remote_group_id=ours.id)
    before = look()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == set()
    assert why_left(outcome, "network.security_group", ours)


def test_a_project_that_stays_keeps_its_contents_and_is_left_in_peace(
    runner, look, cloud, demo, task, after, access_log: AccessLog
):
    """Nameless things, quotas and credentials go only with the project; a rerun has nothing to send."""
    keystone = cloud.identity
    project, user = keystone.create_project(name=task.context(), domain_id="default"), keystone.find_user("demo2")
    after(keystone.delete_project, project)
    keystone.assign_project_role_to_user(project, user, keystone.find_role("member"))
    auth = {**cloud.config.config["auth"], "username": "demo2", "password": "secret", "project_name": project.name}
    inside = openstack.connect(auth=auth, region_name="RegionOne", load_yaml_config=False, load_envvars=False)
    nameless = inside.network.create_network(name="")
    kept = inside.network.create_network(name=tenants_name())
    for made in (nameless, kept):
        after(inside.network.delete_network, made)
    credential = inside.identity.create_application_credential(user=user.id, name=tenants_name())
    after(inside.identity.delete_application_credential, user, credential)
    cloud.compute.put(f"/os-quota-sets/{project.id}", json={"quota_set": {"cores": 77}})
    for _ in range(2):
        before, mark = look(), access_log.mark()
        outcome = runner.sweep(task.uuid)
        assert outcome.code == LEFTOVERS, outcome
        assert gone_between(before, look()) == set()
        assert changes(access_log.since(mark)) == []
        assert kept.id in why_left(outcome, "identity.project", project)
    assert cloud.compute.get(f"/os-quota-sets/{project.id}").json()["quota_set"]["cores"] == 77
    assert inside.identity.find_application_credential(user, credential.id)


def test_what_will_be_refused_is_blocked_in_the_plan(runner, look, demo, task, after, access_log: AccessLog):
    form = {"disk_format": "raw", "container_format": "bare"}
    image = demo.image.create_image(task.scenario(), data=b"x", is_protected=True, **form)
    after(demo.image.delete_image, image)
    after(demo.image.update_image, image, is_protected=False)
    plan = runner.sweep(task.uuid, dry_run=True)
    assert plan.code == CLEAN, plan
    (item,) = plan.plan["items"]
    assert item["blocked_by"], item
    mark = access_log.mark()
    outcome = runner.sweep(task.uuid)
    assert outcome.code == LEFTOVERS, outcome
    assert changes(access_log.since(mark)) == []
    assert gone_between(look(), look()) == set()
