# What the blueprint decided. The other files of this folder are the same for every cluster.
locals {
  cluster = "minimal"
  region  = "eu-west-1"

  # On everything that is made.
  tags = {
    "pgherd:cluster" = "minimal/eu-west-1"
  }

  # The seat, and whose security group and instance profile it has.
  role  = "slave"
  group = "database"

  # The image that packer_templates makes, and the hash of all that is in it.
  image_name = "minimal-slave-49f9cdc9985a"
  image      = "49f9cdc9985a"

  # GiB, I/O operations a second, MiB a second.
  disk = {
    size       = 100
    iops       = 3000
    throughput = 125
  }
  instance_type = "m6i.large"
  key_name      = null
  elastic_ip    = false
  zones         = ["eu-west-1b", "eu-west-1c"]

  # Fixed: haproxy.cfg, pg_hba.conf, etcd and Patroni know machines by these addresses.
  slaves = {
    slave1 = { zone = "eu-west-1b", address = "10.20.64.16" }
    slave2 = { zone = "eu-west-1c", address = "10.20.128.16" }
  }
  eip_variables = {
    slave1 = var.slave1_eip
    slave2 = var.slave2_eip
  }
}
