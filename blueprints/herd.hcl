# A PostgreSQL herd: a master, two slaves that replicate from it, and HAProxy in front of all three.
#
# Copy this file to start your own. Every option is here: lines that begin with `#name` show an option's default,
# or, where it says so, an example; take the `#` away to change it. `pgherd gen` refuses what cannot work, with the
# line and what to write instead.
#
# Values may be computed: 4 * 25, var.large ? "r6i.large" : "m6i.large", "${var.team}-dba", [for z in ["a", "b"] : z]. A variable
# stands beside the cluster, as variable "large" { default = false }, and is set with --var large=true.

# The name is the prefix of everything made in AWS, and of host names: up to 55 lower-case letters, digits and hyphens.
# To rename a cluster is to make another one.
cluster "herd" {
  # The only attribute without a default.
  region = "eu-west-1"

  network {
    # The VPC, cut into equal subnets, one a zone. Each machine has a fixed address in it. Choose a private range that
    # none of your other networks uses if they will ever be connected, and choose it once: it cannot change later.
    #cidr = "10.20.0.0/16"

    # Machines are dealt out over these. Three, so that any one may fail and the two others still elect a primary.
    #zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

    # Or move into a VPC that exists: then `cidr` is its range, and its subnets take the place of `zones`. Nothing of it is
    # changed. In each subnet 32 addresses from `offset` on (default 16) are the cluster's. tests/blueprints/vpc.hcl shows
    # vpc_id = "vpc-0a1b2c3d", secrets_endpoint = true, subnet "a" { … } with id and cidr in full.

    # Who may reach HAProxy's write and read ports. Default: the network's own addresses. Example: a peered VPC.
    #clients = ["10.20.0.0/16", "10.30.0.0/16"]

    # Who may reach SSH (which takes key_name, too) and the stats page. Default: nobody. Example: the office. Never 0.0.0.0/0.
    #admins = ["203.0.113.0/24"]
  }

  image {
    # debian-13, debian-12 or ubuntu-24.04. Debian 13's own packages are new enough for all that is
    # needed; the others take Patroni from the PostgreSQL project's apt repository.
    #base = "debian-13"

    # What Packer builds on. Default: t3.medium, or t4g.medium for images of Graviton machines.
    #builder_instance_type = "t3.medium"

    # Where: any subnet with a way out that Packer reaches. Default: the default VPC.
    #builder_subnet_id = "subnet-0a1b2c3d4e5f6071a"

    # Security fixes reach machines with a new image alone: `run` and `images` name those that are older.
    #max_age_days = 30
  }

  postgres {
    # Major version, 13 to 18. Default: the base's own (17 on Debian 13), which needs no other repository.
    #version = 17

    # Any setting of postgresql.conf but the few that pgherd or Patroni owns. Sizes follow from the instance type and
    # disk where nothing is written. Example:
    #settings = { max_connections = 300, shared_preload_libraries = "pg_stat_statements", "pg_stat_statements.max" = 10000 }

    # How text is sorted and stored, chosen once. By code points as PostgreSQL 17 does it by itself, no upgrade of a library can
    # change the order under an index; people sort with COLLATE. Example of another: German by ICU.
    #locale          = "de-DE"
    #locale_provider = "icu"
    #encoding        = "UTF8"

    # Login roles that exist from the start. The machine that founds the cluster makes their passwords; AWS Secrets Manager keeps them.
    users = ["app"]

    # Databases that exist from the start, each with its owner, who alone connects to it.
    databases = { app = "app" }

    # Whom an owner lets in. "read" reads all tables that the owner has or makes later; "write" changes rows, too; "replicate"
    # reads, and follows changes by logical replication. Example:
    #user "report" {
    #  databases = ["app"]
    #  access    = "read"
    #}

    # A database with a locale or an encoding of its own. Example:
    #database "legacy" {
    #  owner    = "app"
    #  encoding = "LATIN1"
    #  locale   = "C"
    #}

    # Slots for logical replication, each with its database: Patroni carries them over a failover. Those that clients make
    # themselves are lost there. Example:
    #logical_slots = { warehouse = "app" }
  }

  # The machine that starts as primary. After a failover another one is: keep master and slaves alike.
  master {
    # 2 vCPU, 8 GiB. Memory pays first: a working set that fits into it reads nothing from disk. m7g, r7g and the like
    # (Graviton) are the cheaper choice where every extension you use runs on Arm; then slaves must be Graviton too.
    #instance_type = "m6i.large"

    # A public address that stays, to reach the machine from outside. Replication never uses it. AWS bills it by the hour.
    elastic_ip = true

    # An EC2 key pair of yours, for SSH as the base's own user. Adding it later replaces the machine. Default: none. Example:
    #key_name = "dba"

    # gp3, encrypted. Size in GiB; iops and throughput (MiB/s) cost nothing at these values.
    disk {
      #size       = 100
      #iops       = 3000
      #throughput = 125
    }
  }

  slaves {
    # 0 to 15. With two, a failover leaves one standby, so commits still have one to wait for.
    #count = 2

    # As for the master.
    #instance_type = "m6i.large"
    elastic_ip = true
    #key_name = "dba"
    disk {
      #size       = 100
      #iops       = 3000
      #throughput = 125
    }
  }

  haproxy {
    # All answers pass through it: 3.1 Gbit/s all day, where three m6i.large send 2.3 (`pgherd check` adds it up). 2 vCPU are
    # enough for thousands of connections.
    #instance_type = "c6in.large"
    elastic_ip = true
    #key_name = "dba"
    disk {
      #size       = 10
      #iops       = 3000
      #throughput = 125
    }

    # Always leads to the primary.
    #write_port = 5000

    # Leads to the standbys in turn; to the primary when there is none.
    #read_port = 5001

    # true puts the primary among those that serve reads: more capacity, at the cost of the writes beside them.
    #primary_serves_reads = false

    # Statistics at `path` behind the login of `user`; also /metrics for Prometheus, and /health, which is green only
    # while there is a primary. The password is in AWS Secrets Manager, as herd/stats.
    stats {
      #port = 7000
      #path = "/admin?stats"
      #user = "admin1"
    }
  }

  failover {
    # A commit waits until a standby has it, so a failover loses no acknowledged write. false is faster by a round trip
    # between zones a commit, and loses what the last primary had not sent yet.
    #synchronous = true

    # Seconds. A primary that is cut off is replaced when its lock has lived `ttl`. Lower is faster; it needs
    # loop_wait + 2 x retry_timeout <= ttl, or a primary that merely retries would lose its lock. 20 is Patroni's minimum.
    # With these, writes stop for less than 30 s when the primary's machine dies: `pgherd check` adds it up.
    #ttl           = 20
    #loop_wait     = 2
    #retry_timeout = 5

    # Or say what a failover may cost: how long writes may stop when one thing fails, and how much of what was acknowledged
    # may be lost. Timers that you do not write are then chosen to meet it; what cannot be met is refused. Example:
    #rto = "30s"
    #rpo = "0"
  }

  # A rule that this cluster breaks on purpose, with the reason; `pgherd check` names those that are broken. Example:
  #accept "PGH006" {
  #  reason = "HAProxy's machine is replaced by whoever is on call, within a quarter of an hour"
  #}

  # A KMS key of your own for disks, images and passwords: its ARN, its id or its alias. Default: AWS's own. Example:
  #kms_key_id = "alias/databases"

  # On everything that is made, beside pgherd's own. Default: none. Example:
  #tags = { team = "dba", cost-center = "42" }

  # Terraform's state stays beside each module. With more than one person at work, keep it in a bucket (that exists):
  state {
    #s3 {
    #  bucket     = "my-terraform-state"
    #  key_prefix = "pgherd"
    #  region     = "eu-west-1"
    #}
  }
}
