"""Swift: containers with objects under all sorts of names. An account is a project's."""


import urllib.parse

SERVICE = "object-store"
OBJECTS = ("report.txt", "a b", "ünï", "100%?#")


def make(unit):
    unit.container = make_container(unit, unit.rest(SERVICE), unit.name("bucket"))


def make_container(unit, swift, name, objects=OBJECTS):
    swift.put(f"/{name}")
    unit.add("object-store.container", name, name=name)
    for each in objects:
        put_object(unit, swift, name, each)
    return name


def put_object(unit, swift, container, name):
    """An object is known by its container and its name."""
    swift.put(f"/{container}/{urllib.parse.quote(name, safe='')}", data=b"x")
    unit.add("object-store.object", f"{container}/{name}", why=f"belongs to object-store.container {container}")


def entangle(unit, tenant):
    """A tenant's object in the task's container goes with it; an object of the task's in a tenant's container stays."""
    swift = unit.rest(SERVICE)
    make_container(unit, swift, unit.name("bucket"), objects=("prod-backup.tar",))
    name = unit.name("object")
    swift.put(f"/{tenant.container}/{name}", data=b"x")
    unit.keep("object-store.object", f"{tenant.container}/{name}", why="in a tenant's container: nobody looks there")
