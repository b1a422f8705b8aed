//! The corpus of bad input: each row is sent to the real programs without a certificate, with the certificate of another role, and with
//! the right one. Who is not authenticated learns nothing of what a body should be; who is gets the answer of the row.
//!
//! Rows are data: requests in the modules `of_…`, bytes that no client sends in [`by_hand`]. Each stands on a [`Ground`]: servers that
//! are strict in what callers may name, that work with access tokens, that hold callers to few requests, or whose disk is full.

mod by_hand;
mod of_eecs;
mod of_hosts;
mod of_load;
mod of_servers;
mod of_tokens;
pub(crate) mod row;
pub(crate) mod site;

use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Caller, tls},
    lab::Lab,
    raw::{exchange, exchange_in_clear_text},
    wait::until_it_is_so,
};
use row::{Case, Row, Sends};
use site::{Door, Ground, Site, usual};
use std::collections::{BTreeMap, BTreeSet};

/// The rows that are run, in the order of their numbers.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = of_eecs::rows();
    rows.extend(of_servers::rows());
    rows.extend(of_hosts::rows());
    rows.extend(of_tokens::rows());
    rows.extend(of_load::rows());
    rows.extend(by_hand::rows());
    rows.sort_by_key(|row| row.number);
    rows
}

/// What came out wrong, row by row.
#[derive(Default)]
struct Verdict {
    faults: Vec<String>,
    /// How often each kind of refusal was seen.
    seen: BTreeMap<&'static str, usize>,
}

impl Verdict {
    fn fault(&mut self, row: &Row, what: impl std::fmt::Display) {
        self.faults.push(format!("row {} ({}): {what}", row.number, row.tries));
    }

    fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }
}

/// Without a certificate the handshake fails, and no byte of HTTP comes.
async fn without_a_certificate(site: &Site, row: &Row, verdict: &mut Verdict) {
    match &row.sends {
        Sends::Requests(cases) => {
            let nobody = Caller::anonymous(&site.lab, row.door.server(), site.root(row.door));
            for case in cases(site) {
                let (request, body) = case.request(nobody.root());
                match nobody.try_request(request, body).await {
                    Ok(answer) => verdict.fault(row, format!("{case} without a certificate: {answer:?}")),
                    Err(_) => verdict.saw("no certificate"),
                }
            }
        }
        Sends::Bytes(bytes) => {
            for by_hand in bytes(site) {
                let nobody = tls(&site.lab, None, row.door.server());
                let came = exchange(site.address(row.door), nobody, by_hand.alpn, &by_hand.bytes).await;
                if came.refused.is_none() || !came.bytes.is_empty() {
                    verdict.fault(row, format!("without a certificate: {came:?}"));
                }
                verdict.saw("no certificate");
            }
        }
    }
}

/// Another role is refused for what it is: in the handshake, or, where its own door is on the same listener, because nothing is there
/// for it. Nothing is said of the body.
async fn with_another_role(site: &Site, row: &Row, verdict: &mut Verdict) {
    let others = [Role::Eec, Role::Eas, Role::Ees, Role::Ecs, Role::Operator].into_iter();
    for role in others.filter(|role| *role != row.door.role() && Some(*role) != row.also) {
        let files = site.who(role, usual(role));
        match &row.sends {
            Sends::Requests(cases) => {
                let other = Caller::new(&site.lab, &files, row.door.server(), site.root(row.door));
                for case in cases(site) {
                    let (request, body) = case.request(other.root());
                    let Ok(answer) = other.try_request(request, body).await else {
                        verdict.saw("another role, in the handshake");
                        continue;
                    };
                    let causes = ["RESOURCE_URI_STRUCTURE_NOT_FOUND", "UNAUTHORIZED", "INVALID_API"];
                    let by_role = causes.iter().any(|cause| answer.body["cause"] == *cause);
                    let shares = matches!((row.door, role), (Door::Edge1, Role::Ees) | (Door::Edge9, Role::Eec));
                    if !by_role || !shares || !answer.at_fault().is_empty() {
                        verdict.fault(row, format!("{case} as {role}: {} {}", answer.status, answer.body));
                    }
                    verdict.saw("another role, at the door");
                }
            }
            Sends::Bytes(bytes) => {
                for by_hand in bytes(site) {
                    let other = tls(&site.lab, Some(&files), row.door.server());
                    let came = exchange(site.address(row.door), other, by_hand.alpn, &by_hand.bytes).await;
                    if came.refused.is_none() || !came.bytes.is_empty() {
                        verdict.fault(row, format!("as {role}: {came:?}"));
                    }
                    verdict.saw("another role, in the handshake");
                }
            }
        }
    }
}

/// Sends a request of a row and says what is wrong with the answer.
async fn send(caller: &Caller, case: &Case) -> Option<String> {
    let (request, body) = case.request(caller.root());
    match caller.try_request(request, body).await {
        Ok(answer) => {
            let fault = case.fault(&answer);
            if fault.is_none() && case.ends_in_a_problem() {
                answer.is_a_problem();
            }
            fault
        }
        Err(error) => Some(format!("no answer: {error}")),
    }
}

/// The right certificate gets the answer of the row.
async fn with_the_right_one(site: &Site, row: &Row, verdict: &mut Verdict) {
    match &row.sends {
        Sends::Requests(cases) => {
            let mut callers: BTreeMap<(&str, &str), Caller> = BTreeMap::new();
            for case in cases(site) {
                let (door, sender) = (case.door(row.door), case.sender(row.door));
                let key = (site.root(door), sender);
                let caller: &Caller = callers.entry(key).or_insert_with(|| site.caller(door, sender));
                let mut fault = send(caller, &case).await;
                if case.is_patient() && fault.is_some() {
                    until_it_is_so(row.tries, async || {
                        fault = send(caller, &case).await;
                        fault.is_none()
                    })
                    .await;
                }
                fault
                    .into_iter()
                    .for_each(|fault| verdict.fault(row, format!("{case}: {fault}")));
                verdict.saw("the right certificate");
            }
        }
        Sends::Bytes(bytes) => {
            let files = site.who(row.door.role(), usual(row.door.role()));
            for (n, by_hand) in bytes(site).into_iter().enumerate() {
                let right = tls(&site.lab, Some(&files), row.door.server());
                let came = exchange(site.address(row.door), right, by_hand.alpn, &by_hand.bytes).await;
                if !(by_hand.right)(&came) {
                    let (status, reset, gave_up) = (came.status(), came.reset(), came.gave_up());
                    let body = String::from_utf8_lossy(&came.body()).into_owned();
                    verdict.fault(
                        row,
                        format!(
                            "{n}: status {status:?}, reset {reset:?}, given up {gave_up:?}, {:?}, {body}",
                            came.refused
                        ),
                    );
                }
                verdict.saw("the right certificate");
            }
        }
    }
}

/// Runs the rows that stand on this ground.
async fn run_on(ground: Ground) -> Verdict {
    let site = Site::open(ground).await;
    let mut verdict = Verdict::default();
    for row in rows().iter().filter(|row| row.ground == ground) {
        without_a_certificate(&site, row, &mut verdict).await;
        with_another_role(&site, row, &mut verdict).await;
        with_the_right_one(&site, row, &mut verdict).await;
    }
    assert!(verdict.faults.is_empty(), "\n{}", verdict.faults.join("\n"));
    verdict
}

/// The numbers of the rows that this proves stand in the rows; the trace table takes them from there.
///
/// Proves: WP-05, WP-11, WP-50, T-10, T-16, T-17, T-18, T-19, T-35
#[tokio::test]
async fn every_row_ends_as_it_has_to_with_every_certificate() {
    let verdict = run_on(Ground::Usual).await;
    assert_eq!(
        verdict.seen.len(),
        4,
        "each kind of refusal has its cases: {:?}",
        verdict.seen
    );
}

/// The rows about access tokens, with an EES that demands them of EECs.
///
/// Proves: T-02, T-03, T-04, T-05, T-06
#[tokio::test]
async fn every_row_about_tokens_ends_as_it_has_to() {
    run_on(Ground::Tokens).await;
}

#[tokio::test]
async fn the_row_about_rates_ends_as_it_has_to() {
    run_on(Ground::Rates).await;
}

#[tokio::test]
async fn the_row_about_a_full_disk_ends_as_it_has_to() {
    run_on(Ground::FullDisk).await;
}

/// No row is forgotten: each number is run, on a ground that has a test above.
#[test]
fn every_row_is_there() {
    let run: BTreeSet<u8> = rows().iter().map(|row| row.number).collect();
    let missing: Vec<_> = (1..=76).filter(|number| !run.contains(number)).collect();
    assert!(missing.is_empty(), "no row has the numbers {missing:?}");
}

/// Clear text gets no byte of HTTP on any listener, in either protocol.
///
/// Proves: H-76, WP-01, WP-08
#[tokio::test]
async fn clear_text_gets_no_byte_of_http_anywhere() {
    let site = Site::open(Ground::Usual).await;
    let h2c = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n";
    for door in [Door::Edge1, Door::Edge3, Door::Edge9, Door::Edge4, Door::Edge6] {
        for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], upgrade, &h2c] {
            let came = exchange_in_clear_text(site.address(door), bytes).await;
            // 0x15 is an alert of TLS.
            assert!(came.bytes.is_empty() || came.bytes[0] == 0x15, "{door:?}: {came:?}");
        }
    }
}

/// The strict profile has no HTTP/1.1: who offers nothing else gets an alert and no byte, whatever the certificate.
///
/// Proves: H-76
#[tokio::test]
async fn the_strict_profile_answers_no_http_1() {
    let lab = Lab::new();
    let ees = lab.ees("a").with("http1 = false").start().await;
    let address = ees.root("edge3").trim_start_matches("https://");
    let get = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let eas = lab.who(Role::Eas, usual(Role::Eas));
    let eec = lab.who(Role::Eec, usual(Role::Eec));
    for who in [None, Some(&eec), Some(&eas)] {
        let came = exchange(address, tls(&lab, who, Role::Ees), &[b"http/1.1"], get).await;
        let reason = came.refused.as_deref().unwrap_or_default();
        assert!(
            came.bytes.is_empty() && reason.contains("NoApplicationProtocol"),
            "{came:?}"
        );
    }
}
