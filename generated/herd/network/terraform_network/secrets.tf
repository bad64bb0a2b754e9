resource "aws_secretsmanager_secret" "password" {
  for_each = local.secrets

  name        = each.key
  description = each.value.description

  # Delete at once. With a recovery window the name stays taken for a week, and a destroyed cluster could not be made again.
  # A password is worthless without its machines.
  recovery_window_in_days = 0
}

# Ephemeral and write-only: the password is in memory during this run, and in no plan file and no state.
ephemeral "aws_secretsmanager_random_password" "password" {
  for_each = local.secrets

  password_length     = 32
  exclude_punctuation = true # passwords go into connection strings and environment files
}

# Each password is written once. Secrets Manager makes a secret's first version the current one, and everybody reads that.
# A later version gets only the label below. So if Terraform makes a version again, because the state was lost or the version
# was tainted or replaced, nobody reads it: PostgreSQL still knows the old password.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
# To change a password on purpose, see "Rotate a password" in RUNBOOK.md.
resource "aws_secretsmanager_secret_version" "password" {
  for_each = local.secrets

  secret_id                = aws_secretsmanager_secret.password[each.key].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.password[each.key].random_password
  secret_string_wo_version = 1
  version_stages           = ["pgherd-initial"]

  # AWSCURRENT is added to the label above, and moves to another version when the password is rotated.
  lifecycle {
    ignore_changes = [version_stages]
  }
}
