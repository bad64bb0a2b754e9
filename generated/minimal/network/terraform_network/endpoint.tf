# Secrets Manager inside the VPC, in every zone: a machine reads its passwords without a way out, and with a zone down.
resource "aws_vpc_endpoint" "secretsmanager" {
  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${local.region}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = values(local.subnet_ids)
  security_group_ids  = [aws_security_group.role["endpoint"].id]
  policy              = data.aws_iam_policy_document.endpoint.json

  tags = {
    Name = "${local.cluster}-secretsmanager"
  }
}

# Nothing but these passwords passes the endpoint, whoever asks: a machine that is broken into cannot carry data off to
# another account's Secrets Manager.
data "aws_iam_policy_document" "endpoint" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.password : secret.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}
