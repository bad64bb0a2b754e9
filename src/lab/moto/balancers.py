"""Gives network load balancers the ARNs that AWS gives them. In moto's, every load balancer is an application load balancer."""

import moto.elbv2.models as models
from endpoints import around


@around(models.ELBv2Backend, "create_load_balancer")
def arn_of_its_type(backend, original, *args, **kwargs):
    balancer = original(backend, *args, **kwargs)
    if balancer.type == "network":
        del backend.load_balancers[balancer.arn]
        old = balancer.arn
        balancer.arn = old.replace(":loadbalancer/app/", ":loadbalancer/net/")
        backend.load_balancers[balancer.arn] = balancer
        tags = backend.tagging_service.list_tags_for_resource(old)["Tags"]
        backend.tagging_service.delete_all_tags_for_resource(old)
        backend.tagging_service.tag_resource(balancer.arn, tags)
    return balancer
