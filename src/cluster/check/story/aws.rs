//! Rules about access and about what AWS offers, and the rule about `accept` itself.

pub const STORIES: &[(&str, &str)] = &[
    (
        "PGH050",
        "network.admins opens SSH (port 22) on every machine to those ranges. Machines accept only keys, and the key is the EC2 key
pair that key_name sets. Without one the port is open and nobody can log in, so nobody can run `herdctl` or read a log.
Adding key_name later replaces the machine, because AWS writes a key only at the first boot, so set it from the start. You
can add admins at any time, because that only changes a security group.

    master  { key_name = \"dba\" }
    slaves  { key_name = \"dba\" }
    haproxy { key_name = \"dba\" }

Accept the rule if admins only need the stats page, or if your own image lets them in by other means.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html",
    ),
    (
        "PGH090",
        "accept \"…\" states that a rule is violated on purpose, and silences it. The blueprint no longer violates this rule. If it
did so again, for another reason, the block would hide that.

Remove the block.",
    ),
    (
        "PGH311",
        "Each range, group or prefix list of network.clients and network.admins is one rule for each port that it opens: 61 admins are
122 rules in HAProxy's group, for SSH and the stats page. By default AWS gives a security group 60 rules in each direction,
and the apply would stop in the middle at the 61st. AWS counts a prefix list as the maximum number of its entries, which
this check does not know: here it counts as one.

Ask AWS for a higher quota before the run, which usually takes minutes. Or set wider ranges, or the id of a security group
that the clients' machines are in. A group is one rule, however many machines it has.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    ),
    (
        "PGH312",
        "All security groups of a network interface together have at most 1,000 rules, whatever the quota, and each machine here is in
one group.

Set wider ranges, or the id of a security group that the clients' machines are in.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    ),
    (
        "PGH340",
        "pgherd has a dated list of AWS's regions. A region that is not on it is new, or it is a typing error. A new one works: `run`
asks AWS (`aws ec2 describe-regions`) before it builds or creates anything, and reports the response. Terraform's AWS
provider has such a list too, and refuses a region that is newer than itself.

If AWS does have the region, accept the rule.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
    ),
    (
        "PGH341",
        "pgherd has a dated list of the zones of AWS's regions. Accounts can have different ones. A zone that is not on the list is
new, or it is a typing error. `run` asks AWS (`aws ec2 describe-availability-zones`) before it builds or creates anything.

If the account does have the zone, accept the rule.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html",
    ),
    (
        "PGH342",
        "Terraform's AWS provider has its own list of regions, and refuses one that is newer than itself (`invalid AWS Region`). The
generated modules accept version 5.100 and later. This region needs a version 6 that knows it. `run` plans the network before
it builds anything, so an older provider's refusal costs no image.

    terraform -chdir=network/terraform_network init -upgrade

Source: https://registry.terraform.io/providers/hashicorp/aws/latest",
    ),
];
