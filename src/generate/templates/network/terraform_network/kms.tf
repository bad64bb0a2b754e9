# Disks, images and passwords are encrypted with this existing key.
data "aws_kms_key" "cluster" {
  key_id = local.kms_key_id

  lifecycle {
    postcondition {
      condition     = self.enabled && self.key_usage == "ENCRYPT_DECRYPT"
      error_message = "${local.kms_key_id} is disabled, or not an encryption key."
    }
  }
}

# A machine can do one more thing in AWS, through Secrets Manager only: decrypt the passwords of its own kind, and encrypt
# those of users, which it still cannot read. EC2 decrypts disks.
locals {
  # In China, services use one name or the other.
  secrets_manager = [
    for suffix in distinct(["amazonaws.com", data.aws_partition.current.dns_suffix]) :
    "secretsmanager.${local.region}.${suffix}"
  ]
}

data "aws_iam_policy_document" "decrypt_secrets" {
  for_each = local.readers

  statement {
    actions   = ["kms:Decrypt"]
    resources = [data.aws_kms_key.cluster.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = local.secrets_manager
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values = [
        for name, secret in local.secrets : aws_secretsmanager_secret.password[name].arn
        if contains(secret.readers, each.key)
      ]
    }
  }
}

# Secrets Manager needs both to put a value.
data "aws_iam_policy_document" "encrypt_user_secrets" {
  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [data.aws_kms_key.cluster.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = local.secrets_manager
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = ["${local.secret_arns}/user/*"]
    }
  }
}

resource "aws_iam_role_policy" "decrypt_secrets" {
  for_each = local.readers

  name   = "decrypt-secrets"
  role   = aws_iam_role.machine[each.key].id
  policy = data.aws_iam_policy_document.decrypt_secrets[each.key].json
}

resource "aws_iam_role_policy" "encrypt_user_secrets" {
  name   = "encrypt-user-secrets"
  role   = aws_iam_role.machine["database"].id
  policy = data.aws_iam_policy_document.encrypt_user_secrets.json
}
