output "instance_ids" {
  description = "EC2 instance of each slave."
  value       = { for name, slave in aws_instance.slave : name => slave.id }
}

output "image_ids" {
  description = "AMI that each booted from."
  value       = { for name, slave in aws_instance.slave : name => slave.ami }
}

output "private_addresses" {
  description = "Their addresses inside the VPC: what the cluster's own files know them by."
  value       = { for name, slave in aws_instance.slave : name => slave.private_ip }
}

output "public_addresses" {
  description = "The Elastic IPs of those that have one."
  value       = { for name, association in aws_eip_association.slave : name => association.public_ip }
}
