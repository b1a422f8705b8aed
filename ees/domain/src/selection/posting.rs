//! The EASs that share a term. Most terms belong to one EAS, and one number needs no bitmap.

use roaring::RoaringBitmap;
use std::{borrow::Cow, sync::Arc};

/// A set of numbers that is never empty; copies share it.
#[derive(Clone, Debug)]
pub(super) enum Posting {
    One(u32),
    Many(Arc<RoaringBitmap>),
}

impl Posting {
    /// The numbers as a bitmap.
    pub(super) fn numbers(&self) -> Cow<'_, RoaringBitmap> {
        match self {
            Self::One(number) => Cow::Owned(RoaringBitmap::from_iter([*number])),
            Self::Many(numbers) => Cow::Borrowed(numbers),
        }
    }

    pub(super) fn insert(&mut self, number: u32) {
        match self {
            Self::One(only) if *only == number => {}
            Self::One(only) => *self = Self::Many(Arc::new(RoaringBitmap::from_iter([*only, number]))),
            Self::Many(numbers) => {
                Arc::make_mut(numbers).insert(number);
            }
        }
    }

    /// Takes the number out, and says whether others are left.
    pub(super) fn remove(&mut self, number: u32) -> bool {
        match self {
            Self::One(only) => *only != number,
            Self::Many(numbers) => {
                let numbers = Arc::make_mut(numbers);
                numbers.remove(number);
                !numbers.is_empty()
            }
        }
    }
}
