# Aodh's API. Nothing evaluates alarms: they keep the state that they were made with.

databases_aodh() { echo aodh; }
migrations_aodh() { echo aodh; }
catalog_aodh() { endpoint alarming aodh "http://127.0.0.1:${PORT[aodh]}" /; }

configure_aodh() {
  conf aodh/aodh.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
[api]
auth_mode = keystone
project_alarm_quota = -1
user_alarm_quota = -1
[database]
connection = $(database_url aodh)
[service_credentials]
$(credentials)
interface = public
$(authtoken alarming)
$(oslo)
CONF
  # Aodh looks for its configuration in the home directory, and takes no other place from the environment.
  mkdir -p "$STATE/home"
  ln -sfn "$ETC/aodh" "$STATE/home/.aodh"
}

migrate_aodh() { "$BIN/aodh-dbsync" --config-file "$ETC/aodh/aodh.conf"; }

start_aodh() { HOME=$STATE/home api aodh-api "${PORT[aodh]}" aodh.wsgi.api:application 4; }
