//! The policies that `pgherd policy` prints: for every blueprint they contain all rights, and none that is too wide.

use std::collections::BTreeSet;

use pgherd::cluster::rights::Right;
use pgherd::cluster::{Cluster, regions, resolve};
use pgherd::pipeline::policy::{LONGEST, Task, policies, tasks};
use serde_json::Value;

fn cluster(text: &str) -> Cluster {
    let blueprint = pgherd::blueprint::parse("", text).unwrap_or_else(|problems| panic!("{text}{problems:#?}"));
    resolve(&blueprint)
}

fn of(cluster: &Cluster, aim: Task) -> Vec<(String, Value)> {
    let policies = policies(cluster, &pgherd::generate::generate(cluster), aim).expect("every type has its rights");
    policies.into_iter().map(|policy| (policy.name, serde_json::from_str(&policy.text).expect("a document"))).collect()
}

fn statements(policies: &[(String, Value)]) -> Vec<Value> {
    policies.iter().flat_map(|(_, document)| document["Statement"].as_array().cloned().unwrap_or_default()).collect()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_string())).collect()
}

fn actions(policies: &[(String, Value)]) -> BTreeSet<String> {
    statements(policies).iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

const SHIPPED: [&str; 5] = [
    include_str!("../../blueprints/herd.hcl"),
    include_str!("../blueprints/alone.hcl"),
    include_str!("../blueprints/largest.hcl"),
    include_str!("../blueprints/pair.hcl"),
    include_str!("../blueprints/vpc.hcl"),
];

/// The generated roles have the rights of the list and no others, and the policies of `pgherd policy` name these roles alone.
#[test]
fn machines_have_the_rights_of_the_list_and_no_others() {
    for text in SHIPPED {
        let cluster = cluster(text);
        let files = pgherd::generate::generate(&cluster);
        let (mut roles, mut policies) = (BTreeSet::new(), BTreeSet::new());
        for (_, file) in files.iter().filter(|(path, _)| path.as_str().ends_with(".tf")) {
            let body: hcl::Body = hcl::parse(&file.text).expect("HCL");
            for block in body.blocks().filter(|block| block.labels().len() == 2) {
                let [kind, name] = [0, 1].map(|at| block.labels()[at].as_str());
                let inner = |body: &hcl::Body, name: &str| {
                    body.attributes().find(|one| one.key() == name).map(|one| one.expr().to_string().replace('\n', ""))
                };
                match kind {
                    "aws_iam_role" | "aws_iam_instance_profile" => assert_eq!(name, "machine"),
                    // Not who may take a role, nor what the endpoint lets through.
                    "aws_iam_policy_document" if !["assume", "endpoint"].contains(&name) => {
                        for statement in block.body().blocks() {
                            let actions = inner(statement.body(), "actions").expect("actions");
                            policies.insert((name.to_string(), actions.replace(' ', "")));
                        }
                    }
                    "aws_iam_role_policy" => {
                        let holders = inner(block.body(), "for_each").or(inner(block.body(), "role")).expect("a role");
                        roles.insert((
                            name.to_string(),
                            holders.split('"').skip(1).step_by(2).map(String::from).collect(),
                        ));
                    }
                    _ => {}
                }
            }
        }
        let rights = cluster.rights();
        let listed: BTreeSet<(String, Vec<String>)> =
            rights.iter().map(|right| (right.name.into(), right.kinds().map(String::from).collect())).collect();
        assert_eq!(roles, listed);
        let actions = |right: &Right| {
            format!("[{}]", right.actions.iter().map(|a| format!("\"{a}\"")).collect::<Vec<_>>().join(","))
        };
        assert_eq!(policies, rights.iter().map(|right| (right.name.to_string(), actions(right))).collect());
        let resources: BTreeSet<String> =
            statements(&of(&cluster, Task::Run)).iter().flat_map(|one| texts(&one["Resource"])).collect();
        // AWS's own role for load balancers is no machine's.
        let of_roles = resources
            .iter()
            .filter(|arn| !arn.contains(":role/aws-service-role/"))
            .filter_map(|arn| arn.split_once(":role/").map(|(_, name)| name.to_string()));
        let names = ["database", "haproxy"].map(|kind| format!("{}-{}-{kind}", cluster.name, cluster.region));
        assert_eq!(of_roles.collect::<BTreeSet<String>>(), BTreeSet::from(names));
    }
}

/// This fails for a resource type that is added to a module without its rights.
#[test]
fn every_type_has_rights_and_every_document_is_one_that_aws_takes() {
    for text in SHIPPED {
        let cluster = cluster(text);
        let policies = of(&cluster, Task::Run);
        for (name, document) in &policies {
            let length = document.to_string().chars().filter(|c| !c.is_whitespace()).count();
            assert!(length <= LONGEST, "{name}: {length}");
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: names of policies, policies a user.
            assert!(name.len() <= 128 && policies.len() <= 10, "{name}");
        }
    }
}

/// The service authorization reference gives it no resource type.
const UNLIMITED: &str = "ec2:DeleteSubnetCidrReservation";

/// Only what AWS cannot limit is allowed on all resources: reading, and one more action.
#[test]
fn what_changes_something_is_limited() {
    for text in SHIPPED {
        for statement in statements(&of(&cluster(text), Task::Run)) {
            assert!(statement["Effect"] == "Allow" && statement.get("NotAction").is_none(), "{statement}");
            for action in texts(&statement["Action"]) {
                let looks = ["Describe", "Get", "List"]
                    .iter()
                    .any(|verb| action.split_once(':').expect("a service").1.starts_with(verb));
                let everywhere = texts(&statement["Resource"]).contains("*");
                assert!(
                    !action.contains('*') && (!everywhere || looks || action == UNLIMITED),
                    "{action}: {statement}"
                );
                assert!(everywhere || action != UNLIMITED, "an ARN allows nothing: {statement}");
                assert!(
                    !everywhere || statement["Condition"]["StringEquals"]["aws:RequestedRegion"].is_string(),
                    "{statement}"
                );
            }
        }
    }
}

#[test]
fn another_clusters_things_are_out_of_reach() {
    let policies = of(&cluster("cluster \"herd\" {\n region = \"eu-west-1\"\n}\n"), Task::Run);
    let destroys = [
        "ec2:TerminateInstances",
        "ec2:DeleteVpc",
        "ec2:ReleaseAddress",
        "ec2:DeleteVolume",
        "iam:DeleteRole",
        "iam:PutRolePolicy",
    ];
    for statement in statements(&policies) {
        if texts(&statement["Action"]).iter().any(|action| destroys.contains(&action.as_str())) {
            let tag = &statement["Condition"]["StringEquals"]["aws:ResourceTag/pgherd:cluster"];
            assert!(tag.as_str().is_some_and(|tag| tag.starts_with("herd")), "{statement}");
        }
    }
    for action in destroys {
        assert!(actions(&policies).contains(action), "{action}");
    }
}

#[test]
fn each_verb_has_what_it_needs() {
    let herd = cluster(SHIPPED[0]);
    let (run, destroy) = (actions(&of(&herd, Task::Run)), actions(&of(&herd, Task::Destroy)));
    assert!(destroy.is_subset(&run));
    for action in ["ec2:CreateImage", "ec2:CreateVpc", "secretsmanager:CreateSecret", "iam:PassRole", "ec2:CreateTags"]
    {
        assert!(run.contains(action) && !destroy.contains(action), "{action}");
    }
    assert!(destroy.contains("ec2:DeregisterImage"), "destroy --images");
    assert_eq!(of(&herd, Task::Status), [], "the state is here: nothing of AWS's is asked");
    let largest = of(&cluster(SHIPPED[2]), Task::Status);
    assert_eq!(actions(&largest), ["s3:GetObject", "s3:ListBucket"].map(String::from).into());
    let create = statements(&of(&herd, Task::Run));
    let create = create.iter().filter(|s| texts(&s["Action"]).contains("ec2:CreateSubnetCidrReservation"));
    assert!(create.flat_map(|s| texts(&s["Resource"])).all(|arn| !arn.contains("subnet-cidr-reservation")));
}

/// Every call of Secrets Manager in the script is allowed, and nothing else, and only on users' passwords.
#[test]
fn who_rotates_passwords_may_do_that_and_nothing_else() {
    let script = include_str!("../../src/generate/templates/rotate_password.sh.j2");
    let verbs: BTreeSet<&str> = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(['(', '|', '{']).map(str::trim))
        .filter_map(|call| {
            call.strip_prefix("secrets ").or(call.strip_prefix("manager ")).or(call.strip_prefix("aws "))
        })
        .filter_map(|call| call.split(' ').next())
        .filter(|verb| verb.contains('-') && verb.chars().all(|c| c == '-' || c.is_ascii_lowercase()))
        .collect();
    let needed: BTreeSet<String> = verbs.iter().map(|verb| format!("secretsmanager:{}", camel(verb))).collect();
    assert_eq!(needed.len(), 4, "{needed:?}");
    for text in SHIPPED {
        let cluster = cluster(text);
        let rotate = of(&cluster, Task::Rotate);
        assert_eq!(rotate.is_empty(), cluster.postgres.users.is_empty());
        let mut allowed = actions(&rotate);
        if cluster.blueprint.kms_key_id.is_some() && !rotate.is_empty() {
            assert!(allowed.remove("kms:Decrypt") && allowed.remove("kms:GenerateDataKey"));
        }
        assert!(rotate.is_empty() || allowed == needed, "{allowed:?}");
        for statement in statements(&rotate).iter().filter(|s| !texts(&s["Action"]).contains("kms:Decrypt")) {
            let limited = texts(&statement["Resource"])
                .iter()
                .all(|arn| arn.ends_with(&format!("secret:{}/user/*", cluster.name)));
            assert!(limited, "{statement}");
        }
    }
    assert!(SHIPPED.iter().any(|text| !cluster(text).postgres.users.is_empty()));
}

/// Each statement's Sid tells the reader its purpose. AWS requires it to be unique in a document.
#[test]
fn every_statement_says_why_it_is_there() {
    for text in SHIPPED {
        for aim in Task::ALL {
            for (name, document) in of(&cluster(text), aim) {
                let all = document["Statement"].as_array().cloned().unwrap_or_default();
                let sids: BTreeSet<&str> = all.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
                assert_eq!(sids.len(), all.len(), "{name}: {document}");
                assert!(sids.iter().all(|sid| sid.chars().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
            }
        }
    }
    let largest = statements(&of(&cluster(SHIPPED[2]), Task::Run));
    let former = largest.iter().find(|statement| statement["Sid"] == "CopyStatesOfEarlierVersions");
    assert!(former.is_some_and(|statement| texts(&statement["Action"]) == ["s3:GetObject".to_string()].into()));
}

#[test]
fn states_in_a_bucket_are_named_one_by_one() {
    let all = statements(&of(&cluster(SHIPPED[2]), Task::Run));
    let of_action = |name: &str| -> BTreeSet<String> {
        all.iter().filter(|s| texts(&s["Action"]).contains(name)).flat_map(|s| texts(&s["Resource"])).collect()
    };
    let (written, removed) = (of_action("s3:PutObject"), of_action("s3:DeleteObject"));
    assert_eq!((written.len(), removed.len()), (8, 4), "four states and their locks: {written:?}");
    assert!(removed.iter().all(|lock| lock.ends_with(".tfstate.tflock") && written.contains(lock)), "{removed:?}");
}

/// A run looks for the states where earlier versions kept them, and copies them from there.
#[test]
fn former_states_can_be_read_and_not_written() {
    let cluster =
        cluster("cluster \"herd\" {\n region = \"eu-west-1\"\n state {\n s3 {\n bucket = \"states\"\n }\n }\n}\n");
    let of_action = |aim: Task, name: &str| -> BTreeSet<String> {
        let all = statements(&of(&cluster, aim));
        all.iter().filter(|s| texts(&s["Action"]).contains(name)).flat_map(|s| texts(&s["Resource"])).collect()
    };
    for former in ["pgherd/herd/terraform_network.tfstate", "pgherd/herd/herd/terraform_slave.tfstate"] {
        let former = format!("arn:aws:s3:::states/{former}");
        for aim in [Task::Run, Task::Destroy] {
            assert!(of_action(aim, "s3:GetObject").contains(&former), "{former}");
            assert!(!of_action(aim, "s3:PutObject").contains(&former), "{former}");
        }
        assert!(!of_action(Task::Status, "s3:GetObject").contains(&former), "{former}");
    }
}

/// As the generated kms.tf has it.
#[test]
fn chinas_services_have_two_names() {
    let via = |region: &str| -> BTreeSet<String> {
        let cluster = cluster(&format!(
            "cluster \"herd\" {{\n region = \"{region}\"\n kms_key_id = \"alias/dba\"\n image {{\n base = \"ubuntu-24.04\"\n }}\n}}\n"
        ));
        let all = statements(&of(&cluster, Task::Run));
        all.iter().flat_map(|s| texts(&s["Condition"]["StringEquals"]["kms:ViaService"])).collect()
    };
    let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(via("eu-west-1"), names(&["ec2.eu-west-1.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"]));
    assert_eq!(
        via("cn-north-1"),
        names(&[
            "ec2.cn-north-1.amazonaws.com",
            "ec2.cn-north-1.amazonaws.com.cn",
            "secretsmanager.cn-north-1.amazonaws.com",
            "secretsmanager.cn-north-1.amazonaws.com.cn",
        ])
    );
}

#[test]
fn a_network_and_a_key_of_the_accounts_own_are_named() {
    let all = statements(&of(&cluster(SHIPPED[4]), Task::Run));
    let resources = |action: &str| -> BTreeSet<String> {
        all.iter().filter(|s| texts(&s["Action"]).contains(action)).flat_map(|s| texts(&s["Resource"])).collect()
    };
    let run = resources("ec2:RunInstances");
    for id in ["subnet/subnet-0a1b2c3d4e5f6071a", "subnet/subnet-0a1b2c3d4e5f60720"] {
        assert!(run.contains(&format!("arn:aws:ec2:eu-west-1:*:{id}")), "{id}: {run:?}");
    }
    assert!(!run.iter().any(|arn| arn.ends_with(":subnet/*")), "{run:?}");
    assert!(resources("ec2:CreateSecurityGroup").contains("arn:aws:ec2:eu-west-1:*:vpc/vpc-0a1b2c3d4e5f60718"));
    assert!(
        resources("kms:CreateGrant").contains("arn:aws:kms:eu-west-1:*:key/*"),
        "an alias stands for a key that only AWS knows"
    );
    assert!(resources("ec2:CreateVpc").is_empty());
}

#[test]
fn the_partition_is_the_regions() {
    for region in regions::ALL.iter().filter(|region| regions::home(region.name) == region.name) {
        let cluster = cluster(&format!(
            "cluster \"herd\" {{\n region = \"{}\"\n image {{\n  base = \"ubuntu-24.04\"\n }}\n}}\n",
            region.name
        ));
        let wanted = format!("arn:{}:", region.partition.name());
        for statement in statements(&of(&cluster, Task::Run)) {
            assert!(
                texts(&statement["Resource"]).iter().all(|arn| arn == "*" || arn.starts_with(&wanted)),
                "{statement}"
            );
        }
    }
}

/// Every request that the code makes with the AWS CLI is allowed: every `"ec2", "describe-…"` of the sources.
#[test]
fn every_question_of_the_pipeline_is_allowed() {
    let services = [
        ("ec2", "ec2"),
        ("elbv2", "elasticloadbalancing"),
        ("iam", "iam"),
        ("secretsmanager", "secretsmanager"),
        ("kms", "kms"),
        ("service-quotas", "servicequotas"),
    ];
    let allowed: BTreeSet<String> = SHIPPED.iter().flat_map(|text| actions(&of(&cluster(text), Task::Run))).collect();
    let mut asked = BTreeSet::new();
    for source in [
        include_str!("../../src/tools/adopt.rs"),
        include_str!("../../src/tools/aws.rs"),
        include_str!("../../src/tools/leftovers.rs"),
        include_str!("../../src/pipeline/preflight/mod.rs"),
        include_str!("../../src/pipeline/preflight/region.rs"),
    ] {
        let words: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
        let is_verb =
            |word: &str| word.split('-').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()));
        for pair in words.windows(2) {
            let service = services.iter().find(|(cli, _)| *cli == pair[0] && is_verb(pair[1]));
            if let Some((_, service)) = service {
                asked.insert(format!("{service}:{}", camel(pair[1])));
            }
        }
        // `ec2("describe-instances")`, `self.ask("describe-volumes", …)`
        let of_ec2 = |pair: &&[&str]| services.iter().all(|(cli, _)| *cli != pair[0] || *cli == "ec2");
        let verbs = words.windows(2).filter(of_ec2).map(|pair| pair[1]);
        let verbs = verbs.filter(|word| word.starts_with("describe-") && is_verb(word));
        asked.extend(verbs.map(|verb| format!("ec2:{}", camel(verb))));
    }
    // The CLI's own loop over DescribeInstances.
    asked.remove("ec2:Wait");
    assert!(asked.len() > 15, "{asked:?}");
    let refused: Vec<&String> = asked.iter().filter(|action| !allowed.contains(*action)).collect();
    assert_eq!(refused, Vec::<&String>::new());
}

fn camel(verb: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    verb.split('-').map(word).collect()
}

/// A right that a run in the lab does not use has a reason.
#[test]
fn what_is_needed_elsewhere_is_allowed() {
    let allowed: BTreeSet<String> = SHIPPED.iter().flat_map(|text| actions(&of(&cluster(text), Task::Run))).collect();
    for (action, reason) in tasks::NEEDED_ELSEWHERE {
        assert!(!reason.is_empty());
        assert!(allowed.contains(*action) || action.starts_with("route53:"), "{action} is in no policy");
    }
}
