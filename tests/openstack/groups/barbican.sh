# Barbican, secrets encrypted with a key that is no secret.

databases_barbican() { echo barbican; }
migrations_barbican() { echo barbican; }
catalog_barbican() { endpoint key-manager barbican "http://127.0.0.1:${PORT[barbican]}" /; }

configure_barbican() {
  conf barbican/barbican.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
sql_connection = $(database_url barbican)
host_href = http://127.0.0.1:${PORT[barbican]}
db_auto_create = false
[database]
connection = $(database_url barbican)
[secretstore]
namespace = barbican.secretstore.plugin
enabled_secretstore_plugins = store_crypto
[crypto]
enabled_crypto_plugins = simple_crypto
[simple_crypto_plugin]
kek = $(printf 'thirty-two-bytes-that-anyone-has' | base64)
[queue]
enable = false
$(authtoken key-manager)
$(oslo)
CONF
  cp "$VENV/etc/barbican/barbican-api-paste.ini" "$ETC/barbican/"
  # Barbican looks for its configuration in the home directory, and takes no other place from the environment.
  mkdir -p "$STATE/home"
  ln -sfn "$ETC/barbican" "$STATE/home/.barbican"
}

migrate_barbican() { HOME=$STATE/home "$BIN/barbican-manage" db upgrade; }

start_barbican() {
  HOME=$STATE/home BARBICAN_PASTE=$ETC/barbican/barbican-api-paste.ini \
    api barbican-api "${PORT[barbican]}" fakecloud.barbican_wsgi:application 4
}
