# The passwords of the blueprint's users. The machine that founds the cluster makes each and puts it here; from then on the
# secret is its users' to read, and no machine can. Until the founding they are empty.
resource "aws_secretsmanager_secret" "user" {
  for_each = local.user_secrets

  name        = each.key
  description = each.value

  # As the others: a cluster that is destroyed can be made again at once.
  recovery_window_in_days = 0
}
