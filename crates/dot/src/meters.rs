//! What is counted of answers.

use hickory_proto::op::ResponseCode;
use metrics::Counter;
use std::sync::OnceLock;

/// A counter per kind of answer, looked up at the first one: the recorder has to be installed before that.
#[derive(Default)]
pub(crate) struct Meters(OnceLock<[Counter; KINDS.len()]>);

const KINDS: [&str; 8] = [
    "answer",
    "no_data",
    "no_name",
    "refused",
    "malformed",
    "not_implemented",
    "failed",
    "other",
];

impl Meters {
    /// Counts an answer with this code, and with records or without.
    pub(crate) fn count(&self, code: ResponseCode, answers: bool) {
        let counters = self
            .0
            .get_or_init(|| KINDS.map(|kind| metrics::counter!("edgeapp_dns_answers_total", "kind" => kind)));
        let place = match code {
            ResponseCode::NoError if answers => 0,
            ResponseCode::NoError => 1,
            ResponseCode::NXDomain => 2,
            ResponseCode::Refused => 3,
            ResponseCode::FormErr => 4,
            ResponseCode::NotImp => 5,
            ResponseCode::ServFail => 6,
            _ => 7,
        };
        counters[place].increment(1);
    }
}
