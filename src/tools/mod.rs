//! Packer, Terraform and the AWS CLI: makes their argument lists and reads what they print. Nothing is run here.

pub mod adopt;
pub mod aws;
pub mod backend;
pub mod cause;
pub mod complaint;
pub mod environment;
pub mod invocation;
pub mod leftovers;
pub mod living;
pub mod lock;
pub mod packer;
pub mod passwords;
pub mod plan;
pub mod power;
pub mod tagged;
pub mod terraform;
pub mod terraform_ui;
pub mod version;

pub use invocation::Invocation;
pub use version::Version;
