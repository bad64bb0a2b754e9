"""Makes moto 5.2 return what EC2 returns, where Terraform reads back what it has written.

Python imports a module of this name from PYTHONPATH when it starts, so `moto_server` itself stays unchanged. Without these
corrections, a second `terraform plan` found changes, an instance could not be replaced, or deleted things looked alive. None of
them changes what a request means.
"""

import functools
import os

import balancers  # noqa: F401
import endpoints  # noqa: F401
import groups  # noqa: F401
import limits  # noqa: F401
import turns  # noqa: F401
import volumes  # noqa: F401
from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.tags import TagResponse
from moto.secretsmanager.models import SecretsManagerBackend


def after(owner, name):
    """Runs the decorated function after owner's method of that name, with its result."""

    def decorate(function):
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(self, *args, **kwargs):
            result = original(self, *args, **kwargs)
            function(self, result, *args, **kwargs)
            return result

        setattr(owner, name, wrapper)

    return decorate


@after(Instance, "prep_nics")
def interfaces_as_ec2_has_them(instance, _result, *_args, **_kwargs):
    for interface in instance.nics.values():
        # It is deleted with its instance. Otherwise the instance that replaces it could never get its address.
        interface.delete_on_termination = True
    if 0 in instance.nics and not instance.security_groups:
        # Terraform names the groups on the interface. They are the instance's groups as well.
        instance.security_groups = list(instance.nics[0]._group_set)


@after(InstanceBackend, "modify_instance_security_groups")
def groups_of_the_first_interface(_backend, instance, *_args, **_kwargs):
    # The groups that are changed are the first interface's. moto lists those, too, and would list the old ones beside the new.
    instance.nics[0]._group_set = list(instance.security_groups)


@after(InstanceBackend, "run_instances")
def disks_as_asked_for(_backend, reservation, *_args, **kwargs):
    for mapping in kwargs.get("block_device_mappings") or []:
        wanted = mapping.get("Ebs", {})
        for instance in reservation.instances:
            device = instance.block_device_mapping.get(mapping.get("DeviceName"))
            volume = device and instance.ec2_backend.volumes.get(device.volume_id)
            if volume and wanted.get("VolumeType") == "gp3":
                volume.iops = wanted.get("Iops") or 3000
                volume.throughput = wanted.get("Throughput") or 125


@after(InstanceResponse, "stop_instances")
def power_cuts(response, _result, *_args, **_kwargs):
    # EC2 does not tell who asked the operating system to shut down, but the lab has to know whether to do so.
    if response._get_bool_param("SkipOsShutdown"):
        for instance in response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", [])):
            instance._reason += ", without shutdown"


# A rule that refers to a group keeps its description there.
SecurityGroupRule.description = property(
    lambda rule: rule.ip_range.get("Description") or (rule.source_group or {}).get("Description")
)


@after(TagResponse, "describe_tags")
def tags_of_existing_things(response, answer, *_args, **_kwargs):
    # Deleted things have no tags any more.
    ec2 = response.ec2_backend
    alive = {
        "i": {one.id for one in ec2.all_instances() if one.state != "terminated"},
        "vpce": {one.id for one in ec2.vpc_end_points.values() if one.state != "deleted"},
        "eipalloc": {one.allocation_id for one in ec2.addresses},
        "key": {one.id for one in ec2.key_pairs.values()},
        "subnet": {one for zone in ec2.subnets.values() for one in zone},
        "sg": {one for vpc in ec2.groups.values() for one in vpc},
        "vpc": ec2.vpcs,
        "igw": ec2.internet_gateways,
        "rtb": ec2.route_tables,
        "vol": ec2.volumes,
        "ami": ec2.amis,
        "snap": ec2.snapshots,
    }
    tags = answer.result["Tags"]
    tags[:] = [tag for tag in tags if tag["resource_id"] in alive.get(tag["resource_id"].split("-")[0], [tag["resource_id"]])]


@after(AmiBackend, "_load_amis")
def snapshots_of_kept_images(backend, _result, *_args, **_kwargs):
    # An image of an earlier lab comes back with its tags. Packer had given its snapshot the same tags.
    for ami in backend.amis.values():
        if tags := backend.tags.get(ami.id):
            backend.tags[ami.ebs_snapshot.id].update(tags)


@after(SecretsManagerBackend, "update_secret_version_stage")
def current_is_the_labelled_version(backend, _result, secret_id, version_stage, *_args, **_kwargs):
    # Without a version, a request gets the version labelled AWSCURRENT, however the label came there.
    secret = backend.secrets[secret_id]
    current = [id for id, version in secret.versions.items() if "AWSCURRENT" in version["version_stages"]]
    if version_stage == "AWSCURRENT" and current:
        secret.set_default_version_id(current[0])


# With a file for the record of calls, requests are judged by the caller's policies and by the endpoint that they come through.
if "PGHERD_LAB_CALLS" in os.environ:
    import doors  # noqa: F401
    import judge  # noqa: F401
    import metadata  # noqa: F401
