variable "delay" { default = "5min" }
cluster "harmful" {
  region = "eu-west-1"
  network {
    admins = ["203.0.113.0/24"]
  }
  master {
    instance_type = "r6i.xlarge"
    key_name      = "dba (2)"
  }
  postgres {
    version = 15
    settings = merge({ autovacuum = false, archive_mode = "always", archive_command = "cp %p /x/%f" }, {
      shared_buffers              = "0x100000"
      max_standby_streaming_delay = var.delay
      hot_standby_feedback        = "yes"
      synchronous_commit          = "off"
      wal_sender_timeout          = 0
      zero_damaged_pages          = true
      session_replication_role    = "replica"
    })
  }
  failover {
    synchronous = false
    rto         = "60s"
    rpo         = "3s"
  }
  accept "PGH041" { reason = "an image of our own" }
}
