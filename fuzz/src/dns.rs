//! Messages of DNS, as anybody sends them who finished a handshake.

use crate::Target;
use edgeapp_dot::{
    message::{self, Read, Reply},
    proto::op::Message,
    subnet::ClientSubnet,
};

/// What is read of them.
pub static TARGETS: &[Target] = &[
    Target {
        name: "dns-message",
        run: dns_message,
    },
    Target {
        name: "dns-subnet",
        run: dns_subnet,
    },
];

/// What is refused is refused with its number, in a message that another decoder reads; what is understood can be answered.
fn dns_message(bytes: &[u8]) {
    let answer = match message::read(bytes) {
        Read::Question(question) => Reply::default().write(&question, 300, false),
        Read::Refused(_, answer) => answer,
        Read::Answer => return assert!(bytes[2] & 0x80 != 0),
        Read::Nothing => return assert!(bytes.len() < 12),
    };
    assert_eq!(answer[..2], bytes[..2]);
    assert!(answer.len() <= 3 * 468, "an answer of {} bytes", answer.len());
    let answer = Message::from_vec(&answer).expect("an answer that can be read");
    assert!(answer.queries.len() <= 1);
}

/// What is read is written as it was.
fn dns_subnet(bytes: &[u8]) {
    if let Ok(subnet) = ClientSubnet::of_query(bytes) {
        assert_eq!(subnet.data(0), bytes);
        assert!(subnet.network().is_none_or(|network| network.trunc() == network));
    }
}
