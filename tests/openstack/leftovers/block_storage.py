"""Cinder's groups: a type, a group with a volume in it, a snapshot of the group."""

from leftovers.rest import settled

SERVICE = "block-storage"
MICROVERSION = "3.62"


def make_as_admin(unit):
    cinder = unit.rest(SERVICE, MICROVERSION)
    name = unit.name("group-type")
    group_type = cinder.post("/group_types", {"group_type": {"name": name}})["group_type"]["id"]
    unit.add("block-storage.group-type", group_type, name=name)
    name = unit.name("type")
    volume_type = cinder.post("/types", {"volume_type": {"name": name}})["volume_type"]["id"]
    unit.add("block-storage.type", volume_type, name=name)
    group = make_one(unit, cinder, "group", group_type=group_type, volume_types=[volume_type])
    volume = make_one(unit, cinder, "volume", size=1, volume_type=volume_type, group_id=group)
    snapshot = make_one(unit, cinder, "group_snapshot", group_id=group)
    for each in cinder.get(f"/snapshots/detail?volume_id={volume}")["snapshots"]:
        unit.add("block-storage.snapshot", each["id"], why=f"belongs to block-storage.group-snapshot {snapshot}")


def make_one(unit, cinder, word, **body):
    name = unit.name(word)
    identity = cinder.post(f"/{word}s", {word: {"name": name, **body}})[word]["id"]
    unit.add(f"block-storage.{word.replace('_', '-')}", identity, name=name)
    settled(f"{word} {name}", lambda: cinder.get(f"/{word}s/{identity}")[word]["status"], "available")
    return identity
