//! Floods of frames, requests and resets on one connection.

use super::{
    EAS, Site,
    raw::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
        block, frame, request,
    },
};
use crate::support::{CHESS, EAS_REGISTRATIONS, eas_registration};
use http::header::RETRY_AFTER;

/// Frames that a flood sends, if it is not stopped.
const MANY: usize = 300_000;
/// Memory that it may cost, in KiB. A stream that is kept takes one at least.
const LITTLE: u64 = 16 * 1024;

/// A stream of its own for each request: 1, 3, 5, …
fn stream(n: usize) -> u32 {
    u32::try_from(2 * n + 1).expect("few")
}

async fn is_stopped(site: &Site, what: &str, begin: Vec<u8>, bytes: impl FnMut(usize) -> Vec<u8>) {
    let before = site.ees.memory();
    let mut raw = site.raw().await;
    raw.send(&begin).await;
    let sent = raw.flood(MANY, bytes).await;
    assert!(sent < MANY, "{what}: {sent} were tolerated");
    raw.came().await;
    let more = site.ees.memory().saturating_sub(before);
    assert!(more < LITTLE, "{what}: {more} KiB more after {sent}");
    site.others_are_served().await;
}

/// T-14, T-15: whatever a peer floods with, it loses its connection; memory stays flat and others are served.
///
/// Proves: T-15
#[tokio::test]
async fn floods_of_frames_end_their_connection() {
    let site = Site::open(|plan| plan).await;
    // What the first connection of all costs is no part of a flood.
    site.others_are_served().await;
    let head = block(request("POST", "localhost", EAS_REGISTRATIONS));
    let open = frame(HEADERS, END_HEADERS, 1, &head);
    is_stopped(&site, "PING", vec![], |_| frame(PING, 0, 0, &[7; 8])).await;
    is_stopped(&site, "SETTINGS", vec![], |n| {
        // SETTINGS_INITIAL_WINDOW_SIZE, another one each time.
        let window = u32::try_from(60_000 + n % 1000).expect("small").to_be_bytes();
        frame(SETTINGS, 0, 0, &[&[0, 4][..], &window].concat())
    })
    .await;
    is_stopped(&site, "WINDOW_UPDATE", vec![], |_| {
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])
    })
    .await;
    is_stopped(&site, "PRIORITY", vec![], |n| {
        frame(PRIORITY, 0, stream(n), &[0, 0, 0, 0, 16])
    })
    .await;
    is_stopped(&site, "unknown frames", vec![], |_| frame(0xbe, 0, 0, b"grease")).await;
    is_stopped(&site, "empty DATA", open.clone(), |_| frame(DATA, 0, 1, &[])).await;
    is_stopped(&site, "DATA of one byte", open, |_| frame(DATA, 0, 1, b" ")).await;
    is_stopped(&site, "CONTINUATION", frame(HEADERS, 0, 1, &head), |_| {
        frame(CONTINUATION, 0, 1, &block([("x-more", &b"and more"[..])]))
    })
    .await;
    let abuse = site.ees.log().matches("abuse of HTTP/2").count();
    assert!(abuse >= 7, "{abuse} are in the log:\n{}", site.ees.log());
}

/// T-14: CVE-2023-44487. Requests that are given up at once, with frames made by hand.
#[tokio::test]
async fn rapid_resets_end_their_connection() {
    let site = Site::open(|plan| plan).await;
    site.others_are_served().await;
    let head = block(request("GET", "localhost", "/nothing"));
    let reset = |n| {
        [
            frame(HEADERS, END_HEADERS | END_STREAM, stream(n), &head),
            frame(RST_STREAM, 0, stream(n), &[0, 0, 0, 8]),
        ]
        .concat()
    };
    is_stopped(&site, "HEADERS and RST_STREAM", vec![], reset).await;
    // CVE-2025-8671: the server is made to reset them itself, by a window that overflows.
    let provoked = |n| {
        [
            frame(HEADERS, END_HEADERS, stream(n), &head),
            frame(WINDOW_UPDATE, 0, stream(n), &[0x7f, 0xff, 0xff, 0xff]),
        ]
        .concat()
    };
    is_stopped(&site, "WINDOW_UPDATE that overflows", vec![], provoked).await;
}

/// WP-20, row 70: one caller uses up its rate and is told when to come back; another does not notice.
///
/// Proves: WP-20
#[tokio::test]
async fn a_caller_that_asks_too_often_waits_alone() {
    let site = Site::open(|plan| plan.with("[limits.eas]\nrequests_per_second = 1\nburst = 20\n")).await;
    let flooding = site.lab.eas(EAS, site.ees.root("edge3"));
    let mut refused = 0;
    for _ in 0..60 {
        let answer = flooding.get(&format!("{EAS_REGISTRATIONS}/none")).await;
        if answer.status == 429 {
            answer.refused(429, "NF_CONGESTION_RISK");
            let wait: u64 = answer.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=2).contains(&wait), "{wait}");
            refused += 1;
        } else {
            answer.refused(404, "RESOURCE_NOT_FOUND");
        }
    }
    assert!((10..=40).contains(&refused), "{refused} of 60");
    // Another connection is the same caller, and so is one that says that it comes from elsewhere.
    let again = site.lab.eas(EAS, site.ees.root("edge3"));
    again
        .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .refused(429, "NF_CONGESTION_RISK");
    site.others_are_served().await;
    assert!(
        site.ees.log().contains("more requests per second"),
        "{}",
        site.ees.log()
    );
}

/// T-35: what a proxy may say of a caller is not believed: neither who it is nor whose rate counts.
#[tokio::test]
async fn forwarded_headers_change_nothing() {
    let site = Site::open(|plan| plan.with("[limits.eas]\nrequests_per_second = 1\nburst = 10\n")).await;
    let mut raw = site.raw().await;
    let path = format!("{EAS_REGISTRATIONS}/none");
    for n in 0..40 {
        let from = format!("198.51.100.{n}");
        let mut fields = request("GET", "localhost", &path);
        let forged = "URI=urn:edgeapp:eas:eas.chess.example%23bystander";
        fields.push(("x-forwarded-for", from.as_bytes()));
        fields.push(("forwarded", from.as_bytes()));
        fields.push(("x-real-ip", from.as_bytes()));
        fields.push(("x-forwarded-client-cert", forged.as_bytes()));
        fields.push(("client-cert", forged.as_bytes()));
        raw.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream(n), &block(fields)))
            .await;
    }
    let mut answered = 0;
    let came = raw
        .came_until(|came| {
            let ends = [DATA, HEADERS].contains(&came.kind) && came.flags & END_STREAM != 0;
            answered += usize::from(ends);
            answered == 40
        })
        .await;
    let bodies: Vec<_> = came.into_iter().filter(|came| came.kind == DATA).collect();
    let text: Vec<_> = bodies
        .iter()
        .map(|came| String::from_utf8_lossy(&came.payload))
        .collect();
    let refused = text.iter().filter(|body| body.contains("NF_CONGESTION_RISK")).count();
    assert!(refused >= 20, "{refused} of {}: {text:?}", text.len());
    site.others_are_served().await;
}
