//! A folder, a hermetic environment and fake tools, in which tests run `pgherd`.

pub mod generated;
pub mod herd;
pub mod processes;
pub mod random;
pub mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The result of running pgherd.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn out(self, text: &str) -> Self {
        assert!(
            squeezed(&self.stdout).contains(&squeezed(text)),
            "{text:?} is not in stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub fn err(self, text: &str) -> Self {
        assert!(squeezed(&self.stderr).contains(&squeezed(text)), "{text:?} is not in stderr:\n{}", self.stderr);
        self
    }
}

/// Returns a text without colours and with single spaces: columns are as wide as their contents, and only the words matter here.
fn squeezed(text: &str) -> String {
    let mut plain = String::new();
    for (i, part) in text.replace('\r', "").split("\x1b[").enumerate() {
        plain.push_str(if i == 0 {
            part
        } else {
            part.trim_start_matches(|c: char| c.is_ascii_digit()).get(1..).unwrap_or("")
        });
    }
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    plain.lines().map(line).collect::<Vec<_>>().join("\n")
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The surroundings of one test.
pub struct Test {
    dir: TempDir,
    env: Vec<(String, String)>,
}

impl Test {
    /// Creates an empty folder. `PATH` contains no program.
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["bin", "home", "state", "work"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Test { dir, env: vec![] }
    }

    /// Creates a folder with one blueprint, and fake tools.
    pub fn with_tools(blueprint: &str) -> Self {
        let test = Test::new();
        test.write("blueprints/herd.hcl", blueprint);
        for (name, script) in [("packer", PACKER), ("terraform", TERRAFORM), ("aws", AWS)] {
            test.program(name, script);
        }
        test
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Returns a path in the folder in which pgherd runs.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("work").join(path)
    }

    /// Returns a path in the folder in which the fake tools record what they do.
    pub fn state(&self, path: &str) -> PathBuf {
        self.dir.path().join("state").join(path)
    }

    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Adds a program to `PATH`.
    pub fn program(&self, name: &str, body: &str) {
        let path = self.dir.path().join("bin").join(name);
        let head = format!("#!/bin/sh\nPATH=/usr/bin:/bin\nSTATE={}\n", self.state("").display());
        fs::write(&path, format!("{head}{body}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn remove_program(&self, name: &str) {
        fs::remove_file(self.dir.path().join("bin").join(name)).unwrap();
    }

    /// Sets shell code that a fake tool runs first, at each call.
    pub fn hook(&self, program: &str, body: &str) {
        fs::write(self.state(&format!("hook-{program}")), body).unwrap();
    }

    /// Sets the `resource_changes` that `terraform show -json` prints for a module's plan.
    pub fn shown(&self, module: &str, changes: serde_json::Value) {
        let plan = serde_json::json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes,
            "applyable": true, "complete": true, "errored": false});
        fs::write(self.state(&format!("shown-{module}")), plan.to_string()).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgherd"));
        command.args(args).current_dir(self.path("")).env_clear();
        command.env("PATH", self.dir.path().join("bin")).env("HOME", self.dir.path().join("home"));
        command.envs(self.env.iter().map(|(k, v)| (k, v))).stdin(Stdio::null());
        command
    }

    /// Returns shell code that prints an error as Terraform does with `-json`.
    pub fn terraform_error(summary: &str, detail: &str, place: Option<(&str, usize)>) -> String {
        let mut diagnostic = serde_json::json!({"severity": "error", "summary": summary, "detail": detail});
        if let Some((file, line)) = place {
            diagnostic["range"] =
                serde_json::json!({"filename": file, "start": {"line": line, "column": 1, "byte": 0}});
        }
        let message = serde_json::json!({"@level": "error", "@message": format!("Error: {summary}"),
            "@module": "terraform.ui", "diagnostic": diagnostic, "type": "diagnostic"});
        format!("printf '%s\\n' '{}'", message.to_string().replace('\'', r"'\''"))
    }

    /// Runs pgherd to its end.
    pub fn run(&self, args: &[&str]) -> Done {
        self.command(args).output().unwrap().into()
    }

    /// Runs pgherd on a terminal, and types `typed`.
    pub fn at_terminal(&self, args: &[&str], typed: &str) -> Done {
        let words: Vec<&str> = std::iter::once(env!("CARGO_BIN_EXE_pgherd")).chain(args.iter().copied()).collect();
        let typed_at = self.state("typed");
        fs::write(&typed_at, typed).unwrap();
        let mut command = Command::new("/usr/bin/script");
        command.args(["-qec", &words.join(" "), "/dev/null"]).current_dir(self.path("")).env_clear();
        command
            .env("PATH", self.dir.path().join("bin"))
            .env("HOME", self.dir.path().join("home"))
            .env("SHELL", "/bin/sh");
        command
            .env("TERM", "xterm")
            .envs(self.env.iter().map(|(k, v)| (k, v)))
            .stdin(fs::File::open(typed_at).unwrap());
        command.output().unwrap().into()
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns every call of a fake tool in order, except those that only ask for a version.
    pub fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.state("calls")).unwrap_or_default();
        let asks_version = |line: &&str| line.split(' ').nth(1).is_some_and(|word| word.contains("version"));
        log.lines().filter(|line| !asks_version(line)).map(String::from).collect()
    }

    /// Returns the calls that contain a text.
    pub fn calls_of(&self, text: &str) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.contains(text)).collect()
    }

    /// Returns the index in [`Test::calls`] of the call that contains a text.
    #[track_caller]
    pub fn position(&self, text: &str) -> usize {
        let calls = self.calls();
        calls.iter().position(|call| call.contains(text)).unwrap_or_else(|| panic!("{text:?} is not among {calls:#?}"))
    }
}

/// Waits until a file exists.
#[track_caller]
pub fn await_file(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns every file below a folder with its content, by path.
pub fn tree(dir: &Path) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut left = vec![dir.to_path_buf()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Each fake tool records its arguments and its folder, and then runs the test's hook.
macro_rules! fake {
    ($name:literal, $body:literal) => {
        concat!(
            "echo \"",
            $name,
            " $* [${PWD##*/work/}]\" >>\"$STATE/calls\"\n",
            "[ -f \"$STATE/hook-",
            $name,
            "\" ] && . \"$STATE/hook-",
            $name,
            "\"\n",
            $body
        )
    };
}

/// Builds an image of the template's role, which the fake AWS CLI lists from then on.
const PACKER: &str = fake!(
    "packer",
    r#"
case "$1" in
# Debian's own, whose SSH library knows server-sig-algs.
version) echo "Packer v1.6.6" ;;
build)
    for template; do :; done
    [ -f "$template" ] || { echo "no template $template"; exit 1; }
    role=$(basename "$template" _temp.json)
    echo "==> building $role"
    touch "$STATE/image-$role"
    echo "eu-west-1: ami-0$role"
    ;;
*) echo "no such verb"; exit 127 ;;
esac
"#
);

/// Keeps one state per module: created or not. A plan shows what has to be created or destroyed, and can be applied once.
const TERRAFORM: &str = fake!(
    "terraform",
    r#"
[ "$1" = version ] && { echo '{"terraform_version": "1.11.4"}'; exit; }
dir=${1#-chdir=}
module=$(basename "$dir")
[ -d "$dir" ] || { echo "no module $dir"; exit 1; }
case "$2" in
init) mkdir -p "$dir/.terraform" ;;
plan)
    for out; do case "$out" in -out=*) file="$dir/${out#-out=}" ;; esac; done
    case "$*" in
    *-destroy*)
        [ -f "$STATE/made-$module" ] || { echo "No changes."; exit 0; }
        echo destroy >"$file"
        ;;
    *)
        [ -f "$STATE/made-$module" ] && { echo "No changes."; exit 0; }
        echo create >"$file"
        ;;
    esac
    exit 2
    ;;
apply)
    for file; do :; done
    [ -f "$dir/$file" ] || { echo "no plan $file"; exit 1; }
    case $(cat "$dir/$file") in
    create) 
        touch "$STATE/made-$module"
        [ -f "$dir/terraform.tfstate" ] || echo '{"version": 4, "serial": 1}' >"$dir/terraform.tfstate"
        ;;
    destroy) rm "$STATE/made-$module" ;;
    esac
    echo "Apply complete!"
    ;;
show)
    cat "$STATE/shown-$module" 2>/dev/null && exit
    for file; do :; done
    case $(cat "$dir/$file") in create) action=create ;; destroy) action=delete ;; *) echo "no plan $file" >&2; exit 1 ;; esac
    echo "{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"aws_thing.$module\", \"mode\": \"managed\",
        \"type\": \"aws_thing\", \"change\": {\"actions\": [\"$action\"], \"before\": null, \"after\": {}}}]}"
    ;;
output) echo '{"public_addresses": {"value": {"haproxy": "127.0.0.1"}}}' ;;
*) echo "no such verb $2"; exit 1 ;;
esac
"#
);

/// Lists the images that the fake Packer has built.
const AWS: &str = fake!(
    "aws",
    r#"
case "$1 $2" in
--version*) echo "aws-cli/2.15.1 Python/3.11" ;;
"sts get-caller-identity") echo '{"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/test"}' ;;
"ec2 describe-images")
    images=$(cat "$STATE/more-images" 2>/dev/null)
    for role in master slave haproxy; do
        [ -f "$STATE/image-$role" ] || continue
        name=$(sed -n 's/.*"ami_name": "\(.*\)",/\1/p' "packer_templates/${role}_temp.json" 2>/dev/null)
        case "$*" in
        *"pgherd:cluster"* | *-"$role"-\**)
            images="$images,{\"ImageId\": \"ami-0$role\", \"Name\": \"$name\", \"CreationDate\": \"$(cat "$STATE/created" 2>/dev/null)\",
                \"Tags\": [{\"Key\": \"pgherd:content\", \"Value\": \"x\"}, {\"Key\": \"pgherd:base\", \"Value\": \"ami-0base debian-13-amd64-1\"}],
                \"BlockDeviceMappings\": [{\"Ebs\": {\"SnapshotId\": \"snap-0$role\"}}]}" ;;
        esac
    done
    echo "{\"Images\": [${images#,}]}"
    ;;
"ec2 deregister-image") rm "$STATE/image-${4#ami-0}" ;;
"ec2 delete-snapshot" | "ec2 create-tags") ;;
"ec2 describe-instances") cat "$STATE/$2" 2>/dev/null || echo '{"Reservations": []}' ;;
"ec2 describe-"*) cat "$STATE/$2" 2>/dev/null || echo "{}" ;;
"s3api list-objects-v2") cat "$STATE/objects" 2>/dev/null || echo null ;;
"ec2 terminate-instances" | "ec2 wait" | "ec2 delete-"*) echo "{}" ;;
*) echo "no such verb $1 $2" >&2; exit 1 ;;
esac
"#
);
