# Zaqar: queues in the database, messages and subscriptions in a Redis of its own. Pools and flavors are there too, as on a
# cloud with several stores.

databases_zaqar() { echo zaqar; }
migrations_zaqar() { echo zaqar; }
catalog_zaqar() { endpoint messaging zaqar "http://127.0.0.1:${PORT[zaqar]}" /; }

configure_zaqar() {
  conf zaqar/zaqar.conf <<CONF
[DEFAULT]
use_stderr = true
auth_strategy = keystone
admin_mode = true
pooling = true
[drivers]
transport = wsgi
message_store = redis
management_store = sqlalchemy
[drivers:message_store:redis]
uri = redis://127.0.0.1:${PORT[redis]}
[drivers:management_store:sqlalchemy]
uri = $(database_url zaqar)
[cache]
enabled = false
[signed_url]
secret_key = $PASSWORD
[trustee]
$(credentials)
$(authtoken messaging)
$(oslo)
CONF
  # Zaqar looks for its configuration in the home directory, and takes no other place from the environment.
  mkdir -p "$STATE/home" "$DATA/redis"
  ln -sfn "$ETC/zaqar" "$STATE/home/.zaqar"
}

# The pool in which all queues are that ask for no flavor.
migrate_zaqar() {
  "$BIN/zaqar-sql-db-manage" --config-file "$ETC/zaqar/zaqar.conf" upgrade head
  sql -e "insert into zaqar.Pools (name, uri, weight, options, flavor)
    values ('default', 'redis://127.0.0.1:${PORT[redis]}', 100, '{}', '')"
}

start_zaqar() {
  start redis redis-server --bind 127.0.0.1 --port "${PORT[redis]}" --dir "$DATA/redis" --save '' --appendonly no
  wait_until redis 30 listens "${PORT[redis]}"
  HOME=$STATE/home api zaqar-api "${PORT[zaqar]}" zaqar.transport.wsgi.app:application 4
}
