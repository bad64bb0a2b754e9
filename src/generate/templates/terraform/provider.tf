provider "aws" {
  region = local.region

  # If not set, the provider looks where every AWS program does: environment, profile, role.
  access_key = var.access_key
  secret_key = var.secret_key

  default_tags {
    tags = local.tags
  }
}
