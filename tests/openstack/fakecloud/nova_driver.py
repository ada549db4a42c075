"""Nova's FakeDriver, made to survive a restart of nova-compute. Installed as nova.virt.fakecloud.

The original takes a new node uuid in every process, so that the second start refuses to run, and it
forgets its servers, so that the first look at one fails.
"""

from nova.compute import power_state
from nova.virt import fake, node


class FakeDriver(fake.FakeDriver):
    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        resources["uuid"] = node.get_local_node_uuid()
        return resources

    def get_info(self, instance, use_cache=True):
        if instance.uuid not in self.instances and instance.vm_state not in (None, "building", "deleted"):
            off = instance.power_state == power_state.SHUTDOWN
            state = power_state.SHUTDOWN if off else power_state.RUNNING
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        return super().get_info(instance, use_cache)
