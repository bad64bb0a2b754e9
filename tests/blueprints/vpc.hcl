# Everything of an account's own: a VPC with its subnets and its endpoint for Secrets Manager, and a KMS key.
cluster "vpc" {
  region     = "eu-west-1"
  kms_key_id = "alias/databases"

  network {
    vpc_id           = "vpc-0a1b2c3d4e5f60718"
    cidr             = "10.1.0.0/16"
    secrets_endpoint = false

    # In the middle of what others use, each where it is free.
    subnet "a" {
      id     = "subnet-0a1b2c3d4e5f6071a"
      cidr   = "10.1.4.0/24"
      offset = 64
    }
    subnet "eu-west-1b" {
      id     = "subnet-0a1b2c3d4e5f6071b"
      cidr   = "10.1.5.0/24"
      offset = 224
    }
    subnet "c" {
      id   = "subnet-0a1b2c3d4e5f6071c"
      cidr = "10.1.8.0/26"
    }
  }

  image {
    base              = "ubuntu-24.04"
    builder_subnet_id = "subnet-0a1b2c3d4e5f60720"
  }

  haproxy {
    nlb = "internal"
  }

  failover {
    synchronous = "strict"
  }
}
