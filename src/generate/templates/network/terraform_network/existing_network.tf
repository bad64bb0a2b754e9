# The VPC and its subnets existed before. They are looked up by their ids. Nothing here changes or tags them, except that the
# cluster's addresses are reserved. All addresses were planned from the blueprint, so the blueprint is checked against AWS.
data "aws_vpc" "cluster" {
  id = local.vpc_id

  lifecycle {
    postcondition {
      condition     = contains(self.cidr_block_associations[*].cidr_block, local.cidr)
      error_message = "${local.vpc_id} does not have the range ${local.cidr}. Correct network.cidr in the blueprint and generate again."
    }
  }
}

data "aws_subnet" "zone" {
  for_each = local.subnets

  id = each.value.id

  lifecycle {
    postcondition {
      condition     = self.vpc_id == local.vpc_id && self.availability_zone == each.key && self.cidr_block == each.value.cidr
      error_message = "${each.value.id} is ${self.cidr_block} in ${self.availability_zone} of ${self.vpc_id}. Correct its block in the blueprint and generate again."
    }
  }
}

locals {
  subnet_ids = { for zone, subnet in data.aws_subnet.zone : zone => subnet.id }
}
