"""The cloud's own record of the requests that it served: one line each, by service, with who sent it.

What a client says about itself is one thing, what the cloud saw of it is another: the tests compare.
"""

import dataclasses
import re
import time

LINE = re.compile(rb'^\[req\] (\S+) (\S+) (\d+) \d+ms "(.*)"$', re.MULTILINE)

# The services talk to each other, and the tests' own listing talks to all: none of this is the runner's doing.
# Anybody else counts as the runner, so that a client which forgets to say its name is not overlooked.
OTHERS = re.compile(
    r"^(openstacksdk/|python-\w+client|python-requests/|nova-\w+ |cinder-\w+ |uwsgi "
    r"|\w+/\S+ keystonemiddleware|\S+ keystoneauth1/)"
)
READING = {"GET", "HEAD", "OPTIONS"}


@dataclasses.dataclass(frozen=True)
class Request:
    service: str
    method: str
    path: str
    status: int
    agent: str

    @property
    def mutating(self):
        """Asking for a token is a POST that changes nothing."""
        is_login = self.method == "POST" and self.path.startswith("/v3/auth/tokens")
        return self.method not in READING and not is_login


class AccessLog:
    """Reads the log files of all services in a directory."""

    def __init__(self, directory):
        self.directory = directory

    def mark(self):
        """A moment, to ask for what came `since`."""
        return {file: file.stat().st_size for file in self.directory.glob("*.log")}

    def since(self, mark):
        """All requests of the runner after the mark.

        A service writes its line a moment after it has answered, so this reads until nothing more comes.
        """
        deadline = time.monotonic() + 10
        seen = None
        while (found := list(self._read(mark))) != seen and time.monotonic() < deadline:
            seen = found
            time.sleep(0.5)
        return found

    def _read(self, mark):
        for file in sorted(self.directory.glob("*.log")):
            with file.open("rb") as lines:
                lines.seek(mark.get(file, 0))
                for method, path, status, agent in LINE.findall(lines.read()):
                    request = Request(file.stem, method.decode(), path.decode(), int(status), agent.decode())
                    if not OTHERS.match(request.agent):
                        yield request
