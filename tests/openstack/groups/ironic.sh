# Ironic with its own fake hardware: every state is reached, at once, and no machine is touched.

databases_ironic() { echo ironic; }
migrations_ironic() { echo ironic; }
catalog_ironic() { endpoint baremetal ironic "http://127.0.0.1:${PORT[ironic]}" /; }

configure_ironic() {
  mkdir -p "$DATA/ironic"
  conf ironic/ironic.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
auth_strategy = keystone
rpc_transport = oslo
host = fakehost
state_path = $DATA/ironic
enabled_hardware_types = fake-hardware
$(printf 'enabled_%s_interfaces = fake\n' boot console deploy management power raid rescue vendor)
enabled_inspect_interfaces = fake,no-inspect
enabled_network_interfaces = noop
enabled_storage_interfaces = fake,noop
enabled_bios_interfaces = fake
enabled_firmware_interfaces = no-firmware
default_network_interface = noop
[conductor]
automated_clean = false
heartbeat_interval = 5
enable_mdns = false
[database]
connection = $(database_url ironic)
[service_catalog]
$(credentials)
$(printf '[%s]\n%s\n' neutron "$(credentials)" glance "$(credentials)" nova "$(credentials)")
$(authtoken baremetal)
$(oslo)
CONF
  # These alone have no default for an administrator of a project, as all others do here (see services.sh).
  conf ironic/policy.yaml <<CONF
$(printf 'baremetal:inspection_rule:%s: "role:admin"\n' get list_all create update delete)
CONF
}

migrate_ironic() { "$BIN/ironic-dbsync" --config-file "$ETC/ironic/ironic.conf" create_schema; }

start_ironic() {
  # One that was online when the run before ended must not pass for one of this run.
  alive ironic-conductor || sql -e 'update ironic.conductors set online = false'
  api ironic-api "${PORT[ironic]}" ironic.wsgi.api:application 4 "--config-file $ETC/ironic/ironic.conf"
  worker ironic-conductor "$BIN/ironic-conductor" --config-file "$ETC/ironic/ironic.conf"
}
