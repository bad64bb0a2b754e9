resource "aws_instance" "haproxy" {
  for_each = local.haproxies

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

  # A new image or instance_type changes every HAProxy at once. Apply one after the other, so that clients always have one:
  # terraform apply -target='aws_instance.haproxy["haproxy"]' -target='aws_eip_association.haproxy["haproxy"]'
  lifecycle {
    ignore_changes = [associate_public_ip_address] # AWS reports true for a machine with an Elastic IP
  }
}

# An Elastic IP is for clients and people outside. The cluster itself uses private addresses only.
# An existing one (haproxy_eip and so on) takes precedence over one made here.
locals {
  given_eips = { for name, address in local.eip_variables : name => address if address != null && address != "" }
  made_eips  = local.elastic_ip ? setsubtract(keys(local.haproxies), keys(local.given_eips)) : []
}

data "aws_eip" "given" {
  for_each  = local.given_eips
  public_ip = each.value
}

resource "aws_eip" "haproxy" {
  for_each = local.made_eips
  domain   = "vpc"

  tags = {
    Name = "${local.cluster}-${each.key}"
  }
}

resource "aws_eip_association" "haproxy" {
  for_each      = merge(data.aws_eip.given, aws_eip.haproxy)
  instance_id   = aws_instance.haproxy[each.key].id
  allocation_id = each.value.id
}
