//! `collector`: a simulated collector of audit records, until it is told to stop.

use super::{CommandError, Outcome};
use crate::{pki::Pki, world::collector::Collector};
use anstream::println;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// `collector`: listens on this port with the certificate `who` of a folder that `pki init` made, for EESs and ECSs; records go to `out`.
///
/// # Errors
/// When the certificates cannot be used or the port cannot be had.
pub async fn collector(pki: &Path, who: &str, port: u16, out: &Path) -> Result<Outcome, CommandError> {
    let pki = Pki::open(pki)?;
    let usage = |error: std::io::Error| CommandError::Usage(error.to_string());
    let collector = Collector::bind(&pki.files(who), &pki, port, out).await.map_err(usage)?;
    println!("listening collector {}\nready", collector.url().map_err(usage)?);
    collector.serve(CancellationToken::new()).await;
    Ok(Outcome::Good)
}
