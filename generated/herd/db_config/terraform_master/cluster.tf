# What the blueprint decided. The other files of this folder are the same in every cluster of this kind.
locals {
  cluster = "herd"
  region  = "eu-west-1"

  # The tags of everything that is made.
  tags = {
    "pgherd:cluster" = "herd/eu-west-1"
  }

  # The role, and the kind of machine whose security group and instance profile it has.
  role  = "master"
  group = "database"

  # The image that packer_templates builds, and the hash of everything in it.
  image_name = "herd-master-4418f164d423"
  image      = "4418f164d423"

  # In GiB, I/O operations per second, MiB per second.
  disk = {
    size       = 100
    iops       = 3000
    throughput = 125
  }
  instance_type = "m6i.large"
  key_name      = null
  elastic_ip    = true
  zones         = ["eu-west-1a"]

  # Fixed, because haproxy.cfg, pg_hba.conf, etcd and Patroni refer to machines by these addresses.
  zone    = "eu-west-1a"
  address = "10.20.0.16"
}
