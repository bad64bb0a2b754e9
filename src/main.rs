//! Captures the process's context, hands it to the command line, exits with its code.

fn main() {}
