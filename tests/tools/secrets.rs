//! Passwords survive any loss of Terraform's state, and change only by the documented step. With the real Terraform on moto.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use crate::real::moto::Moto;
use crate::real::world::{World, said};
use crate::support::Test;
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";
const NETWORK: &str = "generated/herd/network/terraform_network";
const BLUEPRINT: &str = r#"cluster "herd" {
  region = "eu-west-1"
  postgres {
    users     = ["app"]
    databases = { orders = "app" }
  }
}
"#;
const SECRETS: [&str; 6] = ["superuser", "replication", "rewind", "patroni-api", "stats", "user/app"];
/// A secret that a killed run created without a value.
const EMPTY: &str = "herd/rewind";

#[test]
fn nothing_that_exists_gets_a_new_password() {
    let world = World::of(BLUEPRINT);
    let (test, moto) = (&world.test, &world.moto);
    test.run(&["gen"]).exits(0);
    world.run().exits(0);
    // The machine that initialises the cluster generates a user's password.
    ask(
        moto,
        "PutSecretValue",
        &json!({ "SecretId": "herd/user/app", "SecretString": "a".repeat(32), "ClientRequestToken": "a".repeat(32) }),
    );
    let made = Passwords::of(moto);
    assert!(made.0.values().all(|(current, previous)| current.len() == 32 && previous.is_none()), "{made:?}");

    // A checkout without the state, and a run that was killed between CreateSecret and PutSecretValue.
    forget(test);
    ask(moto, "DeleteSecret", &json!({ "SecretId": EMPTY, "ForceDeleteWithoutRecovery": true }));
    let tags = json!([{ "Key": "pgherd:cluster", "Value": "herd/eu-west-1" }]);
    ask(moto, "CreateSecret", &json!({ "Name": EMPTY, "ClientRequestToken": "0".repeat(32), "Tags": tags }));
    world.run().exits(0).err("7 aws_secretsmanager_secret");
    let adopted = Passwords::of(moto);
    assert_eq!(adopted.without(EMPTY), made.without(EMPTY), "adopted");
    assert_eq!(adopted.0[EMPTY].0.len(), 32, "what has no password gets one");
    world.run().exits(0).err("network unchanged");

    // By hand: half of the state is lost, one version is tainted and one is replaced.
    let on = |args: &[&str]| world.by_hand(&test.path(NETWORK), args);
    let version = |name: &str| format!("aws_secretsmanager_secret_version.password[\"herd/{name}\"]");
    on(&["state", "rm", &version("superuser"), &version("stats")]);
    on(&["taint", &version("replication")]);
    let replace = format!("-replace={}", version("patroni-api"));
    on(&["apply", "-input=false", "-auto-approve", &replace]);
    assert_eq!(Passwords::of(moto), adopted, "made again");

    // A rotation on purpose.
    let psql = Database(tempfile::TempDir::new().unwrap());
    let database = psql.start(&adopted.0["herd/user/app"].0);
    let refused = psql.rotate(&world, "connect");
    assert!(!refused.status.success() && said(&refused).contains("nothing was changed"), "{}", said(&refused));
    assert_eq!(Passwords::of(moto), adopted);
    // Killed after PostgreSQL has taken the new one, and run again.
    let killed = psql.rotate(&world, "after");
    assert!(!killed.status.success(), "{}", said(&killed));
    let pending = ask(moto, "GetSecretValue", &json!({ "SecretId": "herd/user/app", "VersionStage": "AWSPENDING" }));
    let pending = pending["SecretString"].as_str().unwrap().to_string();
    assert_eq!(Passwords::of(moto), adopted, "PostgreSQL is first");
    let done = psql.rotate(&world, "");
    assert!(done.status.success(), "{}", said(&done));
    let rotated = Passwords::of(moto);
    assert_eq!(rotated.0["herd/user/app"], (pending.clone(), Some(adopted.0["herd/user/app"].0.clone())));
    assert_eq!(rotated.without("herd/user/app"), adopted.without("herd/user/app"));
    let kept = fs::read_to_string(database).unwrap();
    assert!(kept.starts_with("SCRAM-SHA-256$4096:") && !kept.contains(&pending), "{kept}");
    world.run().exits(0).err("network unchanged");
    assert_eq!(Passwords::of(moto), rotated, "Terraform leaves it so");

    let state = test.read(&format!("{NETWORK}/terraform.tfstate"));
    for (current, previous) in rotated.0.values() {
        assert!(!state.contains(current), "a password is in the state");
        assert!(!previous.as_ref().is_some_and(|previous| state.contains(previous)), "an old password is in the state");
    }
}

/// A user that was added later has a secret without a value. One without a database may connect to none.
#[test]
fn what_cannot_be_rotated_says_what_is_missing() {
    let world = World::of(&BLUEPRINT.replace("[\"app\"]", "[\"app\", \"spare\"]"));
    world.test.run(&["gen"]).exits(0);
    for user in ["app", "spare"] {
        let name = format!("herd/user/{user}");
        ask(&world.moto, "CreateSecret", &json!({ "Name": name, "ClientRequestToken": "0".repeat(32) }));
    }
    let psql = Database(tempfile::TempDir::new().unwrap());
    psql.start("");
    let refused = |user: &str| {
        let output = psql.rotate_of(&world, user, "");
        assert!(!output.status.success(), "{user}");
        said(&output)
    };
    let empty = refused("app");
    assert!(empty.starts_with("rotate_password.sh: herd/user/app has no value yet"), "{empty}");
    let homeless = refused("spare");
    assert_eq!(
        homeless.trim(),
        "rotate_password.sh: no database of the blueprint lets spare in: set PGDATABASE to one that does"
    );
    assert!(refused("").contains("usage: ") && refused("nobody").contains("usage: "));

    // The command that it prints, with a password on standard input.
    let (_, put) = empty.trim().split_once("read -rs password; ").unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", put]).env("password", "b".repeat(32)).env("AWS_ENDPOINT_URL", world.moto.endpoint());
    let done = shell.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(world.moto.secret(REGION, "herd/user/app"), "b".repeat(32));
    psql.start(&"b".repeat(32));
    let rotated = psql.rotate(&world, "");
    assert!(rotated.status.success(), "{}", said(&rotated));
}

/// Returns each secret's current value and its previous one.
#[derive(Debug, PartialEq, Eq)]
struct Passwords(BTreeMap<String, (String, Option<String>)>);

impl Passwords {
    fn of(moto: &Moto) -> Self {
        let of = |name: &str| {
            let versions = ask(moto, "ListSecretVersionIds", &json!({ "SecretId": name }));
            let value = |label: &str| {
                let versions = versions["Versions"].as_array().unwrap().iter();
                let version = versions
                    .clone()
                    .find(|version| version["VersionStages"].as_array().unwrap().contains(&label.into()))?;
                let asked =
                    ask(moto, "GetSecretValue", &json!({ "SecretId": name, "VersionId": version["VersionId"] }));
                Some(asked["SecretString"].as_str().unwrap().to_string())
            };
            // What machines and people read.
            assert_eq!(value("AWSCURRENT"), Some(moto.secret(REGION, name)), "{name}");
            (value("AWSCURRENT").unwrap(), value("AWSPREVIOUS"))
        };
        Passwords(SECRETS.iter().map(|name| format!("herd/{name}")).map(|name| (name.clone(), of(&name))).collect())
    }

    fn without(&self, name: &str) -> BTreeMap<&String, &(String, Option<String>)> {
        self.0.iter().filter(|(known, _)| *known != name).collect()
    }
}

fn ask(moto: &Moto, action: &str, request: &Value) -> Value {
    moto.json(REGION, "secretsmanager", &format!("secretsmanager.{action}"), request)
}

/// Removes what a fresh checkout does not have.
fn forget(test: &Test) {
    fs::remove_dir_all(test.path("generated/herd/.pgherd")).unwrap();
    for name in fs::read_dir(test.path(NETWORK)).unwrap().flatten() {
        match name.file_name().to_str().unwrap() {
            ".terraform" => fs::remove_dir_all(name.path()).unwrap(),
            other if other.contains(".tfstate") => fs::remove_file(name.path()).unwrap(),
            _ => {}
        }
    }
}

/// Where the fake psql is.
struct Database(tempfile::TempDir);

impl Database {
    /// Creates a PostgreSQL with one role, as far as `rotate_password.sh` uses it: it checks logins with its verifier, and accepts ALTER ROLE.
    fn start(&self, password: &str) -> std::path::PathBuf {
        let kept = self.0.path().join("kept");
        let script = format!(
            r#"#!/usr/bin/env python3
import base64, hashlib, hmac, os, re, sys
kept = {kept:?}
fails = os.environ["FAILS"]
assert os.environ["PGUSER"] == "app" and os.environ["PGDATABASE"] == "orders" and os.environ["PGPORT"] == "5000"
password, known = os.environ["PGPASSWORD"], open(kept).read()
assert password not in " ".join(sys.argv)
def is_it():
    if known.startswith("plain:"):
        return known == "plain:" + password
    rounds, salt, stored, server = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)", known).groups()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    of = lambda name: hmac.new(salted, name, hashlib.sha256).digest()
    return (base64.b64encode(hashlib.sha256(of(b"Client Key")).digest()).decode(), base64.b64encode(of(b"Server Key")).decode()) == (stored, server)
if fails == "connect" or not is_it():
    sys.exit("psql: error: password authentication failed")
sql = sys.stdin.read().strip()
if sql != "SELECT 1":
    with open(kept, "w") as out:
        out.write(re.fullmatch(r"""SET default_transaction_read_only = off;\nALTER ROLE "app" PASSWORD '([^']+)';""", sql).group(1))
    if fails == "after":
        os.kill(os.getppid(), 9)
"#
        );
        let program = self.0.path().join("psql");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(&kept, format!("plain:{password}")).unwrap();
        kept
    }

    fn rotate(&self, world: &World, fails: &str) -> Output {
        self.rotate_of(world, "app", fails)
    }

    fn rotate_of(&self, world: &World, user: &str, fails: &str) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(world.test.path("generated/herd/rotate_password.sh"));
        command.arg(user).env("PATH", path).env("FAILS", fails).env("AWS_ENDPOINT_URL", world.moto.endpoint());
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").output().unwrap()
    }
}
