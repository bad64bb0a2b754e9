//! The user's intent: HCL text -> [`model::Blueprint`], or every problem of the file at once.

pub mod model;
