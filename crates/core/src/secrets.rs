//! Files with secrets, and who else may read them.
//!
//! A key that other users of the machine can read is refused by whoever reads it. What systemd hands over as credentials looks as if its group
//! could read it, and that is an access control list for the user of the service: those files are as private as they can be. So is what root
//! hands over to a group of the server, for reading alone: that is what Kubernetes makes of a secret for a pod that has an `fsGroup`.

use std::{io, path::Path};

/// The mode of a file with a secret, where others than its owner can read or change it. Where files have no modes there is nothing to see.
///
/// # Errors
/// When the file cannot be looked at.
pub fn open_to_others(path: &Path) -> io::Result<Option<u32>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let facts = std::fs::metadata(path)?;
        let mode = facts.mode() & 0o777;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
        let private = is_private(path, mode, credentials.as_deref().map(Path::new))
            || is_handed_over(mode, facts.uid(), facts.gid(), &own_groups());
        Ok((!private).then_some(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(None)
    }
}

/// Whether a file of this mode is for its owner alone, or one of the credentials that systemd put into this folder.
#[cfg(unix)]
fn is_private(path: &Path, mode: u32, credentials: Option<&Path>) -> bool {
    let for_its_owner = mode & 0o077 == 0;
    // With an access control list, the mode of the group is the most that any entry of the list allows.
    let by_a_list = mode & 0o037 == 0;
    for_its_owner || (by_a_list && credentials.is_some_and(|folder| lies_in(path, folder).unwrap_or(false)))
}

/// Whether root gave this file to one of the server's own groups, for reading and nothing else.
#[cfg(unix)]
fn is_handed_over(mode: u32, owner: u32, group: u32, own: &[u32]) -> bool {
    mode == 0o440 && owner == 0 && own.contains(&group)
}

/// The groups that this process is in.
#[cfg(unix)]
fn own_groups() -> Vec<u32> {
    use rustix::process::{getegid, getgroups};
    let others = getgroups().unwrap_or_default();
    others
        .into_iter()
        .chain([getegid()])
        .map(rustix::process::Gid::as_raw)
        .collect()
}

/// Whether the file, wherever links lead, lies in this folder, to which nobody but its owner can add anything.
#[cfg(unix)]
fn lies_in(path: &Path, folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let closed = std::fs::metadata(folder)?.permissions().mode() & 0o022 == 0;
    let folder = folder.canonicalize()?;
    Ok(closed && path.canonicalize()?.parent() == Some(&folder))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    fn file(path: &Path, mode: u32) {
        fs::write(path, "secret").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    }

    /// Proves: WP-45
    #[test]
    fn credentials_of_systemd_are_private_and_nothing_beside_them_is() {
        let lab = tempfile::tempdir().expect("a folder");
        let (given, elsewhere) = (lab.path().join("given"), lab.path().join("elsewhere"));
        for folder in [&given, &elsewhere] {
            fs::create_dir(folder).expect("made");
        }
        fs::set_permissions(&given, fs::Permissions::from_mode(0o750)).expect("permissions");
        let key = given.join("tls.key");
        for (mode, private) in [
            (0o600, true),
            (0o400, true),
            (0o440, true),
            (0o640, true),
            (0o460, false),
            (0o450, false),
            (0o444, false),
            (0o404, false),
        ] {
            file(&key, mode);
            assert_eq!(is_private(&key, mode, Some(&given)), private, "{mode:o}");
            let without = mode & 0o077 == 0;
            assert_eq!(is_private(&key, mode, None), without, "{mode:o}");
            assert_eq!(is_private(&key, mode, Some(&elsewhere)), without, "{mode:o}");
            assert_eq!(is_private(&key, mode, Some(lab.path())), without, "{mode:o}");
            fs::remove_file(&key).expect("removed");
        }
        // A link counts for what it leads to.
        file(&elsewhere.join("other.key"), 0o440);
        symlink(elsewhere.join("other.key"), given.join("other.key")).expect("linked");
        assert!(!is_private(&given.join("other.key"), 0o440, Some(&given)));
        file(&key, 0o440);
        symlink(&key, elsewhere.join("tls.key")).expect("linked");
        assert!(is_private(&elsewhere.join("tls.key"), 0o440, Some(&given)));
        // A folder that others can write to is none of systemd's.
        fs::set_permissions(&given, fs::Permissions::from_mode(0o770)).expect("permissions");
        assert!(!is_private(&key, 0o440, Some(&given)));
    }

    /// A secret of Kubernetes belongs to root and to the `fsGroup` of the pod.
    ///
    /// Proves: WP-45
    #[test]
    fn what_root_hands_over_to_a_group_of_the_server_is_private() {
        let own = [65532, 4711];
        assert!(is_handed_over(0o440, 0, 4711, &own));
        for (mode, owner, group) in [
            (0o440, 1000, 4711),
            (0o440, 0, 100),
            (0o640, 0, 4711),
            (0o460, 0, 4711),
            (0o450, 0, 4711),
            (0o444, 0, 4711),
            (0o441, 0, 4711),
        ] {
            assert!(!is_handed_over(mode, owner, group, &own), "{mode:o} {owner} {group}");
        }
        assert!(own_groups().contains(&rustix::process::getegid().as_raw()));
    }

    #[test]
    fn the_mode_of_an_open_file_is_told() {
        let lab = tempfile::tempdir().expect("a folder");
        let key = lab.path().join("key");
        file(&key, 0o640);
        assert_eq!(open_to_others(&key).expect("a mode"), Some(0o640));
        file(&key, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");
        assert_eq!(open_to_others(&key).expect("a mode"), None);
        assert!(open_to_others(&lab.path().join("none")).is_err());
    }
}
