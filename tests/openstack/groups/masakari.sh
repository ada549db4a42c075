# Masakari's API. Without its engine a notification stays new, and its segment is in use for as long.

databases_masakari() { echo masakari; }
migrations_masakari() { echo masakari; }
catalog_masakari() { endpoint instance-ha masakari "http://127.0.0.1:${PORT[masakari]}/v1/\$(project_id)s" /; }

configure_masakari() {
  conf masakari/masakari.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
auth_strategy = keystone
os_privileged_user_auth_url = $KEYSTONE_URL
os_privileged_user_name = svc
os_privileged_user_password = $PASSWORD
os_privileged_user_tenant = service
os_region_name = RegionOne
[database]
connection = $(database_url masakari)
[taskflow]
connection = $(database_url masakari)
$(authtoken instance-ha)
$(oslo)
CONF
  cp "$VENV/etc/masakari/api-paste.ini" "$ETC/masakari/"
  export OS_MASAKARI_CONFIG_DIR=$ETC/masakari
}

migrate_masakari() { "$BIN/masakari-manage" --config-file "$ETC/masakari/masakari.conf" db sync; }

start_masakari() {
  api masakari-api "${PORT[masakari]}" masakari.wsgi.api:application 4 "--config-file $ETC/masakari/masakari.conf"
}
