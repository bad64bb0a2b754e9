cluster "herd" {
  region = "eu-west-1"

  postgres {
    users     = ["app"]
    databases = { app = "app" }
  }

  master {
    elastic_ip = true
  }

  slaves {
    count      = 2
    elastic_ip = true
  }

  haproxy {
    elastic_ip = true
  }
}
