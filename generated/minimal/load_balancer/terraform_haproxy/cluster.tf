# What the blueprint decided. The other files of this folder are the same in every cluster of this kind.
locals {
  cluster = "minimal"
  region  = "eu-west-1"

  # The tags of everything that is made.
  tags = {
    "pgherd:cluster" = "minimal/eu-west-1"
  }

  # The role, and the kind of machine whose security group and instance profile it has.
  role  = "haproxy"
  group = "haproxy"

  # The image that packer_templates builds, and the hash of everything in it.
  image_name = "minimal-haproxy-e0f520dc3ab2"
  image      = "e0f520dc3ab2"

  # In GiB, I/O operations per second, MiB per second.
  disk = {
    size       = 10
    iops       = 3000
    throughput = 125
  }
  instance_type = "c6in.large"
  key_name      = null
  elastic_ip    = false
  zones         = ["eu-west-1c"]

  # Fixed, because haproxy.cfg, pg_hba.conf, etcd and Patroni refer to machines by these addresses.
  zone    = "eu-west-1c"
  address = "10.20.128.32"

  # What haproxy.cfg serves, for the outputs.
  ports = {
    write = 5000
    read  = 5001
    stats = 7000
  }
  admin_scheme = "http"
  stats_path   = "/admin?stats"
}
