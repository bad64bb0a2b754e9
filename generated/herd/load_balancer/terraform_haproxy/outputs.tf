output "instance_id" {
  description = "The load balancer's EC2 instance."
  value       = aws_instance.haproxy.id
}

output "image_id" {
  description = "The AMI that it booted from."
  value       = aws_instance.haproxy.ami
}

output "private_address" {
  description = "Its address inside the VPC, which the cluster's own files use."
  value       = aws_instance.haproxy.private_ip
}

output "public_address" {
  description = "Its Elastic IP, if it has one."
  value       = one(aws_eip_association.haproxy[*].public_ip)
}

output "write_endpoint" {
  description = "The endpoint that leads to the primary."
  value       = "${aws_instance.haproxy.private_ip}:${local.ports.write}"
}

output "read_endpoint" {
  description = "The endpoint that leads to the standbys."
  value       = "${aws_instance.haproxy.private_ip}:${local.ports.read}"
}

output "stats_url" {
  description = "The statistics page. Its password is the secret CLUSTER/stats."
  value       = "${local.admin_scheme}://${aws_instance.haproxy.private_ip}:${local.ports.stats}${local.stats_path}"
}
