"""{{kind}}: `GET {{path}}` lists them, `DELETE {{path}}/{id}` deletes one.

Compare with the API's documentation: fields and `reach` in `KIND`, the next page, and what the statuses mean.
"""

import builtins
import json
from typing import Any
from urllib.parse import quote

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import http, model
from wit_world.imports.http import Method

KIND = model.Kind(
    name="{{kind}}",
    service="{{service}}",
    reach=model.Reach_Projects(),
    fields=model.Fields(
        id="/id",
        names=["/name"],
        project="/project_id",
        created_at="/created_at",
        status="/status",
        tags="",
    ),
    owners=[],
    after=[],
    requests=["DELETE {{path}}/{id}"],
    failed_states=[],
    # All that it is shown of an object are the fields above. What else it needs, it names here.
    extra=[model.Property("sees", "/id")],
)


class Rule(exports.Rule):
    def kinds(self) -> builtins.list[model.Kind]:
        return [KIND]

    def list(self, kind: str, scope: model.Scope, cursor: str | None) -> model.Page:
        """The cursor is the path of the page."""
        path = cursor or "{{path}}"
        response = send(Method.GET, path)
        try:
            body = json.loads(response.body)
        except ValueError as error:
            raise Err(model.RuleError_Malformed(f"GET {path}: {error}")) from None
        return model.Page([model.Slice(response.number, "/{{at}}")], next_page(body))

    def name(self, kind: str, item: model.Item) -> str | None:
        return json.loads(item.object).get("name") or None

    def delete(self, kind: str, item: model.Item) -> model.Outcome:
        response = send(Method.DELETE, f"{{path}}/{quote(item.id, safe='')}")
        # What was only accepted is listed again until it is gone.
        return model.Outcome_Accepted() if response.status == 202 else model.Outcome_Gone()


def next_page(body: Any) -> str | None:
    """Some services link to it in `links`, some in `{{at}}_links`."""
    match body:
        case {"links": {"next": str(url)}}:
            return url
        case {"{{at}}_links": [*links]}:
            return next((link["href"] for link in links if link["rel"] == "next"), None)
    return None


def send(method: Method, path: str) -> http.Response:
    """Sends a request. Anything but a success is raised as the error that the contract has for it."""
    asked = f"{method.name} {path}"
    try:
        response = http.send(http.Request("{{service}}", method, path, [], "", None))
    except Err as error:
        why = getattr(error.value, "value", "no such service")
        raise Err(model.RuleError_Unavailable(f"{asked}: {why}")) from None
    text = f"{asked}: {response.status} {response.body}".rstrip()
    match response.status:
        case status if 200 <= status < 300:
            return response
        case 401 | 403:
            raise Err(model.RuleError_Denied(text))
        case 404:
            raise Err(model.RuleError_NotFound())
        case 409:
            raise Err(model.RuleError_Conflict(text))
        case 429:
            raise Err(model.RuleError_Throttled(text))
        case status if status >= 500:
            raise Err(model.RuleError_Unavailable(text))
        case _:
            raise Err(model.RuleError_Other(text))
