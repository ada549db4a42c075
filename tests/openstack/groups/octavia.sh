# Octavia with no-op amphorae and computes: load balancers become ACTIVE, and their VIP ports are Neutron's.

databases_octavia() { echo octavia octavia_persistence; }
migrations_octavia() { echo octavia; }
catalog_octavia() { endpoint load-balancer octavia "http://127.0.0.1:${PORT[octavia]}" /; }

configure_octavia() {
  mkdir -p "$DATA/octavia"
  make_authority
  conf octavia/octavia.conf <<CONF
[DEFAULT]
$(messaging)
use_stderr = true
octavia_plugins = hot_plug_plugin
[api_settings]
bind_host = 127.0.0.1
auth_strategy = keystone
allow_ping_health_monitors = true
enabled_provider_drivers = amphora:amphora,octavia:alias
default_provider_driver = amphora
api_base_uri = http://127.0.0.1:${PORT[octavia]}
[database]
connection = $(database_url octavia)
[oslo_messaging]
topic = octavia_prov
[health_manager]
heartbeat_key = fake
bind_ip = 127.0.0.1
[controller_worker]
amphora_driver = amphora_noop_driver
compute_driver = compute_noop_driver
network_driver = fake_network_driver
image_driver = image_noop_driver
volume_driver = volume_noop_driver
distributor_driver = distributor_noop_driver
amp_image_tag = amphora
client_ca = $DATA/octavia/ca.pem
amp_flavor_id = 1
amp_boot_network_list = 00000000-0000-0000-0000-000000000000
workers = 1
[certificates]
cert_manager = noop_cert_manager
cert_generator = local_cert_generator
ca_certificate = $DATA/octavia/ca.pem
ca_private_key = $DATA/octavia/ca.key
ca_private_key_passphrase = $PASSWORD
server_certs_key_passphrase = insecure-key-do-not-use-this-key
[service_auth]
$(credentials)
[neutron]
$(credentials)
endpoint_type = publicURL
valid_interfaces = public
[task_flow]
jobboard_enabled = false
[driver_agent]
status_socket_path = $DATA/octavia/status.sock
stats_socket_path = $DATA/octavia/stats.sock
get_socket_path = $DATA/octavia/get.sock
[quotas]
$(printf 'default_%s_quota = -1\n' load_balancer listener member pool health_monitor)
$(authtoken load-balancer)
$(oslo)
CONF
}

# The worker signs amphora certificates before it finds out that there are no amphorae.
make_authority() {
  [ ! -s "$DATA/octavia/ca.pem" ] || return 0
  openssl req -x509 -newkey rsa:2048 -passout "pass:$PASSWORD" -subj /CN=octavia -days 3650 \
    -keyout "$DATA/octavia/ca.key" -out "$DATA/octavia/ca.pem" >"$LOG/octavia-ca.log" 2>&1
}

migrate_octavia() { "$BIN/octavia-db-manage" --config-file "$ETC/octavia/octavia.conf" upgrade head; }

start_octavia() {
  api octavia-api "${PORT[octavia]}" octavia.wsgi.api:application 6 "--config-file $ETC/octavia/octavia.conf"
  worker octavia-worker "$BIN/octavia-worker" --config-file "$ETC/octavia/octavia.conf"
}
