//! Messages on the wire: queries read strictly, answers written whole.
//!
//! Names, types and records are hickory's; what a server has to insist on beyond decoding (RFC 6891, RFC 7871, RFC 9619) stands here.

use crate::subnet::ClientSubnet;
use hickory_proto::{
    op::{Message, MessageType, Metadata, OpCode, Query, ResponseCode},
    rr::{Name, Record, RecordType},
    serialize::binary::{BinDecodable, BinDecoder, DecodeError},
};

/// Octets of a header.
const HEADER: usize = 12;
/// Answers are padded to a multiple of so many octets, where the query was padded (RFC 8467 clause 4.1).
const BLOCK: usize = 468;
/// What we say that we could take over UDP, which nobody sends us.
const PAYLOAD: u16 = 1232;
/// EDNS options.
const SUBNET: u16 = 8;
const KEEPALIVE: u16 = 11;
const PADDING: u16 = 12;
const EXTENDED_ERROR: u16 = 15;

/// What a query says in its OPT record (RFC 6891).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edns {
    /// DNSSEC records are welcome (DO).
    pub dnssec_ok: bool,
    /// The network that it is asked for.
    pub subnet: Option<ClientSubnet>,
    /// It wants to know how long the connection may be idle (RFC 7828).
    pub keepalive: bool,
    /// It is padded, and so is its answer (RFC 7830).
    pub padded: bool,
}

/// A query with one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Its number.
    pub id: u16,
    /// Recursion is desired (RD).
    pub recursion_desired: bool,
    /// What is asked; letters as they were written.
    pub query: Query,
    /// Its OPT record.
    pub edns: Option<Edns>,
}

impl Question {
    /// The name that is asked for.
    pub fn name(&self) -> &Name {
        self.query.name()
    }

    /// The type that is asked for.
    pub fn record_type(&self) -> RecordType {
        self.query.query_type()
    }
}

/// What a message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A question.
    Question(Question),
    /// Something that is refused with this code; the answer says so.
    Refused(ResponseCode, Vec<u8>),
    /// An answer, which nobody asked for: it gets none.
    Answer,
    /// Less than a header: there is nobody to answer.
    Nothing,
}

/// What was understood of a message when it was refused.
#[derive(Default)]
struct Understood {
    id: u16,
    op_code: u8,
    recursion_desired: bool,
    questions: Vec<Query>,
    edns: Option<Edns>,
}

impl Understood {
    /// The refusal: with the question and an OPT record where the message had one of each.
    fn refused(self, code: ResponseCode) -> Read {
        let mut metadata = Metadata::new(self.id, MessageType::Response, OpCode::from_u8(self.op_code));
        metadata.recursion_desired = self.recursion_desired;
        let mut question = self.questions;
        if question.len() != 1 {
            question.clear();
        }
        let edns = self.edns.map(|edns| Edns { subnet: None, ..edns });
        let parts = Parts {
            metadata,
            question: question.pop(),
            edns: edns.as_ref(),
            ..Parts::default()
        };
        Read::Refused(code, parts.write(code))
    }
}

/// Reads a message. Whatever is wrong with it is answered, where DNS lets it be.
pub fn read(message: &[u8]) -> Read {
    let Some((header, _)) = message.split_first_chunk::<HEADER>() else {
        return Read::Nothing;
    };
    if header[2] & 0x80 != 0 {
        return Read::Answer;
    }
    let mut understood = Understood {
        id: u16::from_be_bytes([header[0], header[1]]),
        op_code: (header[2] >> 3) & 0x0f,
        recursion_desired: header[2] & 1 != 0,
        ..Understood::default()
    };
    let whole = walk(message, header, &mut understood);
    if understood.op_code != 0 {
        return understood.refused(ResponseCode::NotImp);
    }
    match whole {
        Ok(0) => {}
        // Another version says nothing about the rest (RFC 6891 clause 6.1.3).
        Ok(_) => return understood.refused(ResponseCode::BADVERS),
        Err(Malformed) => return understood.refused(ResponseCode::FormErr),
    }
    // Neither none nor several (RFC 9619).
    let [query] = understood.questions.as_slice() else {
        return understood.refused(ResponseCode::FormErr);
    };
    Read::Question(Question {
        id: understood.id,
        recursion_desired: understood.recursion_desired,
        query: query.clone(),
        edns: understood.edns,
    })
}

/// Not what the standards say.
struct Malformed;

impl From<DecodeError> for Malformed {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

/// Reads all of a message into `understood`, and answers with the version of its EDNS.
fn walk(message: &[u8], header: &[u8; HEADER], understood: &mut Understood) -> Result<u8, Malformed> {
    let count = |place: usize| u16::from_be_bytes([header[place], header[place + 1]]);
    let mut decoder = BinDecoder::new(message);
    decoder.read_slice(HEADER)?;
    // More than one is refused, but what follows has to be found.
    for _ in 0..count(4).min(8) {
        understood.questions.push(Query::read(&mut decoder)?);
    }
    let (answers, authorities, additionals) = (count(6), count(8), count(10));
    let of_transfer = understood
        .questions
        .first()
        .is_some_and(|query| query.query_type() == RecordType::IXFR);
    let mut version = 0;
    let mut wrong = count(4) > 8 || answers != 0 || (authorities != 0 && !of_transfer);
    for place in 0..u32::from(answers) + u32::from(authorities) + u32::from(additionals) {
        let owner = Name::read(&mut decoder)?;
        let kind = decoder.read_u16()?.unverified();
        let _class_and_life = decoder.read_slice(2)?;
        let flags = decoder.read_u32()?.unverified();
        let length = usize::from(decoder.read_u16()?.unverified());
        let data = decoder.read_slice(length)?.unverified();
        match RecordType::from(kind) {
            RecordType::OPT => {
                let additional = place >= u32::from(answers) + u32::from(authorities);
                wrong |= !owner.is_root() || !additional || understood.edns.is_some();
                let edns = understood.edns.get_or_insert_default();
                edns.dnssec_ok |= flags & 0x8000 != 0;
                version = flags.to_be_bytes()[1].max(version);
                wrong |= options(data, edns).is_err();
            }
            // Nobody here has a key for it (RFC 8945 clause 5.2).
            RecordType::TSIG => wrong = true,
            _ => {}
        }
    }
    if wrong || !decoder.is_empty() {
        return Err(Malformed);
    }
    Ok(version)
}

fn options(mut data: &[u8], edns: &mut Edns) -> Result<(), Malformed> {
    let mut outcome = Ok(());
    while !data.is_empty() {
        let ([a, b, c, d], rest) = data.split_first_chunk::<4>().ok_or(Malformed)?;
        let (code, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        data = rest;
        match code {
            SUBNET => match ClientSubnet::of_query(value) {
                Ok(subnet) if edns.subnet.is_none() => edns.subnet = Some(subnet),
                _ => outcome = Err(Malformed),
            },
            KEEPALIVE => edns.keepalive = true,
            PADDING => edns.padded = true,
            _ => {}
        }
    }
    outcome
}

/// Why an answer is what it is, for those who look into it (RFC 8914); never in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedError {
    /// What is needed for an answer is not there yet.
    NotReady,
    /// A rule says so.
    Blocked,
    /// Who asks may not.
    Prohibited,
    /// The name is of nobody that is served here.
    NotAuthoritative,
    /// Nobody upstream can be reached.
    NoReachableAuthority,
    /// Upstream is reached, but does not answer as it should.
    NetworkError,
}

impl ExtendedError {
    const fn code(self) -> u16 {
        match self {
            Self::NotReady => 14,
            Self::Blocked => 15,
            Self::Prohibited => 18,
            Self::NotAuthoritative => 20,
            Self::NoReachableAuthority => 22,
            Self::NetworkError => 23,
        }
    }
}

/// An answer to a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Its code.
    pub code: ResponseCode,
    /// It comes from who knows (AA).
    pub authoritative: bool,
    /// Answers.
    pub answers: Vec<Record>,
    /// Who knows, or until when there is nothing.
    pub authorities: Vec<Record>,
    /// What comes in handy.
    pub additionals: Vec<Record>,
    /// Why it is no better.
    pub error: Option<ExtendedError>,
    /// How much of the client subnet it depends on.
    pub scope: u8,
}

impl Reply {
    /// No more than a code and a reason.
    pub fn refused(code: ResponseCode, error: ExtendedError) -> Self {
        Self {
            code,
            error: Some(error),
            ..Self::default()
        }
    }

    /// The message that answers this question. `idle` is how long the connection may be idle, in units of 100 ms, which is told to
    /// those who ask; `recursion` says whether names that are not served here are asked for elsewhere (RA).
    pub fn write(&self, question: &Question, idle: u16, recursion: bool) -> Vec<u8> {
        let mut metadata = Metadata::new(question.id, MessageType::Response, OpCode::Query);
        metadata.recursion_desired = question.recursion_desired;
        metadata.authoritative = self.authoritative;
        metadata.recursion_available = recursion;
        let parts = Parts {
            metadata,
            question: Some(question.query.clone()),
            reply: Some(self),
            edns: question.edns.as_ref(),
            idle,
        };
        parts.write(self.code)
    }
}

/// What an answer is put together of.
struct Parts<'a> {
    metadata: Metadata,
    question: Option<Query>,
    reply: Option<&'a Reply>,
    edns: Option<&'a Edns>,
    idle: u16,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self {
            metadata: Metadata::new(0, MessageType::Response, OpCode::Query),
            question: None,
            reply: None,
            edns: None,
            idle: 0,
        }
    }
}

impl Parts<'_> {
    fn write(mut self, code: ResponseCode) -> Vec<u8> {
        self.metadata.response_code = ResponseCode::from_low(code.low());
        let mut message = Message::new(self.metadata.id, MessageType::Response, self.metadata.op_code);
        message.metadata = self.metadata;
        message.queries.extend(self.question);
        if let Some(reply) = self.reply {
            message.answers.clone_from(&reply.answers);
            message.authorities.clone_from(&reply.authorities);
            message.additionals.clone_from(&reply.additionals);
        }
        let Ok(mut written) = message.to_vec() else {
            // Records that do not fit into a message: that has been seen to where they came from.
            return failure(&self.metadata);
        };
        if let Some(edns) = self.edns {
            write_opt(&mut written, edns, self.reply, code, self.idle);
        }
        written
    }
}

/// SERVFAIL without anything else.
fn failure(metadata: &Metadata) -> Vec<u8> {
    let [high, low] = metadata.id.to_be_bytes();
    vec![high, low, 0x80, 2, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Appends the OPT record. It is the last one, so that the padding sees everything.
fn write_opt(message: &mut Vec<u8>, edns: &Edns, reply: Option<&Reply>, code: ResponseCode, idle: u16) {
    message.push(0);
    message.extend_from_slice(&u16::from(RecordType::OPT).to_be_bytes());
    message.extend_from_slice(&PAYLOAD.to_be_bytes());
    message.extend_from_slice(&[code.high(), 0, if edns.dnssec_ok { 0x80 } else { 0 }, 0]);
    let place_of_length = message.len();
    message.extend_from_slice(&[0, 0]);
    let option = |message: &mut Vec<u8>, code: u16, data: &[u8]| {
        message.extend_from_slice(&code.to_be_bytes());
        message.extend_from_slice(&u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
        message.extend_from_slice(data);
    };
    if let (Some(subnet), Some(reply)) = (&edns.subnet, reply) {
        option(message, SUBNET, &subnet.data(reply.scope));
    }
    if edns.keepalive && reply.is_some() {
        option(message, KEEPALIVE, &idle.to_be_bytes());
    }
    if let Some(error) = reply.and_then(|reply| reply.error) {
        option(message, EXTENDED_ERROR, &error.code().to_be_bytes());
    }
    if edns.padded {
        let length = (message.len() + 4).next_multiple_of(BLOCK) - message.len() - 4;
        option(message, PADDING, &vec![0; length]);
    }
    let length = u16::try_from(message.len() - place_of_length - 2).unwrap_or_default();
    message[place_of_length..place_of_length + 2].copy_from_slice(&length.to_be_bytes());
    let additionals = u16::from_be_bytes([message[10], message[11]]).saturating_add(1);
    message[10..12].copy_from_slice(&additionals.to_be_bytes());
}

#[cfg(test)]
mod tests;
