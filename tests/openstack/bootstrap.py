"""Gives a cloud that `up` has started its first content, and waits until all of it answers.

`bootstrap.py catalog`: service users, roles, projects, endpoints. Needs Keystone alone.
`bootstrap.py content`: waits for every service and worker, then makes the public network, a flavor, an image.

Both are idempotent. The one invariant: a process of ours that has died ends the waiting at once.
"""

import os
import pathlib
import sys
import time

import openstack
import requests
from keystoneauth1.exceptions import ClientException

DEADLINE = time.monotonic() + 240
GROUPS = os.environ["CLOUD_GROUPS_WANTED"].split()
PASSWORD = os.environ["PASSWORD"]
PID_DIR = pathlib.Path(os.environ["PID_DIR"])

# (user, project, roles). `svc` is what the services themselves are; demo and demo2 are two tenants.
USERS = [
    ("svc", "service", ["admin", "service"]),
    ("admin", "admin", ["heat_stack_owner", "load-balancer_admin", "creator"]),
    ("demo", "demo", ["member", "heat_stack_owner", "load-balancer_member", "creator"]),
    ("demo2", "demo2", ["member", "heat_stack_owner", "load-balancer_member", "creator"]),
]
# What has to report a heartbeat, by group. Requests before that end in an error, or wait for ever.
WORKERS = {
    "core": ["cinder-scheduler", "cinder-volume", "cinder-backup"],
    "nova": ["nova-conductor", "nova-scheduler", "nova-compute"],
    "heat": ["heat-engine"],
    "manila": ["manila-scheduler", "manila-share"],
    "ironic": ["ironic-conductor"],
    "magnum": ["magnum-conductor"],
    "watcher": ["watcher-applier", "watcher-decision-engine"],
    "zun": ["zun-compute"],
}


def catalog_lines():
    """Yields (type, name, url, health path) as the groups declare them."""
    for line in pathlib.Path(os.environ["CATALOG"]).read_text().splitlines():
        yield line.split("\t")


def dead_processes():
    """Names of processes that have a pid file and no process; a zombie counts as none."""
    for file in PID_DIR.glob("*.pid"):
        pid = file.read_text().split()[0]
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            state = "Z"
        if state == "Z":
            yield file.stem


def wait_for(what, probe):
    """Polls until `probe` is true; exits when it cannot become so any more."""
    answer = None
    while True:
        try:
            answer = probe()
            if answer:
                return
        except (requests.RequestException, openstack.exceptions.SDKException, ClientException) as error:
            answer = error
        if dead := sorted(dead_processes()):
            sys.exit(f"died: {' '.join(dead)}")
        if time.monotonic() > DEADLINE:
            sys.exit(f"not up: {what} ({answer})")
        time.sleep(0.3)


def answers(url):
    """A probe: does anything below a server error come back? 300 and 401 are as good as 200 here."""
    return lambda: requests.get(url, timeout=20).status_code < 500


def make_endpoints(identity):
    services = {service.type: service for service in identity.services()}
    existing = {(endpoint.service_id, endpoint.interface) for endpoint in identity.endpoints()}
    for kind, name, url, _ in catalog_lines():
        service = services.get(kind) or identity.create_service(type=kind, name=name)
        for interface in ("public", "internal", "admin"):
            if (service.id, interface) not in existing:
                identity.create_endpoint(service_id=service.id, interface=interface, url=url, region_id="RegionOne")


def make_users(identity):
    roles = {role.name: role for role in identity.roles()}
    projects = {project.name: project for project in identity.projects(domain_id="default")}
    users = {user.name: user for user in identity.users(domain_id="default")}
    for name, project, wanted in USERS:
        if project not in projects:
            projects[project] = identity.create_project(name=project, domain_id="default")
        if name not in users:
            users[name] = identity.create_user(
                name=name, domain_id="default", password=PASSWORD, default_project_id=projects[project].id
            )
        for role in wanted:
            if role not in roles:
                roles[role] = identity.create_role(name=role)
            identity.assign_project_role_to_user(projects[project].id, users[name].id, roles[role].id)
    for group in {"heat", "magnum"} & set(GROUPS):
        if not list(identity.domains(name=group)):
            make_domain(identity, group, roles["admin"])
    reach_all_projects(identity, users["admin"], roles["admin"])


def reach_all_projects(identity, user, role):
    """Containers and secrets are shown to nobody without a role in their project: a role in all that are and will be."""
    for domain in identity.domains():
        path = f"/OS-INHERIT/domains/{domain.id}/users/{user.id}/roles/{role.id}/inherited_to_projects"
        identity.put(path).raise_for_status()


def make_domain(identity, group, admin_role):
    """Heat and Magnum make users of their own, in a domain of their own."""
    domain = identity.create_domain(name=group)
    user = identity.create_user(name=f"{group}_domain_admin", domain_id=domain.id, password=PASSWORD)
    identity.assign_domain_role_to_user(domain, user, admin_role)


def worker_states(cloud, group):
    """(worker, state) of each that has ever reported."""
    match group:
        case "core":
            return [(service.binary, service.state) for service in cloud.block_storage.services()]
        case "nova":
            return [(service.binary, service.state) for service in cloud.compute.services()]
        case "heat":
            services = read(cloud.orchestration, "/services")["services"]
            return [(service["binary"], service["status"]) for service in services]
        case "manila":
            services = read(cloud.shared_file_system, "/services", microversion="2.60")["services"]
            return [(service["binary"], service["state"]) for service in services]
        case "ironic":
            conductors = read(cloud.baremetal, "/conductors", microversion="1.49")["conductors"]
            return [("ironic-conductor", "up" if conductor["alive"] else "down") for conductor in conductors]
        case "magnum":
            endpoint = {"service_type": "container-infrastructure-management", "interface": "public"}
            services = read(cloud.session, "/mservices", endpoint_filter=endpoint)["mservices"]
            return [(service["binary"], service["state"]) for service in services]
        case "zun":
            endpoint = {"service_type": "container", "interface": "public"}
            services = read(cloud.session, "/services", endpoint_filter=endpoint)["services"]
            return [(service["binary"], service["state"]) for service in services]
        case "watcher":
            endpoint = {"service_type": "infra-optim", "interface": "public"}
            services = read(cloud.session, "/v1/services", endpoint_filter=endpoint)["services"]
            return [(service["name"], "up" if service["status"] == "ACTIVE" else "down") for service in services]


def read(client, path, **options):
    """What was answered. A service whose worker is not there yet ends in an error after a minute: that is no answer."""
    response = client.get(path, **options)
    response.raise_for_status()
    return response.json()


def workers_up(cloud, group):
    """A probe: does each worker of the group count as up?"""
    return lambda: set(WORKERS[group]) <= {worker for worker, state in worker_states(cloud, group) if state == "up"}


def wait_for_services(cloud):
    for _, name, url, health in catalog_lines():
        if health:
            origin = "/".join(url.split("/")[:3])
            wait_for(name, answers(origin + health))
    for group in WORKERS:
        if group in GROUPS:
            wait_for(f"workers of {group}", workers_up(cloud, group))
    # A heartbeat goes through the database; where there is room, the scheduler learns from the worker itself, and later.
    wait_for("the volume scheduler's pools", lambda: read(cloud.block_storage, "/scheduler-stats/get_pools")["pools"])


def make_content(cloud):
    if not cloud.network.find_network("public"):
        public = cloud.network.create_network(
            name="public", is_router_external=True, provider_network_type="flat", provider_physical_network="public"
        )
        cloud.network.create_subnet(
            network_id=public.id, name="public-subnet", ip_version=4, cidr="172.24.0.0/16", is_dhcp_enabled=False
        )
    if not cloud.image.find_image("cirros"):
        cloud.image.create_image(
            "cirros", data=b"not an image " * 1000, disk_format="raw", container_format="bare", visibility="public"
        )
    if "nova" in GROUPS and not cloud.compute.find_flavor("m1.tiny"):
        cloud.compute.create_flavor(name="m1.tiny", ram=64, vcpus=1, disk=1)
    if "manila" in GROUPS:
        make_share_type(cloud.shared_file_system)
    # Trove's datastore has the image by its tag, Magnum's driver by the distribution.
    if "trove" in GROUPS and not cloud.image.find_image("trove"):
        cloud.image.create_image(
            "trove", data=b"not an image", disk_format="raw", container_format="bare", visibility="public", tags=["trove"]
        )
    if "magnum" in GROUPS and not cloud.image.find_image("fedora-coreos"):
        cloud.image.create_image(
            "fedora-coreos",
            data=b"not an image",
            disk_format="raw",
            container_format="bare",
            visibility="public",
            os_distro="fedora-coreos",
        )
    # Blazar takes hosts out of it.
    if "blazar" in GROUPS and "nova" in GROUPS and not cloud.compute.find_aggregate("freepool"):
        cloud.compute.create_aggregate(name="freepool")


def warm_up(tenant):
    """Neutron's first tenant request loads policy rules, and one beside it is refused with 403 meanwhile."""
    network = tenant.network.create_network(name="warm-up")
    tenant.network.delete_network(network)


def make_share_type(manila):
    if not manila.get("/types", microversion="2.60").json().get("share_types"):
        body = {"share_type": {"name": "default", "extra_specs": {"driver_handles_share_servers": "false"}}}
        manila.post("/types", json=body, microversion="2.60")


def main():
    phase = sys.argv[1]
    wait_for("keystone", answers(openstack.config.OpenStackConfig().get_one("admin").config["auth"]["auth_url"]))
    cloud = openstack.connect(cloud="admin", load_envvars=False)
    if phase == "catalog":
        make_endpoints(cloud.identity)
        make_users(cloud.identity)
    else:
        wait_for_services(cloud)
        make_content(cloud)
        warm_up(openstack.connect(cloud="demo", load_envvars=False))


if __name__ == "__main__":
    main()
