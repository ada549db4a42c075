# Trove with its task manager. An instance is a server, a volume and a port of the service's project. No guest agent ever
# reports, so it stays in BUILD for usage_timeout seconds and is then an ERROR.

databases_trove() { echo trove; }
migrations_trove() { echo trove; }
catalog_trove() { endpoint database trove "http://127.0.0.1:${PORT[trove]}/v1.0/\$(project_id)s" /; }

configure_trove() {
  mkdir -p "$DATA/trove"
  conf trove/trove.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
api_paste_config = $VENV/etc/trove/api-paste.ini
cinder_service_type = block-storage
network_driver = trove.network.neutron.NeutronDriver
enable_secure_rpc_messaging = false
backup_swift_container = database_backups
guest_config = $ETC/trove/guest.conf
cloudinit_location = $DATA/trove
use_nova_server_config_drive = false
default_datastore = mysql
usage_timeout = 8
update_status_on_fail = true
$(printf '%s = -1\n' max_instances_per_tenant max_volumes_per_tenant max_backups_per_tenant max_ram_per_tenant)
$(printf 'http_%s_rate = 100000\n' get post put delete mgmt_post)
[oslo_messaging_notifications]
driver = noop
[database]
connection = $(database_url trove)
[service_credentials]
auth_url = $KEYSTONE_URL
username = svc
password = $PASSWORD
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
[mysql]
volume_support = true
$(authtoken database)
$(oslo)
CONF
  : >"$ETC/trove/guest.conf"
}

# One datastore with one version, of an image that bootstrap.py makes under this tag.
migrate_trove() {
  local manage=("$BIN/trove-manage" --config-file "$ETC/trove/trove.conf")
  "${manage[@]}" db_sync
  "${manage[@]}" datastore_update mysql ''
  "${manage[@]}" datastore_version_update mysql 8.0 mysql '' '' 1 --image-tags trove
  "${manage[@]}" datastore_update mysql 8.0
}

start_trove() {
  # Its greenlets belong to the thread that they were made in.
  api trove-api "${PORT[trove]}" trove.cmd.app_wsgi:application 1 "--config-file $ETC/trove/trove.conf"
  worker trove-taskmanager "$BIN/trove-taskmanager" --config-file "$ETC/trove/trove.conf"
}
