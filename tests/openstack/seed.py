"""Fills a cloud with what Rally leaves behind, next to tenants' own things, and writes down which is which.

    seed.py --manifest FILE [--scale N] [--tasks K] [--core] [--foreign-port] [--hard]

Rally works in projects of its own (`c_rally_…`, made by its users context) and in projects that exist. So each
task gets N full units of things in a project of its own, N in `demo`, one small unit in `demo2`, and what only an
administrator can make. `demo` and `demo2` each hold a unit of the tenant's own, and names that nearly match.
What the services beyond the core add to a full unit is in `leftovers/`, and is left out where they do not run, or
by --core.

The manifest is the truth that tests compare with. It holds every id with `action` delete or keep, the task (null for
a tenant's), the place (`own`, `demo`, `demo2`, or `cloud` for what has no project) and, where it is not obvious, why.
`held_by` marks a task's thing that cannot go as long as the thing with that id is there, or, with its own id, as long
as it is as it is.

Things that OpenStack itself names or leaves nameless (router ports, floating IPs' ports, DHCP ports, default security
groups, rules) stay so, and are entered at the end by what they belong to. Any failure fails the whole seeding.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import itertools
import json
import random
import string
import threading
import time
import uuid

import openstack

from leftovers import parts_of
from leftovers.rest import Rest, credential_id, settled

PASSWORD = "secret"
ALPHABET = string.ascii_letters + string.digits
RANDOM = random.SystemRandom()


class Task:
    """One load-test task, and the names it gives."""

    def __init__(self):
        # At least one letter, so that the same part in upper case is another name.
        self.uuid = next(u for u in iter(lambda: str(uuid.uuid4()), None) if not u[:8].isdigit())
        self.part = self.uuid[:8]

    def scenario(self):
        return f"s_rally_{self.part}_{random_part()}"

    def context(self):
        return f"c_rally_{self.part}_{random_part()}"

    def dashed(self):
        """As Rally names zones and nodes. Those of nodes are in lower case."""
        return f"s-rally-{self.part}-{random_part().lower()}"


def random_part(length=8):
    return "".join(RANDOM.choice(ALPHABET) for _ in range(length))


@dataclasses.dataclass
class Entry:
    kind: str
    id: str
    name: str
    action: str
    task: str | None
    place: str
    why: str | None = None
    held_by: str | None = None


class Manifest:
    """Every thing that this seeding made. Filled from many threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.entries = {}

    def add(self, kind, thing, task, place, name=None, **more):
        """`thing` is a resource of the SDK, or a bare id."""
        identity = identity_of(thing)
        name = name or getattr(thing, "name", None) or ""
        entry = Entry(kind, identity, name, "delete" if task else "keep", task.uuid if task else None, place, **more)
        with self._lock:
            self.entries[kind, identity] = entry
        return thing

    def adopt(self, kind, thing, owner):
        """Enters a thing that has no say of its own: it goes the way of its owner."""
        identity, name = identity_of(thing), getattr(thing, "name", None) or ""
        if owner and (kind, identity) not in self.entries:
            self.entries[kind, identity] = dataclasses.replace(
                owner, kind=kind, id=identity, name=name, why=f"belongs to {owner.kind} {owner.id}"
            )

    def hold(self, kind, identity, blocker):
        """Says of a thing that was entered that it cannot go."""
        self.entries[kind, identity].held_by = blocker

    def by_id(self):
        return {entry.id: entry for entry in self.entries.values()}

    def write(self, path, tasks):
        document = {
            "tasks": [task.uuid for task in tasks],
            "things": [dataclasses.asdict(entry) for entry in self.entries.values()],
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)


def identity_of(thing):
    return str(getattr(thing, "id", thing))


class Unit:
    """What one tenant of one workload makes, in one project; `task` None means the tenant's own things."""

    _octets = itertools.count(1)

    def __init__(self, seeding, cloud, place, task=None, prefix="prod"):
        self.seeding, self.cloud, self.place, self.task, self.prefix = seeding, cloud, place, task, prefix
        number = next(self._octets)
        self.cidr = f"10.{number // 128}.{number % 128 * 2}.0/24"
        self.second_cidr = f"10.{number // 128}.{number % 128 * 2 + 1}.0/24"
        self.server = None

    def name(self, word):
        return self.task.scenario() if self.task else f"{self.prefix}-{word}"

    def context_name(self, word):
        return self.task.context() if self.task else f"{self.prefix}-{word}"

    def zone_name(self, word):
        """The cloud has each zone once, so a tenant's has a random part too."""
        return f"{self.task.dashed() if self.task else f'{self.prefix}-{word}-{random_part().lower()}'}.name."

    def dashed_name(self, word):
        return self.task.dashed() if self.task else f"{self.prefix}-{word}"

    def rest(self, service, microversion=None):
        return Rest(self.cloud, service, microversion)

    def add(self, kind, thing, **more):
        return self.seeding.manifest.add(kind, thing, self.task, self.place, **more)

    def keep(self, kind, thing, **more):
        """Enters a thing of the tenant's, in whosever unit it was made."""
        return self.seeding.manifest.add(kind, thing, None, self.place, **more)

    def hold(self, kind, thing, blocker):
        self.seeding.manifest.hold(kind, identity_of(thing), identity_of(blocker))

    def make(self):
        self.make_network()
        self.make_ports()
        self.make_address_things()
        self.make_images()
        self.make_volumes()
        self.make_server()

    def make_small(self):
        self.make_network()
        self.make_ports()
        self.add("block-storage.volume", self.cloud.block_storage.create_volume(size=1, name=self.name("disk")))

    def make_network(self):
        """A network with two subnets behind one router, which has a gateway, two interfaces and a static route."""
        neutron = self.cloud.network
        self.network = self.add("network.network", neutron.create_network(name=self.context_name("net")))
        self.subnets = [
            self.add(
                "network.subnet",
                neutron.create_subnet(
                    network_id=self.network.id, name=self.context_name(f"subnet{index}"), ip_version=4, cidr=cidr
                ),
            )
            for index, cidr in enumerate((self.cidr, self.second_cidr))
        ]
        gateway = {"network_id": self.seeding.public.id}
        self.router = self.add(
            "network.router", neutron.create_router(name=self.context_name("router"), external_gateway_info=gateway)
        )
        for subnet in self.subnets:
            neutron.add_interface_to_router(self.router, subnet_id=subnet.id)
        # A route makes the router refuse to lose the interface that the next hop is behind.
        next_hop = self.cidr.replace(".0/24", ".200")
        neutron.update_router(self.router, routes=[{"destination": "192.168.77.0/24", "nexthop": next_hop}])

    def make_ports(self):
        """A port with an attached, nameless floating IP; a loose one, which Rally names by its description; a trunk."""
        neutron, public = self.cloud.network, self.seeding.public
        self.group = self.add("network.security-group", neutron.create_security_group(name=self.name("sg")))
        rule = {"security_group_id": self.group.id, "direction": "ingress"}
        neutron.create_security_group_rule(**rule, protocol="tcp", port_range_min=22, port_range_max=22)
        neutron.create_security_group_rule(**rule, remote_group_id=self.group.id)
        self.port = self.make_port("web-port", security_groups=[self.group.id])
        self.add("network.floating-ip", neutron.create_ip(floating_network_id=public.id, port_id=self.port.id))
        description = self.task.scenario() if self.task else ""
        loose = neutron.create_ip(floating_network_id=public.id, description=description)
        self.add("network.floating-ip", loose)
        parent, child = self.make_port("trunk-parent"), self.make_port("trunk-child")
        sub_port = {"port_id": child.id, "segmentation_id": 101, "segmentation_type": "vlan"}
        trunk = neutron.create_trunk(port_id=parent.id, name=self.name("trunk"), sub_ports=[sub_port])
        self.add("network.trunk", trunk)

    def make_port(self, word, **attributes):
        port = self.cloud.network.create_port(network_id=self.network.id, name=self.name(word), **attributes)
        return self.add("network.port", port)

    def make_address_things(self):
        """A pool within a scope, and an address group that a rule of the security group refers to."""
        neutron = self.cloud.network
        scope = neutron.create_address_scope(name=self.name("scope"), ip_version=4)
        self.add("network.address-scope", scope)
        pool = neutron.create_subnet_pool(
            name=self.name("pool"), prefixes=["10.250.0.0/16"], default_prefixlen=24, address_scope_id=scope.id
        )
        self.add("network.subnet-pool", pool)
        addresses = neutron.create_address_group(name=self.name("addresses"), addresses=["10.1.1.1/32"])
        self.add("network.address-group", addresses)
        neutron.create_security_group_rule(
            security_group_id=self.group.id, direction="ingress", remote_address_group_id=addresses.id
        )

    def make_images(self):
        """One with data, and one that stays `queued` because its data never came."""
        glance = self.cloud.image
        form = {"disk_format": "raw", "container_format": "bare"}
        self.add("image.image", glance.create_image(self.name("image"), data=b"x" * 512, **form))
        queued = glance.post("/images", json={"name": self.name("upload"), **form}).json()
        self.add("image.image", glance.get_image(queued["id"]))

    def make_volumes(self):
        """A volume to attach; one with snapshot, clone, full and incremental backup; one on offer for transfer."""
        cinder = self.cloud.block_storage
        self.volume, origin, offered = (self.make_volume(word) for word in ("data", "db", "offer"))
        for volume in (self.volume, origin, offered):
            settled("volume", lambda volume=volume: cinder.get_volume(volume.id).status, "available")
        transfer = cinder.create_transfer(volume_id=offered.id, name=self.name("transfer"))
        self.add("block-storage.transfer", transfer)
        snapshot = cinder.create_snapshot(volume_id=origin.id, name=self.name("snapshot"))
        self.add("block-storage.snapshot", snapshot)
        settled("snapshot", lambda: cinder.get_snapshot(snapshot.id).status, "available")
        self.make_volume("clone", snapshot_id=snapshot.id)
        for incremental in (False, True):
            backup = cinder.create_backup(volume_id=origin.id, name=self.name("backup"), is_incremental=incremental)
            self.add("block-storage.backup", backup)
            settled("backup", lambda backup=backup: cinder.get_backup(backup.id).status, "available")

    def make_volume(self, word, **attributes):
        volume = self.cloud.block_storage.create_volume(size=1, name=self.name(word), **attributes)
        return self.add("block-storage.volume", volume)

    def make_server(self):
        """On one port of its own and one that Nova makes, with a volume, a key, a group, and an image taken of it."""
        nova = self.cloud.compute
        # A name that nobody else's unit has: keys belong to the user, who may have several units.
        key = nova.create_keypair(name=f"{self.name('key')}" if self.task else f"{self.prefix}-key-{random_part()}")
        self.add("compute.keypair", f"{self.cloud.current_user_id}/{key.name}")
        self.key = key
        group = nova.create_server_group(name=self.name("group"), policy="soft-anti-affinity")
        self.add("compute.server-group", group)
        self.server = self.boot(
            [{"port": self.port.id}, {"uuid": self.network.id}],
            key_name=key.name,
            security_groups=[{"name": self.group.name}],
            scheduler_hints={"group": group.id},
        )
        nova.create_volume_attachment(self.server, volume_id=self.volume.id)
        settled("attached volume", lambda: self.cloud.block_storage.get_volume(self.volume.id).status, "in-use")
        self.add("image.image", nova.create_server_image(self.server, name=self.name("server-image"), wait=False))

    def boot(self, networks, **attributes):
        nova = self.cloud.compute
        server = nova.create_server(
            name=self.name("web"),
            image_id=self.seeding.image.id,
            flavor_id=self.seeding.flavor.id,
            networks=networks,
            **attributes,
        )
        self.add("compute.server", server)
        settled("server", lambda: nova.get_server(server.id).status, "ACTIVE")
        return server

    def make_held_network(self):
        """A network that cannot go: the tenant has plugged a port of its own into it.

        Nor can its subnet, nor the pool that the subnet's addresses come from, nor the pool's scope. No DHCP:
        whether the agent's port goes before its network does is nobody's promise.
        """
        neutron = self.cloud.network
        network = neutron.create_network(name=self.context_name("net"))
        scope = neutron.create_address_scope(name=self.name("scope"), ip_version=4)
        pool = neutron.create_subnet_pool(
            name=self.name("pool"), prefixes=["10.240.0.0/16"], default_prefixlen=24, address_scope_id=scope.id
        )
        subnet = neutron.create_subnet(
            network_id=network.id, name=self.name("subnet"), ip_version=4, subnet_pool_id=pool.id, is_dhcp_enabled=False
        )
        port = neutron.create_port(network_id=network.id, name="prod-vip")
        self.seeding.manifest.add("network.port", port, None, self.place, why="the tenant's own, on a task's network")
        for kind, thing in (("network", network), ("subnet", subnet), ("subnet-pool", pool), ("address-scope", scope)):
            self.add(f"network.{kind}", thing, held_by=port.id)

    def make_near_misses(self, task):
        """Names of the tenant's that look like the task's; and names of the task's with a tail, which count."""
        name = task.scenario()
        near = [
            f"my_{name}",
            name.upper(),
            f"s_rally_{task.part.upper()}_{random_part()}",
            f"s_rally_{task.part}_{random_part(7)}",
            f"s_rally_{task.part}_{random_part(7)}-",
            f"s_rally_{task.part}-{random_part()}",
            f"s_rally_{task.part[:7]}_{random_part()}",
            f"s_rally_{Task().part}_{random_part()}",
            "c_rally_project_docs",
        ]
        neutron, cinder = self.cloud.network, self.cloud.block_storage
        add = self.seeding.manifest.add
        for each in near:
            add("network.network", neutron.create_network(name=each), None, self.place, why="nearly a task's name")
            volume = cinder.create_volume(size=1, name=each)
            add("block-storage.volume", volume, None, self.place, why="nearly a task's name")
        # Networks only: Cinder strips the names it is given.
        add("network.network", neutron.create_network(name=f" {name}"), None, self.place, why="nearly a task's name")
        for tail in ("-1", ".name.", "_copy", "9"):
            network = neutron.create_network(name=task.scenario() + tail)
            add("network.network", network, task, self.place, why="a tail is accepted")


class Seeding:
    """One run of this program against one cloud."""

    def __init__(self, options):
        self.options = options
        self.admin, self.demo, self.demo2 = (openstack.connect(cloud=name) for name in ("admin", "demo", "demo2"))
        self.manifest = Manifest()
        self.tasks = [Task() for _ in range(options.tasks)]
        self.public = self.admin.network.find_network("public", ignore_missing=False)
        self.image = self.admin.image.find_image("cirros", ignore_missing=False)
        self.flavor = self.admin.compute.find_flavor("m1.tiny", ignore_missing=False)
        # Another seeding may have left its own: the tenant's names need not be unique, but should be readable.
        self.prefix = f"prod{random_part(4).lower()}"
        catalog = {service.type for service in self.admin.identity.services()}
        self.parts = [] if options.core else parts_of(catalog)

    def run(self):
        demo, demo2 = self.demo, self.demo2
        tenant = Unit(self, demo, "demo", prefix=self.prefix)
        units, small, jobs = [tenant, Unit(self, demo2, "demo2", prefix=self.prefix)], [], []
        for task in self.tasks:
            own = self.make_project(task)
            for _ in range(self.options.scale):
                units += [Unit(self, own, "own", task), Unit(self, demo, "demo", task)]
            small.append(Unit(self, demo2, "demo2", task))
            jobs += self.admin_jobs(task)
        jobs.append(lambda: Unit(self, demo, "demo").make_near_misses(self.tasks[0]))
        if self.options.foreign_port:
            jobs.append(Unit(self, demo2, "demo2", self.tasks[-1]).make_held_network)
        self.do_all([unit.make for unit in units] + [unit.make_small for unit in small] + jobs)
        self.make_parts(units)
        if self.options.hard:
            self.do_all(self.hooks("entangle", Unit(self, demo, "demo", self.tasks[-1]), tenant))
        self.adopt_nameless()

    def make_parts(self, units):
        """What lies on the networks and servers that the units have by now."""
        self.do_all(self.hooks("prepare", self))
        admins = [Unit(self, self.admin, "cloud", task) for task in self.tasks]
        jobs = [job for unit in units for job in self.hooks("make", unit)]
        self.do_all(jobs + [job for admin in admins for job in self.hooks("make_as_admin", admin)])

    def hooks(self, name, *arguments):
        """This function of each part that has it, ready to be called."""
        return [functools.partial(getattr(part, name), *arguments) for part in self.parts if hasattr(part, name)]

    def rest(self, service, microversion=None):
        return Rest(self.admin, service, microversion)

    def do_all(self, jobs):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            running = [pool.submit(job) for job in jobs]
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_EXCEPTION)
            for failed in (job for job in done if job.exception()):
                pool.shutdown(cancel_futures=True)
                raise failed.exception()

    def make_project(self, task):
        """What Rally's users context makes: a project, a user in it. Returns a connection as that user."""
        keystone = self.admin.identity
        name = task.context()
        project = keystone.create_project(name=name, domain_id="default")
        user = keystone.create_user(
            name=task.context(), domain_id="default", password=PASSWORD, default_project_id=project.id
        )
        self.manifest.add("identity.project", project, task, "cloud")
        self.manifest.add("identity.user", user, task, "cloud")
        for role in ("member", "heat_stack_owner", "load-balancer_member", "creator"):
            keystone.assign_project_role_to_user(project.id, user.id, keystone.find_role(role).id)
        self.make_identity_things(task, user)
        key = keystone.post(f"/users/{user.id}/credentials/OS-EC2", json={"tenant_id": project.id}).json()
        why = f"belongs to identity.user {user.id}"
        self.manifest.add("identity.credential", credential_id(key["credential"]), task, "cloud", why=why)
        auth = self.admin.config.config["auth"] | {
            "username": user.name,
            "password": PASSWORD,
            "project_name": name,
        }
        return openstack.connect(
            auth=auth, region_name="RegionOne", identity_api_version=3, load_yaml_config=False, load_envvars=False
        )

    def admin_jobs(self, task):
        steps = (self.make_network_policies, self.make_volume_types, self.make_compute_things)
        return [lambda step=step: step(task) for step in steps]

    def make_identity_things(self, task, user):
        """Called from one thread: Keystone refuses an application credential while roles are being made beside it.

        The group's member is the task's own user. With the administrator in it, its deletion would revoke the tokens
        of everybody who works as administrator at that moment.
        """
        keystone, me = self.admin.identity, self.admin.current_user_id
        group = keystone.create_group(name=task.scenario(), domain_id="default")
        keystone.add_user_to_group(user, group)
        things = {
            "group": group,
            "role": keystone.create_role(name=task.scenario()),
            "service": keystone.create_service(name=task.scenario(), type="load-test"),
            "domain": keystone.create_domain(name=task.scenario()),
            "application-credential": keystone.create_application_credential(user=me, name=task.scenario()),
        }
        for kind, thing in things.items():
            self.manifest.add(f"identity.{kind}", thing, task, "cloud")

    def make_network_policies(self, task):
        """A QoS policy in use by a network that all of one project may see."""
        neutron = self.admin.network
        policy = neutron.create_qos_policy(name=task.scenario())
        neutron.create_qos_bandwidth_limit_rule(policy, max_kbps=1000)
        network = neutron.create_network(name=task.scenario(), qos_policy_id=policy.id)
        neutron.create_rbac_policy(
            object_type="network",
            object_id=network.id,
            action="access_as_shared",
            target_project_id=self.admin.identity.find_project("demo2").id,
        )
        self.manifest.add("network.qos-policy", policy, task, "admin")
        self.manifest.add("network.network", network, task, "admin")

    def make_volume_types(self, task):
        """A public type in use and a private one; QoS specs that the public one refers to."""
        cinder = self.admin.block_storage
        types = [cinder.create_type(name=task.scenario(), is_public=public) for public in (True, False)]
        specs = cinder.post("/qos-specs", json={"qos_specs": {"name": task.scenario(), "consumer": "back-end"}}).json()
        specs = specs["qos_specs"]["id"]
        cinder.get(f"/qos-specs/{specs}/associate?vol_type_id={types[0].id}")
        volume = cinder.create_volume(size=1, name=task.scenario(), volume_type=types[0].name)
        settled("typed volume", lambda: cinder.get_volume(volume.id).status, "available")
        for each in types:
            self.manifest.add("block-storage.type", each, task, "cloud")
        self.manifest.add("block-storage.qos-specs", specs, task, "cloud")
        self.manifest.add("block-storage.volume", volume, task, "admin")

    def make_compute_things(self, task):
        nova = self.admin.compute
        for public in (True, False):
            flavor = nova.create_flavor(name=task.scenario(), ram=64, vcpus=1, disk=1, is_public=public)
            self.manifest.add("compute.flavor", flavor, task, "cloud")
        aggregate = nova.create_aggregate(name=task.scenario())
        nova.add_host_to_aggregate(aggregate, "fakehost")
        self.manifest.add("compute.aggregate", aggregate, task, "cloud")

    def adopt_nameless(self):
        """Enters what the cloud made by itself beside the things that were asked for."""
        neutron, owners = self.admin.network, self.manifest.by_id()
        for port in neutron.ports():
            owner = owners.get(port.device_id)
            if port.device_owner == "network:dhcp":
                owner = owners.get(port.network_id)
            self.manifest.adopt("network.port", port, owner)
        for group in neutron.security_groups():
            if group.name == "default":
                self.manifest.adopt("network.security-group", group, owners.get(group.project_id))
        for policy in neutron.rbac_policies():
            self.manifest.adopt("network.rbac-policy", policy, owners.get(policy.object_id))
        owners = self.manifest.by_id()
        for rule in neutron.security_group_rules():
            self.manifest.adopt("network.security-group-rule", rule, owners.get(rule.security_group_id))
        for adopt in self.hooks("adopt", self):
            adopt()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--scale", type=int, default=1, help="full units per task and project")
    parser.add_argument("--tasks", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=6, help="units made at the same time")
    parser.add_argument("--core", action="store_true", help="nothing in the services beyond the core")
    parser.add_argument("--foreign-port", action="store_true", help="a tenant's port on a network of the last task")
    parser.add_argument("--hard", action="store_true", help="entangle the last task's things with the tenants'")
    return parser.parse_args()


def main():
    options = parse_options()
    started = time.monotonic()
    seeding = Seeding(options)
    try:
        seeding.run()
    finally:
        seeding.manifest.write(options.manifest, seeding.tasks)
    count = len(seeding.manifest.entries)
    print(f"{count} things in {time.monotonic() - started:.0f} s, tasks {' '.join(t.uuid for t in seeding.tasks)}")


if __name__ == "__main__":
    main()
