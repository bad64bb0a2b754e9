# Disks, images and passwords are encrypted with this key, which exists already.
data "aws_kms_key" "cluster" {
  key_id = local.kms_key_id

  lifecycle {
    postcondition {
      condition     = self.enabled && self.key_usage == "ENCRYPT_DECRYPT"
      error_message = "${local.kms_key_id} is disabled, or is not for encryption."
    }
  }
}

# A machine can do one more thing in AWS: decrypt the passwords of its own kind, through Secrets Manager alone. Disks are
# decrypted by EC2.
data "aws_iam_policy_document" "decrypt_secrets" {
  for_each = local.readers

  statement {
    actions   = ["kms:Decrypt"]
    resources = [data.aws_kms_key.cluster.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
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

resource "aws_iam_role_policy" "decrypt_secrets" {
  for_each = local.readers

  name   = "decrypt-secrets"
  role   = aws_iam_role.machine[each.key].id
  policy = data.aws_iam_policy_document.decrypt_secrets[each.key].json
}
