//! The ordered work of a cluster as data: stages, what each needs, and where they run.

pub mod target;
