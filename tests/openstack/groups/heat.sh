# Heat, convergence engine.

databases_heat() { echo heat; }
migrations_heat() { echo heat; }
catalog_heat() { endpoint orchestration heat "http://127.0.0.1:${PORT[heat]}/v1/\$(project_id)s" /; }

configure_heat() {
  mkdir -p "$DATA/heat"
  conf heat/heat.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
num_engine_workers = 1
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = $PASSWORD
stack_user_domain_name = heat
deferred_auth_method = trusts
auth_encryption_key = 0123456789abcdef0123456789abcdef
max_stacks_per_tenant = 10000
region_name_for_services = RegionOne
convergence_engine = true
environment_dir = $VENV/etc/heat/environment.d
template_dir = $VENV/etc/heat/templates
plugin_dirs = $DATA/heat
[database]
connection = $(database_url heat)
[paste_deploy]
api_paste_config = $VENV/etc/heat/api-paste.ini
[clients]
endpoint_type = publicURL
[clients_keystone]
auth_uri = $KEYSTONE_URL
[trustee]
auth_type = password
auth_url = $KEYSTONE_URL
username = svc
password = $PASSWORD
user_domain_id = default
$(authtoken orchestration)
$(oslo)
CONF
}

migrate_heat() { "$BIN/heat-manage" --config-file "$ETC/heat/heat.conf" db_sync; }

start_heat() {
  api heat-api "${PORT[heat]}" heat.wsgi.api:application 6 "--config-file $ETC/heat/heat.conf"
  worker heat-engine "$BIN/heat-engine" --config-file "$ETC/heat/heat.conf"
}
