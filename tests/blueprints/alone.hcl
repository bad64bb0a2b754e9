# One machine of each, in one zone: no slave image, no slave module, nothing to wait for.
cluster "alone" {
  region = "eu-central-1"
  network {
    zones = ["a"]
  }
  slaves {
    count = 0
  }
  haproxy {
    count = 1
  }
}
