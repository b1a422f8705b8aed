//! What people and machines see of a run: live on a terminal, as JSON lines, at the end as a timeline.

pub mod json;
pub mod terminal;

use crate::{record::Watcher, run::Play};
use std::sync::Arc;

/// Where a run is shown.
pub trait Show {
    /// A scenario is about to be played; the watcher hears what happens.
    fn begin(&mut self, name: &str, title: &str, acr: &str) -> Arc<dyn Watcher>;
    /// It was played.
    fn end(&mut self, play: &Play);
    /// Something to be said beside the scenarios.
    fn say(&mut self, text: &str);
    /// All were played.
    fn summary(&mut self, plays: &[Play]);
}
