//! `pgherd run` and `destroy` in the lab, killed at random instants: pgherd itself, its packer, its terraform, or by Ctrl-C. What comes
//! after converges without help, and nothing is left in the API or on the disk except what the cluster needs.
//!
//! `PGHERD_LAB_KILLS` sets the number of kills (default 3), and `PGHERD_SEED` repeats the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::lab::{Lab, STATE, pgherd, text, within};
use crate::support::processes::{children, in_folder};
use crate::support::random;
use crate::support::random::Random;
use rustix::process::{Pid, Signal, kill_process};

const BLUEPRINT: &str = "blueprints/herd.hcl";
const REGION: &str = "eu-west-1";
/// How long a build of HAProxy's image takes, in milliseconds.
const BUILD: usize = 25_000;
/// The longest time that a run may take, however much it has to repair.
const MOST: Duration = Duration::from_secs(600);

#[test]
fn killed_at_random_instants_it_converges_and_leaves_nothing_behind() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let kills = number("PGHERD_LAB_KILLS").map_or(3, |n: u64| n as usize);
    let seed = number("PGHERD_SEED").unwrap_or_else(random::seed);
    println!("PGHERD_SEED={seed} PGHERD_LAB_KILLS={kills}");
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let mut chaos = Chaos {
        before: things(&lab),
        lab: &lab,
        random: Random::new(seed),
        typical: BTreeMap::from([(true, 66), (false, 28)]),
        hits: BTreeMap::new(),
        done: 0,
        late: 0,
    };
    for chain in 0.. {
        if chaos.done >= kills {
            break;
        }
        let up = chain % 2 == 0;
        let most = (kills - chaos.done).min(if up { 3 } else { 2 });
        for _ in 0..1 + chaos.random.below(most) {
            chaos.kill(up);
        }
        chaos.converge(up);
    }
    println!("{} kills: {:?}; {} came too late", chaos.done, chaos.hits, chaos.late);
}

struct Chaos<'a> {
    lab: &'a Lab,
    /// What the API of an empty lab contains.
    before: BTreeSet<String>,
    random: Random,
    /// Seconds that a run (or a destroy) takes.
    typical: BTreeMap<bool, usize>,
    hits: BTreeMap<&'static str, u32>,
    done: usize,
    late: usize,
}

impl Chaos<'_> {
    fn begin(&self, up: bool) -> Child {
        let log = fs::File::options().create(true).append(true).open(Path::new(STATE).join("killed.log")).unwrap();
        let words: &[&str] = if up { &["run"] } else { &["destroy", "--yes"] };
        let mut command = pgherd();
        command.arg(words[0]).arg(BLUEPRINT).args(&words[1..]).args(["--target", "lab"]).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Begins, and kills something at a random instant. If it has ended by then, another instant is drawn.
    fn kill(&mut self, up: bool) {
        let what = self.random.one(&["pgherd", "Ctrl-C", "terraform", "packer"]);
        // An image has to be built, and the instant falls into its build, because Packer rarely runs otherwise.
        let builds = up && what == "packer";
        if builds {
            self.forget_an_image();
        }
        let mut run = self.begin(up);
        let own = Pid::from_child(&run);
        let most = if builds {
            while !is_building(own) && run.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(20));
            }
            BUILD
        } else {
            self.typical[&up] * 1000
        };
        let wait = Duration::from_millis(self.random.below(most) as u64);
        let until = Instant::now() + wait;
        while Instant::now() < until && run.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(20));
        }
        if run.try_wait().unwrap().is_some() {
            println!("  {} was over before {wait:?}", verb(up));
            if !builds {
                self.typical.insert(up, wait.as_secs() as usize + 1);
            }
            self.late += 1;
            assert!(self.late < 20 + 2 * self.done, "nearly all is over before it is killed:\n{}", self.log());
            return;
        }
        let (what, hit) = match what {
            "terraform" | "packer" => {
                // Packer rarely runs. If it does not, Terraform is killed, and if that does not run either, pgherd.
                let mut tools = children(own, what);
                tools.extend(if tools.is_empty() { children(own, "terraform") } else { vec![] });
                match tools.get(self.random.below(tools.len())) {
                    Some((pid, name)) => (if name.starts_with("packer") { "packer" } else { "terraform" }, *pid),
                    None => ("pgherd", own),
                }
            }
            what => (what, own),
        };
        let signal = if what == "Ctrl-C" { Signal::INT } else { Signal::KILL };
        let _ = kill_process(hit, signal);
        self.done += 1;
        *self.hits.entry(what).or_default() += 1;
        println!("  {:3}: {} after {:.1} s: {what}", self.done, verb(up), wait.as_secs_f64());
        let ended = within(MOST, || run.try_wait().unwrap().is_some());
        if !ended {
            run.kill().unwrap();
        }
        run.wait().unwrap();
        assert!(ended, "it goes on and on after {what} was killed:\n{}", self.log());
    }

    /// Runs to the end, and counts what exists.
    fn converge(&mut self, up: bool) {
        let begin = Instant::now();
        let mut run = self.begin(up);
        let ended = within(MOST, || run.try_wait().unwrap().is_some());
        if !ended {
            run.kill().unwrap();
        }
        let status = run.wait().unwrap();
        println!("  {} converged in {:.0} s", verb(up), begin.elapsed().as_secs_f64());
        assert!(ended && status.success(), "{} does not converge ({status}):\n{}", verb(up), self.log());
        self.api_has_what_is_needed(up);
        self.disk_has_what_is_needed(up);
    }

    /// Checks that everything in the API is in a state, is an image of the cluster, or existed before.
    fn api_has_what_is_needed(&self, up: bool) {
        let states: String = states().into_values().collect();
        let manifest = fs::read_to_string("generated/herd/pgherd.json").unwrap();
        let images = self.aws(&[
            "ec2",
            "describe-images",
            "--owners",
            "self",
            "--query",
            "Images[].[ImageId,Name,State,BlockDeviceMappings[0].Ebs.SnapshotId]",
        ]);
        let mut ours = BTreeSet::new();
        for image in images.lines() {
            let fields: Vec<&str> = image.split('\t').collect();
            assert_eq!(fields[2], "available", "{images}");
            let hash = fields[1].rsplit('-').next().unwrap();
            if !manifest.contains(hash) {
                // The lab's cache has images of earlier blueprints.
                assert!(
                    self.before.contains(&format!("image {} {}", fields[0], fields[1])),
                    "{} is of no use",
                    fields[1]
                );
                continue;
            }
            assert!(ours.insert(fields[1].to_string()), "{} is there twice", fields[1]);
            ours.extend([fields[0].to_string(), fields[3].to_string()]);
        }
        if up {
            assert_eq!(ours.len(), 9, "name, id and snapshot of three images: {images}");
        }
        let needed = |thing: &&String| {
            let id = thing.split(' ').nth(1).unwrap();
            self.before.contains(*thing) || ours.contains(id) || up && states.contains(&format!("\"{id}\""))
        };
        let now = things(self.lab);
        let left: Vec<&String> = now.iter().filter(|thing| !needed(thing)).collect();
        assert!(left.is_empty(), "left behind: {left:#?}\n{}", self.log());
        let instances = now.iter().filter(|thing| thing.starts_with("instance ")).count();
        assert_eq!(instances, if up { 5 } else { 0 }, "{}", self.log());
    }

    /// Checks that each module has one state and no lock, and that no file is half written.
    fn disk_has_what_is_needed(&self, up: bool) {
        let states = states();
        assert_eq!(states.len(), 4, "{:?}", states.keys());
        for (path, state) in &states {
            let state: serde_json::Value = serde_json::from_str(state).unwrap_or_else(|e| panic!("{path}: {e}"));
            let managed = state["resources"].as_array().unwrap().iter().filter(|r| r["mode"] == "managed").count();
            assert_eq!(managed > 0, up, "{path} has {managed} resources");
        }
        let left: Vec<String> = files(&Path::new(STATE).join("clusters"))
            .into_iter()
            .filter(|path| {
                [".lock.info", ".new", ".pgherd-new", "errored.tfstate", ".torn"].iter().any(|end| path.ends_with(end))
            })
            .collect();
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(files(&Path::new(STATE).join("tmp")), Vec::<String>::new(), "temporary files");
        assert_eq!(files(&Path::new(STATE).join("clusters/herd/.pgherd/tmp")), Vec::<String>::new(), "temporary files");
        // Tools, their plugins and their keepers.
        let strays = in_folder(&Path::new(STATE).join("clusters"));
        assert_eq!(strays, Vec::<String>::new(), "nothing of it runs on");
    }

    /// HAProxy's image has to be built again. If a machine runs from it, that machine is replaced.
    fn forget_an_image(&self) {
        let template = fs::read_to_string("generated/herd/packer_templates/haproxy_temp.json").unwrap();
        let template: serde_json::Value = serde_json::from_str(&template).unwrap();
        let name = format!("Name=name,Values={}", template["builders"][0]["ami_name"].as_str().unwrap());
        let query = "Images[0].[ImageId,BlockDeviceMappings[0].Ebs.SnapshotId]";
        let words = ["ec2", "describe-images", "--owners", "self", "--filters", &name, "--query", query];
        let found = self.aws(&words);
        // There is none, so it has to be built anyway.
        let Some((image, snapshot)) = found.split_once('\t') else { return };
        self.aws(&["ec2", "deregister-image", "--image-id", image]);
        self.aws(&["ec2", "delete-snapshot", "--snapshot-id", snapshot]);
    }

    fn aws(&self, words: &[&str]) -> String {
        self.lab.aws(&[words, &["--region", REGION]].concat())
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(Path::new(STATE).join("killed.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(150)..].join("\n")
    }
}

/// Returns whether Packer is building: at first it only prints its version.
fn is_building(run: Pid) -> bool {
    let words = |pid: Pid| fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    children(run, "packer").into_iter().any(|(pid, _)| words(pid).split('\0').nth(1) == Some("build"))
}

fn verb(up: bool) -> &'static str {
    if up { "run" } else { "destroy" }
}

/// Everything in the API that could be left behind: its kind, its id, and a description.
fn things(lab: &Lab) -> BTreeSet<String> {
    let script = r#"
        export AWS_REGION=eu-west-1 AWS_PAGER=
        out=$(mktemp -d)
        # Into a file each: what several write into one pipe at once may tear a line.
        say() { kind=$1; shift; aws "${@:2}" --output text --query "$1" | awk -v kind="$kind" 'NF && $1 != "None" { print kind, $0 }' | tr '\t' ' ' >"$out/$kind"; }
        say instance 'Reservations[].Instances[?State.Name!=`terminated`][].[InstanceId,State.Name]' ec2 describe-instances &
        say volume 'Volumes[].[VolumeId,State]' ec2 describe-volumes &
        say snapshot 'Snapshots[].[SnapshotId,Description]' ec2 describe-snapshots --owner-ids self &
        say key 'KeyPairs[].[KeyName]' ec2 describe-key-pairs &
        say group 'SecurityGroups[].[GroupId,GroupName]' ec2 describe-security-groups &
        say rule 'SecurityGroupRules[].[SecurityGroupRuleId,GroupId]' ec2 describe-security-group-rules &
        wait
        say image 'Images[].[ImageId,Name]' ec2 describe-images --owners self &
        say address 'Addresses[].[AllocationId]' ec2 describe-addresses &
        say interface 'NetworkInterfaces[].[NetworkInterfaceId,Status]' ec2 describe-network-interfaces &
        say spot 'SpotInstanceRequests[].[SpotInstanceRequestId]' ec2 describe-spot-instance-requests &
        say vpc 'Vpcs[].[VpcId]' ec2 describe-vpcs &
        say subnet 'Subnets[].[SubnetId]' ec2 describe-subnets &
        wait
        say gateway 'InternetGateways[].[InternetGatewayId]' ec2 describe-internet-gateways &
        say routes 'RouteTables[].[RouteTableId]' ec2 describe-route-tables &
        say endpoint 'VpcEndpoints[?State!=`deleted`].[VpcEndpointId]' ec2 describe-vpc-endpoints &
        say secret 'SecretList[].[ARN]' secretsmanager list-secrets &
        say role 'Roles[].[RoleName]' iam list-roles &
        say profile 'InstanceProfiles[].[InstanceProfileName]' iam list-instance-profiles &
        wait
        cat "$out"/*
        rm -r "$out""#;
    let output =
        pgherd().args(["lab", "shell", "--", "bash", "-c", script]).env("AWS_REGION", REGION).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
    let _ = lab;
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
}

/// Returns the states by their paths.
fn states() -> BTreeMap<String, String> {
    let all = files(&Path::new(STATE).join("clusters/herd")).into_iter();
    let states = all.filter(|path| path.ends_with("/terraform.tfstate") && !path.contains("/.terraform/"));
    states.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Returns all files below a folder, without following links.
fn files(dir: &Path) -> Vec<String> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path().display().to_string());
        }
    }
    found
}
