"""Runs the binary under test, and reads what it says. The one place that knows its flags and the form of its output."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time

SECONDS_MAX = 600


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    code: int
    stdout: str
    stderr: str
    plan: dict | None

    @property
    def report(self):
        return json.loads(self.stdout)

    @property
    def summary(self):
        return self.report["summary"]

    def planned(self):
        """Ids of all things that the plan says will go. To whoever lists, a volume's attachments are a part of it."""
        things = (item["thing"] for item in self.plan["items"])
        return {handle_id(thing) for thing in things if not thing.startswith("block_storage.attachment/")}

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}"


def handle_id(thing):
    """`network.port/4f…` → `4f…`."""
    return thing.partition("/")[2]


class Runner:
    """The release binary, with its rule pack, against the test cloud."""

    def __init__(self, binary, guests, clouds_yaml, directory):
        self.binary, self.guests, self.directory = pathlib.Path(binary), guests, directory
        # Nothing of the caller's own clouds and settings may leak in.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "RUNNER_"))}
        # The cache goes by content: another run's serves as well, and rules take minutes to compile.
        cache = os.environ.get("RUNNER_CACHE", directory / "cache")
        self.environment |= {"OS_CLIENT_CONFIG_FILE": str(clouds_yaml), "XDG_CACHE_HOME": str(cache)}
        self.environment |= {"XDG_STATE_HOME": str(directory / "state")}

    def command(self, *tasks, cloud="admin", guests=None, extra=()):
        command = [self.binary, "--os-cloud", cloud, "--guests", guests or self.guests, "-f", "json"]
        for task in tasks:
            command += ["--task", task]
        return [str(part) for part in (*command, *extra)]

    def sweep(self, *tasks, cloud="admin", dry_run=False, projects=(), guests=None, extra=()):
        plan_file = self.directory / "plan.json"
        plan_file.unlink(missing_ok=True)
        extra = ["-o", plan_file, *extra]
        extra += ["--dry-run"] if dry_run else []
        for project in projects:
            extra += ["--project", project]
        command = self.command(*tasks, cloud=cloud, guests=guests, extra=extra)
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
        plan = json.loads(plan_file.read_text()) if plan_file.exists() else None
        return Outcome(done.returncode, done.stdout, done.stderr, plan)

    def doctor(self, cloud="admin"):
        """Who one is in the cloud, and what is there."""
        command = [self.binary, "doctor", "--os-cloud", cloud, "--guests", self.guests, "-f", "json"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
        )
        return json.loads(done.stdout)

    def kinds(self):
        """What the rules know: each kind with its service, and more."""
        command = [self.binary, "rules", "list", "--guests", self.guests, "-f", "json"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
        )
        return json.loads(done.stdout)

    def start(self, task):
        """Runs beside the test."""
        return subprocess.Popen(
            self.command(task), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def disturbed(self, task, deed, deletions=5, extra=()):
        """A sweep in the middle of which something is done, as soon as its audit log tells of so many deletions begun."""
        log = self.directory / "disturbed.jsonl"
        log.unlink(missing_ok=True)
        command = self.command(task, extra=["--audit-log", log, *extra])
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            deadline = time.monotonic() + SECONDS_MAX
            while process.poll() is None and intentions(log) < deletions and time.monotonic() < deadline:
                time.sleep(0.002)
            ended = process.poll()
            if ended is None:
                deed()
            outcome = outcome_of(process)
        assert ended is None, f"ended before it could be disturbed: {outcome}"
        return outcome

    def kill_after(self, task, deletions):
        """Kills a sweep as soon as its audit log tells of so many deletions begun; returns those that it tells of.

        The log is flushed before a request leaves, so a killed run has sent no more than it tells.
        """
        log = self.directory / "killed.jsonl"
        log.unlink(missing_ok=True)
        command = self.command(task, extra=["--audit-log", log])
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            deadline = time.monotonic() + SECONDS_MAX
            while process.poll() is None and intentions(log) < deletions and time.monotonic() < deadline:
                time.sleep(0.002)
            process.kill()
            _, stderr = process.communicate()
        assert process.returncode == -signal.SIGKILL, f"ended before it could be killed: {process.returncode}\n{stderr}"
        return intentions(log)


def intentions(log):
    """How many changes the log announces. Its last line may be torn, and then says nothing yet."""
    if not log.exists():
        return 0
    complete = log.read_bytes().rpartition(b"\n")[0].splitlines()
    return sum(json.loads(line)["record"] == "intention" for line in complete)


def outcome_of(process):
    """Waits for a sweep that was started."""
    stdout, stderr = process.communicate(timeout=SECONDS_MAX)
    return Outcome(process.returncode, stdout, stderr, None)
