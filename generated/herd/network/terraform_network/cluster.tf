# What the blueprint decided. The other files of this folder are the same for every cluster.
locals {
  cluster = "herd"
  region  = "eu-west-1"

  # On everything that is made.
  tags = {
    "pgherd:cluster" = "herd/eu-west-1"
  }

  # The VPC, cut into a subnet a zone.
  cidr = "10.20.0.0/16"
  subnets = {
    "eu-west-1a" = "10.20.0.0/18"
    "eu-west-1b" = "10.20.64.0/18"
    "eu-west-1c" = "10.20.128.0/18"
  }

  # Every password, what it opens, and which machines may read it.
  secrets = {
    "herd/superuser"   = { description = "PostgreSQL superuser postgres", readers = ["database"] }
    "herd/replication" = { description = "PostgreSQL replication user replicauser", readers = ["database"] }
    "herd/rewind"      = { description = "PostgreSQL user rewind_user, for pg_rewind", readers = ["database"] }
    "herd/patroni-api" = { description = "Patroni REST API, user patroni", readers = ["database"] }
    "herd/stats"       = { description = "HAProxy stats page, user admin1", readers = ["haproxy"] }
    "herd/user/app"    = { description = "PostgreSQL user app", readers = ["database"] }
  }
}
