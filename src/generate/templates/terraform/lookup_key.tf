# The disk's key. An alias is resolved, because AWS returns the key's ARN, and Terraform would take that for a change.
data "aws_kms_key" "cluster" {
  key_id = local.kms_key_id
}
