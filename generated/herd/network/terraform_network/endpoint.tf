# Secrets Manager inside the VPC, in every zone: a machine reads its passwords without a way out, and with a zone down.
#
# Private DNS is off: it would catch Secrets Manager's name for the whole VPC, and this door is for the cluster's own passwords
# alone. Machines know the addresses, which are planned like their own (machine/hosts); whoever else comes here uses the
# endpoint's own name (secrets_endpoint in outputs.tf).
resource "aws_vpc_endpoint" "secretsmanager" {
  vpc_id              = local.vpc_id
  service_name        = data.aws_vpc_endpoint_service.secretsmanager.service_name
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = false
  subnet_ids          = values(local.subnet_ids)
  security_group_ids  = [aws_security_group.role["endpoint"].id]
  policy              = data.aws_iam_policy_document.endpoint.json

  dynamic "subnet_configuration" {
    for_each = local.endpoints

    content {
      subnet_id = local.subnet_ids[subnet_configuration.key]
      ipv4      = subnet_configuration.value
    }
  }

  tags = {
    Name = "${local.cluster}-secretsmanager"
  }

  # Its addresses are reserved, so that nothing else has them by then.
  depends_on = [aws_ec2_subnet_cidr_reservation.block]
}

# Nothing but this cluster's passwords passes the endpoint, whoever asks: a machine that is broken into cannot carry data off
# to another account's Secrets Manager. Who may read which password, the caller's own policies say.
data "aws_iam_policy_document" "endpoint" {
  statement {
    sid       = "ReadPasswords"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${local.secret_arns}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  statement {
    # The machine that founds the cluster puts them there; rotate_password.sh replaces them.
    sid = "PutPasswordsOfUsers"
    actions = [
      "secretsmanager:ListSecretVersionIds",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = ["${local.secret_arns}/user/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # For rotate_password.sh. AWS limits this to no resource; it reads and writes nothing.
  statement {
    sid       = "MakePasswords"
    actions   = ["secretsmanager:GetRandomPassword"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

locals {
  endpoint_id = aws_vpc_endpoint.secretsmanager.id

  # The first is the one of all zones.
  secrets_endpoint = "https://${aws_vpc_endpoint.secretsmanager.dns_entry[0].dns_name}"
}
