//! The one interpreter of a pipeline: stages side by side, their logs, and what they come to.

mod adopt;
pub mod consent;
pub mod destroy;
pub mod drift;
pub mod environment;
pub mod events;
pub mod foresight;
pub mod health;
pub mod image;
pub mod journal;
pub mod keeper;
mod leftovers;
pub mod log;
mod module;
pub mod moving;
pub mod outcome;
mod passwords;
pub mod pointers;
pub mod prerequisites;
pub mod prospect;
mod provider;
pub mod reach;
pub mod review;
mod room;
mod runner;
pub mod scheduler;
mod setup;
pub mod strays;
mod under;
mod verify;

pub use consent::Consent;
pub use events::{Deaf, Event, Watcher};
pub use outcome::{Failure, Outcome};
pub use room::{require_room, temporary};
pub use runner::{Ask, Reviewed, Runner};
pub use setup::{Answers, Options, Past, Setup};
