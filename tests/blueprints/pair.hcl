# Two databases: the machine of the first of two HAProxies is etcd's third member.
cluster "pair" {
  region = "eu-central-1"
  slaves {
    count = 1
  }
  haproxy {
    count = 2
  }
}
