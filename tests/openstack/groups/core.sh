# Keystone, Neutron, Glance, Cinder: always there.

databases_core() { echo keystone neutron glance cinder; }
migrations_core() { echo keystone neutron glance cinder; }

catalog_core() {
  local cinder="http://127.0.0.1:${PORT[cinder]}/v3/\$(project_id)s"
  endpoint network neutron "http://127.0.0.1:${PORT[neutron]}" /
  endpoint image glance "http://127.0.0.1:${PORT[glance]}" /healthcheck
  endpoint block-storage cinder "$cinder" /
  endpoint volumev3 cinderv3 "$cinder" # the alias that older clients ask for
}

configure_core() {
  configure_keystone
  configure_neutron
  configure_glance
  configure_cinder
  export OS_KEYSTONE_CONFIG_DIR=$ETC/keystone OS_GLANCE_CONFIG_DIR=$ETC/glance
  export OS_NEUTRON_CONFIG_DIR=$ETC/neutron OS_NEUTRON_CONFIG_FILES='neutron.conf;ml2.ini'
  export PYTHONWARNINGS=ignore
}

# Receipts have a key repository of their own, and it too has to exist. Cheap password hashes: the
# default is meant to take long.
configure_keystone() {
  conf keystone/keystone.conf <<CONF
[DEFAULT]
use_stderr = true
[database]
connection = $(database_url keystone)
max_pool_size = 10
[auth]
methods = external,password,token,oauth1,mapped,application_credential,totp
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = $ETC/keystone/fernet
[fernet_receipts]
key_repository = $ETC/keystone/fernet
[credential]
key_repository = $ETC/keystone/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = oslo_cache.dict
expiration_time = 60
$(oslo)
CONF
  make_keys fernet
  make_keys credential
}

make_keys() {
  local directory=$ETC/keystone/$1 key
  [ ! -s "$directory/1" ] || return 0
  mkdir -p -m 700 "$directory"
  for key in 0 1; do
    (umask 077; head -c 32 /dev/urandom | base64 | tr '+/' '-_' >"$directory/$key")
  done
}

# `openvswitch` stands before our own driver only because trunks and QoS ask whether any driver supports
# them; it binds nothing here, there being no agents. No agents, so nothing is ever scheduled to one.
configure_neutron() {
  mkdir -p "$DATA/neutron"
  conf neutron/neutron.conf <<CONF
[DEFAULT]
transport_url = fake://
core_plugin = ml2
service_plugins = router,trunk,qos,port_forwarding,metering
api_paste_config = $VENV/etc/neutron/api-paste.ini
auth_strategy = keystone
state_path = $DATA/neutron
use_stderr = true
notify_nova_on_port_status_changes = $(wants nova && echo true || echo false)
notify_nova_on_port_data_changes = $(wants nova && echo true || echo false)
network_auto_schedule = false
router_auto_schedule = false
api_workers = 0
rpc_workers = 0
dhcp_agents_per_network = 1
[database]
connection = $(database_url neutron)
[quotas]
$(printf 'quota_%s = -1\n' network subnet port router floatingip security_group security_group_rule trunk rbac_policy)
[nova]
$(credentials)
[placement]
$(credentials)
[privsep]
helper_command = $BIN/privsep-helper
$(authtoken network)
$(oslo)
CONF
  conf neutron/ml2.ini <<CONF
[ml2]
type_drivers = flat,vlan,vxlan,local
tenant_network_types = vxlan
mechanism_drivers = openvswitch,fakebind
extension_drivers = port_security,qos
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1:1:4000
[ml2_type_vxlan]
vni_ranges = 1:65000
[securitygroup]
enable_security_group = true
firewall_driver = noop
CONF
}

# The brackets around the import methods are part of the syntax.
configure_glance() {
  mkdir -p "$DATA"/glance/{images,staging,tasks}
  conf glance/glance-api.conf <<CONF
[DEFAULT]
use_stderr = true
enabled_backends = fs:file
enabled_import_methods = [glance-direct,web-download,copy-image]
worker_self_reference_url = http://127.0.0.1:${PORT[glance]}
workers = 0
[database]
connection = $(database_url glance)
[paste_deploy]
flavor = keystone
config_file = $VENV/etc/glance/glance-api-paste.ini
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $DATA/glance/images
[os_glance_staging_store]
filesystem_store_datadir = $DATA/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $DATA/glance/tasks
$(authtoken image)
$(oslo)
CONF
}

configure_cinder() {
  mkdir -p "$DATA/cinder"
  conf cinder/cinder.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
auth_strategy = keystone
api_paste_config = $VENV/etc/cinder/api-paste.ini
resource_query_filters_file = $VENV/etc/cinder/resource_filters.json
state_path = $DATA/cinder
host = fakehost
my_ip = 127.0.0.1
enabled_backends = fake
default_volume_type = __DEFAULT__
glance_api_servers = http://127.0.0.1:${PORT[glance]}
backup_driver = fakecloud.cinder_backup.NothingBackupDriver
image_conversion_dir = $DATA/cinder/conversion
$(printf 'quota_%s = -1\n' volumes snapshots gigabytes backups backup_gigabytes groups)
per_volume_size_limit = -1
osapi_volume_workers = 1
periodic_interval = 10
report_interval = 5
service_down_time = 60
rootwrap_config = $VENV/etc/cinder/rootwrap.conf
[fake]
volume_driver = fakecloud.cinder_driver.NothingVolumeDriver
volume_backend_name = fake
[database]
connection = $(database_url cinder)
[service_user]
send_service_user_token = true
$(credentials)
[nova]
$(credentials)
interface = public
[coordination]
backend_url = file://$DATA/cinder/coord
[privsep]
helper_command = $BIN/privsep-helper
$(authtoken block-storage)
$(oslo)
CONF
}

keystone_manage() { "$BIN/keystone-manage" --config-file "$ETC/keystone/keystone.conf" "$@"; }

migrate_keystone() {
  keystone_manage db_sync
  keystone_manage bootstrap --bootstrap-password "$PASSWORD" --bootstrap-region-id RegionOne \
    --bootstrap-public-url "$KEYSTONE_URL" --bootstrap-internal-url "$KEYSTONE_URL" \
    --bootstrap-admin-url "$KEYSTONE_URL"
}
# Without `--subproject` it would make the tables of every plug-in that is installed.
migrate_neutron() { neutron_manage --subproject neutron upgrade heads; }
neutron_manage() {
  "$BIN/neutron-db-manage" --config-file "$ETC/neutron/neutron.conf" --config-file "$ETC/neutron/ml2.ini" "$@"
}
migrate_glance() { "$BIN/glance-manage" --config-file "$ETC/glance/glance-api.conf" db_sync; }
migrate_cinder() { "$BIN/cinder-manage" --config-file "$ETC/cinder/cinder.conf" db sync; }

start_keystone() { api keystone "${PORT[keystone]}" keystone.wsgi.api:application 8; }

start_core() {
  local cinder=(--config-file "$ETC/cinder/cinder.conf") name
  api neutron "${PORT[neutron]}" neutron.wsgi.api:application 8
  api glance "${PORT[glance]}" glance.wsgi.api:application 6
  forget_heartbeats cinder cinder-scheduler cinder-volume cinder-backup
  api cinder-api "${PORT[cinder]}" cinder.wsgi.api:application 6 "${cinder[*]}"
  for name in cinder-scheduler cinder-volume cinder-backup; do worker $name "$BIN/$name" "${cinder[@]}"; done
}
