# Sourced by up: database and message broker, both private to this cloud and bound to loopback.
# Durability is switched off throughout: a cloud that is made anew for each run has nothing to lose.

sql() { mariadb --no-defaults -uroot -h127.0.0.1 -P"${PORT[mariadb]}" "$@"; }

install_database() {
  [ ! -d "$STATE/mysql/mysql" ] || return 0
  rm -rf "$STATE/mysql"
  mkdir -p "$STATE/mysql"
  mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$STATE/mysql" --skip-test-db \
    --auth-root-authentication-method=normal --innodb-flush-log-at-trx-commit=0 \
    --innodb-log-file-size=64M >"$LOG/mariadb-install.log" 2>&1
}

# The socket's path is relative to the data directory: a long absolute one would not fit in a sockaddr.
start_database() {
  install_database || die "mariadb-install-db (see $LOG/mariadb-install.log)"
  start mariadb /usr/sbin/mariadbd --no-defaults --user="$(id -un)" --datadir="$STATE/mysql" \
    --socket=mysql.sock --pid-file=mysql.pid --bind-address=127.0.0.1 --port="${PORT[mariadb]}" \
    --skip-log-bin --skip-name-resolve --max-connections=2000 --table-definition-cache=2000 \
    --innodb-buffer-pool-size=256M --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=0 \
    --innodb-doublewrite=0 --innodb-flush-method=nosync --innodb-stats-persistent=0 \
    --performance-schema=0 --character-set-server=utf8mb3 --collation-server=utf8mb3_general_ci
  wait_until mariadb 60 sql -e 'select 1'
}

# RabbitMQ finds its node by Erlang's port mapper; an own one keeps us apart from any other broker here.
start_broker() {
  mkdir -p "$STATE/rabbit"
  cat >"$STATE/rabbit/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:${PORT[rabbitmq]}
loopback_users.guest = true
log.file.level = warning
disk_free_limit.absolute = 50MB
CONF
  : >"$STATE/rabbit/enabled_plugins"
  export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=${PORT[epmd]}
  start epmd epmd
  start rabbitmq env HOME="$STATE/rabbit" RABBITMQ_NODENAME=cleanup@localhost \
    RABBITMQ_MNESIA_BASE="$STATE/rabbit/mnesia" RABBITMQ_LOG_BASE="$STATE/rabbit/log" \
    RABBITMQ_CONFIG_FILE="$STATE/rabbit/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_ENABLED_PLUGINS_FILE="$STATE/rabbit/enabled_plugins" \
    RABBITMQ_PID_FILE="$STATE/rabbit/pid" RABBITMQ_DIST_PORT="${PORT[erlang]}" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2' \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_broker() { wait_until rabbitmq 90 listens "${PORT[rabbitmq]}"; }

# wait_until NAME SECONDS COMMAND...: until the command succeeds; ends at once if the process NAME dies.
wait_until() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$name" || die "$name died (see $LOG/$name.log)"
    ((SECONDS < deadline)) || die "$name does not answer (see $LOG/$name.log)"
    sleep 0.2
  done
}

database_url() { echo "mysql+pymysql://root@127.0.0.1:${PORT[mariadb]}/$1?charset=utf8"; }

# Migrating empty databases costs a minute, loading a dump of the result two seconds. The dump's name
# carries all that its content depends on: versions, and the ports and passwords within. A group's databases
# count as made only once the mark is there: a migration that was interrupted starts over.
prepare_databases() {
  local group=$1 mark=$STATE/mysql/$1.made databases database dump key
  [ ! -e "$mark" ] || return 0
  read -ra databases <<<"$("databases_$group")"
  # Without a database of its own it may have tables in another group's.
  if [ ${#databases[@]} = 0 ]; then
    migrate "$group"
    touch "$mark"
    return
  fi
  key=$({ cat "$SOURCE"/{lock.txt,environment.sh,"groups/$group.sh"}; echo "$PORT_OFFSET"; } | sha256sum | cut -c1-12)
  dump=$STATE/cache/schema-$group-$key.sql.gz
  for database in "${databases[@]}"; do
    sql -e "drop database if exists $database; create database $database character set utf8mb3"
  done
  if [ -s "$dump" ]; then
    zcat "$dump" | sql
  else
    migrate "$group"
    mariadb-dump --no-defaults -uroot -h127.0.0.1 -P"${PORT[mariadb]}" --single-transaction --skip-comments \
      --databases "${databases[@]}" | gzip -1 >"$dump.new"
    mv "$dump.new" "$dump"
  fi
  touch "$mark"
}

# Side by side, one service each: most of a migration is waiting for the database.
migrate() {
  local service jobs=() job
  for service in $("migrations_$1"); do
    (set -e; "migrate_$service") >"$LOG/migrate-$service.log" 2>&1 &
    jobs+=("$!:$service")
  done
  for job in "${jobs[@]}"; do
    wait "${job%%:*}" || die "migration of ${job##*:} (see $LOG/migrate-${job##*:}.log)"
  done
}
