"""Zun driver whose containers and capsules are rows with a status."""

import zun.conf
from zun import objects
from zun.common import consts
from zun.container import driver


class RowDriver(driver.BaseDriver, driver.ContainerDriver, driver.CapsuleDriver):
    capabilities = {}

    def get_pci_resources(self):
        return "[]"

    def pull_image(self, _context, repo, tag, *_args, **_kwargs):
        return {"image": repo, "path": None, "driver": "docker", "repo": repo, "tag": tag}, True

    def create(self, context, container, *_args, **_kwargs):
        return self._become(context, container, consts.CREATED)

    def create_capsule(self, context, capsule, *_args, **_kwargs):
        for container in list(capsule.init_containers or []) + list(capsule.containers or []):
            self._become(context, container, consts.RUNNING)
        return self._become(context, capsule, consts.RUNNING)

    def start(self, context, container):
        return self._become(context, container, consts.RUNNING)

    def stop(self, context, container, *_args):
        return self._become(context, container, consts.STOPPED)

    def show(self, _context, container):
        return container

    def delete(self, _context, _container, _force):
        """There is nothing but the row, which Zun takes away itself."""

    delete_capsule = delete

    def list(self, context):
        return objects.Container.list_by_host(context, zun.conf.CONF.host), []

    def update_containers_states(self, _context, _containers, _manager):
        """The rows are right."""

    @staticmethod
    def _become(context, container, status):
        container.container_id = container.uuid
        container.status = status
        container.save(context)
        return container
