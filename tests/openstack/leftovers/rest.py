"""Plain requests to one service, for what the SDK has no words for or other words each time."""

import hashlib
import time

from keystoneauth1 import adapter


class Rest:
    """Paths are below the endpoint in the catalog. A refusal is an error; an answer is its JSON."""

    def __init__(self, cloud, service, microversion=None):
        self._adapter = adapter.Adapter(
            cloud.session,
            service_type=service,
            interface="public",
            region_name=cloud.config.region_name,
            default_microversion=microversion,
        )

    def get(self, path, **options):
        return self._send("GET", path, **options)

    def post(self, path, body=None, **options):
        return self._send("POST", path, json=body, **options)

    def put(self, path, body=None, **options):
        return self._send("PUT", path, json=body, **options)

    def delete(self, path, **options):
        return self._send("DELETE", path, **options)

    def _send(self, method, path, **options):
        answer = self._adapter.request(path, method, raise_exc=False, **options)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content and "json" in answer.headers.get("Content-Type", "") else {}


def settled(what, fetch, wanted, seconds=180):
    """Polls `fetch` for a status until it is the wanted one. An error is final."""
    deadline = time.monotonic() + seconds
    while (status := fetch()) != wanted:
        if "error" in status.lower() or "failed" in status.lower():
            raise RuntimeError(f"{what} went to {status}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} is {status}, not {wanted}")
        time.sleep(0.5)


def credential_id(ec2):
    """Keystone keeps an EC2 credential among all others, under the digest of its access key."""
    return hashlib.sha256(ec2["access"].encode()).hexdigest()
