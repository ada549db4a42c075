"""Runs a real Rally against the test cloud, and kills it. The one place that knows its flags, log and database."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parent / "rally"
SECONDS_MAX = 1200
# What an environment of Rally's works with: tenants that it makes, or users that exist.
OWN, EXISTING = "own", "existing"


class Rally:
    """An installed Rally, with a database in which both environments are known."""

    def __init__(self, state, clouds, directory):
        """`clouds` are those of clouds.yaml; what a session writes goes below `directory`."""
        subprocess.run([SOURCE / "install"], check=True, timeout=SECONDS_MAX)
        self.binary = state / "rally" / "bin" / "rally"
        self.directory = directory
        self.template = Session(self, "template")
        self.template.rally("db", "create")
        for name, users in ((OWN, []), (EXISTING, ["demo", "demo2"])):
            spec = self.template.directory / f"{name}.json"
            spec.write_text(json.dumps(environment(clouds, users)))
            self.template.rally("env", "create", "--no-use", "--name", name, "--spec", spec)

    def session(self, name):
        """A Rally of its own: they could not share a database while they run side by side."""
        session = Session(self, name)
        shutil.copy(self.template.database, session.database)
        return session


def environment(clouds, users):
    admin = clouds["admin"]
    platform = {
        "auth_url": admin["auth"]["auth_url"],
        "region_name": admin["region_name"],
        "endpoint_type": "public",
        "admin": credentials(admin),
    }
    if users:
        platform["users"] = [credentials(clouds[user]) for user in users]
    return {"existing@openstack": platform}


def credentials(cloud):
    names = {key: cloud["auth"][key] for key in ("username", "password", "project_name")}
    return {**names, "user_domain_name": "Default", "project_domain_name": "Default"}


class Session:
    """One database, and the tasks that run with it, one after the other."""

    def __init__(self, rally, name):
        self.binary = rally.binary
        self.directory = rally.directory / name
        self.directory.mkdir()
        self.database = self.directory / "rally.sqlite"
        self.log = self.directory / "rally.log"
        self.configuration = self.directory / "rally.conf"
        self.configuration.write_text(f"[database]\nconnection = sqlite:///{self.database}\n")
        # Contexts upload an image from a file.
        (self.directory / "image.raw").write_bytes(b"not an image " * 1000)

    def command(self, *arguments):
        options = ["--config-file", self.configuration, "--plugin-paths", SOURCE / "forgetful.py"]
        return [str(part) for part in (self.binary, *options, *arguments)]

    def environment(self):
        """Rally remembers things in the home directory, and takes a cloud from the caller's variables."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        return kept | {"HOME": str(self.directory)}

    def rally(self, *arguments):
        with self.log.open("ab") as log:
            subprocess.run(
                self.command(*arguments),
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=SECONDS_MAX,
            )

    def start(self, task, environment):
        """Starts a task, in a process group of its own."""
        image = str(self.directory / "image.raw")
        arguments = json.dumps({"own_tenants": environment == OWN, "image_file": image})
        command = self.command(
            "task", "start", SOURCE / f"{task}.yaml", "--env", environment, "--task-args", arguments
        )
        log = self.directory / f"{task}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=self.environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        return Run(process, log)

    def workloads(self):
        """Ids of all workloads that were begun, in that order."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            return [uuid for (uuid,) in database.execute("SELECT uuid FROM workloads ORDER BY id")]

    def report(self):
        """The report of the last task, as a file."""
        report = self.directory / "report.json"
        self.rally("task", "report", "--json", "--out", report)
        return report

    def forget(self):
        """Removes the database: from here on only the names in the cloud tell who made what."""
        for file in self.directory.glob("rally.sqlite*"):
            file.unlink()


class Run:
    """A task under way. Whatever happens, nothing of it outlives this object's `with`."""

    def __init__(self, process, log):
        self.process, self.log = process, log

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def finish(self):
        """Waits for the end, which must be a good one."""
        assert self.process.wait(SECONDS_MAX) == 0, self.complaint("ended badly")

    def kill_in(self, workload, iterations):
        """Kills all of it as soon as so many iterations of the workload with this number, from 1, have ended."""
        deadline = time.monotonic() + SECONDS_MAX
        while self.iterations_ended(workload) < iterations:
            assert self.process.poll() is None, self.complaint("ended before it could be killed")
            assert time.monotonic() < deadline, self.complaint("does not come to where it is to be killed")
            time.sleep(0.2)
        self.kill()

    def iterations_ended(self, workload):
        parts = self.log.read_text(errors="replace").split("Running workload:")
        ends = [line for part in parts[workload : workload + 1] for line in part.splitlines() if " END: " in line]
        assert all(line.endswith("END: OK") for line in ends), self.complaint("has failed iterations")
        return len(ends)

    def kill(self):
        """Its workers are processes of their own, so the group has to go; one that has ended already is no group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def complaint(self, what):
        return f"Rally {what}; the end of {self.log}:\n{self.log.read_text(errors='replace')[-4000:]}"
