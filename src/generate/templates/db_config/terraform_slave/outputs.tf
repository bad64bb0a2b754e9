output "instance_ids" {
  description = "Each slave's EC2 instance."
  value       = { for name, slave in aws_instance.slave : name => slave.id }
}

output "image_ids" {
  description = "The AMI that each slave booted from."
  value       = { for name, slave in aws_instance.slave : name => slave.ami }
}

output "private_addresses" {
  description = "Their addresses inside the VPC, which the cluster's own files use."
  value       = { for name, slave in aws_instance.slave : name => slave.private_ip }
}

output "public_addresses" {
  description = "The Elastic IPs of the slaves that have one."
  value       = { for name, association in aws_eip_association.slave : name => association.public_ip }
}
