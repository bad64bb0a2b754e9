resource "aws_instance" "master" {
  ami                    = local.ami
  instance_type          = local.instance_type
  key_name               = local.key_name
  subnet_id              = data.aws_subnet.zone[local.zone].id
  private_ip             = local.address
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
      Name = "${local.cluster}-master"
    }
  }

  tags = {
    Name             = "${local.cluster}-master"
    "pgherd:machine" = "master"
    "pgherd:role"    = local.role
  }

  # A new image must never replace a database by itself: with it would go the disk, and all of them at once. Databases
  # are replaced one at a time, when each is a standby: terraform apply -replace=aws_instance.master
  lifecycle {
    ignore_changes = [
      ami,
      associate_public_ip_address, # AWS says true of a machine that has an Elastic IP
    ]
  }
}

# An Elastic IP is for reaching the machine from outside: the cluster itself only ever uses private addresses.
# One that exists already (master_eip) goes before one made here.
locals {
  given_eips = compact([var.master_eip])
}

data "aws_eip" "given" {
  count     = length(local.given_eips)
  public_ip = local.given_eips[count.index]
}

resource "aws_eip" "master" {
  count  = local.elastic_ip && length(local.given_eips) == 0 ? 1 : 0
  domain = "vpc"

  tags = {
    Name = "${local.cluster}-master"
  }
}

resource "aws_eip_association" "master" {
  count         = local.elastic_ip || length(local.given_eips) > 0 ? 1 : 0
  instance_id   = aws_instance.master.id
  allocation_id = one(concat(data.aws_eip.given[*].id, aws_eip.master[*].id))
}

check "image" {
  assert {
    condition     = aws_instance.master.ami == local.ami
    error_message = "The master runs another image than ${local.image_name}. To move it: switch over to a standby, then terraform apply -replace=aws_instance.master."
  }
}
