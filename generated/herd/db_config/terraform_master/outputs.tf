output "instance_id" {
  description = "EC2 instance of the master."
  value       = aws_instance.master.id
}

output "image_id" {
  description = "AMI that it booted from."
  value       = aws_instance.master.ami
}

output "private_address" {
  description = "Its address inside the VPC: what the cluster's own files know it by."
  value       = aws_instance.master.private_ip
}

output "public_address" {
  description = "Its Elastic IP, if it has one."
  value       = one(aws_eip_association.master[*].public_ip)
}
