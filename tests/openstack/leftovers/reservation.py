"""Blazar: leases. Each makes a trust, which outlives it: it goes with its user, or stays."""

from leftovers import trusts

SERVICE = "reservation"


def make(unit):
    name = unit.name("lease")
    body = {"name": name, "start_date": "2030-01-01 00:00", "end_date": "2030-01-02 00:00"}
    with trusts.noticed(unit) as made:
        lease = unit.rest(SERVICE).post("/leases", {**body, "reservations": [], "events": []})["lease"]["id"]
    unit.add("reservation.lease", lease, name=name)
    for trust in made:
        if unit.place == "own":
            unit.add("identity.trust", trust, why=f"belongs to identity.user {unit.cloud.current_user_id}")
        else:
            unit.keep("identity.trust", trust, why="given by a user that stays")
