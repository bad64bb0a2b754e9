terraform {
  # The first version with write-only arguments, which keep passwords out of the state, and with S3's own lock file.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}
