# What the blueprint decided. The other files of this folder are the same for every cluster.
locals {
  cluster = "herd"
  region  = "eu-west-1"

  # On everything that is made.
  tags = {
    "pgherd:cluster" = "herd/eu-west-1"
  }

  # The seat, and whose security group and instance profile it has.
  role  = "haproxy"
  group = "haproxy"

  # The image that packer_templates makes, and the hash of all that is in it.
  image_name = "herd-haproxy-a2f174f76e75"
  image      = "a2f174f76e75"

  # GiB, I/O operations a second, MiB a second.
  disk = {
    size       = 10
    iops       = 3000
    throughput = 125
  }
  instance_type = "c6in.large"
  key_name      = null
  elastic_ip    = true
  zones         = ["eu-west-1c"]

  # Fixed: haproxy.cfg, pg_hba.conf, etcd and Patroni know machines by these addresses.
  zone    = "eu-west-1c"
  address = "10.20.128.32"

  # What haproxy.cfg serves: for the outputs.
  ports = {
    write = 5000
    read  = 5001
    stats = 7000
  }
  stats_path = "/admin?stats"
}
