//! The section `[authorization]` of a server's configuration.

use crate::policy::{Catalogue, LocalPolicy, PolicyError};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Who decides what a caller may use.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationConfig {
    /// `policies`: a folder of `*.cedar` files, or one such file. They take the place of the policies that the server comes with, and
    /// are read again when they change and on SIGHUP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<PathBuf>,
    /// `allow_policies_that_permit_everything`: a policy may permit all callers all operations on all listeners. For laboratories.
    pub allow_policies_that_permit_everything: bool,
}

impl AuthorizationConfig {
    /// Makes the path relative to `folder`, where it is relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(policies) = &mut self.policies {
            *policies = folder.join(&*policies);
        }
    }

    /// The local policy of a server that serves this.
    ///
    /// # Errors
    /// When the policies cannot be used.
    pub fn open(&self, catalogue: Catalogue) -> Result<Arc<LocalPolicy>, PolicyError> {
        LocalPolicy::open(self, catalogue).map(Arc::new)
    }
}
