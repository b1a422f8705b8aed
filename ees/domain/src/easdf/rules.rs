//! What becomes of a DNS message by the rules of a context: plain functions over what the SMF wrote (TS 23.548 clause 6.2.3.2.2, TS
//! 29.556 clause 5.2.3).
//!
//! Rules are looked at in the order of their precedence, the lowest number first, those without one last, and of several alike in the
//! order of their names; the first that matches counts. Templates of a rule are alternatives; in a template all that is said holds; a
//! list is alternatives. A rule without templates is about every query.

use edgeapp_core::error::Error;
use edgeapp_openapi::{
    common::{IpAddr as WireAddr, Ipv4Addr, Ipv6Prefix},
    easdf::{
        context::{
            Action, ApplyAction, BaselineDnsMdtId, DnsQueryMdt, DnsRspMdt, DnsRule, DnsServerAddressInfo, EcsOption,
            EcsOptionInfo, ForwardingParameters, PatternUri,
        },
        matching::{FqdnPatternMatchingRule, MatchingOperator, StringMatchingCondition},
        pattern::BaseDnsPatternCreateData,
    },
};
use ipnet::IpNet;
use regex::bytes::{Regex, RegexBuilder};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    ops::RangeInclusive,
    sync::Arc,
};

/// Most memory that a regular expression may need, in bytes. They are matched in linear time, whatever they are.
const EXPRESSION: usize = 64 * 1024;
/// Most regular expressions in a context or a pattern.
const EXPRESSIONS: usize = 100;
/// Most rules of a context.
const RULES: usize = 200;

/// A query as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What it asks for: small letters, without the last dot.
    pub name: &'a str,
    /// Where it comes from.
    pub from: IpAddr,
}

/// A response as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// What was asked for: small letters, without the last dot.
    pub name: &'a str,
    /// The addresses in it.
    pub addresses: &'a [IpAddr],
    /// The network that was asked for.
    pub network: Option<IpNet>,
    /// The server that it comes from, when that is another one.
    pub server: Option<IpAddr>,
}

/// Where a query goes, and for which network. Nothing said is the usual way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// For this network (option A).
    pub network: Option<IpNet>,
    /// To the first of these servers that answers (option B).
    pub servers: Vec<IpAddr>,
}

/// What is done with a message in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    Forward(Destination),
    /// It is dropped.
    Discard,
    /// The query is answered with these addresses.
    Respond(Vec<IpAddr>),
    /// Instead of the response, this is asked.
    Again(Destination),
}

/// Where a query goes, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// There.
    Way(Way),
    /// For the network of this action information.
    NetworkOf(PatternPart),
    /// To the servers of this action information.
    ServersOf(PatternPart),
}

/// Part of a baseline pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternPart {
    /// The pattern: what stands behind `base-dns-patterns/` in its URI.
    pub pattern: String,
    /// Name of the template or the action information in it.
    pub id: String,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions {
    /// The SMF is told; only once where this says so.
    pub report: Option<bool>,
    /// The message is held until the SMF decides.
    pub hold: bool,
    /// What is done with it in the end, and when nobody decides in time.
    pub then: Then,
}

/// A rule, ready for use.
#[derive(Debug)]
pub struct Rule {
    /// Its key in the context.
    pub key: String,
    /// Its name in reports.
    pub id: String,
    /// What it does.
    pub actions: Actions,
    precedence: u32,
    templates: Templates,
}

#[derive(Debug)]
enum Templates {
    EveryQuery,
    Queries(Vec<QueryTemplate>),
    Responses(Vec<ResponseTemplate>),
}

#[derive(Debug)]
enum QueryTemplate {
    Own(Queries),
    Base(Vec<IpNet>, Vec<PatternPart>),
}

#[derive(Debug)]
enum ResponseTemplate {
    Own(Responses),
    Base(Vec<PatternPart>),
}

/// Queries by where they come from and what they ask for; nothing said is anything.
#[derive(Debug)]
struct Queries {
    from: Vec<IpNet>,
    names: Vec<NamePattern>,
}

/// Responses by what was asked for, what is in them, and who they come from; nothing said is anything.
#[derive(Debug)]
struct Responses {
    names: Vec<NamePattern>,
    addresses: Vec<RangeInclusive<IpAddr>>,
    servers: Vec<IpNet>,
}

/// A pattern of names.
#[derive(Debug)]
pub struct NamePattern(Form);

#[derive(Debug)]
enum Form {
    Expression(Regex),
    Conditions(Vec<(MatchingOperator, String)>),
}

/// A baseline pattern, ready for use.
#[derive(Debug, Default)]
pub struct Pattern {
    queries: BTreeMap<String, Vec<Queries>>,
    responses: BTreeMap<String, Vec<Responses>>,
    information: BTreeMap<String, Way>,
}

/// The baseline patterns that a context can refer to, by what stands behind `base-dns-patterns/` in their URIs.
pub trait Patterns {
    /// This one, if it is there.
    fn pattern(&self, name: &str) -> Option<Arc<Pattern>>;
}

impl<F: Fn(&str) -> Option<Arc<Pattern>>> Patterns for F {
    fn pattern(&self, name: &str) -> Option<Arc<Pattern>> {
        self(name)
    }
}

/// What the operator lets rules do.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// The DNS servers that can be asked.
    pub servers: BTreeSet<IpAddr>,
}

/// The rules of a context, ready for use.
#[derive(Debug, Default)]
pub struct Rules {
    queries: Vec<Rule>,
    responses: Vec<Rule>,
}

/// Longest part of a name of the SMF that a refusal repeats, in bytes.
const MAX_QUOTE: usize = 200;

/// A JSON pointer of these names; long ones are cut.
pub(super) fn pointer(names: &[&str]) -> String {
    let part = |name: &&str| format!("/{}", shortened(name).replace('~', "~0").replace('/', "~1"));
    names.iter().map(part).collect()
}

/// The beginning of a text of the SMF.
pub(super) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_QUOTE)]
}

impl NamePattern {
    /// Makes a pattern ready; `at` is where it stands.
    ///
    /// # Errors
    /// When it is no expression, or one that needs too much.
    pub fn new(rule: &FqdnPatternMatchingRule, at: &str) -> Result<Self, Error> {
        Ok(Self(match rule {
            FqdnPatternMatchingRule::Regex(text) => {
                let built = RegexBuilder::new(text)
                    .case_insensitive(true)
                    // Names are ASCII; tables of Unicode would take all the memory.
                    .unicode(false)
                    .size_limit(EXPRESSION)
                    .dfa_size_limit(EXPRESSION)
                    .nest_limit(32)
                    .build();
                Form::Expression(built.map_err(|error| {
                    let reason = match error {
                        regex::Error::CompiledTooBig(_) => "needs too much memory when it is compiled",
                        _ => "is no regular expression without look-around and back-references",
                    };
                    Error::optional_incorrect(format!("{at}/regex"), reason)
                })?)
            }
            FqdnPatternMatchingRule::StringMatchingRule(rule) => {
                let of = |condition: &StringMatchingCondition| {
                    let text = condition.matching_string.as_deref().unwrap_or_default();
                    let text = text.to_ascii_lowercase();
                    let text = text.strip_suffix('.').unwrap_or(&text).to_owned();
                    (condition.matching_operator.clone(), text)
                };
                Form::Conditions(rule.string_matching_conditions.iter().map(of).collect())
            }
        }))
    }

    /// Whether this name, in small letters and without its last dot, matches.
    pub fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Form::Expression(expression) => expression.is_match(name.as_bytes()),
            Form::Conditions(conditions) => conditions.iter().all(|(operator, text)| match operator {
                MatchingOperator::FullMatch => name == text,
                MatchingOperator::MatchAll => true,
                MatchingOperator::StartsWith => name.starts_with(text),
                MatchingOperator::NotStartWith => !name.starts_with(text),
                MatchingOperator::EndsWith => name.ends_with(text),
                MatchingOperator::NotEndWith => !name.ends_with(text),
                MatchingOperator::Contains => name.contains(text),
                MatchingOperator::NotContain => !name.contains(text),
                // Nobody here knows what it means: better not at all than wrongly.
                MatchingOperator::Other(_) => false,
            }),
        }
    }

    fn all(rules: &[FqdnPatternMatchingRule], at: &str) -> Result<Vec<Self>, Error> {
        let numbered = rules.iter().enumerate();
        numbered
            .map(|(n, rule)| Self::new(rule, &format!("{at}/fqdnPatternList/{n}")))
            .collect()
    }
}

fn any_name(names: &[NamePattern], name: &str) -> bool {
    names.is_empty() || names.iter().any(|pattern| pattern.matches(name))
}

fn within(networks: &[IpNet], address: IpAddr) -> bool {
    networks.is_empty() || networks.iter().any(|network| network.contains(&address))
}

/// The network of a prefix as it is written, without bits beyond its length.
pub(super) fn network_of(prefix: &Ipv6Prefix) -> Option<IpNet> {
    prefix.as_str().parse::<IpNet>().ok().map(|network| network.trunc())
}

fn sources(v4: Option<&Ipv4Addr>, v6: Option<&Ipv6Prefix>) -> Vec<IpNet> {
    let v4 = v4.map(|address| IpNet::from(IpAddr::V4(address.0)));
    v4.into_iter().chain(v6.and_then(network_of)).collect()
}

fn network_of_address(address: &WireAddr) -> Option<IpNet> {
    match address {
        WireAddr::Ipv4Addr(address) => Some(IpAddr::V4(address.0).into()),
        WireAddr::Ipv6Addr(address) => Some(IpAddr::V6(address.0).into()),
        WireAddr::Ipv6Prefix(prefix) => network_of(prefix),
    }
}

impl Queries {
    fn new(template: &DnsQueryMdt, at: &str) -> Result<Self, Error> {
        Ok(Self {
            from: sources(template.source_ipv4_addr.as_ref(), template.source_ipv6_prefix.as_ref()),
            names: NamePattern::all(&template.fqdn_pattern_list, at)?,
        })
    }

    fn matches(&self, query: &Query<'_>) -> bool {
        within(&self.from, query.from) && any_name(&self.names, query.name)
    }
}

impl Responses {
    fn new(template: &DnsRspMdt, at: &str) -> Result<Self, Error> {
        let v4 = template.eas_ipv4_addr_ranges.iter();
        let v4 = v4.map(|range| IpAddr::V4(range.start.0)..=IpAddr::V4(range.end.0));
        let mut addresses: Vec<_> = v4.collect();
        for (n, range) in template.eas_ipv6_prefix_ranges.iter().enumerate() {
            let (Some(start), Some(end)) = (network_of(&range.start), network_of(&range.end)) else {
                continue;
            };
            if start.network() > end.broadcast() {
                return Err(Error::optional_incorrect(
                    format!("{at}/easIpv6PrefixRanges/{n}"),
                    "must not end before it starts",
                ));
            }
            addresses.push(start.network()..=end.broadcast());
        }
        let servers = template.dns_server_src_addr_list.iter();
        Ok(Self {
            names: NamePattern::all(&template.fqdn_pattern_list, at)?,
            addresses,
            servers: servers.filter_map(network_of_address).collect(),
        })
    }

    fn matches(&self, response: &Response<'_>) -> bool {
        let server = match response.server {
            Some(server) => within(&self.servers, server),
            None => self.servers.is_empty(),
        };
        // Addresses of both families are one list: a response has those of one only.
        let address = |address: &IpAddr| self.addresses.iter().any(|range| range.contains(address));
        server
            && (self.addresses.is_empty() || response.addresses.iter().any(address))
            && any_name(&self.names, response.name)
    }
}

/// The part of a pattern's URI that names it: who made the URI may reach this server by another name.
fn name_of(uri: &PatternUri, at: &str) -> Result<String, Error> {
    let text = uri.0.as_str();
    let name = text.split_once("/neasdf-baselinednspattern/v1/base-dns-patterns/");
    let name = name
        .map(|(_, name)| name.trim_end_matches('/'))
        .filter(|name| name.contains('/'));
    name.map(str::to_owned).ok_or_else(|| {
        let reason =
            "must be the URI of a baseline DNS pattern, …/neasdf-baselinednspattern/v1/base-dns-patterns/<SMF>/<path>";
        Error::optional_incorrect(format!("{at}/baseDnsPatternUri"), reason)
    })
}

fn parts(list: &[BaselineDnsMdtId], at: &str) -> Result<Vec<PatternPart>, Error> {
    let numbered = list.iter().enumerate();
    numbered
        .map(|(n, part)| {
            Ok(PatternPart {
                pattern: name_of(&part.base_dns_pattern_uri, &format!("{at}/baseDnsMdtList/{n}"))?,
                id: part.mdt_id.clone(),
            })
        })
        .collect()
}

/// The network that a client subnet says.
fn network(option: &EcsOption, at: &str) -> Result<IpNet, Error> {
    let address = network_of_address(&option.ip_addr).map(|network| network.addr());
    let network = address.and_then(|address| IpNet::new(address, option.source_prefix_length).ok());
    let network = network.map(|network| network.trunc());
    network.ok_or_else(|| Error::optional_incorrect(at, "is no network"))
}

fn servers(list: &[WireAddr], at: &str, allowed: &Allowed) -> Result<Vec<IpAddr>, Error> {
    let numbered = list.iter().enumerate();
    numbered
        .map(|(n, server)| {
            let address = match server {
                WireAddr::Ipv4Addr(address) => Some(IpAddr::V4(address.0)),
                WireAddr::Ipv6Addr(address) => Some(IpAddr::V6(address.0)),
                WireAddr::Ipv6Prefix(_) => None,
            };
            let address = address.filter(|address| allowed.servers.contains(address));
            address.ok_or_else(|| {
                let reason = "is none of the DNS servers that the operator lets this server ask (easdf.server)";
                Error::optional_incorrect(format!("{at}/dnsServerAddressList/{n}"), reason)
            })
        })
        .collect()
}

fn destination(parameters: Option<&ForwardingParameters>, at: &str, allowed: &Allowed) -> Result<Destination, Error> {
    let Some(parameters) = parameters else {
        return Ok(Destination::Way(Way::default()));
    };
    let (ecs, server) = (
        format!("{at}/fwdParas/ecsOptionInfo"),
        format!("{at}/fwdParas/dnsServerAddressInfo"),
    );
    Ok(
        match (&parameters.ecs_option_info, &parameters.dns_server_address_info) {
            (Some(EcsOptionInfo::EcsOption(option)), _) => Destination::Way(Way {
                network: Some(network(option, &format!("{ecs}/ecsOption"))?),
                servers: Vec::new(),
            }),
            (Some(EcsOptionInfo::BaseDnsAitId(part)), _) => Destination::NetworkOf(PatternPart {
                pattern: name_of(&part.base_dns_pattern_uri, &format!("{ecs}/baseDnsAitId"))?,
                id: part.ait_id.clone(),
            }),
            (None, Some(DnsServerAddressInfo::DnsServerAddressList(list))) => Destination::Way(Way {
                network: None,
                servers: servers(list, &server, allowed)?,
            }),
            (None, Some(DnsServerAddressInfo::BaseDnsAitId(part))) => Destination::ServersOf(PatternPart {
                pattern: name_of(&part.base_dns_pattern_uri, &format!("{server}/baseDnsAitId"))?,
                id: part.ait_id.clone(),
            }),
            (None, None) => Destination::Way(Way::default()),
        },
    )
}

impl Destination {
    /// The way there, as the patterns are now. What a pattern no longer says is the usual way.
    pub fn way(&self, patterns: &dyn Patterns) -> Way {
        let of = |part: &PatternPart| {
            let pattern = patterns.pattern(&part.pattern);
            let way = pattern.and_then(|pattern| pattern.information.get(&part.id).cloned());
            if way.is_none() {
                dangling(part);
            }
            way.unwrap_or_default()
        };
        match self {
            Self::Way(way) => way.clone(),
            Self::NetworkOf(part) => Way {
                servers: Vec::new(),
                ..of(part)
            },
            Self::ServersOf(part) => Way {
                network: None,
                ..of(part)
            },
        }
    }
}

/// A context refers to what is not there (any more): that part of it does nothing.
fn dangling(part: &PatternPart) {
    metrics::counter!("edgeapp_easdf_dangling_references_total").increment(1);
    tracing::debug!(pattern = %part.pattern, id = %part.id, "a DNS context refers to a baseline pattern that is not there");
}

impl Actions {
    /// What these actions come to; `at` is where their list stands.
    ///
    /// # Errors
    /// When they contradict each other.
    fn new(list: &BTreeMap<String, Action>, at: &str, of_response: bool, allowed: &Allowed) -> Result<Self, Error> {
        let (mut report, mut hold, mut then) = (None, false, None);
        for (key, action) in list {
            let here = format!("{at}{}", pointer(&[key]));
            let next = match &action.apply_action {
                ApplyAction::Report => {
                    let once = action.reporting_once_ind.unwrap_or_default();
                    report = Some(report.unwrap_or(true) && once);
                    continue;
                }
                ApplyAction::Buffer => {
                    hold = true;
                    continue;
                }
                ApplyAction::Forward => Then::Forward(destination(action.fwd_paras.as_ref(), &here, allowed)?),
                ApplyAction::Discard => Then::Discard,
                ApplyAction::Respond => {
                    let given = action.resp_paras.iter();
                    let addresses: Vec<IpAddr> = given
                        .flat_map(|given| {
                            let v4 = given.eas_ipv4_addresses.iter().map(|address| IpAddr::V4(address.0));
                            v4.chain(given.eas_ipv6_addresses.iter().map(|address| IpAddr::V6(address.0)))
                        })
                        .collect();
                    if addresses.is_empty() {
                        let reason = "must have an address to respond with";
                        return Err(Error::mandatory_missing(format!("{here}/respParas"), reason));
                    }
                    Then::Respond(addresses)
                }
                ApplyAction::SendAnotherDnsQuery if of_response => {
                    Then::Again(destination(action.fwd_paras.as_ref(), &here, allowed)?)
                }
                ApplyAction::SendAnotherDnsQuery => {
                    let reason = "is for rules about responses: nothing was asked before";
                    return Err(Error::mandatory_incorrect(format!("{here}/applyAction"), reason));
                }
                // Of a later version: the rest of the list counts.
                ApplyAction::Other(_) => continue,
            };
            if then.replace(next).is_some() {
                let reason = "must not have more than one of FORWARD, DISCARD, RESPOND and SEND_ANOTHER_DNS_QUERY";
                return Err(Error::mandatory_incorrect(at, reason));
            }
        }
        if hold && report.is_none() {
            let reason = "must have REPORT beside BUFFER, or nobody learns that a message is held";
            return Err(Error::mandatory_incorrect(at, reason));
        }
        Ok(Self {
            report,
            hold,
            then: then.unwrap_or(Then::Forward(Destination::Way(Way::default()))),
        })
    }

    /// What is done with a message that is held, by a rule for it alone. `at` is where the rule stands.
    ///
    /// # Errors
    /// When the actions contradict each other, or would hold it once more.
    pub fn of_held(rule: &DnsRule, at: &str, allowed: &Allowed) -> Result<Self, Error> {
        let list = format!("{at}/actionList");
        let actions = Self::new(&rule.action_list, &list, true, allowed)?;
        if actions.hold {
            return Err(Error::mandatory_incorrect(
                list,
                "must not have BUFFER for a message that is held",
            ));
        }
        Ok(actions)
    }
}

impl Rule {
    fn new(key: &str, rule: &DnsRule, allowed: &Allowed) -> Result<Self, Error> {
        let at = pointer(&["dnsRules", key]);
        let mut templates = Templates::EveryQuery;
        if rule.is_of_queries() {
            let mut all = Vec::new();
            for (name, template) in &rule.dns_query_mdt_list {
                let at = format!("{at}{}", pointer(&["dnsQueryMdtList", name]));
                all.push(QueryTemplate::Own(Queries::new(template, &at)?));
            }
            for (n, info) in rule.base_dns_query_mdt_list.iter().enumerate() {
                let parts = parts(&info.base_dns_mdt_list, &format!("{at}/baseDnsQueryMdtList/{n}"))?;
                let from = sources(info.source_ipv4_addr.as_ref(), info.source_ipv6_prefix.as_ref());
                all.push(QueryTemplate::Base(from, parts));
            }
            templates = Templates::Queries(all);
        } else if rule.is_of_responses() {
            let mut all = Vec::new();
            for (name, template) in &rule.dns_rsp_mdt_list {
                let at = format!("{at}{}", pointer(&["dnsRspMdtList", name]));
                all.push(ResponseTemplate::Own(Responses::new(template, &at)?));
            }
            for (n, info) in rule.base_dns_rsp_mdt_list.iter().enumerate() {
                let parts = parts(&info.base_dns_mdt_list, &format!("{at}/baseDnsRspMdtList/{n}"))?;
                all.push(ResponseTemplate::Base(parts));
            }
            templates = Templates::Responses(all);
        }
        let of_response = matches!(templates, Templates::Responses(_));
        Ok(Self {
            key: key.to_owned(),
            id: rule.dns_rule_id.clone().unwrap_or_else(|| key.to_owned()),
            actions: Actions::new(&rule.action_list, &format!("{at}/actionList"), of_response, allowed)?,
            precedence: rule.precedence.unwrap_or(u32::MAX),
            templates,
        })
    }

    fn matches_query(&self, query: &Query<'_>, patterns: &dyn Patterns) -> bool {
        let Templates::Queries(templates) = &self.templates else {
            return matches!(self.templates, Templates::EveryQuery);
        };
        templates.iter().any(|template| match template {
            QueryTemplate::Own(queries) => queries.matches(query),
            QueryTemplate::Base(from, parts) => {
                within(from, query.from)
                    && parts.iter().any(|part| {
                        let pattern = patterns.pattern(&part.pattern);
                        let Some(templates) = pattern.as_ref().and_then(|pattern| pattern.queries.get(&part.id)) else {
                            dangling(part);
                            return false;
                        };
                        templates.iter().any(|template| template.matches(query))
                    })
            }
        })
    }

    fn matches_response(&self, response: &Response<'_>, patterns: &dyn Patterns) -> bool {
        let Templates::Responses(templates) = &self.templates else {
            return false;
        };
        templates.iter().any(|template| match template {
            ResponseTemplate::Own(responses) => responses.matches(response),
            ResponseTemplate::Base(parts) => parts.iter().any(|part| {
                let pattern = patterns.pattern(&part.pattern);
                let Some(templates) = pattern.as_ref().and_then(|pattern| pattern.responses.get(&part.id)) else {
                    dangling(part);
                    return false;
                };
                templates.iter().any(|template| template.matches(response))
            }),
        })
    }
}

fn expressions<'a>(lists: impl Iterator<Item = &'a Vec<FqdnPatternMatchingRule>>, at: &str) -> Result<(), Error> {
    let all = lists.flatten();
    let number = all
        .filter(|rule| matches!(rule, FqdnPatternMatchingRule::Regex(_)))
        .count();
    match number <= EXPRESSIONS {
        true => Ok(()),
        false => Err(Error::optional_incorrect(
            at,
            format!("has {number} regular expressions, at most {EXPRESSIONS} are accepted"),
        )),
    }
}

impl Rules {
    /// Makes the rules of a context ready, those for single messages left out.
    ///
    /// # Errors
    /// When one cannot be used, with where that is.
    pub fn new(rules: &BTreeMap<String, DnsRule>, allowed: &Allowed) -> Result<Self, Error> {
        if rules.len() > RULES {
            let reason = format!("has {} rules, at most {RULES} are accepted", rules.len());
            return Err(Error::mandatory_incorrect("/dnsRules", reason));
        }
        let lists = rules.values().flat_map(|rule| {
            let queries = rule
                .dns_query_mdt_list
                .values()
                .map(|template| &template.fqdn_pattern_list);
            queries.chain(
                rule.dns_rsp_mdt_list
                    .values()
                    .map(|template| &template.fqdn_pattern_list),
            )
        });
        expressions(lists, "/dnsRules")?;
        let mut all = Self::default();
        for (key, rule) in rules.iter().filter(|(_, rule)| rule.dns_msg_id.is_none()) {
            let rule = Rule::new(key, rule, allowed)?;
            match rule.templates {
                Templates::Responses(_) => all.responses.push(rule),
                _ => all.queries.push(rule),
            }
        }
        for rules in [&mut all.queries, &mut all.responses] {
            rules.sort_by(|one, other| {
                (one.precedence, &one.id, &one.key).cmp(&(other.precedence, &other.id, &other.key))
            });
        }
        Ok(all)
    }

    /// The rule that counts for a query.
    pub fn of_query(&self, query: &Query<'_>, patterns: &dyn Patterns) -> Option<&Rule> {
        self.queries.iter().find(|rule| rule.matches_query(query, patterns))
    }

    /// The rule that counts for a response.
    pub fn of_response(&self, response: &Response<'_>, patterns: &dyn Patterns) -> Option<&Rule> {
        self.responses
            .iter()
            .find(|rule| rule.matches_response(response, patterns))
    }

    /// Whether any of them tells the SMF something.
    pub fn report(&self) -> bool {
        let mut all = self.queries.iter().chain(&self.responses);
        all.any(|rule| rule.actions.report.is_some())
    }
}

impl Pattern {
    /// Makes a baseline pattern ready.
    ///
    /// # Errors
    /// When part of it cannot be used, with where that is.
    pub fn new(data: &BaseDnsPatternCreateData, allowed: &Allowed) -> Result<Self, Error> {
        let lists = data.base_dns_mdt_list.values().flat_map(|template| {
            let queries = template.dns_query_mdt_list.values().map(|one| &one.fqdn_pattern_list);
            queries.chain(template.dns_rsp_mdt_list.values().map(|one| &one.fqdn_pattern_list))
        });
        expressions(lists, "/baseDnsMdtList")?;
        let mut pattern = Self::default();
        for (key, template) in &data.base_dns_mdt_list {
            let at = pointer(&["baseDnsMdtList", key]);
            for (name, queries) in &template.dns_query_mdt_list {
                let queries = Queries::new(queries, &format!("{at}{}", pointer(&["dnsQueryMdtList", name])))?;
                pattern
                    .queries
                    .entry(template.mdt_id.clone())
                    .or_default()
                    .push(queries);
            }
            for (name, responses) in &template.dns_rsp_mdt_list {
                let responses = Responses::new(responses, &format!("{at}{}", pointer(&["dnsRspMdtList", name])))?;
                pattern
                    .responses
                    .entry(template.mdt_id.clone())
                    .or_default()
                    .push(responses);
            }
        }
        for (key, information) in &data.base_dns_ait_list {
            let at = pointer(&["baseDnsAitList", key]);
            let option = information.ecs_option.as_ref();
            let way = Way {
                network: option
                    .map(|option| network(option, &format!("{at}/ecsOption")))
                    .transpose()?,
                servers: servers(&information.dns_server_address_list, &at, allowed)?,
            };
            pattern.information.insert(information.ait_id.clone(), way);
        }
        Ok(pattern)
    }

    /// Where a query goes that no rule of its context is about: where one of the templates matches it and there is one action information
    /// beside them, by that.
    pub fn default_for(&self, query: &Query<'_>) -> Option<&Way> {
        let mut information = self.information.values();
        let (Some(way), None) = (information.next(), information.next()) else {
            return None;
        };
        let mut templates = self.queries.values().flatten();
        templates.any(|template| template.matches(query)).then_some(way)
    }
}

#[cfg(test)]
mod tests;
