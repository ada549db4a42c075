"""ML2 mechanism driver that binds every port on every host, and stands in for the DHCP agent.

Addresses, quotas, conflicts, routers, trunks, security groups: all that is Neutron's own.
"""

import uuid

from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from oslo_log import log

LOG = log.getLogger(__name__)
HOST = "fakehost"


def dhcp_device_id(network_id):
    """The device id that the real agent gives its ports."""
    return f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, HOST)}-{network_id}"


class FakeBindDriver(api.MechanismDriver):
    def initialize(self):
        pass

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        for segment in context.segments_to_bind:
            details = {portbindings.CAP_PORT_FILTER: True, portbindings.OVS_HYBRID_PLUG: False}
            context.set_binding(
                segment[api.ID], portbindings.VIF_TYPE_OVS, details, status=constants.PORT_STATUS_ACTIVE
            )
            return

    def create_subnet_postcommit(self, context):
        """One nameless DHCP port per network with DHCP, as the agent would make it: tests need that port."""
        subnet = context.current
        if not subnet["enable_dhcp"]:
            return
        try:
            self._plug_dhcp(subnet)
        except Exception:  # what an agent cannot do must not fail the tenant's request either
            LOG.exception("no DHCP port for subnet %s", subnet["id"])

    def _plug_dhcp(self, subnet):
        admin = neutron_context.get_admin_context()
        plugin = directory.get_plugin()
        network = plugin.get_network(admin, subnet["network_id"])
        if network.get("router:external"):
            return
        device_id = dhcp_device_id(network["id"])
        existing = plugin.get_ports(admin, filters={"device_id": [device_id]})
        if existing:
            addresses = [
                {"subnet_id": fixed["subnet_id"], "ip_address": fixed["ip_address"]}
                for fixed in existing[0]["fixed_ips"]
            ]
            body = {"fixed_ips": [*addresses, {"subnet_id": subnet["id"]}]}
            plugin.update_port(admin, existing[0]["id"], {"port": body})
            return
        port = {
            "name": "",
            "network_id": network["id"],
            "tenant_id": network["tenant_id"],
            "project_id": network["project_id"],
            "admin_state_up": True,
            "device_id": device_id,
            "device_owner": constants.DEVICE_OWNER_DHCP,
            "mac_address": constants.ATTR_NOT_SPECIFIED,
            "fixed_ips": [{"subnet_id": subnet["id"]}],
            portbindings.HOST_ID: HOST,
        }
        plugin.create_port(admin, {"port": port})
