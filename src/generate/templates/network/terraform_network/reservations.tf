# The addresses that machines and the endpoint are planned for. What asks AWS for any address in the subnet, somebody else's
# network interface say, is given none of these: they are taken by name alone.
resource "aws_ec2_subnet_cidr_reservation" "block" {
  for_each = local.blocks

  subnet_id        = local.subnet_ids[each.value.zone]
  cidr_block       = each.value.cidr
  description      = "pgherd ${local.cluster}: ${each.key}"
  reservation_type = "explicit"
}
