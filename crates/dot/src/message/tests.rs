use super::*;
use hickory_proto::{
    op::Edns as HickoryEdns,
    rr::{
        RData,
        rdata::{
            A,
            opt::{EdnsCode, EdnsOption},
        },
    },
};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

fn asked(text: &str, kind: RecordType) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(text), kind));
    message
}

fn with_options(mut message: Message, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut edns = HickoryEdns::new();
    for (code, data) in options {
        edns.options_mut().insert(EdnsOption::Unknown(*code, data.to_vec()));
    }
    message.set_edns(edns);
    message.to_vec().expect("a message")
}

fn question(message: &[u8]) -> Question {
    match read(message) {
        Read::Question(question) => question,
        other => panic!("{other:?}"),
    }
}

/// The code and the message of a refusal.
fn refused(message: &[u8]) -> (ResponseCode, Message) {
    match read(message) {
        Read::Refused(code, answer) => (code, Message::from_vec(&answer).expect("a message")),
        other => panic!("{other:?}"),
    }
}

fn opt(options: &[u8], version: u8) -> Vec<u8> {
    let length = u16::try_from(options.len()).expect("short").to_be_bytes();
    let mut opt = vec![0, 0, 41, 4, 208, 0, version, 0, 0];
    opt.extend_from_slice(&length);
    opt.extend_from_slice(options);
    opt
}

/// A query with these records behind it, as they are.
fn followed_by(records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = asked("chess.edge.example.", RecordType::A).to_vec().expect("a message");
    message[11] = u8::try_from(records.len()).expect("few");
    records.iter().for_each(|record| message.extend_from_slice(record));
    message
}

/// Proves: DNS-N-14
#[test]
fn a_query_is_read_with_its_options() {
    let message = with_options(
        asked("Chess.Edge.example.", RecordType::AAAA),
        &[
            (8, &[0, 1, 24, 0, 10, 45, 3]),
            (11, &[]),
            (12, &[0; 9]),
            (65001, &[1, 2]),
        ],
    );
    let question = question(&message);
    assert_eq!(question.name().to_ascii(), "Chess.Edge.example.");
    assert_eq!((question.id, question.recursion_desired), (7, true));
    let edns = question.edns.expect("EDNS");
    assert!(edns.keepalive && edns.padded && !edns.dnssec_ok);
    let network = edns.subnet.and_then(|subnet| subnet.network()).expect("a subnet");
    assert_eq!(network.to_string(), "10.45.3.0/24");
}

/// Proves: DNS-N-15, DNS-D-11
#[test]
fn what_is_no_question_is_told_apart() {
    assert_eq!(read(&[]), Read::Nothing);
    assert_eq!(read(&[0; 11]), Read::Nothing);
    let mut answer = asked("chess.edge.example.", RecordType::A).to_vec().expect("a message");
    answer[2] |= 0x80;
    assert_eq!(read(&answer), Read::Answer);
}

/// Proves: DNS-N-06
#[test]
fn a_message_without_one_question_is_malformed() {
    let none = [0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(refused(&none).0, ResponseCode::FormErr);
    let mut two = asked("chess.edge.example.", RecordType::A);
    two.add_query(Query::query(name("go.edge.example."), RecordType::A));
    let (code, answer) = refused(&with_options(two, &[]));
    assert_eq!((code, answer.metadata.id), (ResponseCode::FormErr, 7));
    assert!(answer.queries.is_empty() && answer.edns.is_some());
}

/// Proves: DNS-N-07
#[test]
fn other_operations_are_not_implemented() {
    for op_code in [1, 2, 4, 5, 6, 15] {
        let mut message = with_options(asked("edge.example.", RecordType::SOA), &[]);
        message[2] |= op_code << 3;
        let (code, answer) = refused(&message);
        assert_eq!(code, ResponseCode::NotImp);
        assert_eq!(u8::from(answer.metadata.op_code), op_code);
        assert!(answer.edns.is_some());
    }
}

/// Proves: DNS-N-08
#[test]
fn another_version_of_edns_is_refused_as_such() {
    let (code, answer) = refused(&followed_by(&[opt(&[], 1)]));
    assert_eq!(code, ResponseCode::BADVERS);
    assert_eq!(u16::from(answer.metadata.response_code), 16);
    assert_eq!(answer.edns.expect("EDNS").version(), 0);
}

/// Proves: DNS-N-09, DNS-E-04
#[test]
fn every_malformed_option_is_refused_with_question_and_opt() {
    let subnet = |data: &[u8]| {
        let mut option = vec![0, 8, 0, u8::try_from(data.len()).expect("short")];
        option.extend_from_slice(data);
        option
    };
    for (what, records) in [
        ("two OPTs", vec![opt(&[], 0), opt(&[], 0)]),
        ("an option longer than the record", vec![opt(&[0, 12, 0, 9, 0], 0)]),
        ("half an option", vec![opt(&[0, 12, 0], 0)]),
        ("an unknown family", vec![opt(&subnet(&[0, 3, 8, 0, 10]), 0)]),
        ("too few octets", vec![opt(&subnet(&[0, 1, 24, 0, 10]), 0)]),
        ("too many octets", vec![opt(&subnet(&[0, 1, 8, 0, 10, 0]), 0)]),
        (
            "bits beyond the prefix",
            vec![opt(&subnet(&[0, 1, 20, 0, 10, 45, 0x3f]), 0)],
        ),
        ("a scope", vec![opt(&subnet(&[0, 1, 8, 8, 10]), 0)]),
        (
            "a prefix of 33 bits",
            vec![opt(&subnet(&[0, 1, 33, 0, 10, 0, 0, 0, 0]), 0)],
        ),
        (
            "two subnets",
            vec![opt(&[subnet(&[0, 1, 8, 0, 10]), subnet(&[0, 1, 8, 0, 10])].concat(), 0)],
        ),
    ] {
        let (code, answer) = refused(&followed_by(&records));
        assert_eq!(code, ResponseCode::FormErr, "{what}");
        assert_eq!(answer.queries.len(), 1, "{what}");
        assert!(answer.edns.is_some(), "{what}");
    }
}

#[test]
fn what_stands_behind_the_message_is_malformed() {
    let mut message = followed_by(&[]);
    message.push(0);
    assert_eq!(refused(&message).0, ResponseCode::FormErr);
    let mut message = followed_by(&[]);
    message[7] = 1;
    assert_eq!(
        refused(&message).0,
        ResponseCode::FormErr,
        "an answer that is not there"
    );
}

fn reply() -> Reply {
    let address = RData::A(A::new(192, 0, 2, 1));
    Reply {
        authoritative: true,
        answers: vec![Record::from_rdata(name("cHESS.edge.example."), 30, address)],
        scope: 20,
        ..Reply::default()
    }
}

/// Proves: DNS-N-05
#[test]
fn an_answer_keeps_the_letters_and_compresses_the_name() {
    let message = with_options(asked("cHESS.edge.example.", RecordType::A), &[]);
    let written = reply().write(&question(&message), 300, false);
    let answer = Message::from_vec(&written).expect("a message");
    assert_eq!(answer.queries[0].name().to_ascii(), "cHESS.edge.example.");
    assert_eq!(answer.answers.len(), 1);
    assert!(answer.metadata.authoritative && answer.metadata.recursion_desired && !answer.metadata.authentic_data);
    // Header, question, a record whose name is a pointer, OPT.
    assert_eq!(written.len(), 12 + 20 + 4 + 16 + 11);
}

/// Proves: DNS-D-13, DNS-D-14, DNS-N-13, DNS-E-01
#[test]
fn an_answer_has_the_options_that_were_asked_for_and_no_others() {
    let plain = question(&asked("cHESS.edge.example.", RecordType::A).to_vec().expect("a message"));
    assert!(
        Message::from_vec(&reply().write(&plain, 300, false))
            .expect("a message")
            .edns
            .is_none()
    );
    let bare = question(&with_options(asked("cHESS.edge.example.", RecordType::A), &[]));
    let answer = Message::from_vec(&reply().write(&bare, 300, false)).expect("a message");
    assert!(answer.edns.expect("EDNS").options().options.is_empty());
    let all = question(&with_options(
        asked("cHESS.edge.example.", RecordType::A),
        &[(8, &[0, 1, 24, 0, 10, 45, 3]), (11, &[]), (12, &[])],
    ));
    let written = reply().write(&all, 300, false);
    assert_eq!(written.len() % 468, 0);
    let edns = Message::from_vec(&written).expect("a message").edns.expect("EDNS");
    assert_eq!(
        edns.option(EdnsCode::Keepalive),
        Some(&EdnsOption::Unknown(11, vec![1, 44]))
    );
    let Some(EdnsOption::Subnet(subnet)) = edns.option(EdnsCode::Subnet) else {
        panic!("no subnet")
    };
    assert_eq!((subnet.source_prefix(), subnet.scope_prefix()), (24, 20));
}

proptest! {
    /// Proves: DNS-N-17
    #[test]
    fn whatever_comes_is_read_and_refusals_can_be_decoded(message in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Read::Refused(_, answer) = read(&message) {
            prop_assert!(Message::from_vec(&answer).is_ok());
            prop_assert_eq!(&answer[..2], &message[..2]);
        }
    }

    /// Proves: DNS-N-17
    #[test]
    fn a_query_that_was_changed_anywhere_is_answered_or_refused(place in 0..64_usize, value: u8) {
        let mut message = with_options(
            asked("chess.edge.example.", RecordType::A),
            &[(8, &[0, 1, 24, 0, 10, 45, 3]), (12, &[0; 9])],
        );
        let place = place % message.len();
        message[place] = value;
        match read(&message) {
            Read::Refused(_, answer) => prop_assert!(Message::from_vec(&answer).is_ok()),
            Read::Question(question) => {
                let answer = reply().write(&question, 300, false);
                prop_assert!(Message::from_vec(&answer).is_ok());
            }
            Read::Answer => prop_assert_eq!(place, 2),
            Read::Nothing => prop_assert!(false),
        }
    }
}
