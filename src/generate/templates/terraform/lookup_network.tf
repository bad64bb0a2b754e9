# What other modules made is found by tag, so this module can be planned alone.

data "aws_vpcs" "cluster" {
  tags = {
    "pgherd:cluster" = local.tags["pgherd:cluster"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) == 1
      error_message = "Expected one VPC tagged pgherd:cluster=${local.tags["pgherd:cluster"]} in ${local.region}, found ${length(self.ids)}. Apply network/terraform_network first."
    }
  }
}

data "aws_subnet" "zone" {
  for_each = toset(local.zones)

  vpc_id = data.aws_vpcs.cluster.ids[0]

  tags = {
    "pgherd:zone" = each.key
  }
}

data "aws_security_group" "role" {
  vpc_id = data.aws_vpcs.cluster.ids[0]
  name   = "${local.cluster}-${local.group}"
}
