# All permitted connections. security_groups.tf turns them into rules.
locals {
  # The security groups, and the machines in them.
  groups = {
    database = "Database machines: PostgreSQL, Patroni, etcd"
    haproxy  = "Load balancer: HAProxy"
    nlb      = "Network load balancer in front of HAProxy, if there is one"
    endpoint = "Secrets Manager inside the VPC"
  }

  # Between the cluster's own machines.
  flows = {
    "database to database:2379" = { from = "database", to = "database", port = 2379, description = "Patroni keeps its leader key in etcd" }
    "database to database:2380" = { from = "database", to = "database", port = 2380, description = "etcd among its members" }
    "database to database:5432" = { from = "database", to = "database", port = 5432, description = "streaming replication, pg_rewind" }
    "database to database:8008" = { from = "database", to = "database", port = 8008, description = "Patroni asks its peers before it takes over" }
    "database to endpoint:443"  = { from = "database", to = "endpoint", port = 443, description = "reading passwords at boot" }
    "haproxy to database:2379"  = { from = "haproxy", to = "database", port = 2379, description = "each etcd member is asked how it is" }
    "haproxy to database:5432"  = { from = "haproxy", to = "database", port = 5432, description = "PostgreSQL for clients, through the load balancer" }
    "haproxy to database:8008"  = { from = "haproxy", to = "database", port = 8008, description = "health checks: who is primary, who lags" }
    "haproxy to database:8009"  = { from = "haproxy", to = "database", port = 8009, description = "how full the disk is" }
    "haproxy to endpoint:443"   = { from = "haproxy", to = "endpoint", port = 443, description = "reading passwords at boot" }
  }

  # From clients and admins of the blueprint.
  doors = {
    "10.20.0.0/16 to endpoint:443" = { from = "10.20.0.0/16", to = "endpoint", port = 443, description = "applications read their passwords", kind = "range" }
    "10.20.0.0/16 to haproxy:5000" = { from = "10.20.0.0/16", to = "haproxy", port = 5000, description = "PostgreSQL, always the primary", kind = "range" }
    "10.20.0.0/16 to haproxy:5001" = { from = "10.20.0.0/16", to = "haproxy", port = 5001, description = "PostgreSQL, reads", kind = "range" }
    "10.20.0.0/16 to haproxy:7000" = { from = "10.20.0.0/16", to = "haproxy", port = 7000, description = "stats page, metrics, health", kind = "range" }
  }
}
