//! Reads from the generated Terraform modules what they contain.

use std::collections::{BTreeMap, BTreeSet};

use hcl::{Attribute, Body, Expression, Structure};

use crate::fileset::FileSet;

/// What the rights depend on.
#[derive(Debug, Default)]
pub struct Modules {
    /// `resource`, `data` or `ephemeral`, and the type of each block.
    pub kinds: BTreeSet<(String, String)>,
    /// The bucket of the states and their keys; `None` if the states are files.
    pub states: Option<(String, Vec<String>)>,
    /// Whether an endpoint has private names, which replace the service's own in the whole VPC.
    pub private_dns: bool,
}

/// Reads all modules.
///
/// # Errors
/// If a module is not HCL.
pub fn read(set: &FileSet) -> Result<Modules, String> {
    let mut modules = Modules::default();
    for (path, file) in set.iter().filter(|(path, _)| path.as_str().ends_with(".tf")) {
        let body: Body = hcl::parse(&file.text).map_err(|e| format!("{path}: {e}"))?;
        for block in body.blocks() {
            let labels: Vec<&str> = block.labels().iter().map(|label| label.as_str()).collect();
            match (block.identifier(), labels.as_slice()) {
                (what @ ("resource" | "data" | "ephemeral"), [kind, _]) => {
                    modules.kinds.insert((what.into(), (*kind).into()));
                    let has =
                        |name: &str, value: &str| attribute(&block.body, name).is_some_and(|e| e.to_string() == value);
                    modules.private_dns |=
                        *kind == "aws_vpc_endpoint" && what == "resource" && has("private_dns_enabled", "true");
                }
                ("terraform", _) => {
                    for backend in block.body.blocks().filter(|inner| inner.identifier() == "backend") {
                        let text = texts(&backend.body);
                        if let (Some(bucket), Some(key)) = (text.get("bucket"), text.get("key")) {
                            modules.states.get_or_insert_with(|| (bucket.clone(), vec![])).1.push(key.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }
    Ok(modules)
}

fn attribute<'a>(body: &'a Body, name: &str) -> Option<&'a Expression> {
    body.attributes().find(|attribute| attribute.key() == name).map(Attribute::expr)
}

/// Returns the attributes that are plain strings.
fn texts(body: &Body) -> BTreeMap<String, String> {
    let text = |structure: &Structure| match structure {
        Structure::Attribute(Attribute { key, expr: Expression::String(text) }) => {
            Some((key.to_string(), text.clone()))
        }
        _ => None,
    };
    body.iter().filter_map(text).collect()
}
