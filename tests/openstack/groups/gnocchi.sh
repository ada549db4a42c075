# Gnocchi, measures in files. Its janitor comes every two seconds: until then a deleted metric holds its archive policy.

databases_gnocchi() { echo gnocchi; }
migrations_gnocchi() { echo gnocchi; }
catalog_gnocchi() { endpoint metric gnocchi "http://127.0.0.1:${PORT[gnocchi]}" /; }

configure_gnocchi() {
  mkdir -p "$DATA/gnocchi/coord"
  conf gnocchi/gnocchi.conf <<CONF
[DEFAULT]
coordination_url = file://$DATA/gnocchi/coord
[api]
auth_mode = keystone
[indexer]
url = $(database_url gnocchi)
[storage]
driver = file
file_basepath = $DATA/gnocchi
[metricd]
workers = 1
metric_cleanup_delay = 2
$(authtoken metric)
$(oslo)
CONF
  # The part that validates tokens looks for the configuration in the home directory, wherever the API has its own from.
  mkdir -p "$STATE/home"
  ln -sfn "$ETC/gnocchi" "$STATE/home/.gnocchi"
}

gnocchi_upgrade() { "$BIN/gnocchi-upgrade" --config-file "$ETC/gnocchi/gnocchi.conf" --sacks-number 4 "$@"; }

migrate_gnocchi() { gnocchi_upgrade; }

# The files are made apart from the database, which may come out of the schema cache.
start_gnocchi() {
  [ -e "$DATA/gnocchi/incoming" ] || gnocchi_upgrade --skip-index --skip-archive-policies-creation >"$LOG/gnocchi-files.log" 2>&1
  HOME=$STATE/home api gnocchi-api "${PORT[gnocchi]}" gnocchi.wsgi.api:application 4
  worker gnocchi-metricd "$BIN/gnocchi-metricd" --config-file "$ETC/gnocchi/gnocchi.conf"
}
