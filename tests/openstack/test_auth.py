"""Ways of authenticating to a real Keystone, each with a sweep behind it; and what it refuses, in words that help.

Not tried, for this cloud has not got it: an identity provider, and a certificate as a client's proof. The exchanges
with the first are tried at the wire (`runner/src/cloud/wire_tests/providers.rs`).
"""

import base64
import dataclasses
import datetime
import hmac
import json
import secrets
import struct
import time

import openstack
import pytest
import yaml

from conftest import CLOUDS_YAML, tenants_name
from leftovers.rest import Rest
from sweep import Runner
from test_access import access_rules
from test_sweep import CLEAN, REFUSED, gone_between

UNLISTED = 4
PASSWORD = "secret"
NAME = "somebody"
PASSCODE_SECONDS = 30
IMAGE_FORM = {"disk_format": "raw", "container_format": "bare"}


class Passcodes:
    """A device that makes one-time passcodes (RFC 6238), as Keystone expects them."""

    def __init__(self):
        self.secret = base64.b32encode(secrets.token_bytes(20)).decode()

    def now(self, windows=0):
        """The current passcode, or that of so many windows earlier."""
        window = int(time.time()) // PASSCODE_SECONDS - windows
        digest = hmac.digest(base64.b32decode(self.secret), struct.pack(">Q", window), "sha1")
        start = digest[-1] & 15
        number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"


@dataclasses.dataclass(frozen=True)
class Person:
    """A user with a password, passcodes, and the role of a member in the project `demo`."""

    id: str
    name: str
    passcodes: Passcodes

    @property
    def proof(self):
        return {"username": self.name, "user_domain_id": "default", "password": PASSWORD}

    @property
    def passcode(self):
        return {"OS_PASSCODE": self.passcodes.now()}


@pytest.fixture
def keystone(cloud):
    return Rest(cloud, "identity")


@pytest.fixture
def make_person(cloud, demo, keystone, after):
    def make(**options):
        name, passcodes = tenants_name(), Passcodes()
        body = {"name": name, "domain_id": "default", "password": PASSWORD, "options": options}
        user = keystone.post("/users", {"user": body})["user"]["id"]
        after(cloud.identity.delete_user, user)
        credential = {"type": "totp", "blob": passcodes.secret, "user_id": user}
        keystone.post("/credentials", {"credential": credential})
        give_role(keystone, f"/projects/{demo.current_project_id}", user, "member")
        return Person(user, name, passcodes)

    return make


@pytest.fixture
def person(make_person):
    return make_person()


def give_role(keystone, where, user, role):
    (found,) = keystone.get(f"/roles?name={role}")["roles"]
    keystone.put(f"{where}/users/{user}/roles/{found['id']}")


PROJECT = {"project_name": "demo", "project_domain_id": "default"}


@pytest.fixture
def as_somebody(runner, tmp_path):
    """The runner with one cloud only, by this way of authenticating."""

    def become(auth, auth_type=None, variables=None):
        entry = yaml.safe_load(CLOUDS_YAML.read_text())["clouds"]["demo"]
        entry["auth"] = {"auth_url": entry["auth"]["auth_url"], **auth}
        entry |= {"auth_type": auth_type} if auth_type else {}
        file = tmp_path / "clouds.yaml"
        file.write_text(yaml.safe_dump({"clouds": {NAME: entry}}))
        one = Runner(runner.binary, runner.guests, file, tmp_path)
        one.environment |= variables or {}
        return one

    return become


@pytest.fixture
def leave(demo, task):
    """One thing of each of two services, by the task's names; their ids."""

    def make():
        network = demo.network.create_network(name=task.scenario())
        image = demo.image.create_image(task.scenario(), data=b"x", **IMAGE_FORM)
        return {network.id, image.id}

    return make


def assert_sweeps(runner, look, task, left):
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME)
    assert outcome.code == CLEAN, outcome
    assert left <= gone_between(before, look())
    return outcome


def assert_refused(runner, look, task, *words):
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME)
    assert outcome.code == REFUSED, outcome
    assert all(word in outcome.stdout + outcome.stderr for word in words), outcome
    assert gone_between(before, look()) == set()
    return outcome


def logins(access_log, mark):
    requests = access_log.since(mark)
    return sum(request.method == "POST" and request.path.endswith("/auth/tokens") for request in requests)


@pytest.mark.quick
def test_a_sweep_by_a_passcode_alone(as_somebody, look, person, task, leave):
    auth = {"username": person.name, "user_domain_id": "default", **PROJECT}
    runner = as_somebody(auth, "v3totp", person.passcode)
    outcome = assert_sweeps(runner, look, task, leave())
    assert "the token ends at" in outcome.stderr, outcome


@pytest.mark.quick
def test_a_wrong_passcode_is_shown_once(as_somebody, look, person, task, access_log):
    auth = {"username": person.name, "user_domain_id": "default", **PROJECT}
    # That of an hour ago is good no longer.
    runner = as_somebody(auth, "v3totp", {"OS_PASSCODE": person.passcodes.now(windows=120)})
    mark = access_log.mark()
    assert_refused(runner, look, task, "OS_PASSCODE")
    assert logins(access_log, mark) == 1


@pytest.mark.quick
def test_whoever_needs_two_factors_is_told_so_and_sweeps_with_both(as_somebody, look, make_person, task, leave):
    both = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
    person = make_person(**both)
    assert_refused(as_somebody(person.proof | PROJECT), look, task, "password and totp", "v3multifactor")
    auth = person.proof | PROJECT | {"auth_methods": ["v3password", "v3totp"]}
    assert_sweeps(as_somebody(auth, "v3multifactor", person.passcode), look, task, leave())


@pytest.fixture
def make_trust(demo, person, after):
    """Lets the person act in `demo` as its tenant."""

    def make(impersonation):
        body = {
            "trustor_user_id": demo.current_user_id,
            "trustee_user_id": person.id,
            "project_id": demo.current_project_id,
            "impersonation": impersonation,
            "roles": [{"name": "member"}],
        }
        rest = Rest(demo, "identity")
        trust = rest.post("/OS-TRUST/trusts", {"trust": body})["trust"]["id"]
        after(rest.delete, f"/OS-TRUST/trusts/{trust}")
        return trust

    return make


@pytest.mark.quick
@pytest.mark.parametrize("impersonation", [True, False])
def test_a_trust_sweeps_its_project_and_no_other(
    impersonation, as_somebody, look, cloud, person, make_trust, task, leave, after
):
    elsewhere = cloud.identity.find_project("demo2", domain_id="default").id
    others = cloud.network.create_network(name=task.scenario(), project_id=elsewhere)
    after(cloud.network.delete_network, others)
    runner = as_somebody(person.proof | {"trust_id": make_trust(impersonation)})
    left = leave()
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME, projects=[elsewhere])
    assert outcome.code == REFUSED, outcome
    assert gone_between(before, look()) == set()
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME)
    # Keystone shows a token by a trust no application credentials, so nobody can say that none is left.
    assert outcome.code == UNLISTED, outcome
    failures = {failure["kind"] for failure in outcome.report["listing_failures"]}
    assert failures == {"identity.application_credential"}
    assert left <= gone_between(before, look())
    assert cloud.network.find_network(others.id), "it is another project's"


@pytest.mark.quick
def test_a_trust_that_is_not_there_is_said(as_somebody, look, person, task):
    trust = secrets.token_hex(16)
    assert_refused(as_somebody(person.proof | {"trust_id": trust}), look, task, trust)


@pytest.fixture
def make_credential(person, after):
    """Has the person make an application credential in `demo`; id and secret."""
    entry = yaml.safe_load(CLOUDS_YAML.read_text())["clouds"]["demo"]
    entry["auth"] = {"auth_url": entry["auth"]["auth_url"]} | person.proof | PROJECT
    own = Rest(openstack.connect(load_yaml_config=False, load_envvars=False, **entry), "identity")

    def make(**more):
        path = f"/users/{person.id}/application_credentials"
        made = own.post(path, {"application_credential": {"name": tenants_name(), **more}})["application_credential"]
        after(forget, own, person.id)
        return made["id"], made["secret"]

    return make


def forget(rest, user):
    for made in rest.get(f"/users/{user}/application_credentials")["application_credentials"]:
        rest.delete(f"/users/{user}/application_credentials/{made['id']}")
    # Keystone keeps the rules when their credential goes.
    for rule in rest.get(f"/users/{user}/access_rules")["access_rules"]:
        rest.delete(f"/users/{user}/access_rules/{rule['id']}")


def as_client(identity, secret):
    return {"application_credential_id": identity, "application_credential_secret": secret}


@pytest.mark.quick
def test_an_application_credential_by_name(as_somebody, look, keystone, person, make_credential, task, leave):
    identity, secret = make_credential()
    path = f"/users/{person.id}/application_credentials/{identity}"
    name = keystone.get(path)["application_credential"]["name"]
    auth = {"application_credential_name": name, "application_credential_secret": secret, "user_id": person.id}
    assert_sweeps(as_somebody(auth, "v3applicationcredential"), look, task, leave())


@pytest.mark.quick
def test_what_access_rules_do_not_let_through_is_said(as_somebody, look, make_credential, task, leave, after, demo):
    rules = [{"service": "network", "method": "GET", "path": "/v2.0/networks"}]
    runner = as_somebody(as_client(*make_credential(access_rules=rules)), "v3applicationcredential")
    left = leave()
    before = look()
    outcome = runner.sweep(task.uuid, cloud=NAME, dry_run=True)
    assert outcome.code == UNLISTED, outcome
    assert "image.image" in {each["kind"] for each in outcome.report["listing_failures"]}, outcome
    assert gone_between(before, look()) == set()
    for identity in left:
        after(demo.network.delete_network, identity)
        after(demo.image.delete_image, identity)


@pytest.mark.quick
def test_an_expired_application_credential_is_refused(as_somebody, look, make_credential, task):
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)
    made = make_credential(expires_at=end.strftime("%Y-%m-%dT%H:%M:%S"))
    time.sleep(5)
    assert_refused(as_somebody(as_client(*made), "v3applicationcredential"), look, task, "expired")


@pytest.mark.quick
@pytest.mark.parametrize("has_rules", [False, True])
def test_a_client_of_keystones_own_oauth2(has_rules, as_somebody, runner, look, make_credential, task, leave):
    """Its access token is a token, which Keystone shows to its holder, access rules or not."""
    more = {"access_rules": json.loads(access_rules(runner))} if has_rules else {}
    identity, secret = make_credential(**more)
    entry = yaml.safe_load(CLOUDS_YAML.read_text())["clouds"]["demo"]
    host = entry["auth"]["auth_url"].rstrip("/").removesuffix("/v3")
    auth = {
        "oauth2_endpoint": f"{host}/v3/OS-OAUTH2/token",
        "oauth2_client_id": identity,
        "oauth2_client_secret": secret,
    }
    assert_sweeps(as_somebody(auth, "v3oauth2clientcredential"), look, task, leave())
    auth["oauth2_client_secret"] = "wrong"
    wrong = as_somebody(auth, "v3oauth2clientcredential")
    assert_refused(wrong, look, task, "invalid_client", "OS_OAUTH2_CLIENT_SECRET")


@pytest.mark.quick
def test_a_domains_manager_is_told_to_choose_a_project(as_somebody, look, keystone, person, task):
    """With a token for the domain, services other than Keystone show nothing: that is no empty cloud."""
    give_role(keystone, "/domains/default", person.id, "manager")
    auth = person.proof | {"domain_id": "default"}
    assert_refused(as_somebody(auth), look, task, "not for a project")


@pytest.mark.quick
def test_a_token_for_the_system_says_so(runner):
    told = runner.doctor(cloud="system-admin")
    assert told["token"] == "the whole system"
    assert told["administrator"] is True
