resource "aws_security_group" "role" {
  for_each = local.groups

  name        = "${local.cluster}-${each.key}"
  description = each.value
  vpc_id      = local.vpc_id

  tags = {
    Name = "${local.cluster}-${each.key}"
  }
}

# Each flow of traffic.tf opens its port out of the sender and into the receiver. Everything else is blocked.
resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.role[each.value.from].id
  referenced_security_group_id = aws_security_group.role[each.value.to].id
  description                  = each.value.description
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = {
    Name = each.key
  }
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.role[each.value.to].id
  referenced_security_group_id = aws_security_group.role[each.value.from].id
  description                  = each.value.description
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = {
    Name = each.key
  }
}

# People and applications come from address ranges, from security groups of their own, or from prefix lists.
resource "aws_vpc_security_group_ingress_rule" "door" {
  for_each = local.doors

  security_group_id            = aws_security_group.role[each.value.to].id
  cidr_ipv4                    = each.value.kind == "range" ? each.value.from : null
  referenced_security_group_id = each.value.kind == "group" ? each.value.from : null
  prefix_list_id               = each.value.kind == "prefix list" ? each.value.from : null
  description                  = each.value.description
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = {
    Name = each.key
  }
}
