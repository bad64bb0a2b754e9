resource "aws_secretsmanager_secret" "password" {
  for_each = local.secrets

  name        = each.key
  description = each.value.description

  # Deleted means gone: with a recovery window the name stays taken for a week, and a cluster that is destroyed could
  # not be made again. A password is worth nothing without the machines that it opens.
  recovery_window_in_days = 0
}

# Ephemeral and write-only: the password passes through this run's memory and is in no plan file and no state.
ephemeral "aws_secretsmanager_random_password" "password" {
  for_each = local.secrets

  password_length     = 32
  exclude_punctuation = true # it goes into connection strings and environment files
}

# Written once. Secrets Manager itself makes a secret's first version the current one, which is what everybody reads; a later
# version gets the label below and no other. So a version that is made again, after its state was lost or it was tainted or
# replaced, is nobody's password: PostgreSQL would go on wanting the old one.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
# How to change one on purpose: "Rotate a password" in README.md.
resource "aws_secretsmanager_secret_version" "password" {
  for_each = local.secrets

  secret_id                = aws_secretsmanager_secret.password[each.key].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.password[each.key].random_password
  secret_string_wo_version = 1
  version_stages           = ["pgherd-initial"]

  # AWSCURRENT comes to the label above, and goes on to another version when the password is rotated.
  lifecycle {
    ignore_changes = [version_stages]
  }
}
