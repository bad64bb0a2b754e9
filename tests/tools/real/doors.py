"""The lab's endpoints let in whom their security groups name, by range, by group and by prefix list, as those are now; nobody else."""

import sys

import boto3
import moto

sys.path.insert(0, sys.argv[1])
import doors  # noqa: E402

with moto.mock_aws():
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.4.0/24")["Subnet"]["SubnetId"]
    door, app = (ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("door", "app"))
    prefixes = ec2.create_managed_prefix_list(
        PrefixListName="office", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": "10.9.0.0/16"}]
    )["PrefixList"]["PrefixListId"]
    for rule in (
        {"FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": prefixes}]},
        {"FromPort": 400, "ToPort": 500, "UserIdGroupPairs": [{"GroupId": app}]},
        {"FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.6.0.0/16"}]},
        {"FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.7.0.0/16"}]},
    ):
        ec2.authorize_security_group_ingress(GroupId=door, IpPermissions=[{"IpProtocol": "tcp"} | rule])
    id = ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Interface", ServiceName="com.amazonaws.eu-west-1.secretsmanager", SubnetIds=[subnet],
        SecurityGroupIds=[door],
    )["VpcEndpoint"]["VpcEndpointId"]
    backend = next(one for regions in doors.ec2_backends.values() for one in regions.values() if id in one.vpc_end_points)
    endpoint = backend.vpc_end_points[id]

    def interface(group):
        return ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["PrivateIpAddress"]

    def let_in(addresses):
        return [address for address in addresses if doors.lets_in(endpoint, address)]

    mine, other = interface(app), interface(door)
    ranges = ["10.6.1.1", "10.7.1.1", "10.8.1.1", "10.9.1.1"]
    assert let_in([mine, other, *ranges]) == [mine, "10.6.1.1", "10.9.1.1"], let_in([mine, other, *ranges])
    ec2.modify_managed_prefix_list(PrefixListId=prefixes, CurrentVersion=1, AddEntries=[{"Cidr": "10.8.0.0/16"}])
    assert let_in(ranges) == ["10.6.1.1", "10.8.1.1", "10.9.1.1"], let_in(ranges)

    address = backend.enis[endpoint.network_interface_ids[0]].private_ip_address
    assert doors.endpoint_at(address) is endpoint and doors.endpoint_at(mine) is None
    ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
    assert doors.endpoint_at(address) is None
