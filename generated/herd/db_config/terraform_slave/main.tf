resource "aws_instance" "slave" {
  for_each = local.slaves

  ami                    = local.ami
  instance_type          = local.instance_type
  key_name               = local.key_name
  subnet_id              = data.aws_subnet.zone[each.value.zone].id
  private_ip             = each.value.address
  vpc_security_group_ids = [data.aws_security_group.role.id]
  iam_instance_profile   = "${local.cluster}-${local.region}-${local.group}"

  # Whatever the subnet does by default: an Elastic IP, where the blueprint asks for one, is the only public address.
  associate_public_ip_address = false

  # Version 2 alone, and one hop: a program tricked into fetching a URL, or a container, does not get the machine's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = local.disk.size
    iops        = local.disk.iops
    throughput  = local.disk.throughput
    encrypted   = true

    tags = {
      Name = "${local.cluster}-${each.key}"
    }
  }

  tags = {
    Name             = "${local.cluster}-${each.key}"
    "pgherd:machine" = each.key
    "pgherd:role"    = local.role
  }

  # A new image must never replace a database by itself: with it would go the disk, and all of them at once. Databases
  # are replaced one at a time, when each is a standby: terraform apply -replace='aws_instance.slave["slave1"]'
  # Another instance_type stops every machine that it changes: there too one at a time, with -target.
  lifecycle {
    ignore_changes = [
      ami,
      associate_public_ip_address, # AWS says true of a machine that has an Elastic IP
    ]
  }
}

# An Elastic IP is for reaching a machine from outside: the cluster itself only ever uses private addresses.
# One that exists already (slave1_eip and its like) goes before one made here.
locals {
  given_eips = { for name, address in local.eip_variables : name => address if address != null && address != "" }
  made_eips  = local.elastic_ip ? setsubtract(keys(local.slaves), keys(local.given_eips)) : []
}

data "aws_eip" "given" {
  for_each  = local.given_eips
  public_ip = each.value
}

resource "aws_eip" "slave" {
  for_each = local.made_eips
  domain   = "vpc"

  tags = {
    Name = "${local.cluster}-${each.key}"
  }
}

resource "aws_eip_association" "slave" {
  for_each      = merge(data.aws_eip.given, aws_eip.slave)
  instance_id   = aws_instance.slave[each.key].id
  allocation_id = each.value.id
}

check "image" {
  assert {
    condition     = alltrue([for slave in aws_instance.slave : slave.ami == local.ami])
    error_message = "Not every slave runs image ${local.image_name}. To move one, while it is a standby: terraform apply -replace='aws_instance.slave[\"slave1\"]'."
  }
}
