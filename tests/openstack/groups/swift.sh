# Swift: proxy and one server each for accounts, containers, objects; one device, one replica, no database.
#
# The one file outside the state directory is /etc/swift/swift.conf, whose path is compiled in. It is put
# there only where none is.

databases_swift() { :; }
migrations_swift() { :; }
catalog_swift() {
  endpoint object-store swift "http://127.0.0.1:${PORT[swift]}/v1/AUTH_\$(project_id)s" /healthcheck
}

configure_swift() {
  local server
  mkdir -p "$DATA/swift"/{devices/d1,recon}
  conf swift/swift.conf <<CONF
[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = one
default = yes
CONF
  for server in account container object; do
    configure_storage "$server"
    make_ring "$server"
  done
  configure_proxy
}

# An absent log device: without it every line would go to the machine's syslog.
configure_storage() {
  conf "swift/$1-server.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${PORT[swift-$1]}
workers = 0
user = $(id -un)
swift_dir = $ETC/swift
devices = $DATA/swift/devices
mount_check = false
log_level = WARNING
log_address = /nonexistent
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
fallocate_reserve = 0
CONF
}

make_ring() {
  local builder="$BIN/swift-ring-builder"
  [ ! -s "$ETC/swift/$1.ring.gz" ] || return 0
  (
    cd "$ETC/swift"
    "$builder" "$1.builder" create 4 1 1
    "$builder" "$1.builder" add "r1z1-127.0.0.1:${PORT[swift-$1]}/d1" 1
    "$builder" "$1.builder" rebalance
  ) >"$LOG/swift-ring-$1.log" 2>&1
}

configure_proxy() {
  local filters='requests catch_errors healthcheck proxy-logging cache bulk authtoken keystoneauth copy'
  conf swift/proxy-server.conf <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${PORT[swift]}
workers = 0
user = $(id -un)
swift_dir = $ETC/swift
log_level = WARNING
log_address = /nonexistent
[pipeline:main]
pipeline = $filters container-quotas account-quotas slo dlo versioned_writes proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:requests]
paste.filter_factory = fakecloud.swift_log:filter_factory
file = $LOG/swift.log
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:account-quotas]
use = egg:swift#account_quotas
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
$(credentials)
www_authenticate_uri = $KEYSTONE_URL
delay_auth_decision = true
service_type = object-store
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
reseller_admin_role = ResellerAdmin
CONF
}

start_swift() {
  local server
  if [ ! -e /etc/swift/swift.conf ]; then
    mkdir -p /etc/swift
    cp "$ETC/swift/swift.conf" /etc/swift/
  fi
  for server in account container object proxy; do
    worker "swift-$server" "$BIN/swift-$server-server" "$ETC/swift/$server-server.conf"
  done
}
