//! Errors of tools that have one known cause, with the command that fixes it.

/// A known cause of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Texts that the error contains, all of them.
    all: &'static [&'static str],
    /// Texts of which the error contains at least one; none are needed if the list is empty.
    any: &'static [&'static str],
    /// What is wrong, and what to do. `{module}`, `{terraform}`, `{platform}`, `{region}` and `{state_region}` are where and with what.
    advice: &'static str,
}

/// Where a tool ran, and which one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The module's folder; empty for a tool that needs none.
    pub module: String,
    /// `terraform` or `tofu`.
    pub terraform: String,
    /// AWS region.
    pub region: String,
    /// The region of the bucket of states; empty if the states are files.
    pub state_region: String,
}

const fn cause(all: &'static [&'static str], any: &'static [&'static str], advice: &'static str) -> Cause {
    Cause { all, any, advice }
}

/// The first that matches counts.
const CAUSES: &[Cause] = &[
    // Terraform's providers and their lock file.
    cause(
        &["checksums"],
        &[
            "previously recorded in the dependency lock file",
            "recorded in the dependency lock file",
            "targeting different platforms",
        ],
        "the lock file has no checksums of the provider for this platform, {platform}, because it was written on another one. Add them \
         and commit the file: `{terraform} -chdir={module} providers lock -platform={platform}` (with a mirror also -fs-mirror=DIR or \
         -net-mirror=URL), then run again",
    ),
    cause(
        &["does not have a package available for your current platform"],
        &[],
        "the provider's mirror has no package for this platform, {platform}: add it with `{terraform} -chdir={module} providers mirror \
         -platform={platform} DIR`, then run again",
    ),
    cause(
        &[],
        &["Inconsistent dependency lock file", "doesn't match configured version constraint", "locked provider"],
        "the lock file pins a provider version that the module does not accept: run `{terraform} -chdir={module} init -upgrade`, commit \
         the lock file, then run again",
    ),
    cause(
        &[],
        &[
            "Failed to query available provider packages",
            "could not connect to registry",
            "failed to request discovery document",
        ],
        "the provider registry cannot be reached: check HTTPS_PROXY, or set a mirror in the CLI configuration \
         (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation)",
    ),
    cause(
        &["plugin cache dir"],
        &["cannot be opened"],
        "the folder in plugin_cache_dir or TF_PLUGIN_CACHE_DIR does not exist: create it or unset the setting, then run again",
    ),
    cause(
        &["fork/exec"],
        &["permission denied"],
        "the provider's program cannot be executed: its folder is on a file system mounted noexec, or a copy lost its executable \
         bit. Remove {module}/.terraform and run again, with TF_PLUGIN_CACHE_DIR on another file system if it comes back",
    ),
    cause(
        &[],
        &["Unsupported Terraform Core version", "Unsupported OpenTofu Core version"],
        "this {terraform} is too old for the module: `pgherd doctor` shows which version is needed, and how to get it",
    ),
    // The state.
    cause(
        &["NoSuchBucket"],
        &[],
        "the bucket of `state { s3 { … } }` does not exist: `aws s3 mb s3://NAME --region {state_region}`, then run again",
    ),
    // Credentials.
    cause(
        &[],
        &[
            "ExpiredToken",
            "security token included in the request is expired",
            "SSO session associated with this profile has expired",
            "Token has expired and refresh failed",
        ],
        "the credentials have expired: renew them (`aws sso login`), then run again. The run continues from there",
    ),
    cause(
        &[],
        &["RequestExpired", "Signature expired", "Signature not yet current", "RequestTimeTooSkewed"],
        "this machine's clock is off by more than AWS allows: run `timedatectl set-ntp true`, then run again",
    ),
    cause(
        &[],
        &[
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AuthFailure",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
        ],
        "AWS rejects these credentials, at least in this partition. `aws sts get-caller-identity --region {region}` shows whether they \
         work at all. Set others, then run again",
    ),
    cause(
        &[],
        &[
            "no valid credential sources",
            "NoCredentialProviders",
            "Unable to locate credentials",
            "No valid credential sources found",
        ],
        "there are no credentials: run `aws configure` or `aws sso login`, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    cause(
        &["Encoded authorization failure message"],
        &[],
        "the credentials may not do this: `aws sts decode-authorization-message --encoded-message MESSAGE` shows which right is missing",
    ),
    cause(
        &[],
        &["UnauthorizedOperation", "AccessDenied", "is not authorized to perform"],
        "the credentials may not do this: the error names the right that is missing. Have it added, then run again",
    ),
    // Quotas (https://docs.aws.amazon.com/general/latest/gr/ec2-service.html, …/vpc-service.html).
    cause(
        &["VcpuLimitExceeded"],
        &[],
        "the vCPU quota of the account is used up. Request an increase: `aws service-quotas request-service-quota-increase --region {region} \
         --service-code ec2 --quota-code L-1216C47A --desired-value N` (standard types), then run again",
    ),
    cause(
        &["AddressLimitExceeded"],
        &[],
        "the Elastic IP quota of the account is used up. Request an increase: `aws service-quotas request-service-quota-increase --region {region} --service-code \
         ec2 --quota-code L-0263D0A3 --desired-value N`, or remove some `elastic_ip = true`, then run again",
    ),
    cause(
        &["VpcLimitExceeded"],
        &[],
        "the VPC quota of the account is used up. Request an increase: `aws service-quotas request-service-quota-increase --region {region} --service-code vpc \
         --quota-code L-F678F1CE --desired-value N`, or use an existing one with `network { vpc_id = … }`, then run again",
    ),
    cause(
        &["InsufficientInstanceCapacity"],
        &[],
        "AWS has no capacity for this instance type in this zone: run again later, or choose another instance_type or zone",
    ),
    cause(
        &["is not supported in your requested Availability Zone"],
        &[],
        "this zone does not offer the instance type: `aws ec2 describe-instance-type-offerings --region {region} --location-type \
         availability-zone --filters Name=instance-type,Values=TYPE` lists those that do; set network.zones to some of them",
    ),
    cause(
        &["InvalidKeyPair.NotFound"],
        &[],
        "there is no key pair of that name in the region: `aws ec2 describe-key-pairs --region {region}` lists them",
    ),
    cause(
        &["scheduled for deletion"],
        &[],
        "a secret of that name is scheduled for deletion: `aws secretsmanager restore-secret --region {region} --secret-id NAME` restores \
         it, and the next run imports it",
    ),
    cause(
        &[],
        &["RequestLimitExceeded", "ThrottlingException", "Throttling: Rate exceeded"],
        "AWS throttles the requests of this account: run again later, with `--jobs 1`",
    ),
    // Packer.
    cause(
        &[],
        &["The builder amazon-ebs is unknown by Packer", "Unknown builder", "builder type \"amazon-ebs\""],
        "Packer has no amazon plugin: `packer plugins install github.com/hashicorp/amazon`, then run again",
    ),
    cause(
        &[],
        &["VPCIdNotSpecified", "No default VPC for this user"],
        "the region has no default VPC to build images in: set a subnet in `image { builder_subnet_id = … }`",
    ),
    cause(
        &["Timeout waiting for SSH"],
        &[],
        "the builder cannot be reached by SSH from here: it needs a public address, or a subnet that this machine has a route to \
         (`image { builder_subnet_id = … }`), and network.admins must contain this machine's address if it is set",
    ),
    // This machine.
    cause(
        &[],
        &["no space left on device", "No space left on device"],
        "a disk is full: `df -h` shows which. Free some space, then run again",
    ),
    cause(
        &[],
        &["certificate signed by unknown authority", "CERTIFICATE_VERIFY_FAILED"],
        "this machine does not trust the certificate that it received, most likely from a proxy between it and AWS: point AWS_CA_BUNDLE \
         and SSL_CERT_FILE to a file with the certificate of that proxy's authority",
    ),
    cause(
        &[],
        &["cannot allocate memory", "signal: killed", "Plugin did not respond"],
        "this machine has too little memory for Terraform's provider, which needs up to 800 MB for each module: run with `--jobs 1`",
    ),
];

/// Returns what to do about an error; `None` if its cause is not known.
pub fn advice(error: &str, place: &Place) -> Option<String> {
    // Terraform breaks its lines at the width of a page.
    let error = error.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    let fits = |cause: &&Cause| {
        cause.all.iter().all(|text| error.contains(text))
            && (cause.any.is_empty() || cause.any.iter().any(|text| error.contains(text)))
    };
    let advice = CAUSES.iter().find(fits)?.advice;
    let advice = advice.replace("{platform}", &platform()).replace("{region}", &place.region);
    let advice = advice.replace("{state_region}", &place.state_region);
    Some(advice.replace("{module}", &place.module).replace("{terraform}", &place.terraform))
}

/// Returns this machine's platform by Terraform's name: `linux_amd64`.
fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{}_{arch}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_cause_comes_with_its_command() {
        let place = Place {
            module: "db_config/terraform_slave".into(),
            terraform: "terraform".into(),
            region: "eu-west-1".into(),
            state_region: "us-east-1".into(),
        };
        let lock = "│ Error: Failed to install provider\n│\n│ Error while installing hashicorp/aws v5.100.0: the local package for\n\
            │ registry.terraform.io/hashicorp/aws 5.100.0 doesn't match any of the\n│ checksums previously recorded in the dependency lock file";
        let advice = advice(lock, &place).unwrap();
        assert!(
            advice.contains(&format!(
                "`terraform -chdir=db_config/terraform_slave providers lock -platform={}`",
                platform()
            )),
            "{advice}"
        );
        for (error, part) in [
            (
                "api error VcpuLimitExceeded: You have requested more vCPU capacity",
                "--region eu-west-1 --service-code ec2",
            ),
            // `s3api create-bucket` refuses us-east-1 as a LocationConstraint.
            ("Error: S3 bucket \"states\" does not exist: NoSuchBucket", "`aws s3 mb s3://NAME --region us-east-1`"),
            ("ExpiredToken: The security token included in the request is expired", "have expired"),
            ("write /x: no space left on device", "df -h"),
            ("api error UnauthorizedOperation: You are not authorized", "may not do this"),
        ] {
            let told = super::advice(error, &place).unwrap();
            assert!(told.contains(part), "{error}: {told}");
        }
        assert_eq!(super::advice("Error: something else", &place), None);
    }
}
