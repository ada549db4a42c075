# Mistral with its engine, executor and event engine: workflows run.

databases_mistral() { echo mistral; }
migrations_mistral() { echo mistral; }
catalog_mistral() { endpoint workflow mistral "http://127.0.0.1:${PORT[mistral]}/v2" /; }

configure_mistral() {
  conf mistral/mistral.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
[api]
validation_mode = mandatory
[cron_trigger]
run_in_api = true
[database]
connection = $(database_url mistral)
[coordination]
backend_url = file://$DATA/mistral
$(authtoken workflow)
$(oslo)
CONF
  mkdir -p "$DATA/mistral"
}

migrate_mistral() {
  "$BIN/mistral-db-manage" --config-file "$ETC/mistral/mistral.conf" upgrade head
  "$BIN/mistral-db-manage" --config-file "$ETC/mistral/mistral.conf" populate
}

# Its WSGI application reads no arguments.
start_mistral() {
  export MISTRAL_CONFIG_FILE=$ETC/mistral/mistral.conf
  api mistral-api "${PORT[mistral]}" mistral.wsgi:application 4
  worker mistral-server "$BIN/python" -m fakecloud.mistral_server --config-file "$ETC/mistral/mistral.conf" --server engine,executor,event-engine
}
