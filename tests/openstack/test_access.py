"""Access rules: a credential with which rules sweep as ever, while the services themselves refuse whatever else is asked."""

import json
import subprocess

import openstack
import pytest
import yaml

from leftovers.rest import Rest, settled
from sweep import SECONDS_MAX, Runner
from test_flags import volume_in
from test_sweep import CLEAN, gone_between

# A credential of a user's for a project; nothing else of the cloud's is reached with it.
NAME = "held-to-the-rules"


def access_rules(runner, *extra):
    command = [runner.binary, "rules", "access-rules", "--os-cloud", "demo", "--guests", runner.guests, *extra]
    done = subprocess.run(
        [str(part) for part in command],
        env=runner.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == CLEAN, done.stderr
    return done.stdout


@pytest.fixture
def held(runner, demo, tmp_path):
    """The runner as demo, by a credential with the pack's access rules and no others; and the cloud by the same credential."""
    file = tmp_path / "clouds.yaml"
    file.write_text(access_rules(runner, "--create", NAME))
    entry = yaml.safe_load(file.read_text())["clouds"][NAME]
    try:
        reached = openstack.connect(load_yaml_config=False, load_envvars=False, **entry)
        yield Runner(runner.binary, runner.guests, file, tmp_path), reached
    finally:
        forget(demo)


def forget(demo):
    user, rest = demo.current_user_id, Rest(demo, "identity")
    for made in rest.get(f"/users/{user}/application_credentials")["application_credentials"]:
        if made["name"] == NAME:
            rest.delete(f"/users/{user}/application_credentials/{made['id']}")
    # Keystone keeps the rules when their credential goes.
    for rule in rest.get(f"/users/{user}/access_rules")["access_rules"]:
        rest.delete(f"/users/{user}/access_rules/{rule['id']}")


def leave_things(demo, task):
    """One and more of each service's, by the task's names; ids by what they are."""
    left = {"network": demo.network.create_network(name=task.scenario()).id}
    demo.network.create_subnet(network_id=left["network"], ip_version=4, cidr="10.9.0.0/24", name=task.scenario())
    left["port"] = demo.network.create_port(network_id=left["network"], name=task.scenario()).id
    form = {"disk_format": "raw", "container_format": "bare"}
    left["image"] = demo.image.create_image(task.scenario(), data=b"x", **form).id
    left["volume"] = volume_in(demo.block_storage, task.scenario()).id
    if demo.has_service("compute"):
        left["server"] = server_on(demo, left, task.scenario())
    return left


def server_on(demo, left, name):
    flavor = min(demo.compute.flavors(), key=lambda flavor: flavor.ram)
    image = next(image for image in demo.image.images() if image.visibility == "public")
    server = demo.compute.create_server(
        name=name, flavor_id=flavor.id, image_id=image.id, networks=[{"port": left["port"]}]
    )
    settled("server", lambda: demo.compute.get_server(server.id).status, "ACTIVE")
    return server.id


@pytest.mark.quick
def test_a_sweep_with_nothing_but_the_packs_access_rules(held, look, demo, task):
    runner, _ = held
    left = leave_things(demo, task)
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME)
    assert outcome.code == CLEAN, outcome
    assert set(left.values()) <= gone_between(before, look())


@pytest.mark.quick
def test_the_cloud_refuses_what_no_rule_asks_for(held, runner, look):
    _, cloud = held
    before = look()
    asked = json.loads(access_rules(runner))
    assert {"service", "method", "path"} == set(asked[0])
    for service, method, path, body in (
        ("network", "POST", "/v2.0/networks", {"network": {"name": "more"}}),
        ("network", "GET", "/v2.0/availability_zones", None),
        ("image", "POST", "/v2/images", {"name": "more"}),
        ("block-storage", "POST", "/volumes", {"volume": {"size": 1}}),
        ("block-storage", "GET", "/limits", None),
        ("identity", "GET", "/auth/catalog", None),
        ("compute", "POST", "/servers", {"server": {"name": "more"}}),
        ("compute", "GET", "/limits", None),
    ):
        if not cloud.has_service(service):
            continue
        rest = Rest(cloud, service)
        with pytest.raises(RuntimeError, match=f"{path}: 401"):
            rest.get(path) if method == "GET" else rest.post(path, body)
    assert gone_between(look(), before) == set(), "something was made"
