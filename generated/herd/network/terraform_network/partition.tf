# What AWS's partitions (commercial, China, GovCloud) have each by another name.
data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

# In China some services have a prefix of their own: AWS says which one this has.
data "aws_vpc_endpoint_service" "secretsmanager" {
  service_type = "Interface"

  filter {
    name = "service-name"
    values = [
      for prefix in distinct(["com.amazonaws", data.aws_partition.current.reverse_dns_prefix]) :
      "${prefix}.${local.region}.secretsmanager"
    ]
  }
}

locals {
  # The cluster's secrets, each behind a slash.
  secret_arns = join(":", [
    "arn:${data.aws_partition.current.partition}:secretsmanager:${local.region}",
    data.aws_caller_identity.current.account_id,
    "secret:${local.cluster}",
  ])
}
