//! Reads what `terraform init`, `plan` and `apply` print with `-json`: one message a line
//! (<https://developer.hashicorp.com/terraform/internals/machine-readable-ui>).
//!
//! `plan` and `apply` have the option in every Terraform that pgherd runs on, `init` has it since Terraform 1.9 and OpenTofu 1.7. Other
//! commands (`untaint`, `state push`, `force-unlock`, and the errors of `show` and `output`) print text for people only, and so does
//! Terraform before it knows its options, for instance about its own configuration file. Such text is shown and never decided by.

use serde::Deserialize;

/// Where these messages come from; what does not say so is not one of them.
const SOURCE: &str = "terraform.ui";

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UiMessage {
    /// The message as Terraform prints it for people, line by line.
    pub text: Vec<String>,
    /// The error, if it is one.
    pub error: Option<TerraformError>,
}

/// An error that Terraform or a provider reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerraformError {
    /// What failed, in a sentence. A provider puts the error code of its API into it.
    pub summary: String,
    /// Why, and what to do.
    pub detail: String,
    /// The file, relative to the module, and the line that it concerns.
    pub place: Option<(String, Option<usize>)>,
    /// The whole of it as Terraform prints it for people.
    pub text: Vec<String>,
}

#[derive(Deserialize)]
struct MessageJson {
    #[serde(rename = "@message")]
    message: String,
    #[serde(rename = "@module")]
    module: String,
    diagnostic: Option<DiagnosticJson>,
}

#[derive(Deserialize)]
struct DiagnosticJson {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    range: Option<RangeJson>,
    snippet: Option<Snippet>,
}

#[derive(Deserialize)]
struct RangeJson {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: usize,
}

#[derive(Deserialize)]
struct Snippet {
    context: Option<String>,
    code: String,
    start_line: usize,
}

/// Reads a line; `None` if it is no message of Terraform's.
pub fn read(line: &str) -> Option<UiMessage> {
    if !line.starts_with('{') {
        return None;
    }
    let message: MessageJson = serde_json::from_str(line).ok()?;
    if message.module != SOURCE {
        return None;
    }
    let Some(reported) = message.diagnostic else {
        return Some(UiMessage { text: lines(&message.message), error: None });
    };
    let text = reported.text();
    let error = (reported.severity == "error").then(|| TerraformError {
        place: reported.range.map(|range| (range.filename, Some(range.start.line))),
        summary: reported.summary,
        detail: reported.detail,
        text: text.clone(),
    });
    // An empty line on either side sets it apart, as Terraform does.
    let blank = || std::iter::once(String::new());
    Some(UiMessage { text: blank().chain(text).chain(blank()).collect(), error })
}

impl DiagnosticJson {
    /// Returns it as Terraform prints it with `-no-color`.
    fn text(&self) -> Vec<String> {
        let kind = if self.severity == "error" { "Error" } else { "Warning" };
        let mut text = lines(&format!("{kind}: {}", self.summary));
        let mut place = vec![];
        if let Some(address) = &self.address {
            place.push(format!("  with {address},"));
        }
        if let Some(range) = &self.range {
            let context = self.snippet.as_ref().and_then(|snippet| snippet.context.as_ref());
            let context = context.map(|context| format!(", in {context}")).unwrap_or_default();
            place.push(format!("  on {} line {}{context}:", range.filename, range.start.line));
        }
        if let Some(snippet) = &self.snippet {
            place.extend((snippet.start_line..).zip(snippet.code.lines()).map(|(n, code)| format!("{n:>4}: {code}")));
        }
        for part in [place, lines(self.detail.trim_end())] {
            if !part.is_empty() {
                text.push(String::new());
                text.extend(part);
            }
        }
        text
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end().to_string()).collect()
}

impl TerraformError {
    /// Returns whether the saved plan was made for another version of the state.
    pub fn is_stale_plan(&self) -> bool {
        self.summary == "Saved plan is stale"
    }

    /// Returns whether somebody else holds the lock of the state. Who it is stands in the lock itself
    /// ([`StateLock`](super::lock::StateLock)).
    pub fn is_state_lock(&self) -> bool {
        self.summary == "Error acquiring the state lock"
    }

    /// Returns whether the module has to be initialised, or initialised again.
    ///
    /// Terraform has a dozen errors of this kind and no code for them, but each names the command that mends it. All that follows is one
    /// `init`.
    pub fn wants_init(&self) -> bool {
        let names_init = |text: &str| super::terraform::PROGRAMS.iter().any(|it| text.contains(&format!("{it} init")));
        // The second is what Terraform 1.11 says of packages that are gone from their cache.
        names_init(&self.summary) || names_init(&self.detail) || self.summary == "Required plugins are not installed"
    }

    /// Returns whether something exists that was to be created: a role, a secret, a security group, an address in use
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
    ///
    /// The AWS provider passes the code of AWS's error on as a word of the summary and nowhere else. All that follows is a search for
    /// what exists, and a new plan.
    pub fn is_collision(&self) -> bool {
        const CODES: [&str; 4] =
            ["EntityAlreadyExists", "ResourceExistsException", "InvalidGroup.Duplicate", "InvalidIPAddress.InUse"];
        let words = |text: &str| text.split(|c: char| c.is_whitespace() || c == ':').any(|word| CODES.contains(&word));
        words(&self.summary) || words(&self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 prints it.
    const ERROR: &str = r#"{"@level":"error","@message":"Error: local-exec provisioner error","@module":"terraform.ui","@timestamp":"2026-11-28T20:06:27.765265Z","diagnostic":{"severity":"error","summary":"local-exec provisioner error","detail":"Error running command 'exit 1': exit status 1. Output: hello\n","address":"terraform_data.b","range":{"filename":"main.tf","start":{"line":7,"column":30,"byte":186},"end":{"line":7,"column":31,"byte":187}},"snippet":{"context":"resource \"terraform_data\" \"b\"","code":"  provisioner \"local-exec\" {","start_line":7,"highlight_start_offset":29,"highlight_end_offset":30,"values":[]}},"type":"diagnostic"}"#;
    const WARNING: &str = r#"{"@level":"warn","@message":"Warning: Check block assertion failed","@module":"terraform.ui","diagnostic":{"severity":"warning","summary":"Check block assertion failed","detail":"lag behind"},"type":"diagnostic"}"#;

    fn error(summary: &str, detail: &str) -> TerraformError {
        TerraformError { summary: summary.into(), detail: detail.into(), ..TerraformError::default() }
    }

    #[test]
    fn an_error_is_read_and_printed_for_people() {
        let message = read(ERROR).expect("a message");
        let error = message.error.expect("an error");
        assert_eq!(error.place, Some(("main.tf".into(), Some(7))));
        assert_eq!(
            error.text,
            [
                "Error: local-exec provisioner error",
                "",
                "  with terraform_data.b,",
                "  on main.tf line 7, in resource \"terraform_data\" \"b\":",
                "   7:   provisioner \"local-exec\" {",
                "",
                "Error running command 'exit 1': exit status 1. Output: hello",
            ]
        );
        let warning = read(WARNING).expect("a message");
        assert_eq!(warning.error, None);
        assert_eq!(warning.text, ["", "Warning: Check block assertion failed", "", "lag behind", ""]);
    }

    #[test]
    fn what_is_no_message_of_terraforms_stays_as_it_is() {
        let message =
            r#"{"@level":"info","@message":"a: Creating...\nb","@module":"terraform.ui","type":"apply_start"}"#;
        assert_eq!(read(message).map(|message| message.text), Some(vec!["a: Creating...".into(), "b".into()]));
        for other in ["Error: torn", "{", r#"{"@message": "x", "@module": "provider"}"#, r#"{"Reservations": []}"#, ""]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn what_follows_from_an_error_is_told_by_its_parts() {
        assert!(error("Saved plan is stale", "").is_stale_plan());
        assert!(!error("creating Role: Saved plan is stale", "").is_stale_plan());
        assert!(error("Error acquiring the state lock", "").is_state_lock());
        assert!(error("Backend initialization required, please run \"terraform init\"", "").wants_init());
        assert!(error("Inconsistent dependency lock file", "To make …, run:\n  tofu init").wants_init());
        let role = "creating IAM Role (herd-db): operation error IAM: CreateRole, https response error StatusCode: 409, \
                    EntityAlreadyExists: Role with name herd-db already exists.";
        assert!(error(role, "").is_collision());
        assert!(!error("creating IAM Role (NoEntityAlreadyExists): denied", "").is_collision(), "a whole word");
    }
}
