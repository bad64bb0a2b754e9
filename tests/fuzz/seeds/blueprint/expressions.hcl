variable "slaves" {
  type    = number
  default = 2
}
variable "zones" { default = ["a", "b", "c"] }
variable "team" { default = { team = "dba" } }
cluster "herd" {
  region = "eu-west-1"
  network { zones = [for i, z in var.zones : "eu-west-1${lower(z)}" if i < 3] }
  postgres {
    version  = var.slaves > 9 ? 16 : null
    settings = { max_connections = 100 * (var.slaves + 1) % 1000, work_mem = "${4 * 4}MB" }
  }
  slaves { count = min(var.slaves, 15) }
  accept "PGH003" { reason = join(" ", concat(["one"], [upper("zone")])) }
  tags = merge(var.team, { for k, v in { a = 1, b = true } : k => "${v}" }, { x = [1, -2][0] == 1 && !false ? "y" : "n" })
}
