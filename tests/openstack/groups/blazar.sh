# Blazar, which reserves Nova's one host and addresses of Neutron's. Nova's scheduler does not know of it: what is reserved
# is free for all.

databases_blazar() { echo blazar; }
migrations_blazar() { echo blazar; }
catalog_blazar() { endpoint reservation blazar "http://127.0.0.1:${PORT[blazar]}/v1" /; }

configure_blazar() {
  conf blazar/blazar.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
os_auth_host = 127.0.0.1
os_auth_port = ${PORT[keystone]}
os_admin_username = svc
os_admin_password = $PASSWORD
os_admin_project_name = service
os_region_name = RegionOne
[manager]
plugins = physical.host.plugin,virtual.floatingip.plugin
[database]
connection = $(database_url blazar)
$(authtoken reservation)
$(oslo)
CONF
  export OS_BLAZAR_CONFIG_DIR=$ETC/blazar
}

migrate_blazar() { "$BIN/blazar-db-manage" --config-file "$ETC/blazar/blazar.conf" upgrade head; }

start_blazar() {
  api blazar-api "${PORT[blazar]}" blazar.wsgi.api:application 4
  worker blazar-manager "$BIN/blazar-manager" --config-file "$ETC/blazar/blazar.conf"
}
