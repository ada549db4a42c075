# Sourced by up: what the configuration files of all services share, and the two ways to start one.

# Is this group among those that are to run?
wants() { [[ " ${CLOUD_GROUPS[*]} " == *" $1 "* ]]; }

# conf FILE: writes standard input to the service's configuration, and after it what a test has put into FILE.extra.
conf() {
  mkdir -p "$(dirname "$ETC/$1")"
  cat >"$ETC/$1"
  [ ! -e "$ETC/$1.extra" ] || cat "$ETC/$1.extra" >>"$ETC/$1"
}

credentials() {
  cat <<CONF
auth_type = password
auth_url = $KEYSTONE_URL
username = svc
password = $PASSWORD
project_name = service
user_domain_id = default
project_domain_id = default
region_name = RegionOne
CONF
}

# authtoken TYPE: validated tokens are remembered for five minutes, in the process: no memcached, and few requests. By its type
# in the catalog a service knows which access rules are meant for it.
authtoken() {
  echo '[keystone_authtoken]'
  credentials
  cat <<CONF
www_authenticate_uri = $KEYSTONE_URL
service_type = $1
service_token_roles = service
service_token_roles_required = true
memcache_security_strategy = None
token_cache_time = 300
CONF
}

messaging() {
  cat <<CONF
transport_url = rabbit://guest:guest@127.0.0.1:${PORT[rabbitmq]}/
rpc_response_timeout = 60
CONF
}

# Every oslo service reads these. The policy defaults are those which most clouds run with.
oslo() {
  cat <<CONF
[oslo_messaging_notifications]
driver = noop
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
[oslo_concurrency]
lock_path = $STATE/lock
[oslo_policy]
enforce_scope = false
enforce_new_defaults = false
CONF
}

# api NAME PORT MODULE THREADS [ARGUMENTS OF THE APPLICATION]
#
# One log line per request, with who sent it: the tests tell a client's requests from the services' own.
# Without `Connection: close` uwsgi's plain HTTP socket resets connections that clients want to use again.
api() {
  local name=$1 port=$2 module=$3 threads=$4 arguments=${5:-}
  start "$name" env PATH="$BIN:$PATH" "$BIN/pyuwsgi" --http-socket "127.0.0.1:$port" --module "$module" \
    --processes 1 --threads "$threads" --enable-threads --lazy-apps --need-app --die-on-term \
    --buffer-size 65535 --listen 100 --add-header 'Connection: close' \
    --http-auto-chunked --http-chunked-input --procname-prefix "$name " \
    --log-format '[req] %(method) %(uri) %(status) %(msecs)ms "%(uagent)"' \
    ${arguments:+--pyargv "$arguments"}
}

worker() {
  local name=$1
  shift
  start "$name" env PATH="$BIN:$PATH" "$@"
}

# forget_heartbeats DATABASE WORKER...: a service counts as up until its last heartbeat is a minute old.
# One left by the run before must not pass for one of this run.
forget_heartbeats() {
  local database=$1 worker
  shift
  for worker in "$@"; do
    alive "$worker" ||
      sql -e "update $database.services set updated_at = '2000-01-01' where \`binary\` = '$worker'"
  done
}

# endpoint TYPE NAME URL [HEALTH-PATH]: one line for bootstrap.py.
endpoint() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}"; }

write_clouds_yaml() {
  local cloud
  {
    echo 'clouds:'
    for cloud in admin demo demo2; do
      cat <<CONF
  $cloud:
    auth: {auth_url: "$KEYSTONE_URL", username: $cloud, password: $PASSWORD, project_name: $cloud,
           user_domain_id: default, project_domain_id: default}
    region_name: RegionOne
    identity_api_version: 3
CONF
    done
    cat <<CONF
  system-admin:
    auth: {auth_url: "$KEYSTONE_URL", username: admin, password: $PASSWORD, user_domain_id: default, system_scope: all}
    region_name: RegionOne
    identity_api_version: 3
CONF
  } >"$STATE/clouds.yaml"
}
