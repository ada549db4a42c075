# Manila, with its own dummy driver.

databases_manila() { echo manila; }
migrations_manila() { echo manila; }
catalog_manila() {
  endpoint shared-file-system manila "http://127.0.0.1:${PORT[manila]}/v2" /
  endpoint sharev2 manilav2 "http://127.0.0.1:${PORT[manila]}/v2" # the alias that older clients ask for
}

configure_manila() {
  mkdir -p "$DATA/manila"
  conf manila/manila.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
auth_strategy = keystone
api_paste_config = $VENV/etc/manila/api-paste.ini
state_path = $DATA/manila
host = fakehost
enabled_share_backends = dummy
enabled_share_protocols = NFS,CIFS
default_share_type = default
transfer_retention_time = 86400
osapi_share_workers = 1
periodic_interval = 10
report_interval = 5
$(printf 'quota_%s = -1\n' shares gigabytes snapshots)
rootwrap_config = $VENV/etc/manila/rootwrap.conf
[dummy]
share_driver = manila.tests.share.drivers.dummy.DummyDriver
share_backend_name = dummy
driver_handles_share_servers = false
[database]
connection = $(database_url manila)
[neutron]
$(credentials)
[coordination]
backend_url = file://$DATA/manila/coord
$(authtoken shared-file-system)
$(oslo)
CONF
}

# Whichever of its workers comes first makes the zone; if two do at once, one of them ends for good.
migrate_manila() {
  "$BIN/manila-manage" --config-file "$ETC/manila/manila.conf" db sync
  sql -e "insert into manila.availability_zones (created_at, deleted, id, name) values (now(), 'False', uuid(), 'nova')"
}

start_manila() {
  local name
  api manila-api "${PORT[manila]}" manila.wsgi.api:application 4 "--config-file $ETC/manila/manila.conf"
  for name in manila-scheduler manila-share; do
    worker $name "$BIN/$name" --config-file "$ETC/manila/manila.conf"
  done
}
