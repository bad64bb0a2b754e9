variable "access_key" {
  description = "AWS access key. If not set: environment, profile or role, as in every AWS program."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true # so it never reaches a plan file or the state
}

variable "secret_key" {
  description = "AWS secret key that belongs to access_key."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "region" {
  description = "AWS region. It can only confirm the cluster's own region, because zones and addresses belong to that."
  type        = string
  default     = null

  validation {
    condition     = coalesce(var.region, local.region) == local.region
    error_message = "Cluster ${local.cluster} is in ${local.region}. To move it, change its blueprint and generate again."
  }
}

variable "ami_image_id" {
  description = "AMI to boot instead of the one that Packer built from this folder."
  type        = string
  default     = null

  validation {
    condition     = alltrue([for id in compact([var.ami_image_id]) : can(regex("^ami-[0-9a-f]+$", id))])
    error_message = "An AMI id looks like ami-0123456789abcdef0."
  }
}

variable "haproxy_eip" {
  description = "Address of an existing Elastic IP to give to haproxy."
  type        = string
  default     = null

  validation {
    condition     = alltrue([for ip in compact([var.haproxy_eip]) : can(cidrnetmask("${ip}/32"))])
    error_message = "An Elastic IP is an IPv4 address, such as 203.0.113.7."
  }
}

variable "haproxy2_eip" {
  description = "Address of an existing Elastic IP to give to haproxy2."
  type        = string
  default     = null

  validation {
    condition     = alltrue([for ip in compact([var.haproxy2_eip]) : can(cidrnetmask("${ip}/32"))])
    error_message = "An Elastic IP is an IPv4 address, such as 203.0.113.7."
  }
}
