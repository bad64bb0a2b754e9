# A machine can do one thing in AWS: read the passwords of its own kind.
locals {
  readers = toset(["database", "haproxy"])
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read_secrets" {
  for_each = local.readers

  statement {
    actions = ["secretsmanager:GetSecretValue"]

    resources = [
      for name, secret in local.secrets : aws_secretsmanager_secret.password[name].arn
      if contains(secret.readers, each.key)
    ]
  }
}

resource "aws_iam_role" "machine" {
  for_each = local.readers

  # An account has one role of a name, whatever the region: with the region in it, a cluster of the same name elsewhere has
  # its own.
  name               = "${local.cluster}-${local.region}-${each.key}"
  description        = "pgherd ${local.cluster} in ${local.region}: ${each.key} machines"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "read_secrets" {
  for_each = local.readers

  name   = "read-secrets"
  role   = aws_iam_role.machine[each.key].id
  policy = data.aws_iam_policy_document.read_secrets[each.key].json
}

resource "aws_iam_instance_profile" "machine" {
  for_each = local.readers

  name = aws_iam_role.machine[each.key].name
  role = aws_iam_role.machine[each.key].name
}
