# Names that differ between AWS's partitions (commercial, China, GovCloud).
data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

# In China some services have another prefix. AWS says which one this service has.
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
  # The prefix of the ARNs of the cluster's secrets; a slash follows.
  secret_arns = join(":", [
    "arn:${data.aws_partition.current.partition}:secretsmanager:${local.region}",
    data.aws_caller_identity.current.account_id,
    "secret:${local.cluster}",
  ])
}
