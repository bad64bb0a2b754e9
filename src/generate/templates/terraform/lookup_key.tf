# The disk's key. An alias is looked up, since AWS answers with the ARN and Terraform would see another key in it.
data "aws_kms_key" "cluster" {
  key_id = local.kms_key_id
}
