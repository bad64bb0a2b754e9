# What machines may do in AWS. Each kind of machine has a role, which allows nothing else.
locals {
  machines = toset(["database", "haproxy"])

  # A request must come through the endpoint, and from the very machine that EC2 gave the role's credentials to. A copy of
  # the credentials is useless elsewhere, outside the VPC and on another machine inside.
  origin = {
    "aws:SourceVpce"                   = local.endpoint_id
    "aws:Ec2InstanceSourceVpc"         = local.vpc_id
    "aws:Ec2InstanceSourcePrivateIPv4" = "&{aws:VpcSourceIp}"
  }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

resource "aws_iam_role" "machine" {
  for_each = local.machines

  # Role names are global in an account. With the region in the name, a cluster of the same name in another region has its
  # own role.
  name               = "${local.cluster}-${local.region}-${each.key}"
  description        = "pgherd ${local.cluster} in ${local.region}: ${each.key} machines"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_instance_profile" "machine" {
  for_each = local.machines

  name = aws_iam_role.machine[each.key].name
  role = aws_iam_role.machine[each.key].name
}

# The policies do not grow with the blueprint's lists: IAM allows 10,240 characters per role.

# A machine reads the passwords of its own kind.
data "aws_iam_policy_document" "read_secrets" {
  for_each = toset(["database", "haproxy"])

  statement {
    actions = ["secretsmanager:GetSecretValue"]

    resources = [
      for name, secret in local.secrets : aws_secretsmanager_secret.password[name].arn
      if contains(secret.readers, each.key)
    ]

    dynamic "condition" {
      for_each = local.origin

      content {
        test     = "StringEquals"
        variable = condition.key
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role_policy" "read_secrets" {
  for_each = toset(["database", "haproxy"])

  name   = "read-secrets"
  role   = aws_iam_role.machine[each.key].id
  policy = data.aws_iam_policy_document.read_secrets[each.key].json
}

# The machine that initialises the cluster makes the passwords of users. No machine can read them.
data "aws_iam_policy_document" "put_user_secrets" {
  statement {
    actions   = ["secretsmanager:PutSecretValue"]
    resources = ["${local.secret_arns}/user/*"]

    dynamic "condition" {
      for_each = local.origin

      content {
        test     = "StringEquals"
        variable = condition.key
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role_policy" "put_user_secrets" {
  name   = "put-user-secrets"
  role   = aws_iam_role.machine["database"].id
  policy = data.aws_iam_policy_document.put_user_secrets.json
}

# A machine founds the cluster only if its own disk is recorded as a founding one. It records the disks if nobody has.
data "aws_iam_policy_document" "record_founding" {
  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
    resources = [aws_secretsmanager_secret.founded.arn]

    dynamic "condition" {
      for_each = local.origin

      content {
        test     = "StringEquals"
        variable = condition.key
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role_policy" "record_founding" {
  name   = "record-founding"
  role   = aws_iam_role.machine["database"].id
  policy = data.aws_iam_policy_document.record_founding.json
}
