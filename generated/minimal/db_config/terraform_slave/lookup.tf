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

# Newest first. The tag is a hash over everything that the image is made from, so it finds exactly the image of this folder.
data "aws_ami_ids" "built" {
  count  = local.given_ami == null ? 1 : 0
  owners = ["self"]

  filter {
    name   = "tag:pgherd:cluster"
    values = [local.tags["pgherd:cluster"]]
  }

  filter {
    name   = "tag:pgherd:content"
    values = [local.image]
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) > 0
      error_message = "Image ${local.image_name} does not exist in ${local.region}. Run packer build packer_templates/${local.role}_temp.json in the cluster's folder."
    }
  }
}

locals {
  given_ami = var.ami_image_id == "" ? null : var.ami_image_id

  # Only a destroy gets here without an image. It boots nothing, but needs a value.
  ami = local.given_ami == null ? try(data.aws_ami_ids.built[0].ids[0], "missing") : local.given_ami
}
