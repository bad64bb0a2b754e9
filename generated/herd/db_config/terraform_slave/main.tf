resource "aws_instance" "slave" {
  for_each = local.slaves

  ami                    = local.ami
  instance_type          = local.instance_type
  key_name               = local.key_name
  subnet_id              = data.aws_subnet.zone[each.value.zone].id
  private_ip             = each.value.address
  vpc_security_group_ids = [data.aws_security_group.role.id]
  iam_instance_profile   = "${local.cluster}-${local.region}-${local.group}"

  # Whatever the subnet's default is, an Elastic IP of the blueprint is the only public address.
  associate_public_ip_address = false

  # IMDSv2 only, and one hop: a container, or a program tricked into fetching a URL, cannot get the machine's role.
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
    Name               = "${local.cluster}-${each.key}"
    "pgherd:machine"   = each.key
    "pgherd:role"      = local.role
    "pgherd:databases" = local.databases
    "pgherd:etcd"      = local.etcd
  }

  # A new image must not replace a database by itself: that would delete every disk at once. Replace databases one at a
  # time, each while it is a standby: terraform apply -replace='aws_instance.slave["slave1"]'
  # A new instance_type stops each machine that it changes. Apply that one machine at a time, too, with -target.
  lifecycle {
    ignore_changes = [
      ami,
      associate_public_ip_address, # AWS reports true for a machine with an Elastic IP
    ]
  }
}

# An Elastic IP is for people outside. The cluster itself uses private addresses only.
# An existing one (slave1_eip and so on) takes precedence over one made here.
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
    error_message = "Not every slave runs image ${local.image_name}. To change that, run, for one standby at a time: terraform apply -replace='aws_instance.slave[\"slave1\"]'."
  }
}
