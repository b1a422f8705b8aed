//! Where a server writes: tried before it starts, and left as it is.

use std::path::Path;

/// Whether this process could write the file or folder at `path`, and make it with the folders that lead to it where they are not there.
///
/// # Errors
/// Says which place cannot be written, and what to do.
pub fn can_be_written(path: &Path) -> Result<(), String> {
    let there = path
        .ancestors()
        .map(|place| {
            if place.as_os_str().is_empty() {
                Path::new(".")
            } else {
                place
            }
        })
        .find(|place| place.exists());
    let Some(there) = there else {
        return Err(format!("{}: no folder leads there; make it", path.display()));
    };
    if there != path && !there.is_dir() {
        return Err(format!(
            "{}: {} is no folder; name another place, or move it away",
            path.display(),
            there.display()
        ));
    }
    writable(there).map_err(|error| {
        format!(
            "{}: {} cannot be written ({error}); let the server's user write there",
            path.display(),
            there.display()
        )
    })
}

/// Whether this process could make the file at `path` in its folder, which has to be there, or write the one that is there.
///
/// # Errors
/// See [`can_be_written`].
pub fn can_be_made_in_its_folder(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(format!("{}: its folder is not there; make it", path.display()));
    }
    can_be_written(path)
}

/// A file is asked about. Into a folder something is written, and removed: rights do not say it all, where a folder is one of the system's,
/// the disk is full, or root asks.
fn writable(place: &Path) -> Result<(), std::io::Error> {
    if place.is_dir() {
        let probe = place.join(format!(".edgeapp-{:016x}", rand::random::<u64>()));
        std::fs::File::create_new(&probe)?;
        return std::fs::remove_file(probe);
    }
    may_be_written(place)
}

#[cfg(unix)]
fn may_be_written(file: &Path) -> Result<(), std::io::Error> {
    use rustix::fs::{Access, access};
    Ok(access(file, Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn may_be_written(file: &Path) -> Result<(), std::io::Error> {
    match file.metadata()?.permissions().readonly() {
        true => Err(std::io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_looked_at_and_left_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, far) = (folder.path().join("file"), folder.path().join("a/b/c"));
        assert_eq!(can_be_written(&file), Ok(()));
        assert_eq!(can_be_written(&far), Ok(()));
        assert!(
            can_be_made_in_its_folder(&far)
                .expect_err("no folder")
                .contains("make it")
        );
        assert_eq!(can_be_made_in_its_folder(&file), Ok(()));
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left behind");
        #[cfg(target_os = "linux")]
        for place in ["/proc/x/ees.redb", "/proc/x"] {
            let refused = can_be_written(Path::new(place)).expect_err("nothing can be made in /proc");
            assert!(refused.contains("cannot be written"), "{refused}");
        }
        std::fs::write(&file, "").expect("written");
        assert_eq!(can_be_made_in_its_folder(&file), Ok(()));
        let beneath = can_be_written(&file.join("below")).expect_err("beneath a file");
        assert!(beneath.contains("is no folder"), "{beneath}");
    }
}
