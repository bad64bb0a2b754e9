# Secrets Manager inside the VPC, in every zone. Machines read their passwords without a way to the internet, even while a
# zone is down.
#
# Private DNS is off. It would catch Secrets Manager's name for the whole VPC, and this endpoint serves the cluster's own
# passwords only. Machines know its addresses, which are planned like their own (machine/hosts). Everybody else uses the
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

  # The addresses are reserved first, so that nothing else can take them.
  depends_on = [aws_ec2_subnet_cidr_reservation.block]
}

# Only this cluster's secrets pass the endpoint, whoever asks: an attacker on a machine cannot carry data off to another
# account's Secrets Manager. The caller's own policies decide who may read or change which one.
data "aws_iam_policy_document" "endpoint" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${local.secret_arns}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  statement {
    sid = "ChangePasswordsOfUsers"

    # The founding machine puts them; rotate_password.sh needs all three.
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

  statement {
    sid       = "RecordFounding"
    actions   = ["secretsmanager:PutSecretValue"]
    resources = ["${local.secret_arns}/founded-*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

locals {
  endpoint_id = aws_vpc_endpoint.secretsmanager.id

  # The first name leads to the endpoint in every zone.
  secrets_endpoint = "https://${aws_vpc_endpoint.secretsmanager.dns_entry[0].dns_name}"
}
