"""Takes parts of the cloud away and brings them back: processes, by the names of their pid files, and settings."""

import contextlib
import pathlib
import subprocess
import time

SERVICE = pathlib.Path(__file__).resolve().parent / "service"
SECONDS_MAX = 300


class Parts:
    """Of the cloud that lives in a directory."""

    def __init__(self, state):
        self.settings = state / "etc"

    def kill(self, *names):
        """At once, so that what is under way breaks off."""
        self._do("kill", *names)

    def stop(self, *names):
        """In an orderly way."""
        self._do("stop", *names)

    def start(self):
        """Whatever does not run; it answers a few seconds later."""
        self._do("start")

    def wait(self):
        """Until everything answers, and every worker counts as up."""
        self._do("wait")

    def restart(self, *names):
        self.stop(*names)
        self.start()
        self.wait()

    @contextlib.contextmanager
    def without(self, *names):
        """A part is away, for as long as this lasts."""
        self.kill(*names)
        try:
            yield
        finally:
            self.start()
            self.wait()

    @contextlib.contextmanager
    def setting(self, more, *names):
        """Processes that run with more in their configuration files, for as long as this lasts."""
        extras = {self.settings / f"{file}.extra": text for file, text in more.items()}
        try:
            for extra, text in extras.items():
                extra.write_text(text)
            self.restart(*names)
            yield
        finally:
            for extra in extras:
                extra.unlink(missing_ok=True)
            self.restart(*names)

    def mend_images(self):
        """Glance shows an image for ever, and refuses to delete it, whose status it had set to `deleted` when its database went away."""
        self._do("mend-images")

    def second_neutron(self):
        self._do("second-neutron")

    def _do(self, *arguments):
        started = time.monotonic()
        done = subprocess.run(
            [SERVICE, *arguments], check=False, timeout=SECONDS_MAX, capture_output=True, text=True, errors="replace"
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        print(f"{' '.join(arguments)}: {time.monotonic() - started:.1f} s")
