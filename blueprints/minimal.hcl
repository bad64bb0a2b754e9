# The smallest blueprint: a master, two slaves and two HAProxies, spread over three zones. Everything else has its default; herd.hcl
# shows every option.
cluster "minimal" {
  region = "eu-west-1"
}
