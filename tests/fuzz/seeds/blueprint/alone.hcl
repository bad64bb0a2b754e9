# A master and nothing else: no slave image, no slave module, nothing to wait for.
cluster "alone" {
  region = "eu-central-1"
  network {
    zones = ["a"]
  }
  slaves {
    count = 0
  }
}
