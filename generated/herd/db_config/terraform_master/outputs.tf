output "instance_id" {
  description = "The master's EC2 instance."
  value       = aws_instance.master.id
}

output "image_id" {
  description = "The AMI that it booted from."
  value       = aws_instance.master.ami
}

output "private_address" {
  description = "Its address inside the VPC, which the cluster's own files use."
  value       = aws_instance.master.private_ip
}

output "public_address" {
  description = "Its Elastic IP, if it has one."
  value       = one(aws_eip_association.master[*].public_ip)
}
