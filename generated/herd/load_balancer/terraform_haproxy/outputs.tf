output "instance_id" {
  description = "EC2 instance of the load balancer."
  value       = aws_instance.haproxy.id
}

output "image_id" {
  description = "AMI that it booted from."
  value       = aws_instance.haproxy.ami
}

output "private_address" {
  description = "Its address inside the VPC: what the cluster's own files know it by."
  value       = aws_instance.haproxy.private_ip
}

output "public_address" {
  description = "Its Elastic IP, if it has one."
  value       = one(aws_eip_association.haproxy[*].public_ip)
}

output "write_endpoint" {
  description = "Leads to the primary, whichever machine that is."
  value       = "${aws_instance.haproxy.private_ip}:${local.ports.write}"
}

output "read_endpoint" {
  description = "Leads to the standbys."
  value       = "${aws_instance.haproxy.private_ip}:${local.ports.read}"
}

output "stats_url" {
  description = "Statistics page. Its user's password is in Secrets Manager, under the cluster's name, as stats."
  value       = "http://${aws_instance.haproxy.private_ip}:${local.ports.stats}${local.stats_path}"
}
