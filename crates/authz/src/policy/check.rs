//! What `check-policy` says: a table of what each role may use, or the answer to one question and the policies that lead to it.

use super::{
    Catalogue, LocalPolicy, Rule, Verdict,
    catalogue::{api_of, type_of},
};
use anstyle::{AnsiColor, Style};
use edgeapp_core::{
    authorizer::ReferencePoint,
    error::Error,
    principal::{IdentityError, Owner, Principal},
};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const PARTLY: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// A question as it is typed.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The identity URI of the caller: `urn:edgeapp:eec:eec-1`.
    pub principal: String,
    /// The provider in its certificate.
    pub provider: Option<String>,
    /// The DNS names in its certificate.
    pub dns_names: Vec<String>,
    /// The operation: `eees-easdiscovery:request`.
    pub operation: String,
    /// The listener, by its reference point: `edge1`.
    pub listener: String,
    /// The identity URI of who made what the request is about; the caller when not given.
    pub owner: Option<String>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// An identity.
    #[error("{0}: {1}; write urn:edgeapp:<role>:<id>, such as urn:edgeapp:eec:eec-1")]
    Identity(String, IdentityError),
    /// A listener.
    #[error("there is no listener {0}; this server has {1}")]
    Listener(String, String),
    /// An operation.
    #[error("{0} is not served on {1}; there are {2}")]
    Operation(String, ReferencePoint, String),
    /// Cedar.
    #[error(transparent)]
    Policies(#[from] Error),
}

/// An answer for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, with colours for a terminal.
    pub text: String,
}

/// Writes text with colours to the standard output; without them where nobody sees colours.
///
/// # Errors
/// When it cannot be written.
pub fn show(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn identity(uri: &str, provider: Option<&str>, dns_names: &[String]) -> Result<Principal, NoAnswer> {
    let provider = provider.map(|provider| format!("urn:edgeapp:asp:{provider}"));
    let uris = [uri].into_iter().chain(provider.as_deref());
    Principal::from_names(uris, dns_names.iter().map(String::as_str))
        .map_err(|error| NoAnswer::Identity(uri.to_owned(), error))
}

/// Answers a question by the policies in force.
///
/// # Errors
/// When the question names somebody or something that there is not.
pub fn answer(policy: &LocalPolicy, asked: &Asked) -> Result<Answer, NoAnswer> {
    let (policies, catalogue) = (policy.in_force(), policy.catalogue());
    let principal = identity(&asked.principal, asked.provider.as_deref(), &asked.dns_names)?;
    let owner = match &asked.owner {
        Some(uri) => Some(identity(uri, None, &[])?.owner().clone()),
        None => None,
    };
    let (point, operation) = place(catalogue, asked)?;
    let who = format!("{STRONG}{principal}{STRONG:#}");
    let what = format!("{STRONG}{operation}{STRONG:#} on {STRONG}{point}{STRONG:#}");
    if principal.role() != point.caller() {
        let role = point.caller();
        let why = format!("{point} serves the role {role} only: nobody else gets a connection there");
        return Ok(refused(&format!("{who} may not use {what}"), &[why]));
    }
    let stranger = owner.filter(|owner| owner != principal.owner());
    let reached = policies.decide(&principal, point, operation, stranger.is_none())?;
    let named = |id: &String| policies.rules().iter().find(|rule| rule.id == *id).map(cited);
    let mut because: Vec<String> = reached.because.iter().filter_map(named).collect();
    let of_whom = |owner: &Owner| format!(" for what belongs to {}", owner.as_str());
    let what = what + &stranger.as_ref().map(of_whom).unwrap_or_default();
    if !reached.allowed {
        if because.is_empty() {
            because.push("no policy permits it".to_owned());
            let near = policies
                .rules()
                .iter()
                .filter(|rule| rule.permits && rule.is_about(point, operation));
            because.extend(near.map(|rule| format!("{}: its condition does not hold", cited(rule))));
        }
        return Ok(refused(&format!("{who} may not use {what}"), &because));
    }
    if stranger.is_some() {
        because.push(
            "no policy forbids it, but what belongs to somebody else is not there: 404, whatever policies say"
                .to_owned(),
        );
        return Ok(refused(&format!("{who} may not use {what}"), &because));
    }
    Ok(Answer {
        allowed: true,
        text: told(&format!("{GOOD}allowed{GOOD:#}  {who} may use {what}"), &because),
    })
}

fn refused(what: &str, because: &[String]) -> Answer {
    Answer {
        allowed: false,
        text: told(&format!("{BAD}refused{BAD:#}  {what}"), because),
    }
}

fn told(what: &str, because: &[String]) -> String {
    let because: String = because.iter().map(|line| format!("         {line}\n")).collect();
    format!("{what}\n{because}")
}

fn cited(rule: &Rule) -> String {
    let verb = if rule.permits { "permitted" } else { "forbidden" };
    let why = rule
        .why
        .as_ref()
        .map(|why| format!(" {FAINT}({why}){FAINT:#}"))
        .unwrap_or_default();
    format!("{verb} by {} at {}{why}", rule.id, rule.place())
}

fn place(catalogue: &Catalogue, asked: &Asked) -> Result<(ReferencePoint, &'static str), NoAnswer> {
    let points = catalogue.points();
    let point = points
        .iter()
        .find(|point| point.as_str() == asked.listener)
        .ok_or_else(|| {
            let known: Vec<&str> = points.iter().map(|point| point.as_str()).collect();
            NoAnswer::Listener(asked.listener.clone(), known.join(", "))
        })?;
    let here = || catalogue.served().iter().filter(|(at, _)| at == point);
    here()
        .find(|(_, operation)| *operation == asked.operation)
        .copied()
        .ok_or_else(|| {
            let known: Vec<&str> = here().map(|(_, operation)| *operation).collect();
            NoAnswer::Operation(asked.operation.clone(), *point, known.join(", "))
        })
}

/// How much of an API the callers of a listener may use.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    served: usize,
    allowed: usize,
    by_identity: usize,
}

impl Share {
    fn text(self) -> String {
        match self {
            Self { served: 0, .. } => "·".to_owned(),
            Self { allowed, served, .. } if allowed == served => format!("all {served}"),
            Self {
                by_identity: 0,
                allowed: 0,
                ..
            } => "none".to_owned(),
            Self {
                by_identity: 0,
                allowed,
                served,
            } => format!("{allowed} of {served}"),
            Self {
                by_identity, served, ..
            } if by_identity == served => "some callers".to_owned(),
            Self {
                by_identity,
                allowed,
                served,
            } => format!("{allowed} of {served}, {by_identity} for some"),
        }
    }

    fn style(self) -> Style {
        match self {
            Self { served: 0, .. } => FAINT,
            Self { allowed, served, .. } if allowed == served => GOOD,
            Self {
                by_identity: 0,
                allowed: 0,
                ..
            } => BAD,
            _ => PARTLY,
        }
    }
}

/// The table of what each role may use, API by API, with what looks like a mistake.
pub fn table(policy: &LocalPolicy) -> String {
    let (policies, catalogue) = (policy.in_force(), policy.catalogue());
    let points = catalogue.points();
    let share = |api: &str, point: ReferencePoint| {
        let mut share = Share::default();
        for (at, operation) in catalogue.served() {
            if *at == point && api_of(operation) == api {
                share.served += 1;
                match policies.verdict(point, operation) {
                    Verdict::Allowed => share.allowed += 1,
                    Verdict::ByIdentity => share.by_identity += 1,
                    Verdict::Refused => {}
                }
            }
        }
        share
    };
    let heads: Vec<String> = points
        .iter()
        .map(|point| format!("{point} {}", type_of(point.caller())))
        .collect();
    let rows: Vec<(&str, Vec<Share>)> = catalogue
        .apis()
        .into_iter()
        .map(|api| (api, points.iter().map(|point| share(api, *point)).collect()))
        .collect();
    let first = rows
        .iter()
        .map(|(api, _)| api.len())
        .chain([3])
        .max()
        .unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|(_, shares)| shares.get(column));
        let cells = cells.map(|share| share.text().chars().count());
        cells
            .chain(heads.get(column).map(String::len))
            .max()
            .unwrap_or_default()
    };
    let source = match &policy.path {
        Some(path) => path.display().to_string(),
        None => "those that this server comes with".to_owned(),
    };
    let short = policies.hash().get(..12).unwrap_or_default();
    let mut text = format!(
        "{STRONG}policies{STRONG:#}  {source}\n{STRONG}version{STRONG:#}   {short}, {} policies\n\n",
        policies.rules().len()
    );
    let _ = write!(text, "{STRONG}{:first$}", "API");
    for (column, head) in heads.iter().enumerate() {
        let _ = write!(text, "   {head:width$}", width = width(column));
    }
    let _ = writeln!(text, "{STRONG:#}");
    for (api, shares) in &rows {
        let _ = write!(text, "{api:first$}");
        for (column, share) in shares.iter().enumerate() {
            let (style, cell) = (share.style(), share.text());
            let _ = write!(text, "   {style}{cell:width$}{style:#}", width = width(column));
        }
        text.push('\n');
    }
    text + &not_for_all(policy) + &lints(policy)
}

/// The operations that not every caller of the role may use.
fn not_for_all(policy: &LocalPolicy) -> String {
    let policies = policy.in_force();
    let mut text = String::new();
    for (point, operation) in policy.catalogue().served() {
        let (style, word) = match policies.verdict(*point, operation) {
            Verdict::Allowed => continue,
            Verdict::Refused => (BAD, "refused"),
            Verdict::ByIdentity => (PARTLY, "depends"),
        };
        let about = policies
            .rules()
            .iter()
            .filter(|rule| rule.by_identity && rule.is_about(*point, operation));
        let places: Vec<String> = about.map(|rule| format!("{} at {}", rule.id, rule.place())).collect();
        let why = match places.is_empty() {
            true => String::new(),
            false => format!("  {FAINT}on who asks: {}{FAINT:#}", places.join(", ")),
        };
        let _ = writeln!(text, "{style}{word}{style:#}  {point} {operation}{why}");
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

fn lints(policy: &LocalPolicy) -> String {
    let policies = policy.in_force();
    let lints: String = policies
        .lints()
        .iter()
        .map(|lint| format!("{PARTLY}warning{PARTLY:#}  {lint}\n"))
        .collect();
    match lints.is_empty() {
        true => lints,
        false => format!("\n{lints}"),
    }
}
