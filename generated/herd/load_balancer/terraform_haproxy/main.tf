resource "aws_instance" "haproxy" {
  ami                    = local.ami
  instance_type          = local.instance_type
  key_name               = local.key_name
  subnet_id              = data.aws_subnet.zone[local.zone].id
  private_ip             = local.address
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
      Name = "${local.cluster}-haproxy"
    }
  }

  tags = {
    Name               = "${local.cluster}-haproxy"
    "pgherd:machine"   = "haproxy"
    "pgherd:role"      = local.role
    "pgherd:databases" = local.databases
    "pgherd:etcd"      = local.etcd
  }

  lifecycle {
    ignore_changes = [associate_public_ip_address] # AWS reports true for a machine with an Elastic IP
  }
}

# An Elastic IP is for clients and people outside. The cluster itself uses private addresses only.
# An existing one (haproxy_eip) takes precedence over one made here.
locals {
  given_eips = compact([var.haproxy_eip])
}

data "aws_eip" "given" {
  count     = length(local.given_eips)
  public_ip = local.given_eips[count.index]
}

resource "aws_eip" "haproxy" {
  count  = local.elastic_ip && length(local.given_eips) == 0 ? 1 : 0
  domain = "vpc"

  tags = {
    Name = "${local.cluster}-haproxy"
  }
}

resource "aws_eip_association" "haproxy" {
  count         = local.elastic_ip || length(local.given_eips) > 0 ? 1 : 0
  instance_id   = aws_instance.haproxy.id
  allocation_id = one(concat(data.aws_eip.given[*].id, aws_eip.haproxy[*].id))
}
