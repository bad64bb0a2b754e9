# The VPC and its subnets existed before and have no tag of this cluster, so cluster.tf has their ids. What other modules
# made is found by name and tag, so this module can be planned alone.

data "aws_subnet" "zone" {
  for_each = local.subnets

  id = each.value

  lifecycle {
    postcondition {
      condition     = self.vpc_id == local.vpc_id && self.availability_zone == each.key
      error_message = "${each.value} is in ${self.availability_zone} of ${self.vpc_id}. Correct its block in the blueprint and generate again."
    }
  }
}

data "aws_security_groups" "role" {
  filter {
    name   = "vpc-id"
    values = [local.vpc_id]
  }

  filter {
    name   = "group-name"
    values = ["${local.cluster}-${local.group}"]
  }

  filter {
    name   = "tag:pgherd:cluster"
    values = [local.tags["pgherd:cluster"]]
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) == 1
      error_message = "Expected one security group ${local.cluster}-${local.group} in ${local.vpc_id}, found ${length(self.ids)}. Apply network/terraform_network first."
    }
  }
}

data "aws_security_group" "role" {
  id = data.aws_security_groups.role.ids[0]
}
