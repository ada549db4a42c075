"""The rule for ports in every language, beside the pack's other rules, which are in Rust, on a real OpenStack.

All see the same cloud first, and must say the same of it. Then each cleans a task of its own. The rules are those that
`cargo test --test languages` has built; a language that is not there is skipped, unless RUNNER_TEST_LANGUAGES names it.
"""

import os
import re
import shutil
import time

import pytest

from conftest import ROOT, seed_cloud
from test_sweep import CLEAN, gone_between

BUILT = ROOT / "target" / "languages" / "rules"
LANGUAGES = ["rust", "python", "javascript", "go", "c"]
BUILD_SECONDS_MAX = 3600
REQUIRED = os.environ.get("RUNNER_TEST_LANGUAGES", "").split(",")


class Ports:
    """Sweeps with the rule for ports in one language, and without the pack's own."""

    def __init__(self, runner, directory):
        self.runner, self.directory = runner, directory
        self.config = directory / "runner.toml"
        self.config.write_text('[rules.openstack_network]\nexcept = ["network.port"]\n')

    def sweep(self, language, task, extra=(), **options):
        guests = self.directory / language
        if not guests.exists():
            guests.mkdir()
            for rule in (*self.runner.guests.glob("openstack_*.wasm"), BUILT / language / "port.wasm"):
                shutil.copy(rule, guests)
        return self.runner.sweep(task, guests=guests, extra=["--config", self.config, *extra], **options)


@pytest.fixture(scope="module")
def ports(runner, tmp_path_factory):
    return Ports(runner, tmp_path_factory.mktemp("languages"))


@pytest.fixture(scope="module")
def tasks(cloud, tmp_path_factory):
    """A task for each language."""
    return seed_cloud(tmp_path_factory.mktemp("tasks"), "--core", "--tasks", len(LANGUAGES))


@pytest.fixture(scope="module")
def built():
    """Where the rules are being built beside these tests, RUNNER_LANGUAGES_WHEN is a file that is there when they are."""
    when = os.environ.get("RUNNER_LANGUAGES_WHEN")
    deadline = time.monotonic() + BUILD_SECONDS_MAX
    while when and not os.path.exists(when):
        assert time.monotonic() < deadline, "the rules were not built in time"
        time.sleep(1)


@pytest.fixture(params=LANGUAGES)
def language(request, built):
    name = request.param
    if not (BUILT / name / "port.wasm").exists() and not {"all", name} & set(REQUIRED):
        pytest.skip(f"no rule in {name}: cargo test --test languages")
    return name


@pytest.fixture(scope="module")
def rehearse(ports, tasks, built):
    """What a dry run says, but for its own id and how long it took. The cloud is filled first, while the rules are being built."""

    def rehearse(language):
        outcome = ports.sweep(language, tasks.tasks[0], dry_run=True, extra=["--show-kept"])
        assert outcome.code == CLEAN, outcome
        report = outcome.stdout
        for its_own in ('"seconds": [0-9.]+', '"run": "[^"]+"'):
            report, count = re.subn(its_own, "…", report)
            assert count == 1, outcome
        return report

    return rehearse


@pytest.fixture(scope="module")
def expected(rehearse):
    return rehearse("rust")


def test_all_say_the_same_of_the_same_cloud(rehearse, expected, look, language):
    before = look()
    assert rehearse(language) == expected
    assert gone_between(before, look()) == set()


def test_each_cleans_a_task_exactly(ports, tasks, look, language):
    task = tasks.tasks[LANGUAGES.index(language)]
    before = look()
    outcome = ports.sweep(language, task)
    assert outcome.code == CLEAN, outcome
    assert gone_between(before, look()) == tasks.of(task)
    assert outcome.summary["left"] == 0
    assert outcome.summary["failed"] == 0
