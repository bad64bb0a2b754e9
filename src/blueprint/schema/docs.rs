//! What each name of the language means, and its default where that is no single value.

/// What is said of a name.
pub(super) struct Doc {
    /// Such as `haproxy.stats.port`; `machine` stands for `master`, `slaves` and `haproxy`.
    pub path: &'static str,
    /// In words; empty where the readers know it.
    pub default: &'static str,
    pub text: &'static str,
}

/// What is said of a path.
pub(super) fn of(path: &str) -> &'static Doc {
    const NOTHING: Doc = Doc { path: "", default: "", text: "" };
    let shared = path.split_once('.').filter(|(block, _)| ["master", "slaves", "haproxy"].contains(block));
    let shared = shared.map(|(_, rest)| format!("machine.{rest}"));
    (ALL.iter().find(|doc| doc.path == path))
        .or_else(|| ALL.iter().find(|doc| Some(doc.path) == shared.as_deref()))
        .unwrap_or(&NOTHING)
}

const fn doc(path: &'static str, default: &'static str, text: &'static str) -> Doc {
    Doc { path, default, text }
}

/// Everything that is said.
pub(super) const ALL: &[Doc] = &[
    doc("region", "", "AWS region"),
    doc("network", "", "Addresses, zones and who may reach what"),
    doc(
        "network.cidr",
        "`\"10.20.0.0/16\"`; required with `vpc_id`",
        "the VPC's addresses, cut into one subnet a zone; a private range that nothing connected to it uses",
    ),
    doc(
        "network.zones",
        "three that every account has: a, b and c in most regions",
        "machines are dealt out over these; a letter alone is that zone of the region",
    ),
    doc("network.vpc_id", "none: one is made", "a VPC that exists already; nothing of it is changed or tagged"),
    doc(
        "network.secrets_endpoint",
        "`true`; required with `vpc_id`",
        "whether to make an endpoint for Secrets Manager in the VPC, or use the one that it has",
    ),
    doc("network.subnet", "", "A subnet of the existing VPC, labelled with its zone"),
    doc("network.subnet.id", "", "which one"),
    doc("network.subnet.cidr", "", "its range, from which the machines' addresses are planned"),
    doc(
        "network.subnet.offset",
        "",
        "where in it the cluster's 32 addresses start, a multiple of 16: 16 for databases, 16 for HAProxy",
    ),
    doc(
        "network.clients",
        "the network's own",
        "who may reach HAProxy's write and read ports: ranges, security groups (`sg-…`, of a peered VPC too; `<account>/sg-…`), prefix lists (`pl-…`)",
    ),
    doc("network.admins", "nobody", "who may reach SSH (which takes `key_name`, too) and the stats page, likewise"),
    doc("image", "", "What images are built from"),
    doc("image.base", "", "the distribution that every machine runs"),
    doc("image.builder_instance_type", "`t3.medium` (`t4g.medium` for Graviton)", "what Packer builds on"),
    doc(
        "image.builder_subnet_id",
        "the default VPC",
        "the subnet that Packer builds in, for an account without a default VPC: with a way out, and reached from where Packer runs (by a public address where the subnet gives one)",
    ),
    doc(
        "image.max_age_days",
        "",
        "`run` and `images` name images that are older: security fixes reach machines with a new image alone",
    ),
    doc("master", "", "The machine that starts as primary"),
    doc("slaves", "", "Every slave's machine"),
    doc("haproxy", "", "The load balancer and its machine"),
    doc(
        "machine.instance_type",
        "",
        "EC2 instance type of a size that its family has; a `g` behind the generation (`m7g`) is Graviton",
    ),
    doc(
        "machine.memory_gb",
        "the instance type's",
        "its memory, for a type that pgherd does not know: settings and limits follow from it",
    ),
    doc("machine.vcpus", "the instance type's", "its processors, likewise"),
    doc("machine.disk", "", "The machine's root volume, gp3 and encrypted"),
    doc("machine.disk.size", "", "its size"),
    doc("machine.disk.iops", "", "at most 500 per GiB beyond 3000"),
    doc("machine.disk.throughput", "", "at most a quarter of a MiB a second per operation"),
    doc("machine.elastic_ip", "", "a public address that stays; replication never uses it"),
    doc(
        "machine.key_name",
        "none",
        "EC2 key pair for SSH by whom `network.admins` lets in; added or changed later it replaces the machine",
    ),
    doc("slaves.count", "", "how many"),
    doc("haproxy.write_port", "", "always leads to the primary"),
    doc("haproxy.read_port", "", "leads to the standbys; to the primary while there is none"),
    doc("haproxy.primary_serves_reads", "", "the primary is among those that serve reads"),
    doc("haproxy.stats", "", "HAProxy's own pages"),
    doc("haproxy.stats.port", "", "stats page, `/metrics`, `/health`, `/cluster`"),
    doc("haproxy.stats.path", "", "path of the stats page"),
    doc("haproxy.stats.user", "", "who logs in to it; the password is in Secrets Manager"),
    doc("failover", "", "When and how the cluster fails over"),
    doc("failover.synchronous", "", "a commit waits for a standby, while there is one: no acknowledged write is lost"),
    doc("failover.ttl", "", "how long the primary's lock lives unless it is renewed"),
    doc("failover.loop_wait", "", "how often Patroni looks"),
    doc("failover.retry_timeout", "", "how long it retries; loop_wait + 2 × retry_timeout <= ttl"),
    doc("failover.rto", "none", "how long writes may stop at worst; timers that are not written are chosen to meet it"),
    doc("failover.rpo", "none", "how much of the acknowledged writes may be lost, in seconds of them"),
    doc("postgres", "", "PostgreSQL itself"),
    doc(
        "postgres.version",
        "the base's own (17 on `debian-13`)",
        "major version; another one comes from PGDG's apt repository",
    ),
    doc("postgres.settings", "see `db_config/patroni.yml`", "any setting but those that pgherd or Patroni owns"),
    doc(
        "postgres.locale",
        "`\"C.UTF-8\"`: by code points, the same on every machine",
        "how text is sorted; chosen when the cluster is founded",
    ),
    doc(
        "postgres.locale_provider",
        "`builtin` from PostgreSQL 17 on where it has the locale, else `libc`",
        "whose rules they are; `icu` takes language tags, such as `de-DE`",
    ),
    doc("postgres.encoding", "`\"UTF8\"`", "how text is stored; another one goes with `locale = \"C\"`"),
    doc(
        "postgres.users",
        "none",
        "login roles that exist from the start, each for the databases that it owns; the machine that founds the cluster makes their passwords",
    ),
    doc("postgres.user", "", "A login role that is let into databases of others"),
    doc("postgres.user.databases", "", "those that it may connect to, beside its own"),
    doc("postgres.user.access", "", "what it may do with the owner's tables there, later ones included"),
    doc(
        "postgres.databases",
        "none",
        "databases that exist from the start, each with its owner; in a list, owned by `postgres`",
    ),
    doc("postgres.database", "", "A database with a locale of its own"),
    doc("postgres.database.owner", "", "one of the users, or `postgres`"),
    doc("postgres.database.locale", "the cluster's", "how its text is sorted"),
    doc("postgres.database.locale_provider", "the cluster's, or as above", "whose rules they are"),
    doc("postgres.database.encoding", "the cluster's", "how its text is stored"),
    doc(
        "postgres.logical_slots",
        "none",
        "slots for clients of logical replication that survive a failover, each with its database and a publication of its name; sets `wal_level`",
    ),
    doc("accept", "", "Rules that are broken on purpose, by code"),
    doc("accept.reason", "", "why that is right here"),
    doc("tags", "none", "put on everything that is made, beside pgherd's own"),
    doc("state", "", "Where Terraform keeps its state: beside each module, unless `s3` says otherwise"),
    doc("state.s3", "", "An S3 backend with its own lock"),
    doc("state.s3.bucket", "", "a bucket that exists already"),
    doc(
        "state.s3.key_prefix",
        "`pgherd`",
        "the cluster's name, its region and the module's name follow it: `<key_prefix>/<cluster>/<region>/<module>.tfstate`",
    ),
    doc("state.s3.region", "the cluster's", "the bucket's region"),
    doc(
        "kms_key_id",
        "AWS's own for each service",
        "key of KMS for disks, images and passwords: its ARN, its id or `alias/<name>`",
    ),
];
