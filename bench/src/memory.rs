//! Resident memory of an EES per registered EEC. Another EES brings the contexts of that many EECs over EDGE-9, and each registers its
//! EEC: the same state as registrations by the EECs themselves, without a certificate for each.

use crate::{
    Failure, Report,
    arguments::Registration,
    bodies,
    laboratory::Laboratory,
    load::{Connection, Expected, LoadError, Question},
    process, say,
};
use eec_sim::world::process::Server;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use serde_json::json;
use std::ops::Range;

const NEIGHBOUR: &str = "ees-b.example";
/// Registered before the first look: threads, buffers and caches that any number of registrations needs are there then.
const FIRST: u32 = 1000;

/// Measures.
pub(crate) async fn run(arguments: &Registration) -> Result<Report, Failure> {
    let common = &arguments.common;
    let laboratory = Laboratory::new(common)?;
    let ees = laboratory.ees().await?;
    laboratory.register_eass(&ees, arguments.eas, 1).await?;
    let root = ees.root("edge1")?;
    let connection = laboratory.connect(root, &laboratory.identity("ees-b")?).await?;
    let at_a_time = common.concurrency().min(usize::from(u8::MAX / 2));
    say(&format!("registering {} EECs", arguments.eecs));

    let empty = look(&ees).await?;
    push(&connection, root, 0..FIRST, at_a_time).await?;
    let warm = look(&ees).await?;
    let half = FIRST + (arguments.eecs - FIRST) / 2;
    push(&connection, root, FIRST..half, at_a_time).await?;
    let middle = look(&ees).await?;
    push(&connection, root, half..arguments.eecs, at_a_time).await?;
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

fn eec(number: u32) -> String {
    format!("eec-{number:08}.example")
}

async fn look(ees: &Server) -> Result<u64, Failure> {
    let pid = ees.pid().ok_or("the EES ended")?;
    process::until_idle(pid).await;
    process::resident(pid).ok_or_else(|| "this system does not tell the resident memory of a process".into())
}

async fn push(connection: &Connection, root: &str, numbers: Range<u32>, at_a_time: usize) -> Result<(), LoadError> {
    let pushing = numbers.map(|number| {
        let mut connection = connection.clone();
        async move {
            let question = Question::post(root, bodies::EEC_CONTEXTS, bodies::eec_context(NEIGHBOUR, &eec(number)))?;
            connection
                .count(
                    &question,
                    Expected {
                        status: StatusCode::OK,
                        length: None,
                    },
                )
                .await
        }
    });
    stream::iter(pushing)
        .buffer_unordered(at_a_time)
        .try_collect::<()>()
        .await
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
