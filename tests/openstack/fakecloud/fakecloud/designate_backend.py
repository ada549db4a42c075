"""Designate pool back end whose name servers have every zone at once: no NOTIFY is sent, nothing is polled."""

import time

from designate.backend import impl_fake
from designate.worker.tasks import zone as tasks

POLL_SECONDS = 0.3  # long enough for a client to see PENDING


class InstantBackend(impl_fake.FakeBackend):
    __plugin_name__ = "fakecloud"


def _notified(_self):
    return True


def _polled(self):
    time.sleep(POLL_SECONDS)
    servers_without = 1 if self.zone.action == "DELETE" else 0
    return tasks.DNSQueryResult(1, servers_without, self.zone.serial, [self.zone.serial])


tasks.SendNotify.__call__ = _notified
tasks.ZonePoller._do_poll = _polled
