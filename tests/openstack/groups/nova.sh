# Nova and Placement, with one compute node that runs nothing.

databases_nova() { echo placement nova_api nova nova_cell0; }
migrations_nova() { echo placement nova; }

catalog_nova() {
  endpoint placement placement "http://127.0.0.1:${PORT[placement]}" /
  endpoint compute nova "http://127.0.0.1:${PORT[nova]}/v2.1" /
}

configure_nova() {
  configure_placement
  mkdir -p "$DATA/nova/instances" "$ETC/nova"
  # The WSGI application looks for it beside nova.conf and nowhere else.
  cp "$VENV/etc/nova/api-paste.ini" "$ETC/nova/"
  configure_compute
  export OS_PLACEMENT_CONFIG_DIR=$ETC/placement OS_NOVA_CONFIG_DIR=$ETC/nova
}

configure_placement() {
  conf placement/placement.conf <<CONF
[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = $(database_url placement)
$(authtoken placement)
$(oslo)
CONF
}

# Nothing is plugged, so no server may wait for an interface to come up; and one node has to hold as many
# servers as a test wants.
configure_compute() {
  conf nova/nova.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
state_path = $DATA/nova
host = fakehost
my_ip = 127.0.0.1
compute_driver = fakecloud.FakeDriver
enabled_apis = osapi_compute
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
instances_path = $DATA/nova/instances
osapi_compute_workers = 1
running_deleted_instance_action = noop
report_interval = 5
service_down_time = 60
sync_power_state_interval = 600
initial_cpu_allocation_ratio = 1000
initial_ram_allocation_ratio = 1000
initial_disk_allocation_ratio = 1000
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = $ETC/nova/api-paste.ini
[api_database]
connection = $(database_url nova_api)
[database]
connection = $(database_url nova)
[conductor]
workers = 1
[scheduler]
workers = 1
max_attempts = 1
[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAffinityFilter
[quota]
$(printf '%s = -1\n' instances cores ram metadata_items key_pairs server_groups server_group_members injected_files)
[vnc]
enabled = false
[glance]
api_servers = http://127.0.0.1:${PORT[glance]}
[cinder]
$(credentials)
catalog_info = block-storage:cinder:publicURL
os_region_name = RegionOne
[neutron]
$(credentials)
valid_interfaces = public
[placement]
$(credentials)
valid_interfaces = public
[service_user]
send_service_user_token = true
$(credentials)
[key_manager]
backend = $(wants barbican && echo barbican || echo nova.keymgr.conf_key_mgr.ConfKeyManager)
[barbican]
barbican_endpoint_type = public
[privsep]
helper_command = $BIN/privsep-helper
$(authtoken compute)
$(oslo)
CONF
}

nova_manage() { "$BIN/nova-manage" --config-file "$ETC/nova/nova.conf" "$@"; }

migrate_placement() { "$BIN/placement-manage" --config-file "$ETC/placement/placement.conf" db sync; }

# The same schema twice: the cell that runs servers, and cell0 for those that never found a host. The host
# is entered by hand: the command that discovers it would have to wait for nova-compute.
migrate_nova() {
  local cell
  nova_manage api_db sync
  nova_manage cell_v2 map_cell0 --database_connection "$(database_url nova_cell0)"
  nova_manage db sync --local_cell &
  cell=$!
  printf '[database]\nconnection = %s\n' "$(database_url nova_cell0)" >"$ETC/nova/cell0.conf"
  nova_manage --config-file "$ETC/nova/cell0.conf" db sync --local_cell
  wait $cell
  nova_manage cell_v2 create_cell --name cell1
  sql -e "insert into nova_api.host_mappings (created_at, cell_id, host)
    select now(), id, 'fakehost' from nova_api.cell_mappings where name = 'cell1'"
}

start_nova() {
  local name
  forget_heartbeats nova nova-conductor nova-scheduler nova-compute
  api placement "${PORT[placement]}" placement.wsgi.api:application 4
  api nova-api "${PORT[nova]}" nova.wsgi.osapi_compute:application 6
  for name in nova-conductor nova-scheduler nova-compute; do
    worker $name "$BIN/$name" --config-file "$ETC/nova/nova.conf"
  done
}
