resource "aws_vpc" "cluster" {
  cidr_block = local.cidr

  # An application's endpoint with private DNS needs both.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = {
    Name = local.cluster
  }
}

# Every VPC has a default group that lets its members talk freely. Nothing uses it here. Without rules, using it by mistake opens nothing.
resource "aws_default_security_group" "unused" {
  vpc_id = aws_vpc.cluster.id

  tags = {
    Name = "${local.cluster}-unused"
  }
}

resource "aws_subnet" "zone" {
  for_each = local.subnets

  vpc_id            = aws_vpc.cluster.id
  availability_zone = each.key
  cidr_block        = each.value

  # The only public addresses are the blueprint's Elastic IPs.
  map_public_ip_on_launch = false

  tags = {
    Name          = "${local.cluster}-${each.key}"
    "pgherd:zone" = each.key # the other modules look for this
  }
}

# For machines with an Elastic IP only. The others have no public address, and no machine needs the internet.
resource "aws_internet_gateway" "cluster" {
  vpc_id = aws_vpc.cluster.id

  tags = {
    Name = local.cluster
  }
}

resource "aws_route_table" "cluster" {
  vpc_id = aws_vpc.cluster.id

  tags = {
    Name = local.cluster
  }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.cluster.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.cluster.id
}

resource "aws_route_table_association" "zone" {
  for_each = local.subnets

  subnet_id      = aws_subnet.zone[each.key].id
  route_table_id = aws_route_table.cluster.id
}

locals {
  vpc_id     = aws_vpc.cluster.id
  subnet_ids = { for zone, subnet in aws_subnet.zone : zone => subnet.id }
}
