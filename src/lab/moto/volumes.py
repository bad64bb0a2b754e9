"""Attaches volumes as EC2 does, and refuses what EC2 refuses.

Source of the errors: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from moto.ec2.exceptions import EC2ClientError, VolumeInUseError
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance

from endpoints import around


@around(Instance, "setup_defaults")
def first_volume_where_the_image_says(instance, _original):
    volume = instance.ec2_backend.create_volume(size=8, zone_name=instance.placement.zone)
    instance.ec2_backend.attach_volume(volume.id, instance.id, instance.root_device_name, True)


@around(EBSBackend, "attach_volume")
def one_machine_of_the_same_zone(ec2, original, volume_id, instance_id, *args, **kwargs):
    volume, instance = ec2.get_volume(volume_id), ec2.get_instance(instance_id)
    if volume.attachment:
        raise VolumeInUseError(volume_id, volume.attachment.instance.id)
    if volume.zone.name != instance.placement.zone:
        message = f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
        raise EC2ClientError("InvalidVolume.ZoneMismatch", message)
    return original(ec2, volume_id, instance_id, *args, **kwargs)


@around(EBSBackend, "detach_volume")
def from_the_machine_that_has_it(ec2, original, volume_id, instance_id, *args, **kwargs):
    # EC2 needs neither the instance nor the device: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
    attachment = ec2.get_volume(volume_id).attachment
    return original(ec2, volume_id, instance_id or (attachment and attachment.instance.id), *args, **kwargs)


@around(EBSBackend, "modify_volume")
def no_smaller_than_before(ec2, original, volume_id, target_size=None, *args, **kwargs):
    if target_size and target_size < ec2.get_volume(volume_id).size:
        raise EC2ClientError("InvalidParameterValue", "New size cannot be smaller than existing size")
    return original(ec2, volume_id, target_size, *args, **kwargs)
