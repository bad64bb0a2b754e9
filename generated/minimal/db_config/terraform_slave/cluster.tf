# The blueprint's values. The other files of this folder are the same in every cluster of this kind.
locals {
  cluster = "minimal"
  region  = "eu-west-1"

  # The tags of everything that these modules create.
  tags = {
    "pgherd:cluster" = "minimal/eu-west-1"
  }

  # The role, and the kind of machine, which decides the security group and the instance profile.
  role  = "slave"
  group = "database"

  # Who belongs to the cluster. Each machine has this in its tags, and a run that would change it while one exists is refused.
  databases = "master slave1 slave2"
  etcd      = "master slave1 slave2"

  # The image that packer_templates builds, found by the hash of everything in it.
  image_name = "minimal-slave-35c43231fe10"
  image      = "35c43231fe10"

  # Size in GiB, I/O operations per second, throughput in MiB per second.
  disk = {
    size       = 100
    iops       = 3000
    throughput = 125
  }
  instance_type = "m6i.large"
  key_name      = null
  elastic_ip    = false
  zones         = ["eu-west-1b", "eu-west-1c"]

  # Fixed, because haproxy.cfg, pg_hba.conf, etcd and Patroni refer to machines by these addresses.
  slaves = {
    slave1 = { zone = "eu-west-1b", address = "10.20.64.16" }
    slave2 = { zone = "eu-west-1c", address = "10.20.128.16" }
  }
  eip_variables = {
    slave1 = var.slave1_eip
    slave2 = var.slave2_eip
  }
}
