# What is made and chosen when a cluster is founded: two applications, a guest, a follower with its slot, a database in German, one name
# for clients.
cluster "founding" {
  region = "eu-west-1"

  postgres {
    users         = ["a", "b"]
    databases     = { a = "a", b = "b" }
    logical_slots = { warehouse = "a" }
    settings      = { shared_preload_libraries = "auto_explain" }

    user "report" {
      databases = ["a"]
    }
    user "warehouse" {
      databases = ["a"]
      access    = "replicate"
    }
    database "german" {
      owner  = "b"
      locale = "de_DE.UTF-8"
    }
  }

  slaves {
    count = 1
  }

  haproxy {
    nlb = "internal"
  }
}
