provider "aws" {
  region = local.region

  # Left unset, the provider looks where every AWS program does: environment, profile, role.
  access_key = var.access_key
  secret_key = var.secret_key

  default_tags {
    tags = local.tags
  }
}
