output "instance_ids" {
  description = "Each load balancer's EC2 instance."
  value       = { for name, haproxy in aws_instance.haproxy : name => haproxy.id }
}

output "image_ids" {
  description = "The AMI that each load balancer booted from."
  value       = { for name, haproxy in aws_instance.haproxy : name => haproxy.ami }
}

output "private_addresses" {
  description = "Their addresses inside the VPC, which the cluster's own files use."
  value       = { for name, haproxy in aws_instance.haproxy : name => haproxy.private_ip }
}

output "public_addresses" {
  description = "The Elastic IPs of the load balancers that have one."
  value       = { for name, association in aws_eip_association.haproxy : name => association.public_ip }
}

output "write_endpoints" {
  description = "The endpoints that lead to the primary."
  value       = { for name, haproxy in aws_instance.haproxy : name => "${haproxy.private_ip}:${local.ports.write}" }
}

output "read_endpoints" {
  description = "The endpoints that lead to the standbys."
  value       = { for name, haproxy in aws_instance.haproxy : name => "${haproxy.private_ip}:${local.ports.read}" }
}

output "stats_urls" {
  description = "The statistics pages. Their password is the secret CLUSTER/stats."
  value       = { for name, haproxy in aws_instance.haproxy : name => "${local.admin_scheme}://${haproxy.private_ip}:${local.ports.stats}${local.stats_path}" }
}
