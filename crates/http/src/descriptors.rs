//! Open files: every connection is one, and the system grants a process only so many.

/// Files that are open beside the connections of callers: the store, notifications under way, logs.
const RESERVE: u64 = 512;

/// Raises the number of files that may be open to the most that this process may ask for, and says how many that are; `None` when
/// there is no limit or it is not known.
#[cfg(unix)]
pub(crate) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let granted = getrlimit(Resource::Nofile);
    let current = granted.current?;
    if granted.maximum.is_some_and(|maximum| maximum <= current) {
        return Some(current);
    }
    let raised = Rlimit {
        current: granted.maximum,
        maximum: granted.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => granted.maximum,
        Err(error) => {
            tracing::info!(%error, current, "the limit of open files cannot be raised");
            Some(current)
        }
    }
}

/// Elsewhere the limit is not known.
#[cfg(not(unix))]
pub(crate) fn raise() -> Option<u64> {
    None
}

/// Pure: how many connections each of several listeners may hold, where each would like `wanted`, so that a few files are left.
pub(crate) fn share(files: Option<u64>, listeners: usize, wanted: usize) -> usize {
    let Some(files) = files else { return wanted };
    // Where there is hardly anything, half of it.
    let for_callers = files.saturating_sub(RESERVE).max(files / 2);
    let each = for_callers / u64::try_from(listeners.max(1)).unwrap_or(u64::MAX);
    usize::try_from(each).unwrap_or(usize::MAX).clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_what_is_left() {
        assert_eq!(share(None, 4, 10_000), 10_000);
        assert_eq!(share(Some(1_048_576), 4, 10_000), 10_000);
        assert_eq!(share(Some(4096), 4, 10_000), 896);
        assert_eq!(share(Some(1024), 4, 10_000), 128);
        assert_eq!(share(Some(256), 4, 10_000), 32);
        assert_eq!(share(Some(1), 4, 10_000), 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_limit_is_raised_to_the_most_there_is() {
        use rustix::process::{Resource, getrlimit};
        let raised = raise();
        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, raised), (now.maximum, now.maximum));
    }
}
