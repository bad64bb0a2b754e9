//! Predicts from addresses alone whether this machine will reach HAProxy, before anything is created.

use std::net::Ipv4Addr;

use crate::pipeline::{Admits, ClusterAccess, Expected, Port};
use crate::system::network::Route;

/// Why HAProxy will be unreachable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// It is reached at its Elastic IP, but these ports are open only to private addresses.
    ClosedToThePublic {
        /// The ports.
        ports: Vec<u16>,
    },
    /// This machine has no route to its private address.
    NoRoute {
        /// The private address.
        address: Ipv4Addr,
    },
    /// Its address is private, and only this machine's default route leads there.
    DefaultRoute {
        /// The private address.
        address: Ipv4Addr,
    },
    /// These ports are open only to other addresses than this machine's.
    ClosedToThisMachine {
        /// This machine's address towards HAProxy.
        own: Ipv4Addr,
        /// The ports.
        ports: Vec<u16>,
    },
}

impl Prospect {
    /// Returns whether that is certain. If not, a network path that this machine does not know of may still lead there.
    pub fn is_certain(&self) -> bool {
        match self {
            Prospect::ClosedToThePublic { .. } | Prospect::NoRoute { .. } => true,
            Prospect::DefaultRoute { .. } | Prospect::ClosedToThisMachine { .. } => false,
        }
    }
}

/// Predicts from addresses why the ports of every HAProxy will be unreachable. Returns `None` if nothing suggests it.
pub fn foresee(access: &ClusterAccess, expected: &Expected, route: impl Fn(Ipv4Addr) -> Route) -> Option<Prospect> {
    if access.ports().iter().all(|port| port.admits.is_none()) {
        return None;
    }
    if access.public_addresses.is_some() {
        // Traffic to an Elastic IP comes from a public address.
        let ports = closed(access, |admits| !admits.is_private());
        return (!ports.is_empty()).then_some(Prospect::ClosedToThePublic { ports });
    }
    let each = expected.haproxies().map(|machine| of_private(access, machine.address, route(machine.address)));
    each.collect::<Option<Vec<Prospect>>>()?.into_iter().next()
}

/// Predicts why a HAProxy's private address will be unreachable.
fn of_private(access: &ClusterAccess, address: Ipv4Addr, route: Route) -> Option<Prospect> {
    match route {
        Route::None => Some(Prospect::NoRoute { address }),
        // A machine always reaches itself.
        Route::Default(own) | Route::Specific(own) if own.is_loopback() => None,
        Route::Default(own) | Route::Specific(own) if closed(access, |admits| admits.includes(own)).is_empty() => None,
        Route::Default(_) => Some(Prospect::DefaultRoute { address }),
        Route::Specific(own) => {
            Some(Prospect::ClosedToThisMachine { own, ports: closed(access, |admits| admits.includes(own)) })
        }
    }
}

/// Returns the ports that admit only some sources, and not those that `is_open` looks for.
fn closed(access: &ClusterAccess, is_open: impl Fn(&Admits) -> bool) -> Vec<u16> {
    let is_closed = |port: &&Port| port.admits.as_ref().is_some_and(|admits| !is_open(admits));
    access.ports().into_iter().filter(is_closed).map(|port| port.number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Range;

    fn access(public: bool, ranges: &[&str], has_ids: bool) -> ClusterAccess {
        let ranges: Vec<Range> = ranges.iter().map(|text| Range::of(text.parse().unwrap())).collect();
        let mut access = ClusterAccess::of_test();
        for port in [&mut access.admin, &mut access.write, &mut access.read] {
            port.admits = Some(Admits { ranges: ranges.clone(), has_ids });
        }
        access.public_addresses = access.public_addresses.filter(|_| public);
        access
    }

    #[test]
    fn addresses_predict_that_haproxy_is_unreachable() {
        let own = Ipv4Addr::new(192, 168, 0, 7);
        let inside = Ipv4Addr::new(10, 20, 0, 9);
        let ports = vec![7000, 5000, 5001];
        let expected = Expected::of_test(2).with_two_haproxies();
        let foreseen = |access: &ClusterAccess, route: Route| foresee(access, &expected, |_| route);
        let private = access(false, &["10.20.0.0/16"], false);
        let address = expected.haproxies().next().unwrap().address;
        assert_eq!(foreseen(&private, Route::Specific(inside)), None);
        assert_eq!(foreseen(&private, Route::None), Some(Prospect::NoRoute { address }));
        let one_way = |to| if to == address { Route::None } else { Route::Specific(inside) };
        assert_eq!(foresee(&private, &expected, one_way), None, "the other one is reached");
        assert_eq!(foreseen(&private, Route::Default(own)), Some(Prospect::DefaultRoute { address }));
        let closed = Prospect::ClosedToThisMachine { own, ports: ports.clone() };
        assert_eq!(foreseen(&private, Route::Specific(own)), Some(closed));
        let public = access(true, &["10.20.0.0/16"], false);
        assert_eq!(foreseen(&public, Route::Default(own)), Some(Prospect::ClosedToThePublic { ports }));
        assert_eq!(foreseen(&access(true, &["10.20.0.0/16", "203.0.113.7/32"], false), Route::Default(own)), None);
        for public in [true, false] {
            let access = access(public, &["10.20.0.0/16"], true);
            assert_eq!(
                foreseen(&access, Route::Specific(own)),
                None,
                "a group's or a list's addresses are not known here"
            );
        }
    }
}
