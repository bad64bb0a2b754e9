output "vpc_id" {
  description = "The cluster's VPC."
  value       = local.vpc_id
}

output "subnet_ids" {
  description = "The subnet of each zone."
  value       = local.subnet_ids
}

output "security_group_ids" {
  description = "The security groups of the machines, by kind, and of the Secrets Manager endpoint."
  value       = { for role, group in aws_security_group.role : role => group.id }
}

output "secret_arns" {
  description = "The secret of each password. To read one: aws secretsmanager get-secret-value --secret-id NAME."
  value = {
    for name, secret in merge(aws_secretsmanager_secret.password, aws_secretsmanager_secret.user) : name => secret.arn
  }
}

output "secrets_endpoint" {
  description = "The value of aws --endpoint-url for a client in the VPC that has no other way to Secrets Manager."
  value       = local.secrets_endpoint
}
