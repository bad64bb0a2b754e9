# The addresses that are planned for machines and the endpoint. A request for any free address in the subnet, such as
# somebody else's network interface, gets none of these: they must be requested explicitly.
resource "aws_ec2_subnet_cidr_reservation" "block" {
  for_each = local.blocks

  subnet_id        = local.subnet_ids[each.value.zone]
  cidr_block       = each.value.cidr
  description      = "pgherd ${local.cluster}: ${each.key}"
  reservation_type = "explicit"
}
