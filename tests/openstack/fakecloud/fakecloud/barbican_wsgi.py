"""Barbican's WSGI application with its paste file from the environment: its own has a path in /etc built in."""

import os

from paste import deploy

application = deploy.loadapp("config:" + os.environ["BARBICAN_PASTE"])
