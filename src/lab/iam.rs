//! The IAM user that runs a cluster's pipeline in the lab. It has the rights that `pgherd policy` prints, and no others.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use roxmltree::Document;

use super::network::LAB_ADDRESS;
use super::paths;
use crate::system::{files, network};

/// Key and secret of the account's root user, which is the lab itself. No policy restricts it.
pub const ROOT: &str = "lab";

/// Makes the user, or gives an existing one these policies. Its key is in a file that only root can read.
pub fn make_runner(region: &str, cluster: &str, policies: &[String]) -> Result<()> {
    let iam = Iam { region };
    let user = format!("pgherd-{cluster}");
    let name = [("UserName", user.as_str())];
    iam.unless(&["EntityAlreadyExists"], "CreateUser", &name)?;
    let attached = iam.ask("ListAttachedUserPolicies", &name)?;
    let mut left: Vec<String> = every(&attached, "PolicyArn")?;
    for (i, text) in policies.iter().enumerate() {
        let policy = format!("{user}-{}", i + 1);
        let ending = format!(":policy/{policy}");
        if let Some(old) = left.iter().position(|arn| arn.ends_with(&ending)).map(|at| left.remove(at)) {
            iam.remove_policy(&user, &old)?;
        }
        let made = iam.ask("CreatePolicy", &[("PolicyName", &policy), ("PolicyDocument", text)])?;
        let arn = every(&made, "Arn")?.into_iter().next().context("a policy without an ARN")?;
        iam.ask("AttachUserPolicy", &[("UserName", &user), ("PolicyArn", &arn)])?;
    }
    for old in left {
        iam.remove_policy(&user, &old)?;
    }
    let file = paths::credentials(cluster);
    if files::exists(&file) {
        return Ok(());
    }
    let made = iam.ask("CreateAccessKey", &name)?;
    let one = |field| every(&made, field)?.into_iter().next().with_context(|| format!("a key without {field}"));
    let (key, secret) = (one("AccessKeyId")?, one("SecretAccessKey")?);
    let text = format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    if let Some(dir) = file.parent() {
        files::make_dirs(dir)?;
        files::set_mode(dir, 0o700)?;
    }
    Ok(files::replace(&file, &file.with_extension("new"), text.as_bytes(), 0o600)?)
}

struct Iam<'a> {
    region: &'a str,
}

impl Iam<'_> {
    fn remove_policy(&self, user: &str, arn: &str) -> Result<()> {
        self.ask("DetachUserPolicy", &[("UserName", user), ("PolicyArn", arn)])?;
        self.ask("DeletePolicy", &[("PolicyArn", arn)]).map(drop)
    }

    /// Sends a request. These error codes count as success.
    fn unless(&self, fine: &[&str], action: &str, parameters: &[(&str, &str)]) -> Result<()> {
        match self.ask(action, parameters) {
            Err(e) if fine.iter().any(|code| format!("{e:#}").contains(code)) => Ok(()),
            asked => asked.map(drop),
        }
    }

    fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential={ROOT}/20260101/{}/iam/aws4_request, SignedHeaders=host, Signature=0",
            self.region
        );
        let more: String = parameters.iter().map(|(name, value)| format!("&{name}={}", encoded(value))).collect();
        let form = format!("Action={action}&Version=2010-05-08{more}");
        match network::http_post_form(&format!("http://{LAB_ADDRESS}/"), &scope, &form, Duration::from_secs(10)) {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) => bail!("moto returned {} for {action}: {}", answer.status, answer.body),
            Err(e) => bail!("moto is unreachable: {e}"),
        }
    }
}

/// The texts of every element of this name.
fn every(xml: &str, name: &str) -> Result<Vec<String>> {
    let document = Document::parse(xml)?;
    let elements = document.descendants().filter(|node| node.tag_name().name() == name);
    Ok(elements.filter_map(|node| node.text()).map(str::to_string).collect())
}

/// A value in a form (RFC 3986, 2.3: what need not be encoded).
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
