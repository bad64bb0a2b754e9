//! Predicts from addresses alone whether this machine will reach HAProxy, before anything is created.

use std::net::Ipv4Addr;

use crate::pipeline::{Admits, ClusterAccess, Port};
use crate::system::network::Way;

/// A prediction that HAProxy will be unreachable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// The reason.
    pub why: String,
    /// Whether that is certain. If not, a network path that this machine does not know of may still lead there.
    pub certain: bool,
}

/// Predicts from addresses why HAProxy's ports will be unreachable. Returns `None` if nothing suggests it.
pub fn foresee(access: &ClusterAccess, way: impl FnOnce(Ipv4Addr) -> Way) -> Option<Prospect> {
    if access.ports().iter().all(|port| port.admits.is_none()) {
        return None;
    }
    if access.public_address.is_some() {
        // Traffic to an Elastic IP comes from a public address.
        let closed = closed(access, |admits| !admits.is_private());
        return (!closed.is_empty()).then(|| Prospect {
            why: format!("HAProxy is reached at its Elastic IP, but {} only to private addresses", open(&closed)),
            certain: true,
        });
    }
    let address = access.private_address;
    let own = match way(address) {
        Way::None => {
            let why = format!("this machine has no route to HAProxy's private address {address}");
            return Some(Prospect { why, certain: true });
        }
        // A machine always reaches itself.
        Way::Default(own) | Way::Route(own) if own.is_loopback() => return None,
        Way::Default(own) | Way::Route(own) if closed(access, |admits| admits.includes(own)).is_empty() => return None,
        Way::Default(_) => {
            let why =
                format!("HAProxy's address {address} is private, and only this machine's default route leads there");
            return Some(Prospect { why, certain: false });
        }
        Way::Route(own) => own,
    };
    let closed = closed(access, |admits| admits.includes(own));
    let why = format!("this machine's address towards HAProxy is {own}, but {} only to other addresses", open(&closed));
    Some(Prospect { why, certain: false })
}

fn closed(access: &ClusterAccess, is_open: impl Fn(&Admits) -> bool) -> Vec<&Port> {
    let is_closed = |port: &&Port| port.admits.as_ref().is_some_and(|admits| !is_open(admits));
    access.ports().into_iter().filter(is_closed).collect()
}

/// Returns `ports 5000, 5001 are open`.
fn open(all: &[&Port]) -> String {
    let ports: Vec<String> = all.iter().map(|port| port.number.to_string()).collect();
    match &ports[..] {
        [one] => format!("port {one} is open"),
        all => format!("ports {} are open", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Range;

    fn access(public: bool, ranges: &[&str], has_ids: bool) -> ClusterAccess {
        let ranges: Vec<Range> = ranges.iter().map(|text| Range::of(text.parse().unwrap())).collect();
        let mut access = ClusterAccess::of_test();
        access.private_address = Ipv4Addr::new(10, 20, 128, 32);
        for port in [&mut access.admin, &mut access.write, &mut access.read] {
            port.admits = Some(Admits { ranges: ranges.clone(), has_ids });
        }
        access.public_address = access.public_address.filter(|_| public);
        access
    }

    #[test]
    fn addresses_predict_that_haproxy_is_unreachable() {
        let own = Ipv4Addr::new(192, 168, 0, 7);
        let inside = Ipv4Addr::new(10, 20, 0, 9);
        let foreseen = |access: &ClusterAccess, way: Way| {
            foresee(access, |_| way).map(|prospect| (prospect.why, prospect.certain))
        };
        let private = access(false, &["10.20.0.0/16"], false);
        assert_eq!(foreseen(&private, Way::Route(inside)), None);
        assert!(foreseen(&private, Way::None).unwrap().1);
        let (why, certain) = foreseen(&private, Way::Default(own)).unwrap();
        assert!(why.contains("only this machine's default route") && !certain, "{why}");
        let (why, _) = foreseen(&private, Way::Route(own)).unwrap();
        assert!(why.contains("is 192.168.0.7, but ports 7000, 5000, 5001 are open only to other addresses"), "{why}");
        let (why, certain) = foreseen(&access(true, &["10.20.0.0/16"], false), Way::Default(own)).unwrap();
        assert!(why.contains("reached at its Elastic IP") && certain, "{why}");
        assert_eq!(foreseen(&access(true, &["10.20.0.0/16", "203.0.113.7/32"], false), Way::Default(own)), None);
        for public in [true, false] {
            let access = access(public, &["10.20.0.0/16"], true);
            assert_eq!(foreseen(&access, Way::Route(own)), None, "a group's or a list's addresses are not known here");
        }
    }
}
