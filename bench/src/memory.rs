//! Resident memory of an EES per registered EEC.

use crate::{
    Failure, Report,
    arguments::Registration,
    bodies,
    laboratory::Laboratory,
    population::{Neighbour, eec},
    process, say,
};
use eec_sim::world::process::Server;
use serde_json::json;

/// Registered before the first look: threads, buffers and caches that any number of registrations needs are there then.
const FIRST: u32 = 1000;

/// Measures.
pub(crate) async fn run(arguments: &Registration) -> Result<Report, Failure> {
    let common = &arguments.common;
    let laboratory = Laboratory::new(common)?;
    let ees = laboratory.ees().await?;
    laboratory.register_eass(&ees, arguments.eas, 1).await?;
    let neighbour = Neighbour::connect(&laboratory, &ees).await?;
    say(&format!("registering {} EECs", arguments.eecs));

    let empty = look(&ees).await?;
    neighbour.bring(0..FIRST).await?;
    let warm = look(&ees).await?;
    let half = FIRST + (arguments.eecs - FIRST) / 2;
    neighbour.bring(FIRST..half).await?;
    let middle = look(&ees).await?;
    neighbour.bring(half..arguments.eecs).await?;
    let full = look(&ees).await?;

    let body = bodies::eec_registration(&eec(0)).len();
    let each = per_registration(warm, full, arguments.eecs - FIRST);
    let later = per_registration(middle, full, arguments.eecs - half);
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    let table = format!(
        "EEC registration: resident memory of the EES, {} EECs, registrations of {body} bytes\n\n\
        {:>40} {:>6} MiB\n{:>40} {:>6} MiB\n{:>40} {:>6} MiB\n\n\
        {each:.0} bytes per registration ({later:.0} bytes in the second half)\n",
        arguments.eecs,
        "without EECs",
        mebibytes(empty),
        format!("with {FIRST}"),
        mebibytes(warm),
        format!("with {}", arguments.eecs),
        mebibytes(full),
    );
    let json = json!({
        "eecs": arguments.eecs, "bodyBytes": body, "emptyBytes": empty, "firstBytes": warm, "fullBytes": full,
        "bytesPerRegistration": each, "bytesPerRegistrationSecondHalf": later,
    });
    Ok(Report { table, json })
}

async fn look(ees: &Server) -> Result<u64, Failure> {
    let pid = ees.pid().ok_or("the EES ended")?;
    process::until_idle(pid).await;
    process::resident(pid).ok_or_else(|| "this system does not tell the resident memory of a process".into())
}

fn per_registration(before: u64, after: u64, registrations: u32) -> f64 {
    let grown = u32::try_from(after.saturating_sub(before) / 1024).unwrap_or(u32::MAX);
    f64::from(grown) * 1024.0 / f64::from(registrations.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shared_out_among_registrations() {
        assert!((per_registration(10_240, 30_720, 10) - 2048.0).abs() < 1e-9);
        assert!(per_registration(30_720, 10_240, 10).abs() < 1e-9);
    }
}
