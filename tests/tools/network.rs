//! The network's resources, checked with the real provider and with a moto that enforces AWS's limits.

use crate::real::moto;
use crate::real::moto::{Door, Moto};
use crate::real::terraform::{Initialised, Terraform};
use crate::support::generated::{Generated, run, succeeds};
use serde_json::Value;

const REGION: &str = "eu-west-1";

/// A client of the databases.
const CLIENT: &str = "127.1.4.200";

/// A VPC of the account's own, whose addresses are this machine's too (127.0.0.0/8), so that anyone in it can be asked from: subnets that give public addresses by default, and other people's network interfaces in them.
struct Account {
    moto: Moto,
    /// Where the first endpoint will be.
    door: String,
    vpc: String,
    subnets: Vec<String>,
}

impl Account {
    fn with(cluster: &str, generated: &dyn Fn(&str, &[String]) -> Generated) -> (Self, Generated) {
        let planned = generated("vpc-0a1b2c3d4e5f60718", &ids());
        let door = endpoint_address(&planned);
        let port = moto::free_port(&door);
        let early = Moto::judging(cluster, &planned.files, &Door { address: &door, port });
        let made = |xml: &str, id: &str| {
            let (_, rest) = xml.split_once(&format!("<{id}>")).unwrap_or_else(|| panic!("no {id}: {xml}"));
            rest.split('<').next().expect("an id").to_string()
        };
        let vpc = made(&early.ec2(REGION, "CreateVpc&CidrBlock=127.1.0.0/16"), "vpcId");
        let subnet = |(zone, net): (&str, u8)| {
            let query = format!("CreateSubnet&VpcId={vpc}&CidrBlock=127.1.{net}.0/24&AvailabilityZone={REGION}{zone}");
            let id = made(&early.ec2(REGION, &query), "subnetId");
            early.ec2(REGION, &format!("ModifySubnetAttribute&SubnetId={id}&MapPublicIpOnLaunch.Value=true"));
            id
        };
        let subnets: Vec<String> = [("a", 4), ("b", 5), ("c", 6)].map(subnet).to_vec();
        let generated = generated(&vpc, &subnets);
        (Account { moto: early, door: format!("{door}:{port}"), vpc, subnets }, generated)
    }

    /// Creates network interfaces of another owner at addresses that AWS chooses, and returns these addresses.
    fn interfaces(&self, subnet: &str, count: usize) -> Vec<String> {
        let create = format!("CreateNetworkInterface&SubnetId={subnet}");
        (0..count).map(|_| text(&self.moto.ec2(REGION, &create), "privateIpAddress")).collect()
    }
}

fn ids() -> Vec<String> {
    (0..3).map(|i| format!("subnet-0a1b2c3d4e5f6071{i}")).collect()
}

fn text(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {xml}"));
    rest.split('<').next().expect("a text").to_string()
}

fn blueprint(vpc: &str, subnets: &[String]) -> Generated {
    let subnet = |(i, zone): (usize, &str)| {
        format!("subnet \"{zone}\" {{\n id = \"{}\"\n cidr = \"127.1.{}.0/24\"\n }}\n", subnets[i], i + 4)
    };
    let subnets: String = ["a", "b", "c"].into_iter().enumerate().map(subnet).collect();
    Generated::from_text(
        "crowd.hcl",
        &format!(
            "cluster \"crowd\" {{\n region = \"{REGION}\"\n network {{\n vpc_id = \"{vpc}\"\n cidr = \"127.1.0.0/16\"\n \
             secrets_endpoint = true\n clients = [\"{CLIENT}/32\"]\n {subnets} }}\n master {{ elastic_ip = true }}\n slaves {{ count = 0 }}\n postgres {{\n \
             users = [for n in [{}] : \"application_user_with_a_name_as_long_as_postgresql_takes_${{n}}\"]\n }}\n}}\n",
            (1..=80).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
        ),
    )
}

/// Terraform with one provider for all modules.
struct Modules<'a> {
    terraform: Terraform,
    data: Initialised,
    generated: &'a Generated,
}

impl<'a> Modules<'a> {
    fn new(moto: &Moto, generated: &'a Generated) -> Self {
        let terraform = Terraform::against(&moto.endpoint());
        let versions =
            std::fs::read_to_string(generated.path("network/terraform_network/versions.tf")).expect("a file");
        let data = terraform.initialised(&versions);
        Modules { terraform, data, generated }
    }

    fn apply(&self, module: &str) {
        let folder = self.generated.path(module);
        succeeds(&mut self.terraform.sharing(&self.data, &folder, &["apply", "-input=false", "-auto-approve"]));
    }

    fn assert_settled(&self, module: &str) {
        let folder = self.generated.path(module);
        let args = ["plan", "-input=false", "-no-color", "-detailed-exitcode"];
        let again = run(&mut self.terraform.sharing(&self.data, &folder, &args));
        assert_eq!(again.status.code(), Some(0), "{module}: {}", String::from_utf8_lossy(&again.stdout));
    }
}

/// In a crowded VPC that assigns public addresses, every address is the planned one, and the only public one is that
/// that the blueprint asks for. 80 users with long names do not make a policy longer than AWS accepts.
#[test]
fn a_crowded_vpc_takes_no_address_and_gives_none() {
    let (account, generated) = Account::with("crowd/eu-west-1", &blueprint);
    let modules = Modules::new(&account.moto, &generated);
    modules.apply("network/terraform_network");
    modules.assert_settled("network/terraform_network");
    // Enough to take every address of the first blocks, if those were not reserved.
    for (subnet, zone) in account.subnets.iter().zip(&generated.cluster.network.subnets) {
        for address in account.interfaces(subnet, 60) {
            let address: std::net::Ipv4Addr = address.parse().expect("an address");
            assert!(!zone.databases.contains(&address) && !zone.haproxy.contains(&address), "{address} is planned");
        }
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            modules.apply("db_config/terraform_master");
            // An Elastic IP that exists by now does not replace a machine.
            modules.assert_settled("db_config/terraform_master");
        });
        scope.spawn(|| modules.apply("load_balancer/terraform_haproxy"));
    });
    let interfaces = account.moto.ec2(REGION, "DescribeNetworkInterfaces");
    for machine in &generated.cluster.machines {
        assert!(interfaces.contains(&format!("<privateIpAddress>{}<", machine.address)), "{}", machine.name);
    }
    let instances = account.moto.ec2(REGION, "DescribeInstances");
    let public: Vec<&str> = instances.split("<reservationId>").skip(1).filter(|one| is_public(one)).collect();
    assert_eq!(public.len(), 1, "{public:#?}");
    assert!(public[0].contains("crowd-master"), "{}", public[0]);

    the_endpoint_is_where_machines_look(&account, &generated);
    the_roles_read_what_is_theirs(&account.moto, &generated);
    a_roles_credentials_are_worth_nothing_elsewhere(&account, &generated);
    clients_read_this_clusters_passwords_and_no_others(&account, &generated);
}

/// Returns the address of the endpoint in the first zone.
fn endpoint_address(generated: &Generated) -> String {
    let hosts = std::fs::read_to_string(generated.path("machine/hosts")).expect("a file");
    let first = hosts.lines().find(|line| !line.starts_with('#')).expect("an endpoint");
    first.split('\t').next().expect("an address").to_string()
}

/// The identity that asks for a secret.
#[derive(Clone, Copy)]
enum Caller<'a> {
    /// With the credentials that the metadata service gives to the machine at this address.
    Role(&'a str),
    /// With an access key and its secret, through the endpoint's own name.
    Key(&'a str, &'a str),
}

impl Account {
    /// Asks for a secret from an address through the endpoint. Returns the secret, an error's code, or `no connection`.
    fn through(&self, from: &str, caller: Caller<'_>, secret: &str) -> String {
        let roots = self.moto.certificate().display().to_string();
        self.ask(from, caller, &[secret, &self.door, &roots])
    }

    /// Does the same at Secrets Manager itself.
    fn past(&self, from: &str, caller: Caller<'_>, secret: &str) -> String {
        self.ask(from, caller, &[secret])
    }

    /// What applications say after `--endpoint-url https://`.
    fn endpoint_name(&self) -> String {
        let words = ["ec2", "describe-vpc-endpoints", "--filters", "Name=tag:Name,Values=crowd-secretsmanager"];
        let answer = self.moto.aws(REGION, &words);
        answer["VpcEndpoints"][0]["DnsEntries"][0]["DnsName"].as_str().expect("a name").to_string()
    }

    fn ask(&self, from: &str, caller: Caller<'_>, words: &[&str]) -> String {
        let mut command = std::process::Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/real/ask.py"));
        command.args([from, self.moto.endpoint().trim_start_matches("http://")]).args(words);
        match caller {
            Caller::Role(machine) => command.env("SOURCE_OF_CREDENTIALS", machine),
            Caller::Key(key, secret) => {
                command.env("ENDPOINT_NAME", self.endpoint_name());
                command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret)
            }
        };
        succeeds(&mut command).trim().to_string()
    }
}

const REFUSED: &str = "AccessDeniedException";

fn a_roles_credentials_are_worth_nothing_elsewhere(account: &Account, generated: &Generated) {
    let at = |name: &str| {
        let machine = generated.cluster.machines.iter().find(|one| one.name.contains(name)).expect("a machine");
        machine.address.to_string()
    };
    let (master, haproxy) = (at("master"), at("haproxy"));
    let role = Caller::Role(&master);
    let own = "crowd/superuser";
    assert_eq!(account.through(&master, role, own), account.moto.secret(REGION, own));
    assert_eq!(account.past(&master, role, own), REFUSED, "past the endpoint");
    assert_eq!(account.through(&haproxy, role, own), REFUSED, "from another machine of the cluster");
    assert_eq!(account.through(CLIENT, role, own), REFUSED, "from a client");
    assert_eq!(account.through(&haproxy, Caller::Role(&haproxy), own), REFUSED, "a database's password");
}

fn clients_read_this_clusters_passwords_and_no_others(account: &Account, generated: &Generated) {
    let aws = |words: &[&str]| account.moto.aws(REGION, words);
    let user = generated.cluster.secrets.iter().find(|secret| secret.name.contains("/user/")).expect("a user");
    for (name, text) in [(user.name.as_str(), "of a user"), ("other/user/app", "of another cluster")] {
        if name != user.name {
            aws(&["secretsmanager", "create-secret", "--name", name]);
        }
        aws(&["secretsmanager", "put-secret-value", "--secret-id", name, "--secret-string", text]);
    }
    aws(&["iam", "create-user", "--user-name", "app"]);
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}"#;
    let put = ["iam", "put-user-policy", "--user-name", "app", "--policy-name", "read", "--policy-document", policy];
    account.moto.said(REGION, &put);
    let made = aws(&["iam", "create-access-key", "--user-name", "app"]);
    let of = |field: &str| made["AccessKey"][field].as_str().expect("a text").to_string();
    let (key, secret) = (of("AccessKeyId"), of("SecretAccessKey"));
    let app = Caller::Key(&key, &secret);

    assert_eq!(account.through(CLIENT, app, &user.name), "of a user");
    assert_eq!(account.past(CLIENT, app, "other/user/app"), "of another cluster", "its own policy lets it");
    assert_eq!(account.through(CLIENT, app, "other/user/app"), REFUSED, "the endpoint's policy does not");
    // An address inside the VPC that is not in network.clients.
    assert_eq!(account.through("127.1.4.201", app, &user.name), "no connection");
}

#[test]
fn the_labs_endpoints_let_in_whom_their_groups_name() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut python = std::process::Command::new("python3");
    python.arg(format!("{root}/tests/tools/real/doors.py")).arg(format!("{root}/src/lab/moto"));
    python.env("AWS_DEFAULT_REGION", REGION).env("PYTHONDONTWRITEBYTECODE", "1");
    succeeds(python.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test"));
}

#[test]
fn the_labs_api_carries_out_one_request_at_a_time() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut python = std::process::Command::new("python3");
    python.arg(format!("{root}/tests/tools/real/turns.py")).arg(format!("{root}/src/lab/moto"));
    assert_eq!(succeeds(&mut python), "0 requests failed\n");
}

fn is_public(instance: &str) -> bool {
    instance.split_once("<ipAddress>").is_some_and(|(_, rest)| !rest.starts_with('<'))
}

fn the_endpoint_is_where_machines_look(account: &Account, generated: &Generated) {
    let endpoints = account.moto.ec2(REGION, "DescribeVpcEndpoints");
    assert!(endpoints.contains(&format!("<vpcId>{}<", account.vpc)), "{endpoints}");
    assert_eq!(text(&endpoints, "privateDnsEnabled"), "false", "the VPC's own name for Secrets Manager is taken");
    let hosts = std::fs::read_to_string(generated.path("machine/hosts")).expect("a file");
    let known: Vec<&str> = hosts.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(known.len(), 3, "{hosts}");
    let answer = account.moto.aws(REGION, &["ec2", "describe-network-interfaces"]);
    let interfaces = answer["NetworkInterfaces"].as_array().expect("interfaces");
    for line in known {
        let (address, name) = line.split_once('\t').expect("an address and a name");
        assert_eq!(name, "secretsmanager.eu-west-1.amazonaws.com");
        let found: Vec<&Value> = interfaces.iter().filter(|one| one["PrivateIpAddress"] == address).collect();
        let is_endpoint =
            |one: &Value| one["Description"].as_str().is_some_and(|what| what.starts_with("VPC Endpoint Interface"));
        assert!(found.len() == 1 && is_endpoint(found[0]), "{address}: {found:?}");
    }
    // The account may still create another endpoint with private DNS.
    let other = format!(
        "CreateVpcEndpoint&VpcId={}&VpcEndpointType=Interface&ServiceName=com.amazonaws.{REGION}.secretsmanager&SubnetId.1={}\
         &PrivateDnsEnabled=true",
        account.vpc, account.subnets[0]
    );
    account.moto.ec2(REGION, &other);
}

/// No machine can read a user's password. Each right is valid only through the endpoint and only from its machine.
fn the_roles_read_what_is_theirs(moto: &Moto, generated: &Generated) {
    let mut actions = vec![];
    for role in ["crowd-eu-west-1-database", "crowd-eu-west-1-haproxy"] {
        for name in moto.role_policies(role) {
            let policy = moto.role_policy(role, &name);
            for statement in policy["Statement"].as_array().expect("statements") {
                let of = |key: &str| &statement["Condition"]["StringEquals"][key];
                assert!(of("aws:SourceVpce").as_str().is_some_and(|id| id.starts_with("vpce-")), "{statement}");
                assert!(
                    of("aws:Ec2InstanceSourceVpc").as_str().is_some_and(|id| id.starts_with("vpc-")),
                    "{statement}"
                );
                assert_eq!(of("aws:Ec2InstanceSourcePrivateIPv4"), "${aws:VpcSourceIp}", "{statement}");
                let resources = match &statement["Resource"] {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                let done = match &statement["Action"] {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                for (resource, action) in resources.iter().flat_map(|on| done.iter().map(move |action| (on, action))) {
                    let action = action.as_str().expect("an action");
                    let (_, name) = resource.as_str().expect("an ARN").rsplit_once(":secret:").expect("a secret");
                    actions.push((role, action.to_string(), name.to_string()));
                }
            }
        }
    }
    let reads_users = |(_, action, name): &&(&str, String, String)| {
        action != "secretsmanager:PutSecretValue" && (name.contains("/user/") || name.contains('*'))
    };
    assert_eq!(actions.iter().find(reads_users), None);
    let reads =
        |role| actions.iter().filter(|(of, action, _)| *of == role && action.ends_with(":GetSecretValue")).count();
    // Four passwords, and the record of the founding.
    assert_eq!((reads("crowd-eu-west-1-database"), reads("crowd-eu-west-1-haproxy")), (5, 1), "{actions:?}");
    let records: Vec<_> = actions.iter().filter(|(.., name)| name.starts_with("crowd/founded")).collect();
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records.iter().all(|(role, ..)| role.ends_with("-database")), "{records:?}");
    assert!(generated.cluster.secrets.len() > 80);
}

/// The machine that initialises the cluster generates the users' passwords: PostgreSQL gets a verifier of the value in Secrets Manager,
/// and no secret is read, because the machine's role does not allow it.
#[test]
fn the_founder_makes_the_passwords_of_users_and_reads_none() {
    let text = "cluster \"herd\" {\n region = \"eu-west-1\"\n postgres {\n users = [\"app\", \"report\"]\n }\n}\n";
    let generated = Generated::from_text("herd.hcl", text);
    let moto = Moto::with_images("herd/eu-west-1", &generated.files);
    for user in ["app", "report"] {
        moto.aws(REGION, &["secretsmanager", "create-secret", "--name", &format!("herd/user/{user}")]);
    }
    // As on the machine, apart from the paths of its files. A request that reads a secret ends the program.
    let script = r#"import os, subprocess, sys
sys.path[:0] = [sys.argv[1] + "/machine", sys.argv[1] + "/db_config"]
import read_secrets, post_bootstrap
read_secrets.PLAN = sys.argv[1] + "/db_config/secrets.json"
post_bootstrap.SQL = sys.argv[1] + "/db_config/bootstrap.sql"
read_secrets.read_all = None
def psql(argv, input, **_):
    assert argv[0] == "psql" and not any("SCRAM" in word for word in argv), argv
    print(input)
    return subprocess.CompletedProcess(argv, 0)
subprocess.run = psql
sys.exit(post_bootstrap.main("dbname=postgres"))
"#;
    let mut founder = std::process::Command::new("python3");
    founder.args(["-c", script]).arg(generated.path(".")).env("AWS_ENDPOINT_URL", moto.endpoint());
    founder.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("PYTHONDONTWRITEBYTECODE", "1");
    let statements = succeeds(&mut founder);
    for user in ["app", "report"] {
        let password = moto.secret(REGION, &format!("herd/user/{user}"));
        assert!(password.len() == 32 && password.chars().all(|c| c.is_ascii_alphanumeric()), "{password}");
        assert!(!statements.contains(&password), "the password itself goes to the server");
        let (_, rest) = statements.split_once(&format!("ALTER ROLE \"{user}\" PASSWORD '")).expect("a statement");
        let verifier = rest.split('\'').next().expect("a verifier");
        let check = r#"import base64, hashlib, hmac, sys
verifier, password = sys.stdin.read().split("\n")
kind, iterations_salt, keys = verifier.split("$")
iterations, salt = iterations_salt.split(":")
salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
assert kind == "SCRAM-SHA-256" and keys.split(":")[0] == base64.b64encode(stored).decode()
"#;
        let mut python = std::process::Command::new("python3");
        python.args(["-c", check]).stdin(stdin_of(&format!("{verifier}\n{password}")));
        succeeds(&mut python);
    }
}

fn stdin_of(text: &str) -> std::fs::File {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for it");
    file.rewind().expect("a file can be rewound");
    file
}
