//! Asks moto in AWS's own Query API. moto does not check the signature here; it reads region and service from it.

use std::time::Duration;

use anyhow::{Result, bail};
use roxmltree::Node;

use super::network::LAB_ADDRESS;
use crate::system::network;

/// Sends a request to a service, which is given by its name and the version of its API. Returns the response, in XML.
pub fn ask((service, version): (&str, &str), region: &str, action: &str, parameters: &str) -> Result<String> {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=lab/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let form = format!("Action={action}&Version={version}{parameters}");
    let url = format!("http://{LAB_ADDRESS}/");
    let answer = network::http_post_form(&url, &scope, &form, Duration::from_secs(10));
    match answer {
        Ok(answer) if answer.status == 200 => Ok(answer.body),
        Ok(answer) => bail!("moto returned {} for {action}: {}", answer.status, answer.body),
        Err(e) => bail!("moto is unreachable: {e}"),
    }
}

/// Returns an element inside of another.
pub fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|c| c.tag_name().name() == name)
}

/// Returns the elements of a list. Services name them differently.
pub fn items<'a, 'i>(list: Option<Node<'a, 'i>>) -> Vec<Node<'a, 'i>> {
    let is_item = |node: &Node<'_, '_>| ["item", "member"].contains(&node.tag_name().name());
    list.into_iter().flat_map(|l| l.children().filter(is_item)).collect()
}

/// Returns the text of an element inside of another.
pub fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(str::to_string)
}
