"""Cinder volume driver that stores nothing and takes a moment for it.

The moment matters: with none, a volume is gone before a client could see it `deleting`.
"""

import io
import os
import time

from cinder.tests import fake_driver

DELAY_SECONDS = float(os.environ.get("FAKE_VOLUME_DELAY", "0.2"))


class NothingVolumeDriver(fake_driver.FakeLoggingVolumeDriver):
    def create_volume(self, volume):
        time.sleep(DELAY_SECONDS)
        return super().create_volume(volume)

    def delete_volume(self, volume):
        time.sleep(DELAY_SECONDS)

    def create_snapshot(self, snapshot):
        time.sleep(DELAY_SECONDS)

    def delete_snapshot(self, snapshot):
        time.sleep(DELAY_SECONDS)

    def extend_volume(self, volume, new_size):
        pass

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        pass

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        image_service.update(context, image_meta["id"], {}, io.BytesIO(b"nothing" * 128))

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        return {}, True

    def update_migrated_volume(self, ctxt, volume, new_volume, original_volume_status):
        return {"_name_id": None, "provider_location": None}

    def _update_volume_stats(self):
        super()._update_volume_stats()
        self._stats["pools"][0].update(
            total_capacity_gb=1_000_000,
            free_capacity_gb=1_000_000,
            reserved_percentage=0,
            thin_provisioning_support=True,
            max_over_subscription_ratio="20.0",
            multiattach=True,
        )
