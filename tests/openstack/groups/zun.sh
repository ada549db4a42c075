# Zun with one compute service, whose containers are rows: no Docker.

databases_zun() { echo zun; }
migrations_zun() { echo zun; }
catalog_zun() { endpoint container zun "http://127.0.0.1:${PORT[zun]}/v1" /; }

# A host of its own: Placement knows Nova's by its name.
configure_zun() {
  mkdir -p "$DATA/zun"
  conf zun/zun.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
host = fakezun
host_shared_with_nova = false
state_path = $DATA/zun
my_ip = 127.0.0.1
container_driver = fakecloud
capsule_driver = fakecloud
image_driver_list = docker
rootwrap_config = $VENV/etc/zun/rootwrap.conf
[api]
api_paste_config = $VENV/etc/zun/api-paste.ini
[database]
connection = $(database_url zun)
[network]
driver = kuryr
[compute]
$(printf 'initial_%s_allocation_ratio = 1000.0\n' cpu ram disk)
[quota]
$(printf '%s = -1\n' containers cpu memory disk)
[keystone_auth]
$(credentials)
$(authtoken container)
$(oslo)
CONF
}

migrate_zun() { "$BIN/zun-db-manage" --config-file "$ETC/zun/zun.conf" upgrade; }

start_zun() {
  api zun-api "${PORT[zun]}" fakecloud.zun_wsgi:application 4 "--config-file $ETC/zun/zun.conf"
  worker zun-compute "$BIN/python" -m fakecloud.zun_compute --config-file "$ETC/zun/zun.conf"
}
