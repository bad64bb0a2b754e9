# The blueprint's values. The other files of this folder are the same in every cluster of this kind.
locals {
  cluster = "minimal"
  region  = "eu-west-1"

  # The tags of everything that these modules create.
  tags = {
    "pgherd:cluster" = "minimal/eu-west-1"
  }

  # The VPC. It has one subnet in each zone.
  cidr = "10.20.0.0/16"
  subnets = {
    "eu-west-1a" = "10.20.0.0/18"
    "eu-west-1b" = "10.20.64.0/18"
    "eu-west-1c" = "10.20.128.0/18"
  }

  # The cluster's own addresses, by zone and kind of machine.
  blocks = {
    "eu-west-1a databases" = { zone = "eu-west-1a", cidr = "10.20.0.16/28" }
    "eu-west-1a haproxy"   = { zone = "eu-west-1a", cidr = "10.20.0.32/28" }
    "eu-west-1b databases" = { zone = "eu-west-1b", cidr = "10.20.64.16/28" }
    "eu-west-1b haproxy"   = { zone = "eu-west-1b", cidr = "10.20.64.32/28" }
    "eu-west-1c databases" = { zone = "eu-west-1c", cidr = "10.20.128.16/28" }
    "eu-west-1c haproxy"   = { zone = "eu-west-1c", cidr = "10.20.128.32/28" }
  }

  # The addresses of the Secrets Manager endpoint.
  endpoints = {
    "eu-west-1a" = "10.20.0.46"
    "eu-west-1b" = "10.20.64.46"
    "eu-west-1c" = "10.20.128.46"
  }

  # The passwords that machines read, what each is for, and which machines may read it.
  secrets = {
    "minimal/superuser"   = { description = "PostgreSQL superuser postgres", readers = ["database"] }
    "minimal/replication" = { description = "PostgreSQL replication user replicauser", readers = ["database"] }
    "minimal/rewind"      = { description = "PostgreSQL user rewind_user, for pg_rewind", readers = ["database"] }
    "minimal/patroni-api" = { description = "Patroni REST API, user patroni", readers = ["database"] }
    "minimal/stats"       = { description = "HAProxy stats page, user admin1", readers = ["haproxy"] }
  }

  # The passwords of users.
  user_secrets = {}
}
