//! Certificates that are renewed and revoked while servers run (WP-43, T-22).

use super::{EEC, Site, is_served};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::tls,
    wait::{until, until_it_is_so},
};
use eec_sim::pki::Flaw;
use rustls::AlertDescription;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Puts one file in the place of another, whole.
fn replace(place: &Path, by: &Path) {
    let fresh = place.with_extension("fresh");
    fs::copy(by, &fresh).unwrap();
    fs::rename(&fresh, place).unwrap();
}

/// New certificates and keys are shown in new handshakes, and nobody who asks meanwhile is left without an answer.
///
/// Proves: WP-43
#[tokio::test]
async fn a_certificate_is_renewed_under_load_without_a_lost_request() {
    let site = Arc::new(Site::open().await);
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut load = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (site, over, asked) = (site.clone(), over.clone(), asked.clone());
        load.spawn(async move {
            let files = site.lab.pki.files(EEC);
            let mut eec = site.eec(&files);
            while !over.load(Ordering::Relaxed) {
                // Half of them keep their connection, half come anew each time.
                if number % 2 == 0 {
                    eec = site.eec(&files);
                }
                is_served(&eec, EEC).await.expect("an answer");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let in_force = site.lab.pki.files("ees-a");
    for number in 0..3 {
        let before = site.shown().await;
        let renewed = site
            .lab
            .pki
            .issue(Role::Ees, "ees-a.example")
            .named(&format!("renewed-{number}"));
        let renewed = renewed.write().unwrap();
        // One after the other, as an operator does: in between they do not fit together.
        replace(&in_force.key, &renewed.key);
        let at_half = asked.load(Ordering::Relaxed);
        until_it_is_so("requests are served meanwhile", async || {
            asked.load(Ordering::Relaxed) > at_half + 20
        })
        .await;
        replace(&in_force.certificate, &renewed.certificate);
        if number == 2 {
            site.ees.signal("HUP").await;
        }
        until_it_is_so("the new one is shown", async || site.shown().await != before).await;
        let shown = asked.load(Ordering::Relaxed);
        until_it_is_so("requests are served afterwards", async || {
            asked.load(Ordering::Relaxed) > shown + 20
        })
        .await;
    }
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.expect("no request was lost");
    }
    // The operator's port went along.
    site.operator.get("/health").await.found();
}

/// Whoever is revoked is sent away within ten seconds, connection or not, and nobody else is.
///
/// Proves: T-22
#[tokio::test]
async fn a_revoked_client_is_sent_away_in_mid_connection() {
    let site = Site::open().await;
    let (files, other) = (site.lab.pki.files(EEC), site.lab.pki.files("eec-2"));
    let (revoked, stays) = (site.eec(&files), site.eec(&other));
    is_served(&revoked, EEC).await.unwrap();
    is_served(&stays, "eec-2").await.unwrap();
    let began = Instant::now();
    site.lab.pki.revoke(&files).unwrap();
    until_it_is_so("refused", async || is_served(&revoked, EEC).await.is_err()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(site.ended("CERT_REVOKED").await, 1.0);
    let again = tls(&site.lab, Some(&files), Role::Ees);
    assert_eq!(site.refusal(again).await, AlertDescription::CertificateRevoked);
    assert!(site.refused("CERT_REVOKED").await >= 1.0);
    is_served(&stays, "eec-2").await.unwrap();
    assert!(is_served(&revoked, EEC).await.is_err());
}

/// A key that does not fit its certificate yet keeps nobody in who is revoked meanwhile.
///
/// Proves: WP-43, T-22
#[tokio::test]
async fn lists_come_into_force_while_our_own_certificate_is_half_renewed() {
    let site = Site::open().await;
    let (files, other) = (site.lab.pki.files(EEC), site.lab.pki.files("eec-2"));
    let before = site.shown().await;
    let renewed = site.lab.pki.issue(Role::Ees, "ees-a.example").named("half-renewed");
    let renewed = renewed.write().unwrap();
    let in_force = site.lab.pki.files("ees-a");
    replace(&in_force.key, &renewed.key);
    is_served(&site.eec(&files), EEC).await.unwrap();
    site.lab.pki.revoke(&files).unwrap();
    until_it_is_so("refused", async || is_served(&site.eec(&files), EEC).await.is_err()).await;
    is_served(&site.eec(&other), "eec-2").await.unwrap();
    assert_eq!(site.shown().await, before, "the certificate waits");
    until_it_is_so("told", async || {
        site.ees.log().contains("the own certificate and key in the files wait")
    })
    .await;
    replace(&in_force.certificate, &renewed.certificate);
    until_it_is_so("the new one is shown", async || site.shown().await != before).await;
}

/// A list that is older than the one in force is not taken: nobody who was revoked comes in again with it.
///
/// Proves: WP-43, T-22
#[tokio::test]
async fn an_older_list_is_not_taken() {
    let site = Site::open().await;
    let (files, other) = (site.lab.pki.files(EEC), site.lab.pki.files("eec-2"));
    let list = site.lab.pki.crl(Role::Eec);
    let older = site.lab.path().join("older");
    fs::copy(&list, &older).unwrap();
    site.lab.pki.revoke(&files).unwrap();
    until_it_is_so("refused", async || is_served(&site.eec(&files), EEC).await.is_err()).await;
    replace(&list, &older);
    until_it_is_so("told", async || {
        site.ees.log().contains("is older than the list in force")
    })
    .await;
    assert!(is_served(&site.eec(&files), EEC).await.is_err());
    is_served(&site.eec(&other), "eec-2").await.unwrap();
}

/// Where an issuer is trusted no more, its clients are not served any more.
#[tokio::test]
async fn connections_end_with_the_trust_in_their_issuer() {
    let site = Site::open().await;
    let eec = site.eec(&site.lab.pki.files(EEC));
    is_served(&eec, EEC).await.unwrap();
    // Any other authority with a list of its own will do.
    replace(&site.lab.pki.crl(Role::Eec), &site.lab.pki.crl(Role::Nef));
    replace(&site.lab.pki.ca(Role::Eec), &site.lab.pki.ca(Role::Nef));
    until_it_is_so("sent away", async || is_served(&eec, EEC).await.is_err()).await;
    assert_eq!(site.ended("CERT_UNTRUSTED").await, 1.0);
}

/// The end of a client's certificate is the end of its connection.
#[tokio::test]
async fn a_connection_ends_with_its_certificate() {
    let site = Site::open().await;
    let request = site.lab.pki.issue(Role::Eec, "eec-soon").with(Flaw::EndsIn(5));
    let eec = site.eec(&request.write().unwrap());
    is_served(&eec, "eec-soon").await.unwrap();
    until_it_is_so("sent away", async || is_served(&eec, "eec-soon").await.is_err()).await;
    assert_eq!(site.ended("CERT_EXPIRED").await, 1.0);
}

/// A list that is past its time says nothing any more: nobody whom it is about gets in until there is a new one.
#[tokio::test]
async fn a_list_past_its_time_lets_nobody_in() {
    let site = Site::open().await;
    let now = jiff::Timestamp::now().as_second();
    let files = site.lab.pki.files(EEC);
    site.lab.pki.list_revoked(Role::Eec, now - 1000..now - 10).unwrap();
    until_it_is_so("refused", async || {
        is_served(&site.eec(&files), EEC).await.is_err() && site.refused("CRL_STALE").await >= 1.0
    })
    .await;
    assert!(
        site.ees.log().contains("a revocation list is past its time"),
        "{}",
        site.ees.log()
    );
    // Half of its time is over: taken, and told.
    site.lab.pki.list_revoked(Role::Eec, now - 1000..now + 900).unwrap();
    until_it_is_so("served again", async || is_served(&site.eec(&files), EEC).await.is_ok()).await;
    until_it_is_so("told", async || {
        site.ees.log().contains("half of the time of a revocation list is over")
    })
    .await;
}

/// Connections do not grow older than they may, and no request is lost to that.
#[tokio::test]
async fn an_old_connection_is_ended_without_a_lost_request() {
    let site = Site::with("[tls]\nconnection_max_age_seconds = 2\n").await;
    let eec = site.eec(&site.lab.pki.files(EEC));
    let handshakes = async || {
        let all = crate::support::metric(&site.operator, "edgeapp_tls_handshakes_total").await;
        all.unwrap_or(0.0)
    };
    is_served(&eec, EEC).await.unwrap();
    let before = handshakes().await;
    // The operator's connection grows old as well: of each a second and a third one.
    until("connections that took the place of others", async || {
        is_served(&eec, EEC).await.expect("an answer");
        (handshakes().await >= before + 4.0).then_some(())
    })
    .await;
}
