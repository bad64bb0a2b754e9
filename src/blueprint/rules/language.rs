//! Codes of what is wrong with a blueprint as a text, before there is a cluster to judge: all are errors, none can be
//! accepted, and each diagnostic says itself what to write instead. The stories tell what is behind it.

use super::{Rule, error};

macro_rules! language {
    ($($name:ident = $code:literal, $title:literal, $story:literal;)*) => {
        $(#[doc = $title] pub const $name: Rule = error($code, $title);)*
        /// Every one of them with its story, in the order of the codes.
        pub const ALL: &[(&Rule, &str)] = &[$((&$name, $story)),*];
    };
}

language! {
    SYNTAX = "PGH101", "this is not HCL",
        "A blueprint is HCL, as Terraform's files are: `name = value` on a line of its own, `name { … }` for a block, text in
double quotes, # before a comment. After a syntax error nothing can be said about the rest of the file, so it is the last
problem in the list.

Source: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md";
    UNCLOSED = "PGH102", "something is opened and not closed",
        "A quote, bracket or brace has no partner. The parser notices it only where the file stops making sense. The diagnostic shows
where it was opened, judged by the indentation of what follows.";
    SET_TWICE = "PGH103", "a name is set twice",
        "HCL does not say which of the two values counts, so pgherd cannot know which one you mean.";
    TOO_LARGE = "PGH104", "this is too large for a blueprint",
        "No blueprint comes near the limits: 64 KiB of text, 64 levels of nesting, 200 settings, 35 tags. What does is another
file, or one that a program wrote in a loop.";
    ONE_CLUSTER = "PGH105", "a file holds one cluster, and variables",
        "A file holds one `cluster \"<name>\" { … }` and, beside it, `variable \"<name>\" { … }` blocks. resource, data, locals
and the like are Terraform's: a blueprint says what is wanted, and pgherd writes the Terraform for it.";
    LABEL = "PGH106", "a block's label is missing, or one too many",
        "The text between a block's name and its brace tells blocks of one kind apart: cluster \"herd\", variable \"slaves\",
accept \"PGH003\" have one; every other block stands once and has none.";
    UNKNOWN_NAME = "PGH107", "the name is unknown here",
        "pgherd refuses every name that it does not know. If it ignored a misspelt name, everybody would believe in a setting that is
not set. `pgherd schema` lists every name, with its type and default.";
    KIND = "PGH108", "a block is written as an attribute, or the reverse",
        "HCL tells `state { … }` (a block) from `tags = { … }` (an attribute whose value is a map).";
    MISSING = "PGH109", "a required attribute is missing",
        "Nearly every attribute has a default. Those without one are what only you can know: the region, the bucket for Terraform's
state, the reason why a rule is violated.";
    BLOCK_TWICE = "PGH110", "a block is set twice",
        "Two blocks of one name would be merged by some readers of HCL and not by others. Write one.";
    TYPE = "PGH111", "a value is of another type",
        "Types are never converted: \"2\" is text, 2 is a number, true is neither. An attribute that an
expression sets to null counts as not set.";
    BARE_WORD = "PGH112", "a word without quotes is not a value",
        "Text goes in double quotes. A word without them is a name: `var.name`, or one that a `for` binds.";
    BOUNDS = "PGH113", "a number is out of bounds",
        "The bounds are those of PostgreSQL, Patroni, EC2 and gp3; `pgherd schema` lists them.";
    TIME = "PGH114", "this is not a duration",
        "A time is a whole number with its unit, seconds or minutes: \"30s\", \"2m\". A bare number would be milliseconds to one
reader and minutes to another.";

    FUNCTION = "PGH120", "the function does not exist, or its arguments do not fit",
        "Functions are few and pure: concat, join, length, lower, max, merge, min, upper. What a blueprint generates follows
from its text and its variables alone.";
    ENVIRONMENT = "PGH121", "a blueprint does not read the environment",
        "A value from the environment makes one blueprint another cluster on each machine, and what was reviewed is not what is
run. A secret never belongs in a blueprint: Terraform and the machine that founds the cluster make the passwords, Secrets
Manager keeps them, and no file, state or log has them. What varies otherwise (an address, a size, a region) is a variable,
passed with --var.";
    NOT_PURE = "PGH122", "this depends on more than the blueprint",
        "Generated files are committed and compared with what the blueprint generates. That works only if they depend on nothing but
the blueprint and its variables: no files, no clock, no chance, nothing that exists in AWS.";
    REFERENCE = "PGH123", "this name is not defined",
        "An expression knows `var.<name>` for each variable of the file, and the names that a `for` around it binds. A
variable's default knows neither.";
    OPERAND = "PGH124", "an expression gets a value of another type",
        "Arithmetic and order are for numbers, && || ! for true and false, == for two values of one type. Text is put together
in a template: \"${var.a}-${var.b}\".";
    ARITHMETIC = "PGH125", "a computation has no result",
        "Nothing is divided by 0, and whole numbers stay exact: a result beyond 9223372036854775807 is refused, never rounded
or wrapped.";
    NO_PART = "PGH126", "the value has no such part",
        "A list has items from 0 on, a map has its keys.";
    UNSUPPORTED = "PGH127", "blueprints do not support this part of HCL",
        "Splats, template directives (%{ if }), grouping and expanding with `...`, and heredocs say nothing that `for`, `? :`
and join do not say. One way to write a thing makes blueprints easier to read and to refuse.";
    TOO_MUCH = "PGH128", "an expression makes too much",
        "The expressions of one file may make 250,000 parts and characters in all, and nest 160 deep. A real blueprint needs a
few hundred; three `for`s over a long list would need hours.";
    VARIABLE = "PGH129", "a variable's declaration is invalid",
        "variable \"slaves\" {
  type        = number            # string, number, bool, list or map; default: the default's own, else string
  default     = 2                 # without one it must be set with --var
  description = \"How many standbys\"
}

A default follows from nothing else: not from another variable either.";
    VARIABLE_VALUE = "PGH130", "a variable has no value, or one of another type",
        "`--var name=value` takes text as it stands, and everything else as a blueprint writes it: --var slaves=3,
--var 'zones=[\"a\", \"b\"]'. Variables are given again to each command that reads the blueprint; `run` refuses files that
other values generate.";

    CLUSTER_NAME = "PGH140", "the cluster's name does not fit",
        "The name starts every name in AWS and every host name: lower-case letters, digits and hyphens, a letter first, at most
55 characters, since the host name `<cluster>-slave15` may have 63 (RFC 1035), and fewer where the region's name is long: the
IAM role `<cluster>-<region>-database` may have 64 (54 less the region's length, so 45 in eu-west-1). AWS keeps security groups that start with
`sg-` to itself.";
    REGION = "PGH141", "this is not an AWS region",
        "Such as eu-west-1 or us-gov-east-1; a letter after the number makes it an availability zone.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html";
    ZONES = "PGH142", "the zones do not fit the region",
        "Machines are distributed over 1 to 6 zones of the region, written in full (eu-west-1a) or by their letter (a). The default
is three zones that every account has: a, b and c in most regions, a, c and d in ap-northeast-1, a, b and d in ca-central-1 and
cn-north-1. In us-west-1 each account has two of a, b and c, so they must be named. No region has a zone after f so far.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html";
    INSTANCE_TYPE = "PGH143", "this is not an EC2 instance type",
        "Family and size, such as m6i.large; RDS's types are the same with `db.` before them. Each family has sizes of its own:
m5 has no medium, m6i no 3xlarge. pgherd knows those that AWS had when its table was made (`src/blueprint/instance_types.tsv`
names the month). A type that came later is accepted with memory_gb and vcpus beside it.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html";
    PROCESSOR = "PGH144", "processors that must be alike are not",
        "A standby is a byte-for-byte copy of its primary, and PostgreSQL's files differ between x86 and Arm (Graviton). An
image runs on the kind of processor that it was built on.

Source: https://www.postgresql.org/docs/current/warm-standby.html#STANDBY-PLANNING";
    RANGE = "PGH145", "this is not an IPv4 range",
        "A range is an address and a prefix length, with no bit set after the prefix: 10.20.0.0/16, or 203.0.113.7/32 for one
address. The cluster's network is IPv4 only.";
    VPC = "PGH146", "the network cannot hold the cluster",
        "AWS makes VPCs of /16 to /28. The network is cut into equal parts, the smallest power of two that gives each zone its
own, and the machines of a zone need a /26: AWS keeps 5 addresses, databases have the 16 from offset 16 on, HAProxy the
16 from offset 32 on. It must be private (RFC 1918 or RFC 6598), or its owners could not be reached from inside.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html";
    TOO_OPEN = "PGH147", "a port is opened to too many, or to nobody",
        "No port of a database cluster is opened to the internet: name the ranges that need it, each a /8 or less. `clients = []`
would let nobody in; without the line the network's own addresses come in.";
    REPEATED = "PGH148", "a list names something twice",
        "The second one changes nothing, and is most likely meant to be another.";
    DISK = "PGH149", "gp3 has no such disk",
        "Beyond 3000 operations a second gp3 gives at most 500 per GiB, and at most a quarter of a MiB a second per operation. A
volume has at most 64 TiB, 80,000 operations and 2,000 MiB a second (until September 2025: 16 TiB, 16,000 and 1,000).

Source: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html";
    PORT = "PGH150", "the port is taken",
        "HAProxy's three ports differ from each other and from those of the machines themselves: 5432 PostgreSQL, 8008 Patroni,
2379 and 2380 etcd, which may have a member on HAProxy's machine.";
    STATS = "PGH151", "the stats page cannot be there",
        "HAProxy's `stats uri` takes every path that starts with it; it may not hide /metrics, /health or /cluster, which are
served on the same port. Path and user go into haproxy.cfg as they are.

Source: https://docs.haproxy.org/3.0/configuration.html#stats%20uri";
    BASE = "PGH152", "no image can start from this",
        "pgherd knows how to provision debian-13, debian-12 and ubuntu-24.04.";
    PLAIN_NAME = "PGH153", "a name has characters that it may not have",
        "Names of key pairs, users of the stats page and prefixes in a bucket go into configuration and command lines as they
are: letters, digits and the few characters that are listed.";
    BUCKET = "PGH154", "Terraform's state cannot go there",
        "The bucket exists already and is given by its bare name, 3 to 63 lower-case letters, digits, hyphens and dots. It is in
the cluster's partition: the commercial regions, China and GovCloud share no accounts. The folders of the prefix have names: none is
empty, `.` or `..`.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html";
    TAG = "PGH155", "AWS takes no such tag",
        "Every service must take it, and IAM is the strictest: letters, digits, spaces and _ . : / = + - @, keys that differ in
more than case. Name, aws:… and pgherd:… have owners.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html";
    DATABASE_NAME = "PGH156", "PostgreSQL has another use for the name, or needs it quoted",
        "Roles and databases are named with lower-case letters, digits and underscores, at most 63, so that no statement needs
quotes. pg_… is PostgreSQL's own; all, replication, sameuser and the like mean something else in pg_hba.conf;
replicauser, rewind_user and pgherd_clients are pgherd's.

Source: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html";
    OWNER = "PGH157", "the database's owner does not exist",
        "A database belongs to one of postgres.users, or to postgres.";
    SETTING_NAME = "PGH158", "PostgreSQL has no such setting",
        "A server whose configuration names a setting that does not exist does not start. What PostgreSQL 13 to 18 have is known
from the servers themselves; what older ones had, with what took its place, from the release notes. Extensions' settings have
a dot: \"pg_stat_statements.max\".

Source: https://www.postgresql.org/docs/release/";
    SETTING_OWNED = "PGH159", "the setting has an owner",
        "Some settings are Patroni's or follow from the rest of the blueprint; set here they would be ignored, or break what
other machines were told. The diagnostic names the owner.

Source: https://patroni.readthedocs.io/en/latest/patroni_configuration.html";
    SETTING_VALUE = "PGH160", "the setting's value breaks what the blueprint promises",
        "The server would not start, would lose data at a power cut, or would acknowledge commits that no standby has. Booleans,
words, numbers, units and bounds are read as the blueprint's major of PostgreSQL reads them: 010MB is octal, 8MB. A library,
a locale or a time zone must be in the image, which has PostgreSQL's own package and no other: no pgaudit, no TimescaleDB.
What cannot be known here stops the image's build instead, where a primary and a standby run with all settings.

Source: https://www.postgresql.org/docs/current/view-pg-settings.html";
    TIMERS = "PGH161", "Patroni's timers do not fit each other",
        "A primary that retries etcd and PostgreSQL for retry_timeout each, once a loop_wait, must still renew its lock before
the ttl ends: loop_wait + 2 x retry_timeout <= ttl. Otherwise Patroni changes the values itself.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
    ACCEPT = "PGH162", "this cannot be accepted",
        "accept \"PGH…\" { reason = \"…\" } silences a rule that `pgherd check` judges, if it may be violated on purpose, once, and with a reason that the next reader understands. What makes a blueprint unreadable cannot be accepted.";
    AWS_ID = "PGH163", "this is not an AWS id",
        "What exists already is named by its id: the kind, a hyphen, and 17 hex digits (8 where it is old), such as
vpc-0123456789abcdef0. A name would not do: AWS lets two things have the same one.";
    EXISTING_VPC = "PGH164", "what is said of an existing VPC does not fit together",
        "`vpc_id` moves the cluster into a VPC that is there, and nothing of that VPC is changed or tagged. Every address is
planned before a machine exists, so the blueprint names the subnets, one a zone, with their ids and ranges, and `cidr` is
the VPC's range that they lie in: it says who is inside. `secrets_endpoint` has no default there. true makes an endpoint
for this cluster's machines and clients, which leaves Secrets Manager's name in the VPC as it is; false uses the one that the
VPC has, which must have private DNS and let the machines in. Without `vpc_id` pgherd makes the VPC, its subnets and the endpoint.

Source: https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html";
    SUBNET = "PGH165", "the subnet cannot hold the cluster's addresses",
        "In each subnet 32 addresses are the cluster's: 16 for databases from `offset` on, 16 for HAProxy after them. pg_hba.conf
and the security of replication name these blocks, so nothing else may live there: choose an `offset` where the subnet is
free, a multiple of 16 from 16 on (AWS keeps the first four). Terraform reserves both blocks before it makes anything else in
the subnet, so that AWS gives none of their addresses away.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-cidr-reservation.html";
    KMS_KEY = "PGH166", "this key does not fit the cluster",
        "A customer managed key of KMS encrypts disks, images and passwords: its ARN, its id, or alias/<name>. It is symmetric
and lives in the cluster's region. Without the line each service uses AWS's own key. Whoever runs Terraform and Packer needs
kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey*, kms:ReEncrypt* and kms:Decrypt on it; machines may decrypt
passwords with it, through Secrets Manager, and nothing else.

Source: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html";
    OLD_ETCD = "PGH167", "the base's etcd is too old to keep the primary's lock",
        "Ubuntu 22.04 packages etcd 3.3.25, and PGDG's apt repository, from which the other old bases get a newer Patroni, packages
no etcd. etcd got pre-vote in 3.4: without it a member that was cut off comes back with a higher term, deposes a healthy
leader, and the election may cost the primary its lock. The calls by which machines join and leave (JSON under /v3/) begin
with 3.4 as well. A binary of someone else's making would come without the distribution's security updates, so none is
fetched: the provisioner refuses any etcd below 3.4, and so a blueprint that names this base is refused before an image is
paid for.

Write base = \"ubuntu-24.04\" (etcd 3.4), or leave it out for Debian 13 (etcd 3.5).

Source: https://packages.ubuntu.com/jammy/etcd-server, https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md,
https://wiki.postgresql.org/wiki/Apt/Packages";
    INSTANCE_SIZE = "PGH168", "the instance type has another size",
        "memory_gb and vcpus are for instance types that pgherd does not know. What it knows is AWS's own table: m6i.large has 8 GiB
and 2 processors, whatever a blueprint says, and settings for 16 GiB would end with the kernel killing PostgreSQL.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html";
    PARTITION = "PGH310", "the region's partition has no image to start from",
        "AWS is divided into partitions, which share no accounts and no images: the commercial regions (aws), China (aws-cn) and
GovCloud (aws-us-gov). An image is looked up by the account that publishes it. Canonical has an account in each of the three.
Debian publishes to the commercial regions alone; what China and GovCloud list under its name comes from AWS Marketplace, to
which an account must subscribe. The isolated regions and the European Sovereign Cloud have names and accounts of their own,
which pgherd does not know.

Source: https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/,
https://wiki.debian.org/Cloud/AmazonEC2Image";
    SETTING_BREAKS = "PGH360", "sessions, replication or Patroni do not work under the setting",
        "PostgreSQL starts with the value, and then its sessions end, a standby is never healthy, or Patroni cannot ask it
anything: nobody would ever be promoted. Patroni sets search_path and statement_timeout for its own connections; every other
default of a session reaches its queries. What a few sessions need belongs to them: ALTER ROLE … SET, or ALTER DATABASE …
SET, once the cluster runs.

Source: https://github.com/patroni/patroni/blob/v4.0.7/patroni/postgresql/config.py";
    GRANT = "PGH380", "a user is let into a database in a way that makes no sense",
        "A user connects to the databases that it owns, and to those that its block names; nobody else's are open to it. In its
own database a user may do everything. In others it reads the owner's tables; with access = \"write\" it changes rows in them as
well, with \"replicate\" it may follow them by logical replication. It makes and alters no table. That holds for tables that the owner makes later, too (ALTER DEFAULT PRIVILEGES).

    users     = [\"app\"]
    databases = { app = \"app\" }
    user \"report\" {
      databases = [\"app\"]
      access    = \"read\"
    }

Source: https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html";
    LOCALE = "PGH381", "text cannot be stored or sorted so",
        "A locale says how text is sorted and compared, an encoding how it is stored; both are chosen when a database is made. Three
providers know locales: PostgreSQL itself (builtin, from 17 on: C, C.UTF-8, from 18 on PG_UNICODE_FAST), the ICU library (icu,
from 15 on: language tags such as de-DE), and the C library (libc: names of glibc in UTF-8, such as de_DE.UTF-8, which the
image's build makes). An encoding other than UTF8 goes with locale = \"C\" alone, which sorts by bytes.

Source: https://www.postgresql.org/docs/current/locale.html#LOCALE-PROVIDERS";
    SLOT = "PGH382", "there can be no such logical slot",
        "logical_slots = { warehouse = \"app\" } makes the slot `warehouse` in the database `app`, for the plugin pgoutput, with an empty
publication of the same name that the owner adds tables to, and has Patroni carry the slot over a failover. Its name is made of lower-case letters, digits and underscores, and is not a machine's: those are
the slots of standbys.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
}
