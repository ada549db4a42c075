# Neutron's further plug-ins: its own optional ones, and those of other projects. All are parts of its one
# process and its one database, so this group has Neutron read one more file, which replaces core's list of
# plug-ins; a Neutron that runs without is started anew.

databases_neutron-extensions() { :; }
migrations_neutron-extensions() { echo neutron-extensions; }
catalog_neutron-extensions() { :; }

# Every driver is the one that does nothing, or one that sends messages which no agent hears.
configure_neutron-extensions() {
  [ -e "$ETC/neutron/extensions.ini" ] || stop_neutron
  conf neutron/extensions.ini <<CONF
[DEFAULT]
service_plugins = $(neutron_plugins)
[service_providers]
service_provider = VPN:none:neutron_vpnaas.services.vpn.service_drivers.ipsec.IPsecVPNDriver:default
service_provider = FIREWALL_V2:none:neutron_fwaas.services.firewall.service_drivers.agents.agents.FirewallAgentDriver:default
service_provider = BGPVPN:none:networking_bgpvpn.neutron.services.service_drivers.driver_api.BGPVPNDriver:default
service_provider = TAAS:none:neutron_taas.services.taas.service_drivers.taas_rpc.TaasRpcDriver:default
[sfc]
drivers = dummy
[flowclassifier]
drivers = dummy
CONF
  export OS_NEUTRON_CONFIG_FILES='neutron.conf;ml2.ini;extensions.ini'
}

neutron_plugins() {
  local plugins=(
    router trunk qos port_forwarding metering
    segments network_segment_range flavors log conntrack_helper local_ip ndp_proxy
    bgp bgpvpn firewall_v2 flow_classifier sfc taas tapmirror vpnaas
  )
  (IFS=,; echo "${plugins[*]}")
}

stop_neutron() {
  signal TERM neutron
  wait_dead 10 neutron || die 'neutron does not stop'
}

migrate_neutron-extensions() { neutron_manage upgrade heads; }
start_neutron-extensions() { :; }
