//! A command as data.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A program with its arguments, its working directory and additions to its environment. It holds no secret: it is printed and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The words before the program, such as `ip netns exec NAME`.
    pub prefix: Vec<String>,
    /// The program's name, which is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The working directory.
    pub dir: PathBuf,
    /// The variables that are added to the environment.
    pub env: BTreeMap<String, String>,
}

impl Invocation {
    /// Returns the words to execute.
    pub fn argv(&self) -> Vec<String> {
        let mut argv = self.prefix.clone();
        argv.push(self.program.clone());
        argv.extend(self.args.iter().cloned());
        argv
    }

    /// Returns its short name for people: `terraform apply`, `aws ec2 describe-images`.
    pub fn title(&self) -> String {
        let verbs = if self.program == super::aws::PROGRAM { 2 } else { 1 };
        let verbs = self.args.iter().filter(|word| !word.starts_with('-')).take(verbs);
        std::iter::once(&self.program).chain(verbs).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Returns a line of shell that does the same in any directory.
    pub fn paste(&self) -> String {
        let mut words: Vec<String> = self.env.iter().map(|(k, v)| format!("{k}={}", quote(v))).collect();
        words.extend(self.argv().iter().map(|word| quote(word)));
        format!("(cd {} && {})", quote(&self.dir.display().to_string()), words.join(" "))
    }
}

/// Quotes a word for a POSIX shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_command_survives_the_shell() {
        let invocation = Invocation {
            prefix: vec!["ip".into(), "netns".into(), "exec".into(), "lab".into()],
            program: "packer".into(),
            args: vec!["build".into(), "it's $HOME".into(), String::new()],
            dir: "/a folder".into(),
            env: BTreeMap::from([("A".into(), "b c".into())]),
        };
        assert_eq!(
            invocation.paste(),
            r"(cd '/a folder' && A='b c' ip netns exec lab packer build 'it'\''s $HOME' '')"
        );
    }
}
