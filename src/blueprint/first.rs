//! Writes a first blueprint, for users who have never seen HCL.

use std::fmt::Write;

/// The answers to `pgherd init`. Everything that is not set gets its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// The cluster's name.
    pub name: String,
    /// The AWS region.
    pub region: String,
    /// The zones; empty for the default.
    pub zones: Vec<String>,
    /// The number of slaves.
    pub slaves: u8,
    /// The instance type of the databases.
    pub instance_type: Option<String>,
    /// The name of a database, and of the user that owns it.
    pub database: Option<String>,
    /// The ranges from which admins may connect.
    pub admins: Vec<String>,
    /// The EC2 key pair for SSH.
    pub key_name: Option<String>,
    /// Rules that the blueprint accepts, by code, each with its reason.
    pub accept: Vec<(&'static str, String)>,
}

const HEAD: &str = "\
# A PostgreSQL cluster: a master, slaves that replicate from it, and HAProxy in front. Written by `pgherd init`.
#
# `name { … }` is a block; `name = value` is an attribute, on a line of its own. Text goes in double quotes. A line that begins
# with `#` is a comment. `#name = value` shows a default or an example: remove the `#` to set the attribute.
# `pgherd schema --format markdown` lists every attribute with its default. `pgherd check` predicts how this cluster will
# behave. `pgherd gen` refuses a blueprint that cannot work, and shows the line and what to write instead.
";

impl First {
    /// Creates one with defaults for everything but the region.
    pub fn new(region: &str) -> Self {
        First {
            name: "herd".into(),
            region: region.into(),
            zones: vec![],
            slaves: 2,
            instance_type: None,
            database: None,
            admins: vec![],
            key_name: None,
            accept: vec![],
        }
    }

    /// Returns the blueprint's text.
    pub fn text(&self) -> String {
        let mut text = HEAD.to_string();
        let _ = write!(
            text,
            "
# The name is the prefix of every host name and of everything that is created in AWS. A cluster cannot be renamed: another name
# creates another cluster.
cluster {} {{
  region = {}

  network {{
    # The private network of the machines. Choose a range that no network connected to it uses: it cannot
    # change later.
    #cidr = \"10.20.0.0/16\"

    # Machines are distributed over these zones. With three, any one may fail and the other two still elect a primary.
    {}

    # Who may reach HAProxy's write and read ports, where applications connect. Default: the network's own addresses. `pgherd run`
    # and `pgherd status` connect there, too: to run them from outside the network, list your own address as well.
    #clients = [\"10.20.0.0/16\", \"10.30.0.0/16\"]

    # Who may reach SSH and the stats page from outside. Default: none, so both are closed. SSH also needs each machine's key_name.
    {}
  }}
",
            quoted(&self.name),
            quoted(&self.region),
            option("zones", &self.zones, "[\"a\", \"b\", \"c\"]"),
            option("admins", &self.admins, "[\"203.0.113.7/32\"]"),
        );
        text += &self.postgres();
        text += &self.machines();
        for (code, reason) in &self.accept {
            let _ = write!(
                text,
                "\n  # `pgherd explain {code}` describes the rule that is accepted here.\n  accept {} {{\n    reason = {}\n  }}\n",
                quoted(code),
                quoted(reason)
            );
        }
        text + "}\n"
    }

    fn postgres(&self) -> String {
        let (users, databases) = match &self.database {
            Some(name) => {
                let owner = quoted(name);
                // The key is quoted as well, because a bare `for` would start an expression.
                (format!("users = [{owner}]"), format!("databases = {{ {owner} = {owner} }}"))
            }
            None => ("#users = [\"app\"]".into(), "#databases = { app = \"app\" }".into()),
        };
        format!(
            "
  postgres {{
    # Login roles that exist from the start. The first machine generates their passwords and stores them in AWS Secrets
    # Manager.
    {users}

    # Databases that exist from the start, each with its owner.
    {databases}

    # Settings of postgresql.conf. Sizes that are not set follow from the instance type.
    #settings = {{ max_connections = 300 }}
  }}
"
        )
    }

    fn machines(&self) -> String {
        let kind = match &self.instance_type {
            Some(kind) => format!("instance_type = {}", quoted(kind)),
            None => "#instance_type = \"m6i.large\"".into(),
        };
        let key = match &self.key_name {
            Some(key) => format!("key_name = {}", quoted(key)),
            None => "#key_name = \"dba\"".into(),
        };
        let reached = if self.admins.is_empty() { "#elastic_ip = true" } else { "elastic_ip = true" };
        let count = self.slaves;
        format!(
            "
  # The machine that starts as primary. After a failover another machine is primary: keep master and slaves alike.
  master {{
    {kind}
    # An EC2 key pair for SSH. Setting it later replaces the machine.
    {key}
    disk {{
      # GiB, gp3, encrypted.
      #size = 100
    }}
  }}

  slaves {{
    # With two, a failover leaves one standby for commits to wait for.
    count = {count}
    {kind}
    {key}
    disk {{
      #size = 100
    }}
  }}

  haproxy {{
    {key}
    # A public address, to reach it from outside the network.
    {reached}
  }}

  failover {{
    # The longest interruption of writes when one thing fails, and the acknowledged writes that may be lost. Timers are
    # chosen to meet this budget; one that cannot be met is refused. Example:
    #rto = \"30s\"
    #rpo = \"0\"
  }}
"
        )
    }
}

/// Returns `name = [ … ]`, or a comment with an example if the list is empty.
fn option(name: &str, written: &[String], example: &str) -> String {
    if written.is_empty() {
        return format!("#{name} = {example}");
    }
    format!("{name} = [{}]", written.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// Returns a text as an HCL string. hcl-rs cannot do it: it treats `$${` as already escaped, and the text would lose a `$`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.replace("${", "$${").replace("%{", "%%{") + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_reads_as_itself() {
        for text in [
            "a",
            "",
            "a \"b\" \\c",
            "${x} and %{ if } and $${y}",
            "line\nbreak\ttab\r\u{1}\u{7f}",
            "\u{e9}\u{1f418}",
            "'",
        ] {
            let body: hcl::Body = hcl::parse(&format!("x = {}\n", quoted(text))).expect(text);
            let read = body.attributes().next().map(|attribute| attribute.expr.clone());
            assert_eq!(read, Some(hcl::Expression::from(text)), "{}", quoted(text));
        }
    }
}
