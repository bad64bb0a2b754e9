# A cluster is founded once in its life. Before the founders initialise anything, they record the ids of their disks here, in a version
# with a fixed id (db_config/founding.py). Secrets Manager never changes a version, so no other disks can found the cluster again,
# even if all machines are replaced. Terraform writes no version.
#
# Replacing this secret lets the machines found the cluster anew, and empty: see "All data is lost" in RUNBOOK.md.
resource "aws_secretsmanager_secret" "founded" {
  name        = "${local.cluster}/founded"
  description = "The ids of the disks on which the cluster ${local.cluster} was founded"

  # Delete at once, so that a destroyed cluster can be made again.
  recovery_window_in_days = 0
}
