//! What is given up first when a server has too much to do.
//!
//! Requests that run are counted over all listeners. Those that wait for the writer of the store, for the core network or for another
//! server are among them, so that no backlog behind the doors grows beyond what is let in here.

use super::sampled::Sampled;
use axum::http::Method;
use edgeapp_core::authorizer::ReferencePoint;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a request asks of a server, as far as it matters when not all can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Something new or looked for: creations, discoveries, fetches.
    New,
    /// What is there lives on or ends: renewals, changes, deregistrations, and reports of the core network about it.
    Kept,
}

impl Work {
    /// What such a request asks; none for what is always served, so that operators see what happens.
    pub(crate) fn of(method: &Method, point: ReferencePoint) -> Option<Self> {
        match (point, method) {
            (ReferencePoint::Operator, _) => None,
            (ReferencePoint::Edge2, _) | (_, &Method::PUT | &Method::PATCH | &Method::DELETE) => Some(Self::Kept),
            _ => Some(Self::New),
        }
    }
}

/// Pure: whether a request is let in where `running` run already and `most` may. A quarter of the places is for what is there already.
pub fn admits(running: usize, most: usize, work: Work) -> bool {
    let places = match work {
        Work::New => most - most / 4,
        Work::Kept => most,
    };
    running < places
}

/// The requests under way of a server.
pub(super) struct Load {
    running: AtomicUsize,
    most: usize,
    refused: Sampled,
}

/// One of them.
pub(super) struct Underway<'a>(&'a Load);

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    pub(super) fn new(most: u32) -> Self {
        Self {
            running: AtomicUsize::new(0),
            most: usize::try_from(most).unwrap_or(usize::MAX),
            refused: Sampled::default(),
        }
    }

    /// Lets a request in, or says how many were refused when it is time to tell it.
    pub(super) fn enter(&self, work: Work) -> Result<Underway<'_>, Option<u64>> {
        let running = self.running.fetch_add(1, Ordering::Relaxed);
        let underway = Underway(self);
        if admits(running, self.most, work) {
            Ok(underway)
        } else {
            Err(self.refused.happened())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_work_is_given_up_first() {
        assert!(admits(0, 8, Work::New) && admits(5, 8, Work::New));
        assert!(!admits(6, 8, Work::New), "a quarter is kept free of it");
        assert!(admits(6, 8, Work::Kept) && admits(7, 8, Work::Kept));
        assert!(!admits(8, 8, Work::Kept));
        assert!(admits(0, 1, Work::New) && !admits(1, 1, Work::New));
    }

    #[test]
    fn renewals_and_ends_are_kept_work_and_operators_always_get_in() {
        let of = |method, point| Work::of(&method, point);
        for kept in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(of(kept, ReferencePoint::Edge1), Some(Work::Kept));
        }
        for new in [Method::POST, Method::GET] {
            assert_eq!(of(new, ReferencePoint::Edge3), Some(Work::New));
        }
        assert_eq!(of(Method::POST, ReferencePoint::Edge2), Some(Work::Kept));
        assert_eq!(of(Method::GET, ReferencePoint::Operator), None);
    }

    #[test]
    fn what_ends_makes_room() {
        let load = Load::new(4);
        let mut inside: Vec<_> = (0..3).map(|_| load.enter(Work::New).expect("room")).collect();
        assert!(load.enter(Work::New).is_err());
        let renewal = load.enter(Work::Kept).expect("room for what is there");
        assert!(load.enter(Work::Kept).is_err());
        drop(renewal);
        inside.pop();
        assert!(load.enter(Work::New).is_ok());
    }
}
