//! Errors of tools that have one known cause: what it is, and the command that mends it.

/// What is behind an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Texts that all stand in the error; or, of the second list, any.
    all: &'static [&'static str],
    any: &'static [&'static str],
    /// What is wrong, and what to do. `{module}`, `{terraform}`, `{platform}`, `{region}` and `{state_region}` are where and with what.
    advice: &'static str,
}

/// Where and with what a tool was run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The module's folder; empty where there is none.
    pub module: String,
    /// `terraform` or `tofu`.
    pub terraform: String,
    /// AWS region.
    pub region: String,
    /// The region of the states' bucket; empty where they are in none.
    pub state_region: String,
}

const fn cause(all: &'static [&'static str], any: &'static [&'static str], advice: &'static str) -> Cause {
    Cause { all, any, advice }
}

/// The first that fits counts.
const CAUSES: &[Cause] = &[
    // Terraform's providers and their lock file.
    cause(
        &["checksums"],
        &[
            "previously recorded in the dependency lock file",
            "recorded in the dependency lock file",
            "targeting different platforms",
        ],
        "the lock file has no checksums of the provider for this platform, {platform}: someone wrote it on another. Add them, and commit \
         the file: `{terraform} -chdir={module} providers lock -platform={platform}` (with a mirror also -fs-mirror=DIR or \
         -net-mirror=URL), then run again",
    ),
    cause(
        &["does not have a package available for your current platform"],
        &[],
        "the provider's mirror has no package for this platform, {platform}: fill it with `{terraform} -chdir={module} providers mirror \
         -platform={platform} DIR`, then run again",
    ),
    cause(
        &[],
        &["Inconsistent dependency lock file", "doesn't match configured version constraint", "locked provider"],
        "the lock file pins a version of the provider that the module does not take: `{terraform} -chdir={module} init -upgrade`, commit \
         the lock file, then run again",
    ),
    cause(
        &[],
        &[
            "Failed to query available provider packages",
            "could not connect to registry",
            "failed to request discovery document",
        ],
        "the provider's registry cannot be reached: see HTTPS_PROXY, or name a mirror in the CLI configuration \
         (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation)",
    ),
    cause(
        &["plugin cache dir"],
        &["cannot be opened"],
        "the folder that plugin_cache_dir or TF_PLUGIN_CACHE_DIR names is not there: make it, or unset it, then run again",
    ),
    cause(
        &["fork/exec"],
        &["permission denied"],
        "the provider's program may not be executed: its folder is on a file system mounted noexec, or it lost its executable bit in a \
         copy. Remove {module}/.terraform and run again, with TF_PLUGIN_CACHE_DIR on another file system if it comes back",
    ),
    cause(
        &[],
        &["Unsupported Terraform Core version", "Unsupported OpenTofu Core version"],
        "this {terraform} is too old for the module: `pgherd doctor` says which version is needed, and how to get it",
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
        "the credentials have expired: `aws sso login`, or get new ones where yours come from, then run again; it goes on from there",
    ),
    cause(
        &[],
        &["RequestExpired", "Signature expired", "Signature not yet current", "RequestTimeTooSkewed"],
        "this machine's clock is wrong, by more than AWS allows: `timedatectl set-ntp true`, then run again",
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
        "AWS does not know these credentials, or not in this partition: `aws sts get-caller-identity --region {region}` shows whether \
         they work at all; set others, then run again",
    ),
    cause(
        &[],
        &[
            "no valid credential sources",
            "NoCredentialProviders",
            "Unable to locate credentials",
            "No valid credential sources found",
        ],
        "there are no credentials: `aws configure`, `aws sso login`, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    cause(
        &["Encoded authorization failure message"],
        &[],
        "the credentials may not do this: `aws sts decode-authorization-message --encoded-message MESSAGE` says which right is missing",
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
        "the account may run no more vCPUs of this kind: `aws service-quotas request-service-quota-increase --region {region} \
         --service-code ec2 --quota-code L-1216C47A --desired-value N` (standard types), then run again",
    ),
    cause(
        &["AddressLimitExceeded"],
        &[],
        "the account may have no more Elastic IPs: `aws service-quotas request-service-quota-increase --region {region} --service-code \
         ec2 --quota-code L-0263D0A3 --desired-value N`, or fewer `elastic_ip = true`, then run again",
    ),
    cause(
        &["VpcLimitExceeded"],
        &[],
        "the account may have no more VPCs: `aws service-quotas request-service-quota-increase --region {region} --service-code vpc \
         --quota-code L-F678F1CE --desired-value N`, or name an existing one in `network { vpc_id = … }`, then run again",
    ),
    cause(
        &["InsufficientInstanceCapacity"],
        &[],
        "AWS has no machine of this type left in this zone: run again later, or choose another instance_type or zone",
    ),
    cause(
        &["is not supported in your requested Availability Zone"],
        &[],
        "this zone does not offer the instance type: `aws ec2 describe-instance-type-offerings --region {region} --location-type \
         availability-zone --filters Name=instance-type,Values=TYPE` names those that do; write them into network.zones",
    ),
    cause(
        &["InvalidKeyPair.NotFound"],
        &[],
        "the region has no key pair of that name: `aws ec2 describe-key-pairs --region {region}` lists those that there are",
    ),
    cause(
        &["scheduled for deletion"],
        &[],
        "a secret of that name is to be deleted: `aws secretsmanager restore-secret --region {region} --secret-id NAME` brings it back, \
         and the next run takes it over",
    ),
    cause(
        &[],
        &["RequestLimitExceeded", "ThrottlingException", "Throttling: Rate exceeded"],
        "AWS answers no more requests of this account for now: run again later, with `--jobs 1`",
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
        "the region has no default VPC to build images in: name a subnet in `image { builder_subnet_id = … }`",
    ),
    cause(
        &["Timeout waiting for SSH"],
        &[],
        "the builder's machine cannot be reached by SSH from here: it needs a public address, or a way into its subnet \
         (`image { builder_subnet_id = … }`), and network.admins must hold this machine's address if it is set",
    ),
    // This machine.
    cause(
        &[],
        &["no space left on device", "No space left on device"],
        "the disk is full: `df -h` says which; make room, then run again",
    ),
    cause(
        &[],
        &["certificate signed by unknown authority", "CERTIFICATE_VERIFY_FAILED"],
        "something between here and AWS shows a certificate that this machine does not trust, such as a proxy: point AWS_CA_BUNDLE and \
         SSL_CERT_FILE at its authority",
    ),
    cause(
        &[],
        &["cannot allocate memory", "signal: killed", "Plugin did not respond"],
        "this machine has too little memory for Terraform's provider, which takes up to 800 MB a module: run with `--jobs 1`",
    ),
];

/// What to do about an error, where its cause is known.
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

/// This machine's platform, as Terraform calls it: `linux_amd64`.
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
