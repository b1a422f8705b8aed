use super::*;
use crate::{
    directory::{Asked, Chosen, Directory, Found, Known, Reach},
    settings::DnsSettings,
};
use edgeapp_core::{evidence::NoEvidence, principal::Principal};
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RecordType},
};
use std::collections::BTreeSet;
use tokio::io::{DuplexStream, duplex};

/// One EAS for all names, found out slowly for EECs.
struct OneEas;

#[async_trait]
impl Directory for OneEas {
    fn find(&self, _: &Asked<'_>) -> Found {
        Found::Eas(Chosen {
            reach: Reach {
                addresses: vec![[192, 0, 2, 1].into()],
                ..Reach::default()
            },
            ..Chosen::default()
        })
    }

    fn serial(&self) -> u32 {
        1
    }

    async fn known(&self, _: &Principal) -> Known {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Known::default()
    }
}

const SHORT: Patience = Patience {
    idle: Duration::from_millis(100),
    frame: Duration::from_millis(100),
    stall: Duration::from_millis(100),
    in_flight: 64,
};

/// The far end of a conversation.
fn connect(principal: Option<&str>, room: usize, patience: Patience) -> (DuplexStream, tokio::task::JoinHandle<()>) {
    connect_until(principal, room, patience, std::future::pending())
}

fn connect_until(
    principal: Option<&str>,
    room: usize,
    patience: Patience,
    ending: impl Future<Output = End> + Send + 'static,
) -> (DuplexStream, tokio::task::JoinHandle<()>) {
    let settings =
        serde_json::json!({"listen": "127.0.0.1:853", "zones": ["edge.example"], "clients": ["127.0.0.1/32"]});
    let settings: DnsSettings = serde_json::from_value(settings).expect("settings");
    let rules = settings.rules(settings.listen);
    let responder = Arc::new(Responder::new(rules, Arc::new(OneEas), Arc::new(NoEvidence)));
    let principal = principal.map(|uri| Principal::from_names([uri], [] as [&str; 0]).expect("a principal"));
    let client = Arc::new(responder.client([127, 0, 0, 1].into(), principal.map(Arc::new)));
    let (near, far) = duplex(room);
    let held = tokio::spawn(async move {
        let conversation = Conversation {
            responder: &responder,
            client: &client,
            patience,
        };
        conversation.hold(near, ending).await;
    });
    (far, held)
}

fn query(id: u16) -> Vec<u8> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(
        Name::from_ascii("chess.edge.example.").expect("a name"),
        RecordType::A,
    ));
    let mut framed = Vec::new();
    frame(&mut framed, &message.to_vec().expect("a message"));
    framed
}

async fn next(far: &mut DuplexStream) -> Message {
    let mut message = vec![0; usize::from(far.read_u16().await.expect("a length"))];
    far.read_exact(&mut message).await.expect("a message");
    Message::from_vec(&message).expect("an answer")
}

/// The connection ends, without another byte.
async fn ends(mut far: DuplexStream) {
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.expect("an end");
    assert!(rest.is_empty(), "{rest:?}");
}

/// Proves: DNS-D-08
#[tokio::test]
async fn a_hundred_queries_in_one_write_are_each_answered_once() {
    let (mut far, _held) = connect(None, 64 * 1024, SHORT);
    let all: Vec<u8> = (0..100).flat_map(query).collect();
    far.write_all(&all).await.expect("written");
    let mut answered = BTreeSet::new();
    for _ in 0..100 {
        let answer = next(&mut far).await;
        assert_eq!(answer.answers.len(), 1);
        assert!(answered.insert(answer.metadata.id), "{} twice", answer.metadata.id);
    }
    assert_eq!(answered.len(), 100);
}

/// Proves: DNS-D-10
#[tokio::test]
async fn a_query_may_be_split_anywhere() {
    let whole = [query(1), query(2)].concat();
    for at in 0..whole.len() {
        let (mut far, _held) = connect(None, 4096, SHORT);
        far.write_all(&whole[..at]).await.expect("written");
        tokio::task::yield_now().await;
        far.write_all(&whole[at..]).await.expect("written");
        assert_eq!(
            (next(&mut far).await.metadata.id, next(&mut far).await.metadata.id),
            (1, 2)
        );
    }
}

/// Proves: DNS-D-09
#[tokio::test]
async fn what_takes_its_time_does_not_hold_up_what_is_refused_at_once() {
    let (mut far, _held) = connect(Some("urn:edgeapp:eec:eec-1"), 4096, SHORT);
    let mut malformed = query(2);
    malformed[2 + 5] = 2;
    far.write_all(&[query(1), malformed].concat()).await.expect("written");
    assert_eq!(next(&mut far).await.metadata.id, 2);
    assert_eq!(next(&mut far).await.metadata.id, 1);
}

#[tokio::test]
async fn no_more_is_read_than_may_wait() {
    let patience = Patience { in_flight: 2, ..SHORT };
    let (mut far, _held) = connect(Some("urn:edgeapp:eec:eec-1"), 4096, patience);
    let all: Vec<u8> = (0..10).flat_map(query).collect();
    far.write_all(&all).await.expect("written");
    let mut answered = BTreeSet::new();
    for _ in 0..10 {
        answered.insert(next(&mut far).await.metadata.id);
    }
    assert_eq!(answered.len(), 10, "none is dropped");
}

/// Proves: DNS-D-11
#[tokio::test]
async fn frames_of_any_length_are_borne() {
    for length in [0_u16, 1, 11] {
        let (mut far, held) = connect(None, 4096, SHORT);
        far.write_all(&length.to_be_bytes()).await.expect("written");
        far.write_all(&vec![0; usize::from(length)]).await.expect("written");
        ends(far).await;
        held.await.expect("no panic");
    }
    let (mut far, _held) = connect(None, 70_000, SHORT);
    far.write_all(&[0xff; 2]).await.expect("written");
    let mut long = query(9)[2..].to_vec();
    long.resize(65_535, 0);
    far.write_all(&long).await.expect("written");
    assert_eq!(
        next(&mut far).await.metadata.response_code,
        hickory_proto::op::ResponseCode::FormErr
    );
    far.write_all(&query(10)).await.expect("written");
    assert_eq!(next(&mut far).await.metadata.id, 10);
}

/// Proves: DNS-N-15
#[tokio::test]
async fn an_answer_gets_none() {
    let (mut far, _held) = connect(None, 4096, SHORT);
    let mut answer = query(1);
    answer[4] |= 0x80;
    far.write_all(&[answer, query(2)].concat()).await.expect("written");
    assert_eq!(next(&mut far).await.metadata.id, 2);
}

/// Proves: DNS-D-11, DNS-D-16
#[tokio::test]
async fn who_asks_nothing_and_who_does_not_finish_are_sent_away() {
    let (far, held) = connect(None, 4096, SHORT);
    ends(far).await;
    held.await.expect("no panic");
    let slow = Patience {
        idle: Duration::from_secs(3600),
        ..SHORT
    };
    let (mut far, held) = connect(None, 4096, slow);
    far.write_all(&query(1)[..9]).await.expect("written");
    ends(far).await;
    held.await.expect("no panic");
}

/// Proves: DNS-D-16
#[tokio::test]
async fn who_takes_nothing_is_sent_away() {
    let (mut far, held) = connect(None, 64, SHORT);
    let asking = async {
        for id in 0..1000 {
            if far.write_all(&query(id)).await.is_err() {
                return;
            }
        }
    };
    asking.await;
    held.await.expect("no panic");
}

/// Proves: DNS-D-17
#[tokio::test]
async fn what_was_asked_is_answered_before_the_server_stops() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let ending = async move {
        let _ = told.await;
        End::Gracefully
    };
    let (mut far, held) = connect_until(Some("urn:edgeapp:eec:eec-1"), 4096, SHORT, ending);
    far.write_all(&query(1)).await.expect("written");
    tokio::time::sleep(Duration::from_millis(10)).await;
    tell.send(()).expect("told");
    assert_eq!(next(&mut far).await.metadata.id, 1);
    ends(far).await;
    held.await.expect("no panic");
}

#[tokio::test]
async fn who_goes_without_a_word_still_gets_its_answers() {
    let (mut far, _held) = connect(Some("urn:edgeapp:eec:eec-1"), 4096, SHORT);
    far.write_all(&query(1)).await.expect("written");
    far.shutdown().await.expect("half closed");
    assert_eq!(next(&mut far).await.metadata.id, 1);
    ends(far).await;
}

/// RFC 7766 clause 6.2.3: neither sooner nor later than was said, and with a word of farewell inside TLS.
///
/// Proves: DNS-D-12
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_when_its_time_is_up() {
    let patience = Patience {
        idle: Duration::from_secs(30),
        ..SHORT
    };
    let (mut far, held) = connect(None, 4096, patience);
    for pause in [0, 20, 29] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        far.write_all(&query(1)).await.expect("written");
        next(&mut far).await;
    }
    let since = Instant::now();
    ends(far).await;
    held.await.expect("no panic");
    let idle = since.elapsed();
    assert!(
        (Duration::from_secs(27)..Duration::from_secs(33)).contains(&idle),
        "{idle:?}"
    );
}
