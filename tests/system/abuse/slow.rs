//! Callers who take their time, and those who open more connections than they need.

use super::{
    EAS, Site,
    raw::{connect, plain, try_connect},
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::wait::DEADLINE;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Where the slow ones come from.
const ELSEWHERE: &str = "127.0.0.2";

/// Whether the server has closed this connection, or does so now.
async fn is_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let mut byte = [0; 1];
    let read = timeout(DEADLINE, stream.read(&mut byte))
        .await
        .expect("the server closes");
    read.map_or(true, |bytes| bytes == 0)
}

/// T-13: sockets that say nothing, or half of a handshake, take the places of their own address and nobody else's.
#[tokio::test]
async fn silent_sockets_leave_room_for_others() {
    let site =
        Site::open(|plan| plan.with("[limits]\nconnections_per_address = 200\nhandshakes_per_address = 20\n")).await;
    let (mut silent, mut turned_away) = (Vec::new(), 0);
    for n in 0..1000 {
        let Ok(mut socket) = plain(site.address(), ELSEWHERE).await else {
            turned_away += 1;
            continue;
        };
        if n % 2 == 0 {
            // The beginning of a TLS record that never ends.
            let _ = socket.write_all(&[0x16, 3, 1, 2, 0, 1]).await;
        }
        silent.push(socket);
    }
    let began = Instant::now();
    site.others_are_served().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // Most of them were closed at once, the rest when the time for a handshake is over.
    for mut socket in silent {
        if is_closed(&mut socket).await {
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 1000);
    assert!(site.ees.log().contains("connections_per_address"), "{}", site.ees.log());
    let who = site.lab.who(Role::Eas, EAS);
    connect(&site.lab, &who, site.address(), ELSEWHERE, b"h2").await;
}

/// T-13: one caller has so many connections and not more, from wherever; another has its own.
#[tokio::test]
async fn a_caller_has_so_many_connections() {
    let site = Site::open(|plan| plan.with("[limits]\nconnections_per_caller = 5\n")).await;
    let who = site.lab.who(Role::Eas, EAS);
    let mut kept = Vec::new();
    for n in 0..5 {
        let from = format!("127.0.0.{}", 2 + n);
        let mut stream = connect(&site.lab, &who, site.address(), &from, b"http/1.1").await;
        stream
            .write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.expect("an answer");
        kept.push(stream);
    }
    // TLS 1.3 lets a client believe that it is connected until it hears otherwise.
    let more = try_connect(&site.lab, &who, site.address(), "127.0.0.9", b"http/1.1").await;
    if let Ok(mut more) = more {
        assert!(is_closed(&mut more).await);
    }
    site.others_are_served().await;
    assert!(site.ees.log().contains("connections_per_caller"), "{}", site.ees.log());
}

/// T-13: who proves who it is and then sends half of a request, a byte now and then, is sent away.
#[tokio::test]
async fn half_requests_are_not_waited_for() {
    let site = Site::open(|plan| plan).await;
    let who = site.lab.who(Role::Eas, EAS);
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&site.lab, &who, site.address(), ELSEWHERE, b"http/1.1").await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
        slow.push(stream);
    }
    site.others_are_served().await;
    let drip = async {
        let mut open = slow;
        while !open.is_empty() {
            let mut still = Vec::new();
            for mut stream in open {
                if stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
                    still.push(stream);
                }
            }
            open = still;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(DEADLINE, drip)
        .await
        .expect("all are sent away, though they never fall silent");
}

/// A connection on which nothing is asked is closed, and one on which something is asked is not.
#[tokio::test]
async fn idle_connections_end() {
    let site = Site::open(|plan| plan.with("[limits]\nidle_seconds = 1\n")).await;
    let who = site.lab.who(Role::Eas, EAS);
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let mut idle = connect(&site.lab, &who, site.address(), "127.0.0.1", alpn).await;
        // HTTP/2 begins with a preface and settings, and waits for no longer than that.
        let begin: &[u8] = match alpn {
            b"h2" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            _ => b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        idle.write_all(begin).await.unwrap();
        let mut all = Vec::new();
        let closed = timeout(Duration::from_secs(9), idle.read_to_end(&mut all)).await;
        assert!(closed.is_ok(), "{}", String::from_utf8_lossy(alpn));
    }
    site.others_are_served().await;
}
