//! Whether HAProxy will be reached from here, as far as addresses tell: known before anything is made.

use std::net::Ipv4Addr;

use crate::pipeline::{Door, Seats};
use crate::system::network::Way;

/// Why HAProxy will not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// The reason.
    pub why: String,
    /// Whether that is certain; else a network that is connected in a way that this machine does not know may still lead there.
    pub certain: bool,
}

/// What addresses tell of the way to HAProxy's ports; none where nothing speaks against it.
pub fn foresee(seats: &Seats, way: impl FnOnce(Ipv4Addr) -> Way) -> Option<Prospect> {
    if seats.doors.is_empty() {
        return None;
    }
    if seats.public_address.is_some() {
        // Whoever comes to an Elastic IP comes from a public address.
        let closed = closed(seats, |door| !door.is_private());
        return (!closed.is_empty()).then(|| Prospect {
            why: format!("HAProxy is reached at its Elastic IP, and {} only from private addresses", admit(&closed)),
            certain: true,
        });
    }
    let address = seats.haproxy;
    let own = match way(address) {
        Way::None => {
            let why = format!("this machine has no route to HAProxy's private address {address}");
            return Some(Prospect { why, certain: true });
        }
        Way::Default(own) | Way::Route(own) if admitted(seats, own) => return None,
        Way::Default(_) => {
            let why = format!(
                "HAProxy's address {address} is private, and nothing but this machine's default route leads there"
            );
            return Some(Prospect { why, certain: false });
        }
        Way::Route(own) => own,
    };
    let closed = closed(seats, |door| door.admits(own));
    let why = format!("this machine's address towards HAProxy is {own}, and {} from others", admit(&closed));
    Some(Prospect { why, certain: false })
}

fn admitted(seats: &Seats, own: Ipv4Addr) -> bool {
    // Towards its own machine nothing is in the way.
    own.is_loopback() || seats.doors.iter().all(|door| door.admits(own))
}

fn closed(seats: &Seats, is_open: impl Fn(&Door) -> bool) -> Vec<&Door> {
    seats.doors.iter().filter(|door| !is_open(door)).collect()
}

/// `ports 5000 and 5001 are open`
fn admit(doors: &[&Door]) -> String {
    let ports: Vec<String> = doors.iter().map(|door| door.port.to_string()).collect();
    match &ports[..] {
        [one] => format!("port {one} is open"),
        all => format!("ports {} are open", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Range;

    fn seats(public: bool, ranges: &[&str]) -> Seats {
        let ranges: Vec<Range> = ranges.iter().map(|text| Range::of(text.parse().unwrap())).collect();
        let doors = [7000, 5000, 5001].map(|port| Door { port, ranges: ranges.clone(), has_ids: false }).to_vec();
        let mut seats = Seats::of_test();
        seats.haproxy = Ipv4Addr::new(10, 20, 128, 32);
        seats.doors = doors;
        seats.public_address = seats.public_address.filter(|_| public);
        seats
    }

    #[test]
    fn a_way_that_addresses_rule_out_is_foreseen() {
        let own = Ipv4Addr::new(192, 168, 0, 7);
        let inside = Ipv4Addr::new(10, 20, 0, 9);
        let foreseen =
            |seats: &Seats, way: Way| foresee(seats, |_| way).map(|prospect| (prospect.why, prospect.certain));
        let private = seats(false, &["10.20.0.0/16"]);
        assert_eq!(foreseen(&private, Way::Route(inside)), None);
        assert!(foreseen(&private, Way::None).unwrap().1);
        let (why, certain) = foreseen(&private, Way::Default(own)).unwrap();
        assert!(why.contains("nothing but this machine's default route") && !certain, "{why}");
        let (why, _) = foreseen(&private, Way::Route(own)).unwrap();
        assert!(why.contains("is 192.168.0.7, and ports 7000, 5000, 5001 are open from others"), "{why}");
        let (why, certain) = foreseen(&seats(true, &["10.20.0.0/16"]), Way::Default(own)).unwrap();
        assert!(why.contains("reached at its Elastic IP") && certain, "{why}");
        assert_eq!(foreseen(&seats(true, &["10.20.0.0/16", "203.0.113.7/32"]), Way::Default(own)), None);
        for public in [true, false] {
            let mut seats = seats(public, &["10.20.0.0/16"]);
            seats.doors.iter_mut().for_each(|door| door.has_ids = true);
            assert_eq!(foreseen(&seats, Way::Route(own)), None, "a group's or a list's addresses are not known here");
        }
    }
}
