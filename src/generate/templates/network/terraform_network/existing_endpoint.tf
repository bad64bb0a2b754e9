# The VPC already has a Secrets Manager endpoint, and only one. Machines read their passwords there at boot, so its security
# group must let in port 443 from the subnets of cluster.tf. If it has a policy, the policy must allow GetSecretValue on this
# cluster's secrets, and PutSecretValue on those of users and on the record of the founding (founded.tf).
data "aws_vpc_endpoint" "secretsmanager" {
  vpc_id       = local.vpc_id
  service_name = data.aws_vpc_endpoint_service.secretsmanager.service_name

  lifecycle {
    postcondition {
      condition     = self.private_dns_enabled
      error_message = "${self.id} does not have Secrets Manager's usual name. Enable its private DNS."
    }

    postcondition {
      condition     = data.aws_vpc.cluster.enable_dns_support && data.aws_vpc.cluster.enable_dns_hostnames
      error_message = "${local.vpc_id} does not resolve the names of endpoints. Set its enableDnsSupport and enableDnsHostnames."
    }
  }
}

# The endpoint has a security group of its own, so machines are let out to addresses.
resource "aws_vpc_security_group_egress_rule" "exit" {
  for_each = local.exits

  security_group_id = aws_security_group.role[each.value.from].id
  cidr_ipv4         = each.value.to
  description       = each.value.description
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port

  tags = {
    Name = each.key
  }
}

locals {
  endpoint_id      = data.aws_vpc_endpoint.secretsmanager.id
  secrets_endpoint = null # Secrets Manager's usual name leads to it
}
