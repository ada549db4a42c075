"""Zun's WSGI application, behind what lets this release of Zun run."""

import fakecloud.zun_objects  # noqa: F401  isort: skip
from zun.wsgi.api import application  # noqa: F401
