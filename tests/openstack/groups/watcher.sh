# Watcher. Its dummy strategy makes a real action plan without looking at any server.

databases_watcher() { echo watcher; }
migrations_watcher() { echo watcher; }
catalog_watcher() { endpoint infra-optim watcher "http://127.0.0.1:${PORT[watcher]}" /; }

configure_watcher() {
  conf watcher/watcher.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
host = fakehost
[watcher_clients_auth]
$(credentials)
[watcher_decision_engine]
max_audit_workers = 2
max_general_workers = 2
[watcher_applier]
workers = 1
[database]
connection = $(database_url watcher)
$(authtoken infra-optim)
$(oslo)
CONF
}

watcher_db_manage() { "$BIN/watcher-db-manage" --config-file "$ETC/watcher/watcher.conf" "$@"; }

migrate_watcher() { watcher_db_manage upgrade; }

# When the decision engine starts it cancels the one-shot audits that were under way when it ended, and dies of that: the
# notification wants more of an audit than it has loaded. So that is done for it.
start_watcher() {
  local name
  alive watcher-decision-engine || sql -e "update watcher.audits set state = 'CANCELLED' where state = 'ONGOING' and audit_type = 'ONESHOT'"
  api watcher-api "${PORT[watcher]}" watcher.wsgi.api:application 4 "--config-file $ETC/watcher/watcher.conf"
  for name in watcher-decision-engine watcher-applier; do
    # A heartbeat of the run before must not pass for one of this run.
    alive $name || sql -e "update watcher.services set last_seen_up = '2000-01-01' where name = '$name'"
    worker $name "$BIN/$name" --config-file "$ETC/watcher/watcher.conf"
  done
}
