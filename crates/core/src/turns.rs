//! Turns: what must not be done at the same time under one name is done one after the other, in the order of asking. Within this
//! process only; among replicas the preconditions of commits decide.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};
use tokio::sync::{Mutex, MutexGuard};

/// Turns at names. Different names may have to wait for each other now and then, because they share the locks.
#[derive(Debug)]
pub struct Turns(Vec<Mutex<()>>);

impl Turns {
    /// Turns with this many locks, at least one: the more, the less do names get into each other's way.
    pub fn new(locks: usize) -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(locks.max(1)).collect())
    }

    /// Waits for the turn at this name; it ends when the guard is dropped.
    pub async fn turn(&self, name: &str) -> MutexGuard<'_, ()> {
        self.0[self.at(name)].lock().await
    }

    /// Waits for the turns at all of these names.
    pub async fn all(&self, names: impl IntoIterator<Item = &str>) -> Vec<MutexGuard<'_, ()>> {
        // In one order for everybody, each lock once: nobody waits for who waits for it.
        let locks: BTreeSet<usize> = names.into_iter().map(|name| self.at(name)).collect();
        let mut guards = Vec::with_capacity(locks.len());
        for at in locks {
            guards.push(self.0[at].lock().await);
        }
        guards
    }

    fn at(&self, name: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// More names than locks, each set in another order: nobody waits for ever, and nobody is in while another is.
    #[tokio::test]
    async fn turns_at_several_names_never_block_each_other() {
        let turns = Arc::new(Turns::new(2));
        let mut inside = tokio::task::JoinSet::new();
        for n in 0..32_u32 {
            let turns = turns.clone();
            inside.spawn(async move {
                let mut names = [format!("a{}", n % 3), format!("b{}", n % 5), "c".to_owned()];
                if n % 2 == 0 {
                    names.reverse();
                }
                let guards = turns.all(names.iter().map(String::as_str)).await;
                tokio::task::yield_now().await;
                assert!(!guards.is_empty());
            });
        }
        while let Some(done) = inside.join_next().await {
            done.unwrap();
        }
        drop(turns.turn("c").await);
    }
}
