"""Gives interface endpoints and network interfaces the addresses that EC2 would give them.

moto gives an interface any address, even one that is taken, and lets two endpoints of a VPC have the same name.
"""

import functools
import ipaddress

from moto.core.base_backend import BaseBackend
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs


def around(owner, name):
    """Runs the decorated function instead of owner's method of that name. The function gets the original method."""

    def decorate(function):
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(self, *args, **kwargs):
            return function(self, original, *args, **kwargs)

        setattr(owner, name, wrapper)

    return decorate


def check_free(subnet, address):
    """Refuses an address that is outside the subnet, reserved by AWS, or in use."""
    cidr = ipaddress.ip_network(subnet.cidr_block)
    # https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    kept = [cidr[n] for n in (0, 1, 2, 3, -1)]
    if ipaddress.ip_address(address) not in cidr or ipaddress.ip_address(address) in kept:
        raise EC2ClientError("InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
    if address in subnet._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def move(interface, address, owner):
    """Gives an interface an address of its subnet; by default the first one that is free and not reserved."""
    if address:
        interface.subnet.request_ip(address, owner)
    else:
        address = interface.subnet.get_available_subnet_ip(owner)
    interface.private_ip_address = address
    interface.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]


@around(VPCs, "create_vpc_endpoint")
def endpoint_at_its_addresses(response, original):
    ec2 = response.ec2_backend
    planned = {one["SubnetId"]: one.get("Ipv4") for one in response._get_param("SubnetConfigurations", [])}
    subnet_ids = response._get_param("SubnetIds", [])
    for subnet_id, address in planned.items():
        if subnet_id not in subnet_ids:
            raise EC2ClientError("InvalidParameter", f"SubnetConfigurations names {subnet_id}, and SubnetIds does not")
        if address:
            check_free(ec2.get_subnet(subnet_id), address)
    name = response._get_param("ServiceName")
    others = [
        one
        for one in ec2.vpc_end_points.values()
        if one.state != "deleted" and one.private_dns_enabled and one.service_name == name
        and one.vpc_id == response._get_param("VpcId") and (one.vpc_endpoint_type or "").lower() == "interface"
    ]
    if others and response._get_bool_param("PrivateDnsEnabled", if_none=True):
        raise EC2ClientError(
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{name} in the VPC {others[0].vpc_id}",
        )
    answer = original(response)
    endpoint = answer.result["VpcEndpoint"]
    for entry in endpoint.dns_entries:
        # https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html#interface-endpoint-dns-hostnames
        first, *domain, region, service = entry["dns_name"].split(".")
        entry["dns_name"] = ".".join([first, service, region, "vpce", *reversed(domain)])
    for interface_id in endpoint.network_interface_ids:
        interface = ec2.get_network_interface(interface_id)
        interface.description = f"VPC Endpoint Interface {endpoint.id}"
        interface._group_set = [ec2.get_security_group_from_id(group) for group in endpoint.security_group_ids]
        move(interface, planned.get(interface.subnet.id), endpoint)
    return answer


@around(VPCBackend, "delete_vpc_endpoints")
def addresses_go_with_their_endpoint(ec2, original, vpce_ids=None):
    for endpoint in [ec2.vpc_end_points[one] for one in vpce_ids or [] if one in ec2.vpc_end_points]:
        for interface in [ec2.enis[one] for one in endpoint.network_interface_ids if one in ec2.enis]:
            interface.subnet.del_subnet_ip(interface.private_ip_address)
    return original(ec2, vpce_ids)


@around(ElasticNetworkInterfaces, "create_network_interface")
def interface_in_its_subnet(response, original):
    address = response._get_param("PrivateIpAddress")
    if address:
        check_free(response.ec2_backend.get_subnet(response._get_param("SubnetId")), address)
    answer = original(response)
    interface = answer.result["NetworkInterface"]
    if not response._get_param("PrivateIpAddresses", []):
        move(interface, address, interface)
    return answer


@around(NetworkInterfaceBackend, "delete_network_interface")
def address_goes_with_its_interface(ec2, original, eni_id):
    interface = ec2.enis.get(eni_id)
    original(ec2, eni_id)
    if interface.subnet._subnet_ips.get(interface.private_ip_address) is interface:
        interface.subnet.del_subnet_ip(interface.private_ip_address)


@staticmethod
def services(_account_id, region):
    """Returns the services with an interface endpoint. moto's own list would import every service that it knows, with all dependencies."""
    zones = [zone.name for zone in RegionsAndZonesBackend.zones.get(region, [])]
    return BaseBackend.default_vpc_endpoint_service_factory(region, zones, "secretsmanager")


@staticmethod
def filtered(_names, filters, all_services):
    """Returns the services that match one value of each filter."""
    facts = {
        "service-name": lambda service: {service["ServiceName"]},
        "service-type": lambda service: {kind["ServiceType"] for kind in service["ServiceType"]},
    }
    values = lambda one: set(one.get("Values") or one.get("Value") or [])  # noqa: E731
    return [s for s in all_services if all(facts[one["Name"]](s) & values(one) for one in filters)]


VPCBackend._collect_default_endpoint_services = services
VPCBackend._filter_endpoint_services = filtered


@around(Subnets, "create_subnet_cidr_reservation")
def reservation_as_described(response, original):
    answer = original(response)
    answer.result["SubnetCidrReservation"].description = response._get_param("Description")
    return answer
