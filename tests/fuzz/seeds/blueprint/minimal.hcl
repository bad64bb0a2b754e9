# The smallest blueprint: a master, two slaves and HAProxy, spread over three zones; all else has a default (herd.hcl shows each).
cluster "minimal" {
  region = "eu-west-1"
}
