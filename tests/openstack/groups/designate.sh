# Designate, with a pool whose name servers have every zone at once.
#
# A zone with a recordset stays PENDING after an update; making and deleting zones works.

databases_designate() { echo designate; }
migrations_designate() { echo designate; }
catalog_designate() { endpoint dns designate "http://127.0.0.1:${PORT[designate]}" /; }

configure_designate() {
  mkdir -p "$DATA/designate"
  conf designate/designate.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
state_path = $DATA/designate
quota_zones = 100000
[service:api]
listen = 127.0.0.1:${PORT[designate]}
auth_strategy = keystone
enable_api_v2 = true
enable_api_admin = true
enabled_extensions_v2 = quotas, reports
enable_host_header = true
api_paste_config = $VENV/etc/designate/api-paste.ini
[service:central]
workers = 1
threads = 20
managed_resource_email = admin@example.org
[service:worker]
enabled = true
workers = 1
threads = 20
[service:producer]
workers = 1
[service:mdns]
listen = 127.0.0.1:${PORT[mdns]}
[storage:sqlalchemy]
connection = $(database_url designate)
[coordination]
backend_url = file://$DATA/designate/coord
$(authtoken dns)
$(oslo)
CONF
  cp "$VENV/etc/designate/api-paste.ini" "$ETC/designate/"
  export OS_DESIGNATE_CONFIG_DIR=$ETC/designate
}

designate_manage() { "$BIN/designate-manage" --config-file "$ETC/designate/designate.conf" "$@"; }

migrate_designate() { designate_manage database sync; }

# The pool goes in by way of designate-central, so only once that runs, and beside all else.
make_pool() {
  [ "$(sql -NBe 'select count(*) from designate.pool_targets')" = 0 ] || return 0
  conf designate/pools.yaml <<CONF
- name: default
  description: no name servers
  attributes: {}
  ns_records: [{hostname: ns1.example.org., priority: 1}]
  nameservers: []
  targets:
    - type: fakecloud
      description: has every zone
      masters: [{host: 127.0.0.1, port: ${PORT[mdns]}}]
      options: {host: 127.0.0.1, port: 53}
CONF
  designate_manage pool update --file "$ETC/designate/pools.yaml"
}

start_designate() {
  local name
  api designate-api "${PORT[designate]}" designate.wsgi.api:application 4
  for name in designate-central designate-worker designate-producer; do
    worker $name "$BIN/$name" --config-file "$ETC/designate/designate.conf"
  done
  make_pool >"$LOG/designate-pool.log" 2>&1 9>&- &
}
