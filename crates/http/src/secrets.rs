//! What a process has in its memory stays there: no core dumps, which would hold keys.

/// Sees to it that a crash leaves no memory behind, and that nobody else on this machine looks into it. Where the system does not let
/// us, that is told in the log.
pub fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "core dumps cannot be switched off: they would hold keys");
        }
    }
    // A program that collects core dumps is not bound by that limit.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        match set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            Ok(()) => tracing::info!("core dumps are off, and no other process of this user may look into this one"),
            Err(error) => tracing::warn!(%error, "core dumps cannot be switched off: they would hold keys"),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn no_core_is_left_behind() {
        super::keep_memory_private();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior(),
            Ok(rustix::process::DumpableBehavior::NotDumpable)
        );
    }
}
