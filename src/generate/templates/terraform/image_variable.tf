variable "ami_image_id" {
  description = "AMI to boot instead of the one that Packer built from this folder."
  type        = string
  default     = null

  validation {
    condition     = alltrue([for id in compact([var.ami_image_id]) : can(regex("^ami-[0-9a-f]+$", id))])
    error_message = "An AMI id looks like ami-0123456789abcdef0."
  }
}
