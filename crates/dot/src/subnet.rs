//! Networks: the client subnet of a query (RFC 7871), and tables by prefix that say how much of an address their answer depends on.

use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The client subnet option of a query: the network that it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet {
    family: Family,
    /// What was sent of the address; the rest is zero.
    address: IpAddr,
    source: u8,
}

/// What kind of addresses a subnet is of, in the numbers of RFC 7871.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// None at all, which some clients write when they want no subnet to be used.
    None,
    V4,
    V6,
}

impl Family {
    const fn number(self) -> u16 {
        match self {
            Self::None => 0,
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }
}

/// Why a client subnet is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubnet {
    /// It ends before its address does, or goes on after it.
    #[error("its length is not that of its prefix")]
    Length,
    /// A family of addresses that is not known.
    #[error("its family is unknown")]
    Family,
    /// The prefix is longer than an address.
    #[error("its prefix is longer than an address")]
    Prefix,
    /// Bits beyond the prefix are set.
    #[error("it has bits beyond its prefix")]
    HostBits,
    /// A query says how much of the subnet the answer is for.
    #[error("it has a scope, which only answers have")]
    Scope,
}

impl ClientSubnet {
    /// The subnet in the data of the option of a query (RFC 7871 clauses 6 and 7.1.2).
    ///
    /// # Errors
    /// When it is malformed, which has to be refused with FORMERR.
    pub fn of_query(data: &[u8]) -> Result<Self, BadSubnet> {
        let (subnet, scope) = Self::read(data)?;
        if scope != 0 {
            return Err(BadSubnet::Scope);
        }
        Ok(subnet)
    }

    /// The subnet in the data of the option of an answer, with its scope.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn of_answer(data: &[u8]) -> Result<(Self, u8), BadSubnet> {
        Self::read(data)
    }

    fn read(data: &[u8]) -> Result<(Self, u8), BadSubnet> {
        let [high, low, source, scope, octets @ ..] = data else {
            return Err(BadSubnet::Length);
        };
        let (source, scope) = (*source, *scope);
        let (family, bits) = match u16::from_be_bytes([*high, *low]) {
            0 if source == 0 => (Family::None, 0),
            1 => (Family::V4, 32),
            2 => (Family::V6, 128),
            _ => return Err(BadSubnet::Family),
        };
        if source > bits || scope > bits {
            return Err(BadSubnet::Prefix);
        }
        if octets.len() != usize::from(source).div_ceil(8) {
            return Err(BadSubnet::Length);
        }
        let address = match family {
            Family::None | Family::V4 => {
                let mut whole = [0; 4];
                whole[..octets.len()].copy_from_slice(octets);
                IpAddr::from(whole)
            }
            Family::V6 => {
                let mut whole = [0; 16];
                whole[..octets.len()].copy_from_slice(octets);
                IpAddr::from(whole)
            }
        };
        if masked(address, source) != address {
            return Err(BadSubnet::HostBits);
        }
        let subnet = Self {
            family,
            address,
            source,
        };
        Ok((subnet, scope))
    }

    /// This network, as a query asks for it.
    pub fn of(network: IpNet) -> Self {
        Self {
            family: match network {
                IpNet::V4(_) => Family::V4,
                IpNet::V6(_) => Family::V6,
            },
            address: network.network(),
            source: network.prefix_len(),
        }
    }

    /// The network; `None` when the client wants none to be used (source prefix 0).
    pub fn network(&self) -> Option<IpNet> {
        if self.source == 0 {
            return None;
        }
        IpNet::new(self.address, self.source).ok()
    }

    /// The data of the option: as it was asked, with this scope (RFC 7871 clause 7.2.1).
    pub fn data(&self, scope: u8) -> Vec<u8> {
        let mut data = Vec::with_capacity(20);
        data.extend_from_slice(&self.family.number().to_be_bytes());
        data.extend_from_slice(&[self.source, scope]);
        let octets = usize::from(self.source).div_ceil(8);
        match self.address {
            IpAddr::V4(address) => data.extend_from_slice(&address.octets()[..octets]),
            IpAddr::V6(address) => data.extend_from_slice(&address.octets()[..octets]),
        }
        data
    }
}

/// The first bits of an address, the rest zero.
pub fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// The network that counts as one client: an address, of IPv6 the first 64 bits.
pub fn client_network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::from(address).into(),
        address @ IpAddr::V6(_) => IpNet::new(masked(address, 64), 64).unwrap_or(IpNet::from(address)),
    }
}

/// Values by prefix; of several that hold an address the longest counts.
#[derive(Clone, Debug)]
pub struct PrefixTable<T> {
    v4: Trie,
    v6: Trie,
    values: Vec<T>,
}

/// What a table says of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked<'a, T> {
    /// The value of the longest prefix that holds it.
    pub value: Option<&'a T>,
    /// How many bits of the network the answer depends on: every network with the same ones gets the same answer.
    pub scope: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    below: [Option<u32>; 2],
    value: Option<u32>,
}

#[derive(Clone, Debug)]
struct Trie(Vec<Node>);

impl Default for Trie {
    fn default() -> Self {
        Self(vec![Node::default()])
    }
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self {
            v4: Trie::default(),
            v6: Trie::default(),
            values: Vec::new(),
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Trie {
    fn node(&self, index: u32) -> Node {
        self.0.get(index as usize).copied().unwrap_or_default()
    }

    fn insert(&mut self, path: impl Iterator<Item = usize>, value: u32) -> Option<u32> {
        let mut at = 0_usize;
        for bit in path {
            at = match self.0[at].below[bit] {
                Some(below) => below as usize,
                None => {
                    self.0.push(Node::default());
                    let below = self.0.len() - 1;
                    self.0[at].below[bit] = Some(number(below));
                    below
                }
            };
        }
        self.0[at].value.replace(value)
    }

    /// The value at the end of the longest prefix of the path, and how many of its bits that depends on.
    fn look(&self, path: impl Iterator<Item = usize>) -> (Option<u32>, u8) {
        let mut node = self.node(0);
        let (mut value, mut scope, mut depth) = (node.value, 0, 0_u8);
        for bit in path {
            depth = depth.saturating_add(1);
            // Had this bit been the other one, there would have been more to look at.
            if node.below[1 - bit].is_some() {
                scope = depth;
            }
            let Some(below) = node.below[bit] else {
                return (value, scope);
            };
            node = self.node(below);
            if node.value.is_some() {
                (value, scope) = (node.value, depth);
            }
        }
        // The network is larger than prefixes within it: one more bit would tell more.
        if node.below.iter().any(Option::is_some) {
            scope = depth.saturating_add(1);
        }
        (value, scope)
    }
}

/// The bits of a network's prefix, from the front.
fn bits(network: IpNet) -> impl Iterator<Item = usize> {
    let (whole, width) = match network {
        IpNet::V4(network) => (u128::from(u32::from(network.network())), 32),
        IpNet::V6(network) => (u128::from(network.network()), 128),
    };
    (0..u32::from(network.prefix_len())).map(move |place| usize::from((whole >> (width - 1 - place)) & 1 == 1))
}

impl<T> PrefixTable<T> {
    /// Enters a value; says whether the prefix was there already, with another one.
    pub fn insert(&mut self, prefix: IpNet, value: T) -> bool {
        let index = number(self.values.len());
        self.values.push(value);
        let trie = match prefix {
            IpNet::V4(_) => &mut self.v4,
            IpNet::V6(_) => &mut self.v6,
        };
        trie.insert(bits(prefix), index).is_some()
    }

    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What the table says of an address.
    pub fn of(&self, address: IpAddr) -> Option<&T> {
        self.look(IpNet::from(address.to_canonical())).value
    }

    /// What the table says of a network, and how much of it that depends on (RFC 7871 clause 7.2.1: scopes do not overlap).
    pub fn look(&self, network: IpNet) -> Looked<'_, T> {
        let trie = match network {
            IpNet::V4(_) => &self.v4,
            IpNet::V6(_) => &self.v6,
        };
        let (value, scope) = trie.look(bits(network));
        Looked {
            value: value.and_then(|value| self.values.get(value as usize)),
            scope: scope.min(network.max_prefix_len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().expect("a network")
    }

    fn table(prefixes: &[&str]) -> PrefixTable<String> {
        let mut table = PrefixTable::default();
        for prefix in prefixes {
            table.insert(net(prefix), (*prefix).to_owned());
        }
        table
    }

    /// Proves: DNS-E-02
    #[test]
    fn a_subnet_is_echoed_octet_by_octet() {
        for data in [
            &[0, 1, 24, 0, 10, 45, 3][..],
            &[0, 1, 0, 0],
            &[0, 0, 0, 0],
            &[0, 1, 20, 0, 10, 45, 0x30],
            &[0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 2],
        ] {
            let subnet = ClientSubnet::of_query(data).expect("good");
            assert_eq!(subnet.data(0), data);
            if data[1] != 0 {
                assert_eq!(ClientSubnet::of_answer(&subnet.data(9)), Ok((subnet, 9)));
            }
        }
    }

    /// Proves: DNS-E-04
    #[test]
    fn a_malformed_subnet_is_told_from_a_good_one() {
        for (data, why) in [
            (&[][..], BadSubnet::Length),
            (&[0, 1, 24], BadSubnet::Length),
            (&[0, 3, 8, 0, 10], BadSubnet::Family),
            (&[0, 0, 8, 0, 10], BadSubnet::Family),
            (&[0, 1, 33, 0, 10, 0, 0, 0, 0], BadSubnet::Prefix),
            (&[0, 1, 24, 0, 10, 45], BadSubnet::Length),
            (&[0, 1, 24, 0, 10, 45, 3, 0], BadSubnet::Length),
            (&[0, 1, 20, 0, 10, 45, 0x3f], BadSubnet::HostBits),
            (&[0, 1, 24, 24, 10, 45, 3], BadSubnet::Scope),
            (&[0, 2, 129, 0], BadSubnet::Prefix),
        ] {
            assert_eq!(ClientSubnet::of_query(data), Err(why), "{data:?}");
        }
    }

    /// Proves: DNS-E-03
    #[test]
    fn the_scope_leaves_out_what_is_answered_otherwise() {
        let table = table(&["10.0.0.0/8", "10.1.0.0/16"]);
        let looked = |network| {
            let looked = table.look(net(network));
            (looked.value.map(String::as_str), looked.scope)
        };
        // The example of the standard's trap: not 8, for that would cover 10.1 too.
        assert_eq!(looked("10.2.0.0/24"), (Some("10.0.0.0/8"), 15));
        assert_eq!(looked("10.3.0.0/24"), (Some("10.0.0.0/8"), 15));
        assert_eq!(looked("10.0.0.0/24"), (Some("10.0.0.0/8"), 16));
        assert_eq!(looked("10.1.9.0/24"), (Some("10.1.0.0/16"), 16));
        assert_eq!(looked("10.128.0.0/24"), (Some("10.0.0.0/8"), 9));
        assert_eq!(looked("192.0.2.0/24"), (None, 1));
        // Asked for more than one entry: one more bit is needed.
        assert_eq!(looked("10.0.0.0/8"), (Some("10.0.0.0/8"), 9));
    }

    prop_compose! {
        fn prefix()(address in any::<u32>(), length in 0..=12_u8) -> IpNet {
            // Few bits, so that prefixes meet.
            IpNet::new(masked(Ipv4Addr::from(address).into(), length), length).expect("a prefix")
        }
    }

    proptest! {
        /// Proves: DNS-E-03
        #[test]
        fn the_longest_prefix_counts_and_scopes_do_not_overlap(
            prefixes in prop::collection::vec(prefix(), 0..12),
            one in any::<u32>(),
            other in any::<u32>(),
        ) {
            let mut table = PrefixTable::default();
            for prefix in &prefixes {
                table.insert(*prefix, *prefix);
            }
            let whole = |address: u32| IpNet::from(IpAddr::from(Ipv4Addr::from(address)));
            let expected = |address: u32| prefixes
                .iter()
                .filter(|prefix| prefix.contains(&Ipv4Addr::from(address).into_ip()))
                .max_by_key(|prefix| prefix.prefix_len())
                .copied();
            let (first, second) = (table.look(whole(one)), table.look(whole(other)));
            prop_assert_eq!(first.value.copied(), expected(one));
            prop_assert_eq!(second.value.copied(), expected(other));
            let scoped = |address: u32, scope: u8| masked(Ipv4Addr::from(address).into(), scope);
            // Whoever is within the scope of an answer gets that answer.
            if scoped(one, first.scope) == scoped(other, first.scope) {
                prop_assert_eq!(first.value, second.value);
                prop_assert_eq!(first.scope, second.scope);
            }
        }
    }

    trait IntoIp {
        fn into_ip(self) -> IpAddr;
    }

    impl IntoIp for Ipv4Addr {
        fn into_ip(self) -> IpAddr {
            self.into()
        }
    }
}
