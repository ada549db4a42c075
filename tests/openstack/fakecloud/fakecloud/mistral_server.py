"""mistral-server, whose event engine asks an empty queue without a pause: for that it takes a processor of its own."""

import queue
import types

from mistral.cmd import launch
from mistral.event_engine import default_event_engine


class PatientQueue(queue.Queue):
    def get_nowait(self):
        return self.get(timeout=1)


default_event_engine.queue = types.SimpleNamespace(Queue=PatientQueue, Empty=queue.Empty)
launch.main()
