"""The core, where tenants' things and the task's depend on each other: what a careless cleanup gets wrong."""

from leftovers.rest import credential_id, settled

SERVICE = "compute"


def entangle(unit, tenant):
    route_for_tenant(unit, tenant)
    guard_tenants_port(unit, tenant)
    serve_tenants_port(unit, tenant)
    host_tenants_server(unit, tenant)
    share_network(unit)
    lock_server(unit, tenant)
    entangle_volumes(unit, tenant)
    get_volumes_stuck(unit)
    entangle_images(unit)
    share_account(unit)


def route_for_tenant(unit, tenant):
    """The task's router serves a tenant's subnet: it goes, and its interface with it."""
    neutron = unit.cloud.network
    router = neutron.create_router(name=unit.name("router"))
    subnet = neutron.create_subnet(network_id=tenant.network.id, name="prod-third", ip_version=4, cidr="10.252.0.0/24")
    unit.keep("network.subnet", subnet)
    unit.add("network.router", router, why="serves a tenant's subnet")
    neutron.add_interface_to_router(router, subnet_id=subnet.id)


def guard_tenants_port(unit, tenant):
    """The task's security group is in use by a tenant's port: it cannot go."""
    neutron = unit.cloud.network
    group = neutron.create_security_group(name=unit.name("sg"))
    port = neutron.create_port(network_id=tenant.network.id, name="prod-guarded", security_groups=[group.id])
    unit.keep("network.port", port)
    unit.add("network.security-group", group, held_by=port.id)


def serve_tenants_port(unit, tenant):
    """The task's floating IP is on a tenant's port, and goes. A nameless one there is the port's, and stays."""
    neutron, public = unit.cloud.network, unit.seeding.public
    for description in (unit.name("fip"), ""):
        # On a subnet that the tenant's own router leads to the public network.
        fixed = [{"subnet_id": tenant.subnets[0].id}]
        port = neutron.create_port(network_id=tenant.network.id, name="prod-reachable", fixed_ips=fixed)
        unit.keep("network.port", port)
        floating = neutron.create_ip(floating_network_id=public.id, port_id=port.id, description=description)
        enter = unit.add if description else unit.keep
        enter("network.floating-ip", floating)


def make_network(unit):
    """Without DHCP: whether the agent's port goes before its network does is nobody's promise."""
    neutron = unit.cloud.network
    network = neutron.create_network(name=unit.context_name("net"))
    name = unit.context_name("subnet")
    subnet = neutron.create_subnet(
        network_id=network.id, name=name, ip_version=4, cidr="10.251.0.0/24", is_dhcp_enabled=False
    )
    return network, subnet


def hold_network(unit, network, subnet, blocker):
    unit.add("network.network", network, held_by=blocker)
    unit.add("network.subnet", subnet, held_by=blocker)


def host_tenants_server(unit, tenant):
    """A tenant's server on the task's network, by a port that Nova made and gave no name."""
    network, subnet = make_network(unit)
    server = tenant.boot([{"uuid": network.id}])
    port = next(unit.cloud.network.ports(device_id=server.id))
    hold_network(unit, network, subnet, port.id)


def share_network(unit):
    """A network that the task shares with another project, which has a port on it."""
    network, subnet = make_network(unit)
    other = unit.seeding.demo2
    unit.cloud.network.create_rbac_policy(
        object_type="network",
        object_id=network.id,
        action="access_as_shared",
        target_project_id=other.current_project_id,
    )
    port = other.network.create_port(network_id=network.id, name="prod-guest")
    unit.keep("network.port", port, why="the tenant's own, on a network that a task shares")
    hold_network(unit, network, subnet, port.id)


def lock_server(unit, tenant):
    server = unit.boot([{"uuid": tenant.network.id}])
    unit.cloud.compute.lock_server(server)


def volume_of(unit, word, **attributes):
    cinder, volume = unit.cloud.block_storage, unit.make_volume(word, **attributes)
    settled("volume", lambda: cinder.get_volume(volume.id).status, "available")
    return volume


def entangle_volumes(unit, tenant):
    """A tenant's snapshot holds a volume of the task's, a tenant's server another.

    A tenant's volume that was made of the task's snapshot holds nothing.
    """
    cinder = unit.cloud.block_storage
    snapped = volume_of(unit, "snapped")
    nightly = cinder.create_snapshot(volume_id=snapped.id, name="nightly")
    settled("snapshot", lambda: cinder.get_snapshot(nightly.id).status, "available")
    unit.keep("block-storage.snapshot", nightly)
    unit.hold("block-storage.volume", snapped, nightly)

    attached = volume_of(unit, "attached")
    unit.cloud.compute.create_volume_attachment(tenant.server, volume_id=attached.id)
    settled("volume", lambda: cinder.get_volume(attached.id).status, "in-use")
    unit.hold("block-storage.volume", attached, tenant.server)

    snapshot = cinder.create_snapshot(volume_id=volume_of(unit, "origin").id, name=unit.name("snapshot"))
    settled("snapshot", lambda: cinder.get_snapshot(snapshot.id).status, "available")
    unit.add("block-storage.snapshot", snapshot)
    restored = cinder.create_volume(size=1, name="prod-restored", snapshot_id=snapshot.id)
    settled("volume", lambda: cinder.get_volume(restored.id).status, "available")
    unit.keep("block-storage.volume", restored)


def get_volumes_stuck(unit):
    """Where a failed deletion, or an attachment that never came about, leaves a volume. Cinder refuses to delete it."""
    for status in ("error_deleting", "attaching"):
        volume = volume_of(unit, "stuck")
        body = {"os-reset_status": {"status": status, "attach_status": "detached"}}
        unit.seeding.rest("block-storage").post(f"/volumes/{volume.id}/action", body)
        unit.hold("block-storage.volume", volume, volume)


def entangle_images(unit):
    """A protected image stays. A deactivated one goes, and so does one that a tenant's volume was made of."""
    glance, cinder = unit.cloud.image, unit.cloud.block_storage

    def image(word, **attributes):
        form = {"disk_format": "raw", "container_format": "bare"}
        return unit.add("image.image", glance.create_image(unit.name(word), data=b"x" * 512, **form, **attributes))

    protected = image("protected", is_protected=True)
    unit.hold("image.image", protected, protected)
    unit.seeding.admin.image.deactivate_image(image("deactivated"))
    volume = cinder.create_volume(size=1, name="prod-root", image_id=image("base").id)
    settled("volume", lambda: cinder.get_volume(volume.id).status, "available")
    unit.keep("block-storage.volume", volume)


def share_account(unit):
    """An EC2 credential that somebody made with the account that the task works in, too: it has no name, and stays."""
    user, project = unit.cloud.current_user_id, unit.cloud.current_project_id
    made = unit.rest("identity").post(f"/users/{user}/credentials/OS-EC2", {"tenant_id": project})["credential"]
    unit.keep("identity.credential", credential_id(made))
