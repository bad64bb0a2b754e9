//! Finds a tool's own error message in what it printed.

use super::terraform_ui::TerraformError;

/// The number of lines of a message that are kept; a provider's can be a page.
const LONGEST: usize = 24;
/// The number of lines of a script's own error that are kept.
const OF_SCRIPT: usize = 6;

/// The error message of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Its lines.
    pub message: Vec<String>,
    /// The file that it names, in its own words, and the line.
    pub place: Option<(String, Option<usize>)>,
}

/// Returns the errors that Terraform reported as one message; `None` if there are none.
pub fn of_errors(errors: &[TerraformError]) -> Option<Complaint> {
    let message: Vec<String> =
        errors.iter().flat_map(|error| error.text.iter().cloned().chain([String::new()])).collect();
    let place = errors.iter().find_map(|error| error.place.clone());
    (!errors.is_empty()).then(|| Complaint { message: shortened(message), place })
}

/// Finds the error message of Terraform, Packer or the AWS CLI; `None` if the lines hold none that is known.
pub fn find(lines: &[&str]) -> Option<Complaint> {
    let found = of_packer(lines).or_else(|| of_terraform(lines)).or_else(|| of_aws(lines))?;
    Some(Complaint { message: shortened(found.message), ..found })
}

/// What Terraform prints where it has no `-json`: see [`super::terraform_ui`]. It is shown, and nothing is decided by it.
///
/// `Error: …` and what stands below it, framed or not, up to the next one
/// (<https://developer.hashicorp.com/terraform/internals/machine-readable-ui#diagnostic> has the same parts).
fn of_terraform(lines: &[&str]) -> Option<Complaint> {
    let unframed =
        lines.iter().map(|line| line.strip_prefix("│").map_or(*line, |rest| rest.strip_prefix(' ').unwrap_or(rest)));
    let (mut message, mut inside): (Vec<String>, bool) = (vec![], false);
    for line in unframed {
        match line {
            "╷" | "╵" => inside = false,
            _ if line.starts_with("Error: ") => inside = true,
            _ if line.starts_with("Warning: ") => inside = false,
            _ => {}
        }
        if inside {
            message.push(line.trim_end().to_string());
        }
    }
    let place = message.iter().find_map(|line| on_line(line));
    (!message.is_empty()).then_some(Complaint { message, place })
}

/// `  on main.tf line 11, in resource "aws_instance" "master":`
fn on_line(line: &str) -> Option<(String, Option<usize>)> {
    let (file, rest) = line.trim().strip_prefix("on ")?.split_once(" line ")?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((file.to_string(), Some(number.parse().ok()?)))
}

fn of_packer(lines: &[&str]) -> Option<Complaint> {
    if let Some(at) = lines.iter().position(|line| line.starts_with("Failed to parse template: ")) {
        let message = lines[at..].iter().map(|line| line.trim_end().to_string()).collect();
        return Some(Complaint { message, place: None });
    }
    let at = lines.iter().position(|line| line.starts_with("--> "))?;
    let end = lines[at..].iter().position(|line| line.starts_with("==> "));
    let errors = &lines[at..end.map_or(lines.len(), |end| at + end)];
    let mut message: Vec<String> = vec![];
    if errors[0].contains("Script exited with non-zero exit status") {
        message = of_script(&lines[..at]);
    }
    let place = message.iter().rev().find_map(|line| in_script(line));
    message.extend(
        errors
            .iter()
            .map(|line| line.split_once(": ").filter(|_| line.starts_with("--> ")).map_or(*line, |(_, text)| text))
            .map(String::from),
    );
    Some(Complaint { message, place })
}

/// Returns the last lines of a script's standard error, which Packer marks with `==>`, or of its output if there are none.
fn of_script(lines: &[&str]) -> Vec<String> {
    let end = lines.iter().rposition(|line| line.contains("Provisioning step had errors")).unwrap_or(lines.len());
    let begin = lines[..end].iter().rposition(|line| line.contains(": Provisioning with ")).map_or(0, |at| at + 1);
    let said = |mark: &str| -> Vec<String> {
        let said = lines[begin..end].iter().filter_map(|line| line.strip_prefix(mark)?.split_once(": "));
        said.map(|(_, text)| text.trim_end().to_string()).filter(|text| !text.is_empty()).collect()
    };
    let all = Some(said("==> ")).filter(|said| !said.is_empty()).unwrap_or_else(|| said("    "));
    all[all.len().saturating_sub(OF_SCRIPT)..].to_vec()
}

/// `./master_script.sh: line 12: …` of bash, `master_script.sh: error: …` of our own.
fn in_script(line: &str) -> Option<(String, Option<usize>)> {
    let (script, rest) = line.split_once(": ")?;
    let name = script.rsplit('/').next().filter(|name| name.contains('.') && !name.contains(' '))?;
    let number = rest.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse().ok());
    (number.is_some() || rest.starts_with("error: ")).then(|| (name.to_string(), number))
}

fn of_aws(lines: &[&str]) -> Option<Complaint> {
    let known =
        ["An error occurred (", "Unable to locate credentials", "Could not connect to the endpoint", "aws: error:"];
    let message: Vec<String> = lines
        .iter()
        .filter(|line| known.iter().any(|known| line.contains(known)))
        .map(|line| line.trim().into())
        .collect();
    (!message.is_empty()).then_some(Complaint { message, place: None })
}

/// Drops empty lines at the end, and what is longer than people read.
fn shortened(mut message: Vec<String>) -> Vec<String> {
    while message.last().is_some_and(|line| line.is_empty()) {
        message.pop();
    }
    if message.len() > LONGEST {
        let more = message.len() - LONGEST;
        message.truncate(LONGEST);
        message.push(format!("… and {more} more lines"));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 prints it: a box around what concerns its own configuration, none around the rest with `-no-color`.
    const TERRAFORM: &str = r#"╷
│ Warning: Unable to open CLI configuration file
│
│ The CLI configuration file does not exist.
╵

aws_instance.master: Creating...

Error: creating EC2 Instance: api error InvalidParameterValue: Invalid value 'm9z.large' for InstanceType.

  with aws_instance.master,
  on main.tf line 1, in resource "aws_instance" "master":
   1: resource "aws_instance" "master" {

"#;

    /// As Packer 1.6.6 prints it.
    const PACKER: &str = r#"==> amazon-ebs: Provisioning with shell script: /tmp/packer-shell1
==> amazon-ebs: an older complaint
==> amazon-ebs: Provisioning with shell script: /tmp/packer-shell2
==> amazon-ebs: haproxy_script.sh: error: etcd is 3.3; it must be 3.4 or newer
    amazon-ebs: haproxy_script.sh: installing
==> amazon-ebs: Provisioning step had errors: Running the cleanup provisioner, if present...
==> amazon-ebs: Terminating the source AWS instance...
Build 'amazon-ebs' errored after 14 seconds: Script exited with non-zero exit status: 1.Allowed exit codes are: [0]

==> Some builds didn't complete successfully and had errors:
--> amazon-ebs: Script exited with non-zero exit status: 1.Allowed exit codes are: [0]

==> Builds finished but no artifacts were created.
"#;

    fn found(text: &str) -> Complaint {
        find(&text.lines().collect::<Vec<_>>()).expect("a complaint")
    }

    #[test]
    fn terraform_names_file_and_line() {
        let complaint = found(TERRAFORM);
        assert!(complaint.message[0].starts_with("Error: creating EC2 Instance"), "{complaint:?}");
        assert_eq!((complaint.message.len(), complaint.place), (5, Some(("main.tf".into(), Some(1)))));
        let framed =
            "╷\n│ Error: Unsupported argument\n│ \n│   on main.tf line 10, in resource \"a\" \"b\":\n╵\nrest\n";
        assert_eq!(found(framed).message.len(), 3);
        assert_eq!(found(framed).place, Some(("main.tf".into(), Some(10))));
    }

    #[test]
    fn packer_gives_the_scripts_own_error() {
        let complaint = found(PACKER);
        assert_eq!(complaint.message[0], "haproxy_script.sh: error: etcd is 3.3; it must be 3.4 or newer");
        assert!(complaint.message.len() == 2 && complaint.message[1].starts_with("Script exited"), "{complaint:?}");
        assert_eq!(complaint.place, Some(("haproxy_script.sh".into(), None)));
        let bash = PACKER.replace("haproxy_script.sh: error: etcd is", "./haproxy_script.sh: line 12: etcd:");
        assert_eq!(found(&bash).place, Some(("haproxy_script.sh".into(), Some(12))));
        let api = "--> amazon-ebs: Error launching source instance: UnauthorizedOperation: no\nstatus code: 403\n\n==> Builds finished";
        assert_eq!(
            found(api).message,
            ["Error launching source instance: UnauthorizedOperation: no", "status code: 403"]
        );
        let keys = "--> amazon-ebs: no valid credential sources for  found.\n\nError: NoCredentialProviders\n\n\n==> Builds finished";
        assert_eq!(
            found(keys).message,
            ["no valid credential sources for  found.", "", "Error: NoCredentialProviders"]
        );
        let json =
            "Failed to parse template: Error parsing JSON: invalid character ','\nAt line 3, column 52 (offset 69):\n";
        assert_eq!(found(json).message.len(), 2);
    }

    #[test]
    fn aws_says_it_in_a_line_and_nothing_is_made_up() {
        let said = "\nAn error occurred (UnauthorizedOperation) when calling the DescribeImages operation: no\n";
        assert_eq!(found(said).message, [said.trim()]);
        assert_eq!(find(&["apt: no space left", "==> building"]), None);
    }
}
