//! `image`, `master`, `slaves`, `haproxy`, `failover`

use super::{Case, inside};

/// What must be refused, where, and part of what must be said.
pub fn cases() -> Vec<Case> {
    vec![
        inside(2, 10, "image {\n  base = \"debian-11\"\n}", "did you mean \"debian-12\"?"),
        inside(2, 10, "image {\n  base = \"trixie\"\n}", "did you mean \"debian-13\"?"),
        inside(
            2,
            10,
            "image {\n  base = \"windows\"\n}",
            "write one of debian-13, debian-12, ubuntu-24.04, ubuntu-22.04",
        ),
        inside(2, 27, "image {\n  builder_instance_type = \"t3\"\n}", "is no instance type"),
        inside(2, 27, "image {\n  builder_instance_type = \"t4g.medium\"\n}", "builds no image for master"),
        inside(2, 19, "master {\n  instance_type = \"db.m6i.large\"\n}", "write \"m6i.large\""),
        inside(2, 19, "master {\n  instance_type = \"m6i.lrage\"\n}", "did you mean \"m6i.large\"?"),
        inside(2, 19, "master {\n  instance_type = \"m6i.huge\"\n}", "is no instance size"),
        inside(2, 19, "master {\n  instance_type = \"M6I.large\"\n}", "is no instance family"),
        inside(2, 19, "master {\n  instance_type = \"m7g.large\"\n}", "needs its kind of processor"),
        inside(2, 19, "slaves {\n  instance_type = \"m7g.large\"\n}", "needs its kind of processor"),
        inside(2, 14, "master {\n  key_name = \"my key\"\n}", "is no key pair's name"),
        inside(2, 14, "master {\n  key_name = \"\"\n}", "use 1 to 255"),
        inside(3, 12, "master {\n  disk {\n    size = 4\n  }\n}", "8 to 16384 GiB"),
        inside(3, 12, "master {\n  disk {\n    size = 20000\n  }\n}", "8 to 16384 GiB"),
        inside(3, 12, "master {\n  disk {\n    iops = 100\n  }\n}", "3000 to 16000"),
        inside(
            4,
            12,
            "slaves {\n  disk {\n    size = 10\n    iops = 6000\n  }\n}",
            "write size = 12 or more, or iops = 5000 at most",
        ),
        inside(3, 18, "slaves {\n  disk {\n    throughput = 2000\n  }\n}", "125 to 1000 MiB a second"),
        inside(
            3,
            18,
            "haproxy {\n  disk {\n    throughput = 1000\n  }\n}",
            "write iops = 4000 or more, or throughput = 750 at most",
        ),
        inside(2, 11, "slaves {\n  count = 16\n}", "0 to 15"),
        inside(2, 11, "slaves {\n  count = -1\n}", "0 to 15"),
        inside(2, 16, "haproxy {\n  write_port = 80\n}", "lower ports need root"),
        inside(2, 16, "haproxy {\n  write_port = 70000\n}", "1024 to 65535"),
        inside(2, 16, "haproxy {\n  write_port = 5432\n}", "the port of PostgreSQL itself"),
        inside(2, 15, "haproxy {\n  read_port = 2379\n}", "the port of etcd"),
        inside(3, 12, "haproxy {\n  stats {\n    port = 8008\n  }\n}", "the port of Patroni's REST API"),
        inside(2, 15, "haproxy {\n  read_port = 5000\n}", "5000 is haproxy.write_port already"),
        inside(2, 16, "haproxy {\n  write_port = 5001\n}", "5001 is haproxy.read_port already"),
        inside(
            4,
            12,
            "haproxy {\n  read_port = 7001\n  stats {\n    port = 7001\n  }\n}",
            "7001 is haproxy.read_port already",
        ),
        inside(3, 12, "haproxy {\n  stats {\n    path = \"admin\"\n  }\n}", "does not start with `/`"),
        inside(3, 12, "haproxy {\n  stats {\n    path = \"/\"\n  }\n}", "would hide `/metrics`"),
        inside(3, 12, "haproxy {\n  stats {\n    path = \"/health\"\n  }\n}", "would hide `/health`"),
        inside(3, 12, "haproxy {\n  stats {\n    path = \"/my stats\"\n  }\n}", "is no path of a stats page"),
        inside(3, 12, "haproxy {\n  stats {\n    user = \"ad:min\"\n  }\n}", "is no name to log in with"),
        inside(2, 9, "failover {\n  ttl = 10\n}", "20 to 3600 seconds"),
        inside(2, 15, "failover {\n  loop_wait = 0\n}", "1 to 3600 seconds"),
        inside(2, 19, "failover {\n  retry_timeout = 1\n}", "3 to 3600 seconds"),
        inside(
            2,
            19,
            "failover {\n  ttl           = 20\n  loop_wait     = 10\n  retry_timeout = 10\n}",
            "write ttl = 30 or more",
        ),
        inside(2, 19, "failover {\n  retry_timeout = 10\n}", "loop_wait + 2 x retry_timeout is 25 s"),
    ]
}
