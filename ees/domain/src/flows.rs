//! Descriptions of IP flows (`FlowDescription` of TS 29.514): IP filter rules of RFC 6733 clause 4.3.1 with the restrictions of TS 29.214
//! clause 5.3.8: flows are permitted, nothing is inverted, there are no options.
//!
//! `permit out ip from 192.0.2.20 443 to 198.51.100.4`: direction, protocol, source, destination. What cannot be read is refused here,
//! with the place, before the core network is asked.

use edgeapp_core::error::Error;
use std::net::IpAddr;

const FORM: &str = "must have the form `permit in ip from 198.51.100.4 to 192.0.2.20 443`";

/// Whether all of these descriptions can be read; they stand in the list at `pointer`.
///
/// # Errors
/// With the first one that cannot, and why.
pub fn readable(flows: &[String], pointer: &str) -> Result<(), Error> {
    for (n, flow) in flows.iter().enumerate() {
        rule(flow).map_err(|why| Error::mandatory_incorrect(format!("{pointer}/{n}"), format!("{FORM}: {why}")))?;
    }
    Ok(())
}

/// Why this is no rule.
fn rule(text: &str) -> Result<(), String> {
    let mut words = text.split_ascii_whitespace().peekable();
    expect(words.next(), &["permit"])?;
    expect(words.next(), &["in", "out"])?;
    protocol(words.next())?;
    expect(words.next(), &["from"])?;
    let source = address(words.next())?;
    ports(words.next_if(|word| *word != "to"))?;
    expect(words.next(), &["to"])?;
    let destination = address(words.next())?;
    ports(words.next())?;
    if let Some(surplus) = words.next() {
        return Err(format!("options such as {surplus:?} are not possible"));
    }
    match (source, destination) {
        (Some(one), Some(other)) if one.is_ipv4() != other.is_ipv4() => {
            Err("source and destination are of different IP versions".to_owned())
        }
        _ => Ok(()),
    }
}

fn expect(word: Option<&str>, known: &[&str]) -> Result<(), String> {
    match word {
        Some(word) if known.contains(&word) => Ok(()),
        Some(word) => Err(format!("{} was expected, not {word:?}", known.join(" or "))),
        None => Err(format!("{} is missing", known.join(" or "))),
    }
}

fn protocol(word: Option<&str>) -> Result<(), String> {
    match word {
        Some("ip") => Ok(()),
        Some(word) if number::<u8>(word).is_some() => Ok(()),
        Some(word) => Err(format!(
            "the protocol is ip or a number, such as 6 for TCP and 17 for UDP, not {word:?}"
        )),
        None => Err("the protocol is missing".to_owned()),
    }
}

/// The address, if one in particular is meant.
fn address(word: Option<&str>) -> Result<Option<IpAddr>, String> {
    let Some(word) = word else {
        return Err("an address is missing".to_owned());
    };
    if matches!(word, "any" | "assigned") {
        return Ok(None);
    }
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (word, None),
    };
    let address: IpAddr = address
        .parse()
        .map_err(|_| format!("{word:?} is no IP address, nor any, nor assigned"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.map(number::<u8>) {
        None => Ok(Some(address)),
        Some(Some(bits)) if bits <= most => Ok(Some(address)),
        Some(_) => Err(format!("the mask of {word:?} is a number of bits up to {most}")),
    }
}

/// Ports and ranges of ports, separated by commas.
fn ports(word: Option<&str>) -> Result<(), String> {
    let Some(word) = word else { return Ok(()) };
    let is_one = |part: &str| match part.split_once('-') {
        None => number::<u16>(part).is_some(),
        Some((first, last)) => match (number::<u16>(first), number::<u16>(last)) {
            (Some(first), Some(last)) => first <= last,
            _ => false,
        },
    };
    match word.split(',').all(is_one) {
        true => Ok(()),
        false => Err(format!("{word:?} is no list of ports, such as 443 or 5000-5010,6000")),
    }
}

/// Digits only: no sign, no space.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_of_the_standard_are_read() {
        for text in [
            "permit in ip from any to any",
            "permit out ip from 192.0.2.20 443 to 198.51.100.4",
            "permit in 17 from 198.51.100.0/24 to assigned 5000-5010,6000",
            "permit out 6 from 2001:db8::/32 1 to 2001:db8::1 65535",
            "  permit  in ip from any to 10.0.0.1/0 ",
        ] {
            assert_eq!(rule(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, why) in [
            ("", "permit is missing"),
            ("deny in ip from any to any", "permit was expected"),
            ("permit both ip from any to any", "in or out was expected"),
            ("permit in tcp from any to any", "a number, such as 6 for TCP"),
            ("permit in 256 from any to any", "a number, such as 6 for TCP"),
            ("permit in ip to any", "from was expected"),
            ("permit in ip from !10.0.0.1 to any", "is no IP address"),
            ("permit in ip from 10.0.0.1/33 to any", "up to 32"),
            ("permit in ip from 2001:db8::/129 to any", "up to 128"),
            ("permit in ip from any 70000 to any", "is no list of ports"),
            ("permit in ip from any 20-10 to any", "is no list of ports"),
            ("permit in ip from any +1 to any", "is no list of ports"),
            ("permit in ip from any to", "an address is missing"),
            ("permit in ip from any to any frag", "is no list of ports"),
            ("permit in ip from any to any 80 frag", "options"),
            ("permit in ip from 10.0.0.1 to 2001:db8::1", "different IP versions"),
        ] {
            let refusal = rule(text).expect_err(text);
            assert!(refusal.contains(why), "{text}: {refusal}");
        }
    }

    #[test]
    fn the_refusal_points_at_the_entry() {
        let flows = ["permit in ip from any to any".to_owned(), "anything".to_owned()];
        let refusal = readable(&flows, "/ipFlows").expect_err("refused");
        assert_eq!(refusal.invalid[0].param, "/ipFlows/1");
        assert!(refusal.detail.contains("permit in ip from"), "{refusal}");
    }

    proptest! {
        /// Whatever addresses and ports a rule is made of, it is read; a word more or less is not.
        #[test]
        fn every_composed_rule_is_read(
            out in any::<bool>(),
            protocol in prop::option::of(any::<u8>()),
            ends in prop::array::uniform2((any::<[u8; 4]>(), prop::option::of(0..=32_u8), prop::option::of(any::<u16>()))),
        ) {
            let end = |(octets, bits, port): ([u8; 4], Option<u8>, Option<u16>)| {
                let mask = bits.map(|bits| format!("/{bits}")).unwrap_or_default();
                let port = port.map(|port| format!(" {port}")).unwrap_or_default();
                format!("{}{mask}{port}", IpAddr::from(octets))
            };
            let protocol = protocol.map_or("ip".to_owned(), |number| number.to_string());
            let direction = if out { "out" } else { "in" };
            let [from, to] = ends.map(end);
            let text = format!("permit {direction} {protocol} from {from} to {to}");
            prop_assert_eq!(rule(&text), Ok(()));
            prop_assert!(rule(text.trim_start_matches("permit ")).is_err());
            let surplus = format!("{text} 1 1");
            prop_assert!(rule(&surplus).is_err());
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,80}") {
            let _ = rule(&text);
        }
    }
}
