"""The main job on a real OpenStack. Each test compares full listings of the cloud before and after.

The tests build on each other's seeds and run in this order. Of the seed's six tasks
A is rehearsed, cleaned, and cleaned again; B and C are cleaned at the same time; D is killed; E is cleaned by a
project's user, then in one more project, then by the administrator; F is the one with a tenant's port in the way.
"""

import collections
import socket

import pytest
import yaml

from conftest import CLOUDS_YAML
from sweep import outcome_of

CLEAN, USAGE, LEFTOVERS, REFUSED = 0, 2, 3, 5
A, B, C, D, E, F = range(6)


def changes(requests):
    return [request for request in requests if request.mutating]


def gone_between(before, after):
    """Ids of what has gone, and the assurance that nothing came and nothing that stayed has changed."""
    assert after - before == set(), "something was made"
    assert before.changed_in(after) == {}, "something that stays was changed"
    return {thing.id for thing in before - after}


def key_names(ids):
    """The listing knows a key by user and name, a plan by name."""
    return {identity.rpartition("/")[2] for identity in ids}


def test_dry_run_changes_nothing(runner, seed, look, access_log):
    task = seed.tasks[A]
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(task, dry_run=True)
    requests = access_log.since(mark)
    assert outcome.code == CLEAN, outcome
    assert requests, "the log has no request of the runner: this test would prove nothing"
    assert changes(requests) == []
    assert gone_between(before, look()) == set()
    assert outcome.planned() >= key_names(seed.named(task))
    assert outcome.planned() <= key_names(seed.of(task))


def test_dry_run_can_say_that_there_is_work(runner, seed):
    outcome = runner.sweep(seed.tasks[A], dry_run=True, extra=["--detailed-exitcode"])
    assert outcome.code == 10, outcome


def test_exactly_one_tasks_things_go(runner, seed, look):
    task = seed.tasks[A]
    rehearsed = runner.sweep(task, dry_run=True)
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.of(task)
    assert outcome.plan["items"] == rehearsed.plan["items"], "the real run had another plan than the dry run"
    assert outcome.summary["left"] == 0
    assert outcome.summary["failed"] == 0


def test_same_again_does_nothing(runner, seed, look, access_log):
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(seed.tasks[A])
    requests = access_log.since(mark)
    assert outcome.code == CLEAN, outcome
    assert requests, "the log has no request of the runner: this test would prove nothing"
    assert changes(requests) == []
    assert outcome.planned() == set()
    assert gone_between(before, look()) == set()


def test_two_at_the_same_time(runner, seed, look):
    before = look()
    running = [runner.start(seed.tasks[index]) for index in (B, C)]
    for outcome in [outcome_of(process) for process in running]:
        assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.of(seed.tasks[B]) | seed.of(seed.tasks[C])


def test_killed_ten_times_then_ends_clean(runner, seed, look):
    """Each run is killed a little later in its purge than the one before, at a count of deletions begun."""
    task = seed.tasks[D]
    before = look()
    for kill in range(10):
        sent = runner.kill_after(task, deletions=1 + kill % 5)
        assert sent, "killed before the purge"
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    assert outcome.planned(), "nothing was left for the last run: it was not interrupted in mid-purge"
    assert gone_between(before, look()) == seed.of(task)


def test_a_user_cleans_the_own_project(runner, seed, look):
    task = seed.tasks[E]
    before = look()
    outcome = runner.sweep(task, cloud="demo")
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.of(task, place="demo")


def test_project_narrows_an_administrators_sweep(runner, seed, look):
    task = seed.tasks[E]
    before = look()
    outcome = runner.sweep(task, projects=["demo2"])
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == seed.of(task, place="demo2")


def test_then_the_rest_goes(runner, seed, look):
    task = seed.tasks[E]
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == CLEAN, outcome
    gone = gone_between(before, look())
    assert gone == seed.of(task) - seed.of(task, place="demo") - seed.of(task, place="demo2")


def test_a_tenants_port_blocks_a_network(runner, seed, look):
    task = seed.tasks[F]
    held = seed.held(task)
    before = look()
    outcome = runner.sweep(task)
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == seed.of(task)
    for blocker in set(held.values()):
        assert blocker in outcome.stdout, "the report does not name what is in the way"
    assert outcome.summary["left"] == len(held)


def test_what_is_blocked_stays_blocked(runner, seed, look, access_log):
    """The plan knows the blocker: a second run does not even try."""
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(seed.tasks[F])
    assert outcome.code == LEFTOVERS, outcome
    assert gone_between(before, look()) == set()
    assert [request for request in changes(access_log.since(mark)) if request.status < 400] == []


def test_few_requests_for_many_things(runner, big_seed, look, access_log):
    task = big_seed.tasks[0]
    before, mark = look(), access_log.mark()
    outcome = runner.sweep(task)
    requests = access_log.since(mark)
    assert outcome.code == CLEAN, outcome
    gone = gone_between(before, look())
    assert gone == big_seed.of(task)
    summary = outcome.summary
    by_service = collections.Counter((request.service, request.method) for request in requests)
    print(f"{len(gone)} things gone, {summary}, requests {dict(by_service)}")
    assert summary["deleted"] >= 300
    assert summary["deleted"] <= len(gone), "more was counted than has gone"
    assert summary["requests"] == len(requests), "the summary and the cloud's own log disagree"
    assert summary["requests_per_deleted"] == pytest.approx(len(requests) / summary["deleted"], abs=0.01)
    assert len(changes(requests)) <= 1.05 * summary["deleted"]
    # What is on its way out is looked for every few seconds, and what was not seen for sight_s_max is listed again before it goes: on a
    # slow machine these looks are most of all that is asked.
    most = max(1.5 * summary["deleted"], 1.2 * summary["deleted"] + 2 * summary["seconds"])
    assert len(requests) <= most


def admin_entry(**auth):
    entry = yaml.safe_load(CLOUDS_YAML.read_text())["clouds"]["admin"]
    return {"clouds": {"admin": {**entry, "auth": {**entry["auth"], **auth}}}}


@pytest.fixture
def unused_address():
    """An address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v3"


@pytest.fixture
def refused(runner, tmp_path, access_log, monkeypatch):
    """Runs with this clouds.yaml; asserts that nothing was changed, and that the complaint is one paragraph."""

    def run(clouds, **options):
        config = tmp_path / "clouds.yaml"
        config.write_text(clouds if isinstance(clouds, str) else yaml.safe_dump(clouds))
        monkeypatch.setitem(runner.environment, "OS_CLIENT_CONFIG_FILE", str(config))
        mark = access_log.mark()
        outcome = runner.sweep("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", **options)
        assert changes(access_log.since(mark)) == []
        assert outcome.stderr.strip(), outcome
        assert "panicked" not in outcome.stderr, outcome
        return outcome

    return run


def test_wrong_password(refused):
    outcome = refused(admin_entry(password="not-the-password"))
    assert outcome.code == REFUSED, outcome
    assert "not-the-password" not in outcome.stdout + outcome.stderr


def test_unknown_user(refused):
    assert refused(admin_entry(username="nobody")).code == REFUSED


def test_no_role_in_the_project(refused):
    assert refused(admin_entry(username="demo", project_name="demo2")).code == REFUSED


def test_unknown_project_to_narrow_to(refused):
    assert refused(admin_entry(), projects=["no-such-project"]).code in (USAGE, REFUSED)


def test_unknown_cloud(refused):
    assert refused(admin_entry(), cloud="elsewhere").code == USAGE


def test_unreadable_configuration(refused):
    assert refused("clouds: {admin: [").code == USAGE


def test_nobody_answers(refused, unused_address):
    assert refused(admin_entry(auth_url=unused_address)).code not in (CLEAN, LEFTOVERS)


def test_no_rules(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refused(admin_entry(), guests=tmp_path / "empty").code == USAGE


def test_what_is_no_component(refused, tmp_path):
    guests = tmp_path / "guests"
    guests.mkdir()
    (guests / "rule.wasm").write_bytes(b"not a component")
    assert refused(admin_entry(), guests=guests).code == USAGE
