"""Whose is each thing that Rally left? An answer of the tests' own, from a listing and nothing else.

Shares nothing with what is tested: here the way goes up from each thing, along the ids that it shows, to the first
name that Rally gave.
"""

import re

NAME = re.compile(r"([cs])_rally_([0-9a-f]{8})_\w{8}")
FAMILIES = {"c": "context", "s": "scenario"}
# Names that the cloud gives, so that they tell nothing.
NO_NAMES = {"", "default"}
# The fields that lead to an owner, the nearest first.
UPWARD = ("device_id", "port_id", "network_id", "security_group_id", "user_id", "project_id", "tenant_id")
STACK, TRUST = "orchestration.stack", "identity.trust"


class Owners:
    """Of all things of a listing."""

    def __init__(self, snapshot):
        self.states = {thing.id: (thing, state) for thing, state in snapshot.states.items()}
        self.stacks = [thing for thing in snapshot.states if thing.kind == STACK]

    def of(self, thing, state):
        """(family, eight digits) of the name that a thing belongs to; None if it is not Rally's."""
        # Rally names floating IPs by their description.
        if name := NAME.match(thing.name or state.get("description") or ""):
            return FAMILIES[name[1]], name[2]
        return next((owner for above in self.above(thing, state) if (owner := self.of(*above))), None)

    def above(self, thing, state):
        """What a thing without a name of its own may belong to, the nearest first."""
        if stack := self.stack_of(thing):
            return [stack]
        if thing.name not in NO_NAMES:
            return []
        return [self.states[state[key]] for key in UPWARD if state.get(key) in self.states]

    def stack_of(self, thing):
        """The stack that Heat made a project for: named by the stack's project and id, cut after 64 characters."""
        stack = thing.name.partition("-")[2]
        if thing.kind != "identity.project" or not stack:
            return None
        return next((self.states[each.id] for each in self.stacks if each.id.startswith(stack)), None)


class Leftovers:
    """What has come between two listings, by whose it is. Without trusts: Heat's do not say what they are for."""

    def __init__(self, before, after):
        owners, came = Owners(after), after - before
        self.owners = {thing: owners.of(thing, after.states[thing]) for thing in came if thing.kind != TRUST}

    def nobodys(self):
        return {thing for thing, owner in self.owners.items() if owner is None}

    def of(self, *workloads, family=None):
        """The workloads' things; `family` narrows them to what scenarios or contexts made."""
        parts = {workload.replace("-", "")[:8] for workload in workloads}
        return {
            thing
            for thing, owner in self.owners.items()
            if owner and owner[1] in parts and family in (None, owner[0])
        }
