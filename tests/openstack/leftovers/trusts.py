"""Trusts, by which a service acts for somebody later. Nothing says which is for what: so one is made at a time."""

import contextlib
import threading

ONE_BY_ONE = threading.Lock()


@contextlib.contextmanager
def noticed(unit):
    """The set that it yields holds, afterwards, the ids of the trusts that the unit's user has given meanwhile."""
    made = set()
    with ONE_BY_ONE:
        before = given(unit)
        yield made
        made |= given(unit) - before


def given(unit):
    path = f"/OS-TRUST/trusts?trustor_user_id={unit.cloud.current_user_id}"
    return {trust["id"] for trust in unit.rest("identity").get(path)["trusts"]}
