# The passwords of the blueprint's users. They are empty until the cluster is initialised. The machine that does that then generates each
# password and puts it here. Users can read it; no machine can.
resource "aws_secretsmanager_secret" "user" {
  for_each = local.user_secrets

  name        = each.key
  description = each.value

  # Delete at once, so that a destroyed cluster can be made again.
  recovery_window_in_days = 0
}
