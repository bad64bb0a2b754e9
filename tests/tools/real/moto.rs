//! The AWS API of one test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgherd::fileset::FileSet;
use serde_json::{Value, json};
use tempfile::TempDir;

const CERTIFICATE: &str = "certificate.pem";

pub struct Moto {
    process: Child,
    port: u16,
    dir: TempDir,
}

/// Where an API that checks permissions listens as an interface endpoint.
pub struct Door<'a> {
    pub address: &'a str,
    pub port: u16,
}

impl Moto {
    /// Starts it with a cluster's images in it, as if Packer had built them. `tag` is the value of their tag `pgherd:cluster`.
    pub fn with_images(tag: &str, files: &FileSet) -> Self {
        Self::with_images_of(tag, &[files])
    }

    /// Starts it with the images of several clusters of one name.
    pub fn with_images_of(tag: &str, all: &[&FileSet]) -> Self {
        Self::with_amis(images(tag, all))
    }

    /// Starts it with the image of a distribution in it.
    pub fn with_base(owner: &str, name: &str) -> Self {
        let mut base = ami("ami-0000000000000ba5e", name);
        (base["owner_id"], base["public"]) = (owner.into(), true.into());
        Self::with_amis(json!([base]))
    }

    /// Starts the API as in the lab: it checks the permissions of every caller except the tests themselves, and is an interface endpoint at a
    /// door's address.
    pub fn judging(tag: &str, files: &FileSet, door: &Door<'_>) -> Self {
        Self::start(images(tag, &[files]), Some(door))
    }

    fn with_amis(all: Value) -> Self {
        Self::start(all, None)
    }

    fn start(all: Value, door: Option<&Door<'_>>) -> Self {
        let dir = TempDir::new().unwrap();
        let amis = dir.path().join("amis.json");
        std::fs::write(&amis, all.to_string()).unwrap();
        let port = free_port("127.0.0.1");
        let fixes = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lab/moto");
        let mut command = Command::new("moto_server");
        if let Some(Door { address, port }) = door {
            command.env("PGHERD_LAB_DOORS", format!("{address}:{port}"));
            command.env("PGHERD_LAB_CALLS", dir.path().join("calls.jsonl"));
            command.env("PGHERD_LAB_CERTIFICATE", dir.path().join(CERTIFICATE));
        }
        let process = command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_AMIS_PATH", &amis)
            .env("PYTHONPATH", fixes)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("moto_server: {e}: `make test` installs it"));
        let moto = Moto { process, port, dir };
        let deadline = Instant::now() + Duration::from_secs(60);
        while ureq::get(format!("{}/moto-api/", moto.endpoint())).call().is_err() {
            assert!(Instant::now() < deadline, "moto does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        moto
    }

    /// The certificate that a client of a door trusts.
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join(CERTIFICATE)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the text of a secret.
    pub fn secret(&self, region: &str, name: &str) -> String {
        let answer = self.json(region, "secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": name }));
        answer["SecretString"].as_str().unwrap().to_string()
    }

    /// Calls a service that uses JSON.
    pub fn json(&self, region: &str, service: &str, target: &str, request: &Value) -> Value {
        let mut answer = ureq::post(self.endpoint())
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", scope(region, service))
            .send(request.to_string())
            .unwrap_or_else(|e| panic!("{target} {request}: {e}"));
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default()
    }

    /// Calls EC2, and returns its XML.
    pub fn ec2(&self, region: &str, action: &str) -> String {
        let mut answer = ureq::post(self.endpoint())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Authorization", scope(region, "ec2"))
            .send(format!("Action={action}&Version=2016-11-15"))
            .unwrap_or_else(|e| panic!("{action}: {e}"));
        answer.body_mut().read_to_string().unwrap()
    }

    /// Returns the names of a role's inline policies.
    pub fn role_policies(&self, role: &str) -> Vec<String> {
        let answer = self.aws("us-east-1", &["iam", "list-role-policies", "--role-name", role]);
        answer["PolicyNames"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().into()).collect()
    }

    /// Returns an inline policy of a role.
    pub fn role_policy(&self, role: &str, name: &str) -> Value {
        self.aws("us-east-1", &["iam", "get-role-policy", "--role-name", role, "--policy-name", name])["PolicyDocument"]
            .take()
    }

    /// Calls the AWS CLI, which decodes what is encoded twice.
    pub fn aws(&self, region: &str, words: &[&str]) -> Value {
        serde_json::from_str(&self.said(region, words)).unwrap()
    }

    /// Does the same if the result may be empty.
    pub fn said(&self, region: &str, words: &[&str]) -> String {
        let mut command = Command::new("aws");
        command.args(words).args(["--endpoint-url", &self.endpoint(), "--region", region, "--output", "json"]);
        command.env("AWS_ACCESS_KEY_ID", "lab").env("AWS_SECRET_ACCESS_KEY", "test");
        let output = command.output().unwrap_or_else(|e| panic!("aws: {e}: `make test` installs it"));
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Creates a bucket.
    pub fn make_bucket(&self, region: &str, name: &str) {
        let request = ureq::put(format!("{}/{name}", self.endpoint())).header("Authorization", scope(region, "s3"));
        let place = format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        );
        request.send(place).unwrap();
    }

    /// Writes an object.
    pub fn put(&self, region: &str, path: &str, text: &str) {
        let request = ureq::put(format!("{}/{path}", self.endpoint())).header("Authorization", scope(region, "s3"));
        request.send(text).unwrap();
    }

    /// Removes an object.
    pub fn delete(&self, region: &str, path: &str) {
        let request = ureq::delete(format!("{}/{path}", self.endpoint())).header("Authorization", scope(region, "s3"));
        request.call().unwrap();
    }

    /// Returns a role as IAM describes it, if it exists.
    pub fn role(&self, name: &str) -> Option<String> {
        let request = ureq::post(self.endpoint())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Authorization", scope("us-east-1", "iam"));
        let answer = request.send(format!("Action=GetRole&Version=2010-05-08&RoleName={name}")).ok();
        answer.map(|mut answer| answer.body_mut().read_to_string().unwrap())
    }

    /// Returns the names of a region's secrets.
    pub fn secrets(&self, region: &str) -> Vec<String> {
        let answer = self.json(region, "secretsmanager", "secretsmanager.ListSecrets", &json!({}));
        let list = answer["SecretList"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|secret| secret["Name"].as_str().map(String::from)).collect()
    }

    /// Returns the text of an object.
    pub fn object(&self, region: &str, path: &str) -> String {
        let request = ureq::get(format!("{}/{path}", self.endpoint())).header("Authorization", scope(region, "s3"));
        request.call().unwrap_or_else(|e| panic!("no object {path}: {e}")).body_mut().read_to_string().unwrap()
    }
}

fn images(tag: &str, all: &[&FileSet]) -> Value {
    Value::from_iter(all.iter().flat_map(|files| &files.images).zip(1..).map(|(image, i)| {
        let mut ami = ami(&format!("ami-{i:017x}"), &image.name);
        ami["tags"] = json!({ "pgherd:cluster": tag, "pgherd:content": image.hash });
        ami
    }))
}

fn ami(id: &str, name: &str) -> Value {
    json!({
        "ami_id": id,
        "name": name,
        "description": name,
        "public": false,
        "architecture": "x86_64",
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "root_device_name": "/dev/xvda",
        "image_location": name,
    })
}

/// Returns a port on which nothing listens.
pub fn free_port(address: &str) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

/// moto checks no signature of the account's root user, whose key this is; it reads region and service from it.
fn scope(region: &str, service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=lab/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0")
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
