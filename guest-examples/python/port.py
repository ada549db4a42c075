"""Ports of the network service.

Many ports have no name: they belong to the router or the server that uses them. A router's interface is a port that
only the router can remove.
"""

import builtins
import json
from typing import Any

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import http
from wit_world.imports.http import HttpError, Method, Request, Response
from wit_world.imports.model import (
    Fields,
    Item,
    Kind,
    Outcome,
    Outcome_Blocked,
    Outcome_Gone,
    Owner,
    OwnerField,
    Page,
    Property,
    Reach_Projects,
    Relation,
    RuleError,
    RuleError_Conflict,
    RuleError_Denied,
    RuleError_Malformed,
    RuleError_NotFound,
    RuleError_Other,
    RuleError_Throttled,
    RuleError_Unavailable,
    Scope,
    Scope_All,
    Scope_Project,
    Scope_Under,
    Slice,
    Thing,
)

PORT = Kind(
    name="network.port",
    service="network",
    reach=Reach_Projects(),
    fields=Fields(
        id="/id",
        names=["/name"],
        project="/project_id",
        created_at="/created_at",
        status="/status",
        tags="/tags",
    ),
    owners=[OwnerField("network.router", "/device_id"), OwnerField("compute.server", "/device_id")],
    # A server takes along the ports that were made for it.
    after=["compute.server"],
    requests=[
        'PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}"}',
        "DELETE /v2.0/ports/{id}",
    ],
    failed_states=[],
    # All that it is shown of a port is what is named above, and this.
    extra=[Property("sees", "/device_owner")],
)

# What a router calls its ports on the networks that it connects. It has other ports, which go with it.
INTERFACES = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)


class Rule(exports.Rule):
    def kinds(self) -> builtins.list[Kind]:
        return [PORT]

    def list(self, kind: str, scope: Scope, cursor: str | None) -> Page:
        """The cursor is the path of the page."""
        path = cursor or first_page(scope)
        response = send(Method.GET, path)
        match parsed(response.body):
            case {"ports": [*_]} as body:
                return Page([Slice(response.number, "/ports")], next_page(body))
            case _:
                raise Err(RuleError_Malformed(f"GET {path} shows no list of ports"))

    def name(self, kind: str, item: Item) -> str | None:
        match json.loads(item.object):
            case {"name": str(name)} if name:
                return name
            case _:
                return None

    def delete(self, kind: str, item: Item) -> Outcome:
        port = json.loads(item.object)
        try:
            if port.get("device_owner") in INTERFACES:
                body = json.dumps({"port_id": item.id}, separators=(",", ":"))
                send(Method.PUT, f"/v2.0/routers/{port['device_id']}/remove_router_interface", body)
            else:
                send(Method.DELETE, f"/v2.0/ports/{item.id}")
        except Err as error:
            match error.value, port_user(port):
                case RuleError_NotFound(), _:
                    return Outcome_Gone()
                # A gateway goes with its router, an interface after the routes through it: the router is in the way.
                case RuleError_Conflict(), Thing("network.router") as router:
                    return Outcome_Blocked([router])
                case _:
                    raise
        return Outcome_Gone()


class Owners(exports.Owners):
    def owners(self, kind: str, item: Item) -> list[Owner]:
        user = port_user(json.loads(item.object))
        return [Owner(Relation.NAMED_BY, user)] if user else []


def port_user(port: dict[str, Any]) -> Thing | None:
    """What uses a port."""
    match port:
        case {"device_owner": str(role), "device_id": str(id)} if id:
            if role.startswith("network:router") or role in INTERFACES:
                return Thing("network.router", id)
            if role.startswith("compute:"):
                return Thing("compute.server", id)
    return None


def first_page(scope: Scope) -> str:
    path = "/v2.0/ports?limit=500"
    match scope:
        case Scope_All():
            return path
        case Scope_Project(id):
            return f"{path}&project_id={id}"
        case Scope_Under():
            raise ValueError("ports are not listed under anything")


def next_page(body: dict[str, Any]) -> str | None:
    links = body.get("ports_links", [])
    return next((link["href"] for link in links if link["rel"] == "next"), None)


def send(method: Method, path: str, body: str | None = None) -> Response:
    """Sends a request. Anything but a success is raised as the error that the contract has for it."""
    asked = f"{method.name} {path}"
    try:
        response = http.send(Request("network", method, path, [], "", body))
    except Err as error:
        raise Err(unanswered(asked, error.value)) from None
    if 200 <= response.status < 300:
        return response
    raise Err(refused(asked, response))


def refused(asked: str, response: Response) -> RuleError:
    """The error for an answer that is no success."""
    text = f"{asked}: {response.status}"
    match parsed(response.body):
        case {"NeutronError": {"message": str(message)}} if message:
            text += f" {message}"
    match response.status:
        case 401 | 403:
            return RuleError_Denied(text)
        case 404:
            return RuleError_NotFound()
        case 409:
            return RuleError_Conflict(text)
        case 429:
            return RuleError_Throttled(text)
        case status if status >= 500:
            return RuleError_Unavailable(text)
        case _:
            return RuleError_Other(text)


def unanswered(asked: str, error: HttpError) -> RuleError:
    """The error for a request without an answer."""
    match error:
        case http.HttpError_NoService():
            return RuleError_Other(f"{asked}: no such service")
        case http.HttpError_Throttled(why):
            return RuleError_Throttled(f"{asked}: {why}")
        case http.HttpError_Timeout(why) | http.HttpError_Unreachable(why):
            return RuleError_Unavailable(f"{asked}: {why}")
        case http.HttpError_TooLarge(why):
            return RuleError_Malformed(f"{asked}: {why}")
        case http.HttpError_Unauthorized(why):
            return RuleError_Denied(f"{asked}: {why}")
        case http.HttpError_Refused(why) | http.HttpError_Other(why):
            return RuleError_Other(f"{asked}: {why}")


def parsed(text: str) -> Any:
    """The value of a JSON text, or None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
