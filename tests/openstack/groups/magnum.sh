# Magnum with its conductor. A cluster is a Heat stack with one network in it: needs the heat group.

databases_magnum() { echo magnum; }
migrations_magnum() { echo magnum; }
catalog_magnum() { endpoint container-infrastructure-management magnum "http://127.0.0.1:${PORT[magnum]}/v1" /; }

configure_magnum() {
  conf magnum/magnum.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
state_path = $DATA/magnum
[api]
api_paste_config = $VENV/etc/magnum/api-paste.ini
[conductor]
workers = 1
[certificates]
cert_manager_type = x509keypair
[database]
connection = $(database_url magnum)
[drivers]
disabled_drivers = k8s_fedora_coreos_v1
[trust]
trustee_domain_name = magnum
trustee_domain_admin_name = magnum_domain_admin
trustee_domain_admin_password = $PASSWORD
[keystone_auth]
$(credentials)
$(authtoken container-infrastructure-management)
$(oslo)
CONF
  mkdir -p "$DATA/magnum"
}

migrate_magnum() { "$BIN/magnum-db-manage" --config-file "$ETC/magnum/magnum.conf" upgrade; }

start_magnum() {
  api magnum-api "${PORT[magnum]}" magnum.wsgi.api:application 4 "--config-file $ETC/magnum/magnum.conf"
  worker magnum-conductor "$BIN/magnum-conductor" --config-file "$ETC/magnum/magnum.conf"
}
