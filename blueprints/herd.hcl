# A PostgreSQL herd: a master, two slaves that replicate from it, and two HAProxies in front of all three.
#
# To start your own, copy this file. It shows every option. A line that begins with `#name` shows an option's default, or an
# example where it says so; remove the `#` to set the option. `pgherd gen` refuses a blueprint that cannot work, and shows the
# line and what to write instead. `pgherd schema --format markdown` prints the reference.
#
# Values may be expressions: 4 * 25, var.large ? "r6i.large" : "m6i.large", "${var.team}-dba", [for z in ["a", "b"] : z].
# A variable is a block beside the cluster, such as variable "large" { default = false }; `--var large=true` sets it.

# The name is the prefix of every AWS name and host name: up to 45 lower-case letters, digits and hyphens here, and fewer where
# the region's name is longer. A cluster cannot be renamed; a new name makes a new cluster.
cluster "herd" {
  # The only attribute without a default.
  region = "eu-west-1"

  network {
    # The VPC, cut into equal subnets, one for each zone. Every machine has a fixed address in it. Choose a private range that
    # no network connected to it will ever use: it cannot change later.
    #cidr = "10.20.0.0/16"

    # Machines are distributed over these zones. With three, any one may fail and the other two still elect a primary.
    #zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

    # To move into a VPC that exists already, name it and one subnet for each zone, in place of `zones`. pgherd neither changes
    # nor tags it. In each subnet 32 addresses belong to the cluster, from `offset` on (default 16). Example:
    #
    #     cidr             = "10.1.0.0/16"
    #     vpc_id           = "vpc-0a1b2c3d4e5f60718"
    #     secrets_endpoint = true
    #     subnet "a" {
    #       id   = "subnet-0a1b2c3d4e5f60718"
    #       cidr = "10.1.4.0/24"
    #     }

    # Who may reach HAProxy's write and read ports. Default: the network's own addresses. Example, with a peered VPC:
    #clients = ["10.20.0.0/16", "10.30.0.0/16"]

    # Who may reach SSH (which also needs `key_name`) and the stats page. Default: none, so both are closed. Example, the office:
    #admins = ["203.0.113.0/24"]
  }

  image {
    # debian-13, debian-12 or ubuntu-24.04. Debian 13 has all packages of its own; the others take Patroni from the PostgreSQL
    # project's apt repository.
    #base = "debian-13"

    # The instance type that Packer builds on. Default: t3.medium, or t4g.medium for Graviton.
    #builder_instance_type = "t3.medium"

    # The subnet that Packer builds in. It needs a route to the internet, and Packer must reach it over SSH. Default: a subnet
    # of the default VPC. Example:
    #builder_subnet_id = "subnet-0a1b2c3d4e5f6071a"

    # `run` and `images` report images that are older. Security fixes reach the machines only with a new image.
    #max_age_days = 30
  }

  postgres {
    # Major version, 13 to 18. Default: the base's own (17 on Debian 13), which needs no other repository.
    #version = 17

    # Any setting of postgresql.conf, except those that pgherd or Patroni owns. Sizes that are not set follow from the instance
    # types and disks. Example:
    #settings = { max_connections = 300, shared_preload_libraries = "pg_stat_statements", "pg_stat_statements.max" = 10000 }

    # How text is sorted and stored; it cannot change later. By default PostgreSQL 17 sorts by code points with rules of its
    # own, so no upgrade of a library can change the order under an index. Sort for people with COLLATE. Example, German by ICU:
    #locale          = "de-DE"
    #locale_provider = "icu"
    #encoding        = "UTF8"

    # Login roles that exist from the start. The machine that founds the cluster makes their passwords and puts them into AWS
    # Secrets Manager.
    users = ["app"]

    # Databases that exist from the start, each with its owner, who alone connects unless a `user` block says otherwise.
    databases = { app = "app" }

    # A login role that may connect to databases of other owners. "read" reads all tables of the owner, including later ones;
    # "write" also changes rows; "replicate" reads, and follows changes by logical replication. Example:
    #user "report" {
    #  databases = ["app"]
    #  access    = "read"
    #}

    # A database with its own locale or encoding. Example:
    #database "legacy" {
    #  owner    = "app"
    #  encoding = "LATIN1"
    #  locale   = "C"
    #}

    # Slots for logical replication, each with its database. They survive a failover; slots that clients make themselves do
    # not. Example:
    #logical_slots = { warehouse = "app" }
  }

  # The machine that starts as primary. After a failover another machine is primary: keep master and slaves alike.
  master {
    # 2 vCPU, 8 GiB. Buy memory first: a working set that fits into it needs no reads from disk. Graviton types (m7g, r7g) cost
    # less, if every extension that you use runs on Arm; master and slaves must then both be Graviton.
    #instance_type = "m6i.large"

    # A public address that stays, to reach the machine from outside. Replication never uses it. AWS bills it by the hour.
    elastic_ip = true

    # An EC2 key pair for SSH as the base's default user. Setting it later replaces the machine. Default: none. Example:
    #key_name = "dba"

    # gp3, encrypted. Size in GiB, throughput in MiB per second. These iops and this throughput are free.
    disk {
      #size       = 100
      #iops       = 3000
      #throughput = 125
    }
  }

  slaves {
    # 0 to 15. With two, a failover leaves one standby for commits to wait for. It cannot be changed once machines exist.
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
    # Two, each in a zone of its own: clients that know both lose neither writes nor reads with one of them, by a connection string
    # with both addresses or with `nlb`. The cluster's README has the strings. 1 saves a machine, and clients wait while it is lost.
    #count = 2

    # All traffic passes through it: it sends 3.1 Gbit/s all day, three m6i.large send 2.3 (`pgherd check` adds it up). Two
    # vCPUs are enough for thousands of connections.
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

    # Leads to the standby with the fewest connections, and to the primary while there is no standby.
    #read_port = 5001

    # true puts the primary among the servers of the read port: more capacity for reads, at the cost of writes.
    #primary_serves_reads = false

    # Seconds after which a standby that is cut off from its primary serves no more reads, and its readers are disconnected. With
    # 30, the readers of all standbys stay connected through most failovers, and may read rows that are that old.
    #read_staleness = 5

    # A network load balancer gives clients one DNS name for every HAProxy: "internal" in the VPC and in networks connected to
    # it, "public" on the internet. A HAProxy that is lost gets no new connections after 14 s. AWS bills it by the hour and by
    # traffic, and it takes a minute to create.
    #nlb = "off"

    # The stats page at `path`, behind the login of `user`; also /metrics for Prometheus, and /health, which is green only while
    # there is a primary. The password is in AWS Secrets Manager, as herd/stats.
    stats {
      #port = 7000
      #path = "/admin?stats"
      #user = "admin1"
    }
  }

  failover {
    # A commit waits until a standby has it, so a failover loses no acknowledged write. false saves each commit a round trip
    # between zones, and loses what the old primary had not sent yet. While all standbys are lost, true acknowledges writes that
    # only the primary has; "strict" lets them wait until a standby is back.
    #synchronous = true

    # Seconds. A primary that is cut off is replaced when its lock has lived for `ttl`. Lower is faster, but loop_wait + 2 x
    # retry_timeout must not exceed it, or a primary that only retries would lose its lock. Patroni's minimum is 20. With these
    # values, writes stop for less than 30 s when the primary's machine dies: `pgherd check` adds it up.
    #ttl           = 20
    #loop_wait     = 1
    #retry_timeout = 9

    # Or state what a failover may cost: the longest interruption of writes when one thing fails, and the acknowledged writes
    # that may be lost. Timers that you do not set are chosen to meet it; a budget that cannot be met is refused. Example:
    #rto = "30s"
    #rpo = "0"
  }

  # A rule that this cluster violates on purpose, with the reason. `pgherd check` names the rules that are violated. Example, where
  # `rto` is set and there is one HAProxy:
  #accept "PGH006" {
  #  reason = "HAProxy's machine is replaced by whoever is on call, within a quarter of an hour"
  #}

  # A KMS key of your own for disks, images and passwords: its ARN, its id or its alias. Default: AWS's own keys. Example:
  #kms_key_id = "alias/databases"

  # Tags on everything that pgherd creates, in addition to its own. Default: none. Example:
  #tags = { team = "dba", cost-center = "42" }

  # Terraform's state is kept beside each module. As soon as more than one person runs Terraform, keep it in a bucket. The bucket
  # must exist. Example:
  state {
    #s3 {
    #  bucket     = "my-terraform-state"
    #  key_prefix = "pgherd"
    #  region     = "eu-west-1"
    #}
  }
}
