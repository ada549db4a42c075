"""A scenario as a team writes its own, which asks for no clean-up: what it makes stays when its task has ended."""

from rally.task import types, validation
from rally_openstack.task import scenario
from rally_openstack.task.scenarios.cinder import utils as cinder
from rally_openstack.task.scenarios.heat import utils as heat
from rally_openstack.task.scenarios.nova import utils as nova

# To delete this, Heat has to act as the user who made it.
STACK = {
    "heat_template_version": "2018-08-31",
    "resources": {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {
            "type": "OS::Neutron::Subnet",
            "properties": {"network": {"get_resource": "net"}, "cidr": "10.78.0.0/24"},
        },
        "port": {
            "type": "OS::Neutron::Port",
            "depends_on": "subnet",
            "properties": {"network": {"get_resource": "net"}},
        },
        "volume": {"type": "OS::Cinder::Volume", "properties": {"size": 1}},
    },
}


@types.convert(image={"type": "glance_image"}, flavor={"type": "nova_flavor"})
@validation.add("required_platform", platform="openstack", users=True)
@scenario.configure(name="Forgetful.boot_with_volume", platform="openstack")
class BootWithVolume(nova.NovaScenario, cinder.CinderBasic, heat.HeatScenario):
    def run(self, image, flavor):
        """A server with a volume, a key and a group, on a network that is routed to the outside; and a stack."""
        topology = self.neutron.create_network_topology(router_create_args={"discover_external_gw": True})
        group = self.neutron.create_security_group()
        self._create_server_group(policies=["anti-affinity"])
        server = self._boot_server(
            image,
            flavor,
            nics=[{"net-id": topology["network"]["id"]}],
            security_groups=[group["name"], "default"],
            key_name=self._create_keypair(),
        )
        volume = self.cinder.create_volume(1)
        self.cinder.create_snapshot(volume.id)
        self._attach_volume(server, volume)
        self._create_stack(STACK)
