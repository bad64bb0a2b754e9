//! The blueprint resolved: every machine with its name, zone, address, peers, ports, timers and sizes.
