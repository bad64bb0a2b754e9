# What the blueprint decided. The other files of this folder are the same for every cluster.
locals {
  cluster = "minimal"
  region  = "eu-west-1"

  # On everything that is made.
  tags = {
    "pgherd:cluster" = "minimal/eu-west-1"
  }

  # The seat, and whose security group and instance profile it has.
  role  = "master"
  group = "database"

  # The image that packer_templates makes, and the hash of all that is in it.
  image_name = "minimal-master-603dfbc3dcf4"
  image      = "603dfbc3dcf4"

  # GiB, I/O operations a second, MiB a second.
  disk = {
    size       = 100
    iops       = 3000
    throughput = 125
  }
  instance_type = "m6i.large"
  key_name      = null
  elastic_ip    = false
  zones         = ["eu-west-1a"]

  # Fixed: haproxy.cfg, pg_hba.conf, etcd and Patroni know machines by these addresses.
  zone    = "eu-west-1a"
  address = "10.20.0.16"
}
