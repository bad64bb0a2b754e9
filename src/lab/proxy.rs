//! The package proxy, which is the only way out of the lab. It leads to the host's own package mirrors.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::mirrors::{self, Mirrors};
use super::network::{HOST_ADDRESS, NAMESPACE};
use super::tool::HostTools;
use super::{daemons, paths};
use crate::system::{files, network};

/// The proxy's port on the host's end of the link.
pub const PORT: u16 = 3128;

/// Returns the proxy's URL for apt.
pub fn url() -> String {
    format!("http://{HOST_ADDRESS}:{PORT}")
}

/// Starts the proxy and checks that the lab reaches it.
pub fn start(tools: HostTools<'_>, mirrors: &Mirrors) -> Result<()> {
    let uris: Vec<&str> = [Some(mirrors.archive.as_str()), mirrors.security.as_deref()].into_iter().flatten().collect();
    let hosts: Vec<String> =
        mirrors::hosts(&uris).iter().map(|host| format!("^{}$\n", host.replace('.', "\\."))).collect();
    let (config, filter) = (paths::state().join("tinyproxy.conf"), paths::state().join("tinyproxy.filter"));
    files::write(&filter, hosts.concat().as_bytes())?;
    let upstream = of_host(tools);
    let text = format!(
        "Listen {HOST_ADDRESS}\nPort {PORT}\nUser nobody\nGroup nogroup\nTimeout 120\nMaxClients 50\nLogLevel Warning\n\
         Filter \"{}\"\nFilterDefaultDeny Yes\nFilterCaseSensitive Off\nConnectPort 443\n{}",
        filter.display(),
        upstream.map(|proxy| format!("Upstream http {proxy}\n")).unwrap_or_default(),
    );
    files::write(&config, text.as_bytes())?;
    let argv = ["tinyproxy", "-d", "-c", &config.display().to_string()].map(str::to_string);
    // It must not use a proxy from the user's environment.
    let env = BTreeMap::from([("PATH".to_string(), tools.context.var("PATH").unwrap_or_default().to_string())]);
    daemons::start(daemons::PROXY, &argv, &env)?;
    daemons::await_ready(daemons::PROXY, Duration::from_secs(10), || {
        network::http_get(&format!("{}/", url()), Duration::from_secs(2)).is_ok()
    })?;
    let reach = format!("exec 3<>/dev/tcp/{HOST_ADDRESS}/{PORT}");
    let reached = tools.run(&["ip", "netns", "exec", NAMESPACE, "timeout", "5", "bash", "-c", &reach]);
    ensure!(
        reached.is_ok(),
        "the lab cannot reach the package proxy at {HOST_ADDRESS}:{PORT}: a firewall on this host drops packets that arrive on {}",
        super::network::HOST_LINK
    );
    Ok(())
}

/// Returns `host:port` of the proxy that the host's apt uses, if it uses one.
pub fn of_host(tools: HostTools<'_>) -> Option<String> {
    upstream(&tools.words("apt-config dump Acquire::http::Proxy").ok()?)
}

fn upstream(dump: &str) -> Option<String> {
    let line = dump.lines().find_map(|line| line.strip_prefix("Acquire::http::Proxy \"http://"))?;
    Some(line.split(['"', '/']).next()?.to_string()).filter(|proxy| !proxy.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_proxy_is_read_from_apt() {
        assert_eq!(upstream("Acquire::http::Proxy \"http://10.1.1.1:3142/\";\n").as_deref(), Some("10.1.1.1:3142"));
        assert_eq!(upstream("Acquire::http::Proxy \"\";\n"), None);
        assert_eq!(upstream(""), None);
    }
}
