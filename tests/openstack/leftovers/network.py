"""Neutron's extensions and plug-ins: what routes, filters, measures, encrypts and mirrors, as far as each is loaded."""

import random
import types

SERVICE = "network"


def make_as_admin(unit):
    """One of each, around two networks and a router of its own."""
    Extensions(unit).make()


class Extensions:
    def __init__(self, unit):
        self.unit, self.neutron = unit, unit.rest(SERVICE)
        self.loaded = {extension["alias"] for extension in self.neutron.get("/v2.0/extensions")["extensions"]}

    def post(self, path, key, kind, **body):
        """Makes a thing with a name of its own."""
        name = self.unit.name(kind)
        thing = self.neutron.post(f"/v2.0{path}", {key: {"name": name, **body}})[key]
        self.unit.add(f"network.{kind}", thing["id"], name=name)
        return thing["id"]

    def make(self):
        self.make_ground()
        for aliases, make in (
            ({"metering"}, self.make_metering),
            ({"segment"}, self.make_segment),
            ({"network-segment-range"}, self.make_range),
            ({"flavors"}, self.make_flavor),
            ({"floating-ip-port-forwarding"}, self.make_forwarding),
            ({"l3-conntrack-helper"}, self.make_helper),
            ({"local_ip"}, self.make_local_ip),
            ({"logging"}, self.make_log),
            ({"l3-ndp-proxy"}, self.make_ndp_proxy),
            ({"bgp"}, self.make_bgp),
            ({"sfc", "flow_classifier"}, self.make_chain),
            ({"vpnaas"}, self.make_vpn),
            ({"fwaas_v2"}, self.make_firewall),
            ({"bgpvpn"}, self.make_bgpvpn),
            ({"taas"}, self.make_taps),
        ):
            if aliases <= self.loaded:
                make()

    def make_ground(self):
        self.network, self.other = (self.post("/networks", "network", "network") for _ in range(2))
        self.subnet = self.post(
            "/subnets", "subnet", "subnet", network_id=self.network, ip_version=4, cidr="10.77.0.0/24"
        )
        gateway = {"network_id": self.unit.seeding.public.id}
        self.router = self.post("/routers", "router", "router", external_gateway_info=gateway)
        self.neutron.put(f"/v2.0/routers/{self.router}/add_router_interface", {"subnet_id": self.subnet})
        # As those of two servers, each with two: a chain wants that.
        self.ports = [
            self.post(
                "/ports",
                "port",
                "port",
                network_id=self.network,
                device_owner="compute:nova",
                device_id=f"server-{number // 2}",
                **{"binding:host_id": "fakehost"},
            )
            for number in range(4)
        ]

    def make_metering(self):
        label = self.post("/metering/metering-labels", "metering_label", "metering-label")
        rule = {"metering_label_id": label, "direction": "ingress", "remote_ip_prefix": "10.1.0.0/24"}
        self.neutron.post("/v2.0/metering/metering-label-rules", {"metering_label_rule": rule})

    def make_segment(self):
        self.post(
            "/segments",
            "segment",
            "segment",
            network_id=self.other,
            network_type="vlan",
            physical_network="physnet1",
            segmentation_id=random.randint(100, 4000),
        )

    def make_range(self):
        first = 100_000 + random.randrange(90_000) * 10
        self.post(
            "/network_segment_ranges",
            "network_segment_range",
            "network-segment-range",
            shared=True,
            network_type="vxlan",
            minimum=first,
            maximum=first + 5,
        )

    def make_flavor(self):
        description = self.unit.name("profile")
        profile = self.neutron.post(
            "/v2.0/service_profiles", {"service_profile": {"description": description, "metainfo": "{}"}}
        )["service_profile"]["id"]
        self.unit.add("network.service-profile", profile, name=description)
        flavor = self.post("/flavors", "flavor", "flavor", service_type="L3_ROUTER_NAT")
        self.neutron.post(f"/v2.0/flavors/{flavor}/service_profiles", {"service_profile": {"id": profile}})

    def make_forwarding(self):
        """It holds its floating IP, and goes with its port."""
        port = self.ports[0]
        address = self.neutron.get(f"/v2.0/ports/{port}")["port"]["fixed_ips"][0]["ip_address"]
        body = {"floating_network_id": self.unit.seeding.public.id, "description": self.unit.name("fip")}
        floating = self.neutron.post("/v2.0/floatingips", {"floatingip": body})["floatingip"]["id"]
        self.unit.add("network.floating-ip", floating)
        forwarding = {"protocol": "tcp", "external_port": 2222, "internal_port": 22, "internal_port_id": port}
        forwarding["internal_ip_address"] = address
        self.neutron.post(f"/v2.0/floatingips/{floating}/port_forwardings", {"port_forwarding": forwarding})

    def make_helper(self):
        helper = {"protocol": "udp", "port": 69, "helper": "tftp"}
        self.neutron.post(f"/v2.0/routers/{self.router}/conntrack_helpers", {"conntrack_helper": helper})

    def make_local_ip(self):
        local = self.post("/local_ips", "local_ip", "local-ip", network_id=self.network)
        body = {"port_association": {"fixed_port_id": self.ports[1]}}
        self.neutron.post(f"/v2.0/local_ips/{local}/port_associations", body)

    def make_log(self):
        group = self.post("/security-groups", "security_group", "security-group")
        self.post("/log/logs", "log", "log", resource_type="security_group", resource_id=group, enabled=True)

    def make_ndp_proxy(self):
        """Its router's gateway is in IPv6, and both sides have addresses of one scope."""
        scope = self.post("/address-scopes", "address_scope", "address-scope", ip_version=6)
        prefix = f"2001:{random.randint(0x1000, 0xFFFF):x}::/32"
        pool = self.post(
            "/subnetpools", "subnetpool", "subnet-pool", prefixes=[prefix], address_scope_id=scope, default_prefixlen=64
        )
        outer = self.post("/networks", "network", "network", **{"router:external": True})
        inner = self.post("/networks", "network", "network")
        self.post("/subnets", "subnet", "subnet", network_id=outer, ip_version=6, subnetpool_id=pool)
        subnet = self.post("/subnets", "subnet", "subnet", network_id=inner, ip_version=6, subnetpool_id=pool)
        gateway = {"network_id": outer}
        router = self.post("/routers", "router", "router", external_gateway_info=gateway, enable_ndp_proxy=True)
        self.neutron.put(f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": subnet})
        port = self.post("/ports", "port", "port", network_id=inner)
        self.post("/ndp_proxies", "ndp_proxy", "ndp-proxy", router_id=router, port_id=port)

    def make_bgp(self):
        speaker = self.post("/bgp-speakers", "bgp_speaker", "bgp-speaker", ip_version=4, local_as=65001)
        address = f"192.0.{random.randint(3, 250)}.{random.randint(1, 254)}"
        peer = self.post("/bgp-peers", "bgp_peer", "bgp-peer", peer_ip=address, remote_as=65002, auth_type="none")
        self.neutron.put(f"/v2.0/bgp-speakers/{speaker}/add_bgp_peer", {"bgp_peer_id": peer})

    def make_chain(self):
        """Two chains, and a graph of them."""
        chains = []
        for ingress, egress in (self.ports[2:], self.ports[:2]):
            pair = self.post(
                "/sfc/port_pairs",
                "port_pair",
                "sfc-port-pair",
                ingress=ingress,
                egress=egress,
                service_function_parameters={"correlation": "mpls"},
            )
            group = self.post("/sfc/port_pair_groups", "port_pair_group", "sfc-port-pair-group", port_pairs=[pair])
            classifiers = [] if chains else [self.make_classifier()]
            chains.append(
                self.post(
                    "/sfc/port_chains",
                    "port_chain",
                    "sfc-port-chain",
                    port_pair_groups=[group],
                    flow_classifiers=classifiers,
                )
            )
        graph = {chains[0]: chains[1:]}
        self.post("/sfc/service_graphs", "service_graph", "sfc-service-graph", port_chains=graph)

    def make_classifier(self):
        port = random.randint(60_002, 65_000)
        return self.post(
            "/sfc/flow_classifiers",
            "flow_classifier",
            "sfc-flow-classifier",
            logical_source_port=self.ports[0],
            source_ip_prefix="10.77.0.0/25",
            ethertype="IPv4",
            protocol="tcp",
            destination_port_range_min=port,
            destination_port_range_max=port,
        )

    def make_vpn(self):
        ike = self.post("/vpn/ikepolicies", "ikepolicy", "vpn-ike-policy")
        ipsec = self.post("/vpn/ipsecpolicies", "ipsecpolicy", "vpn-ipsec-policy")
        service = self.post("/vpn/vpnservices", "vpnservice", "vpn-service", router_id=self.router)
        ends = {"subnet": self.subnet, "cidr": "10.99.0.0/24"}
        near, far = (
            self.post("/vpn/endpoint-groups", "endpoint_group", "vpn-endpoint-group", type=kind, endpoints=[end])
            for kind, end in ends.items()
        )
        self.post(
            "/vpn/ipsec-site-connections",
            "ipsec_site_connection",
            "vpn-ipsec-site-connection",
            vpnservice_id=service,
            ikepolicy_id=ike,
            ipsecpolicy_id=ipsec,
            local_ep_group_id=near,
            peer_ep_group_id=far,
            peer_address="192.0.2.9",
            peer_id="192.0.2.9",
            psk="not-a-secret",
        )

    def make_firewall(self):
        what = {"protocol": "tcp", "destination_port": "80", "action": "allow"}
        rule = self.post("/fwaas/firewall_rules", "firewall_rule", "firewall-rule", **what)
        policy = self.post("/fwaas/firewall_policies", "firewall_policy", "firewall-policy", firewall_rules=[rule])
        query = f"device_id={self.router}&device_owner=network:router_interface"
        interfaces = [port["id"] for port in self.neutron.get(f"/v2.0/ports?{query}")["ports"]]
        self.post(
            "/fwaas/firewall_groups",
            "firewall_group",
            "firewall-group",
            ingress_firewall_policy_id=policy,
            egress_firewall_policy_id=policy,
            ports=interfaces,
        )

    def make_bgpvpn(self):
        target = f"64512:{random.randint(1, 65000)}"
        vpn = self.post("/bgpvpn/bgpvpns", "bgpvpn", "bgpvpn", type="l3", route_targets=[target])
        path = f"/v2.0/bgpvpn/bgpvpns/{vpn}"
        self.neutron.post(f"{path}/network_associations", {"network_association": {"network_id": self.other}})
        self.neutron.post(f"{path}/router_associations", {"router_association": {"router_id": self.router}})

    def make_taps(self):
        service = self.post("/taas/tap_services", "tap_service", "tap-service", port_id=self.ports[2])
        self.post(
            "/taas/tap_flows",
            "tap_flow",
            "tap-flow",
            source_port=self.ports[3],
            tap_service_id=service,
            direction="BOTH",
        )
        if "tap-mirror" in self.loaded:
            self.post(
                "/taas/tap_mirrors",
                "tap_mirror",
                "tap-mirror",
                port_id=self.ports[1],
                directions={"IN": random.randint(1, 9999)},
                remote_ip="192.0.2.7",
                mirror_type="gre",
            )


# What Neutron makes by itself, and by which field it belongs to something. A project has a firewall from its first port on.
NAMELESS = {
    "segment": {"segment": ("segments", "network_id")},
    "fwaas_v2": {
        "firewall-group": ("fwaas/firewall_groups", "project_id"),
        "firewall-policy": ("fwaas/firewall_policies", "project_id"),
        "firewall-rule": ("fwaas/firewall_rules", "project_id"),
    },
}


def adopt(seeding):
    neutron = seeding.rest(SERVICE)
    owners = seeding.manifest.by_id()
    loaded = {extension["alias"] for extension in neutron.get("/v2.0/extensions")["extensions"]}
    for alias in NAMELESS.keys() & loaded:
        for kind, (path, field) in NAMELESS[alias].items():
            for thing in neutron.get(f"/v2.0/{path}")[path.rpartition("/")[2]]:
                made = types.SimpleNamespace(id=thing["id"], name=thing["name"])
                seeding.manifest.adopt(f"network.{kind}", made, owners.get(thing[field]))
