# Two databases: HAProxy's machine is etcd's third member.
cluster "pair" {
  region = "eu-central-1"
  slaves {
    count = 1
  }
}
