# Everything at once: the most slaves, every option away from its default, state in S3, packages from PGDG, Graviton databases.
cluster "largest" {
  region = "us-east-1"

  network {
    cidr    = "172.20.0.0/20"
    zones   = ["a", "b", "c", "d", "e"]
    clients = ["10.0.0.0/8", "192.168.7.0/24"]
    admins  = ["203.0.113.7/32"]
  }

  image {
    base                  = "debian-12"
    builder_instance_type = "c7g.large"
    max_age_days          = 7
  }

  postgres {
    version = 18
    settings = {
      max_connections = 400
      work_mem        = "32MB"
      jit             = false
    }
    locale          = "de-DE"
    locale_provider = "icu"
    users           = ["app"]
    databases       = { app = "app", archive = "postgres" }
    logical_slots   = { warehouse = "app" }
    user "report" {
      databases = ["app", "archive"]
    }
    user "clerk" {
      databases = ["app"]
      access    = "write"
    }
    user "warehouse" {
      databases = ["app"]
      access    = "replicate"
    }
    database "legacy" {
      owner           = "app"
      locale          = "tr_TR.UTF-8"
      locale_provider = "libc"
    }
  }

  master {
    instance_type = "r7g.2xlarge"
    elastic_ip    = true
    key_name      = "dba"
    disk {
      size       = 1000
      iops       = 12000
      throughput = 500
    }
  }

  slaves {
    count         = 15
    instance_type = "r7g.xlarge"
    elastic_ip    = true
    key_name      = "dba"
    disk {
      size = 1000
      iops = 6000
    }
  }

  haproxy {
    count                = 1
    instance_type        = "t4g.small"
    elastic_ip           = true
    key_name             = "dba"
    write_port           = 6432
    read_port            = 6433
    primary_serves_reads = true
    nlb                  = "public"
    stats {
      port = 8404
      path = "/stats"
      user = "dba"
    }
  }

  failover {
    synchronous   = false
    ttl           = 40
    loop_wait     = 10
    retry_timeout = 10
  }

  tags = { team = "dba", "cost-centre" = "4711" }

  state {
    s3 {
      bucket     = "largest-terraform-state"
      key_prefix = "postgres"
      region     = "us-east-2"
    }
  }
}
