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
