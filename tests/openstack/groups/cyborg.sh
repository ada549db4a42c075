# Cyborg without agents: there are no devices, so accelerator requests are made and never bound.

databases_cyborg() { echo cyborg; }
migrations_cyborg() { echo cyborg; }
catalog_cyborg() { endpoint accelerator cyborg "http://127.0.0.1:${PORT[cyborg]}/v2" /; }

configure_cyborg() {
  conf cyborg/cyborg.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
host = fakehost
state_path = $DATA/cyborg
[api]
api_paste_config = $ETC/cyborg/api-paste.ini
[placement]
$(credentials)
[nova]
$(credentials)
[service_user]
$(credentials)
[database]
connection = $(database_url cyborg)
$(authtoken accelerator)
$(oslo)
CONF
  cp "$VENV/etc/cyborg/api-paste.ini" "$ETC/cyborg/"
}

migrate_cyborg() { "$BIN/cyborg-dbsync" --config-file "$ETC/cyborg/cyborg.conf" upgrade; }

start_cyborg() {
  api cyborg-api "${PORT[cyborg]}" cyborg.wsgi.api:application 4 "--config-file $ETC/cyborg/cyborg.conf"
  # It asks once, and ends if there is no answer.
  wait_until placement 60 listens "${PORT[placement]}"
  worker cyborg-conductor "$BIN/cyborg-conductor" --config-file "$ETC/cyborg/cyborg.conf"
}
