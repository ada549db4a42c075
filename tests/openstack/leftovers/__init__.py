"""What a seed leaves in each service beyond the core: one module for each, and only those of services that run count.

A module has `SERVICE`, its type in the catalog, and these functions, all but one of them optional:

    prepare(seeding)         what all units need, once; the tenants' own
    make(unit)               what one tenant of one workload leaves in one project
    make_as_admin(unit)      what only an administrator can make, once for each task
    entangle(unit, tenant)   the task's things and the tenants' that depend on each other; `tenant` is their own unit
    adopt(seeding)           enters what the service has made by itself
"""

from leftovers import (
    accelerator,
    alarming,
    baremetal,
    block_storage,
    container,
    container_infra,
    core,
    database,
    dns,
    identity,
    image,
    infra_optim,
    instance_ha,
    key_manager,
    load_balancer,
    messaging,
    metric,
    network,
    object_store,
    orchestration,
    placement,
    reservation,
    shared_file_system,
    workflow,
)

# The slow ones first, so that they do not end last.
PARTS = (
    *(container_infra, shared_file_system, load_balancer, orchestration, dns, core, network),
    *(object_store, key_manager, messaging, metric, alarming, reservation),
    *(workflow, container, database),
    *(baremetal, infra_optim, accelerator, placement, instance_ha),
    *(identity, block_storage, image),
)


def parts_of(catalog):
    """The parts for these service types."""
    return [part for part in PARTS if part.SERVICE in catalog]
