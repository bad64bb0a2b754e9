"""Gives network load balancers the ARNs and the network interfaces that AWS gives them.

In moto, every load balancer has the ARN of an application load balancer, and none has an address.
"""

import moto.elbv2.models as models
from endpoints import around, move


@around(models.ELBv2Backend, "create_load_balancer")
def network_load_balancer(backend, original, *args, **kwargs):
    balancer = original(backend, *args, **kwargs)
    if balancer.type != "network":
        return balancer
    del backend.load_balancers[balancer.arn]
    old = balancer.arn
    balancer.arn = old.replace(":loadbalancer/app/", ":loadbalancer/net/")
    backend.load_balancers[balancer.arn] = balancer
    tags = backend.tagging_service.list_tags_for_resource(old)["Tags"]
    backend.tagging_service.delete_all_tags_for_resource(old)
    backend.tagging_service.tag_resource(balancer.arn, tags)
    for subnet in balancer.subnets:
        interface = backend.ec2_backend.create_network_interface(
            subnet, None, group_ids=balancer.security_groups, description=description(balancer.arn)
        )
        move(interface, None, interface)
    return balancer


@around(models.ELBv2Backend, "delete_load_balancer")
def interfaces_go_with_it(backend, original, arn):
    original(backend, arn)
    for interface in [one for one in backend.ec2_backend.enis.values() if one.description == description(arn)]:
        backend.ec2_backend.delete_network_interface(interface.id)


def description(arn):
    """Returns how AWS describes a load balancer's interfaces: `ELB net/NAME/ID`."""
    return "ELB " + arn.partition(":loadbalancer/")[2]
