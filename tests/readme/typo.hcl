# What a mistake looks like: README.md shows it.
cluster "herd" {
  region = "eu-west-1"
  netwrok { }
  network {
    cidr = "10.20.0.1/16"
  }
  master { memory_gb = 16 }
}
