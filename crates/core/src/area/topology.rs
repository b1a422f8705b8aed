//! Areas and positions in terms of the network.

use super::{Cell, Contains, Place};
use edgeapp_openapi::{
    common::{Nid, PlmnId, PlmnIdNid},
    location::{Ecgi, GlobalRanNodeId, Ncgi, Tai, TopologicalServiceArea},
};

/// A network as this module compares it: without a `nid`, an entry of an area stands for the network whatever its `nid`.
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    mcc: &'a str,
    mnc: &'a str,
    nid: Option<&'a Nid>,
}

impl<'a> Network<'a> {
    fn new(plmn: &'a PlmnId, nid: Option<&'a Nid>) -> Self {
        Self {
            mcc: plmn.mcc.as_str(),
            mnc: plmn.mnc.as_str(),
            nid,
        }
    }

    pub(super) fn of(plmn: &'a PlmnIdNid) -> Self {
        Self {
            mcc: plmn.mcc.as_str(),
            mnc: plmn.mnc.as_str(),
            nid: plmn.nid.as_ref(),
        }
    }

    /// Whether this entry of an area stands for `other` too.
    fn stands_for(self, other: Self) -> bool {
        (self.mcc, self.mnc) == (other.mcc, other.mnc) && (self.nid.is_none() || self.nid == other.nid)
    }

    /// Whether the two can be the same network.
    fn may_be(self, other: Self) -> bool {
        self.stands_for(other) || other.stands_for(self)
    }
}

/// Something of one network.
trait InNetwork {
    fn network(&self) -> Network<'_>;
}

macro_rules! in_network {
    ($($name:ident),+) => {$(
        impl InNetwork for $name {
            fn network(&self) -> Network<'_> {
                Network::new(&self.plmn_id, self.nid.as_ref())
            }
        }
    )+};
}
in_network!(Ncgi, Ecgi, Tai, GlobalRanNodeId);

fn is_ncgi(entry: &Ncgi, cell: &Ncgi) -> bool {
    entry.nr_cell_id == cell.nr_cell_id && entry.network().stands_for(cell.network())
}

fn is_ecgi(entry: &Ecgi, cell: &Ecgi) -> bool {
    entry.eutra_cell_id == cell.eutra_cell_id && entry.network().stands_for(cell.network())
}

fn is_tai(entry: &Tai, tai: &Tai) -> bool {
    entry.tac == tai.tac && entry.network().stands_for(tai.network())
}

fn number(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex, 16).ok()
}

/// Number and length in bits of the radio node, and length in bits of its cells' identifiers.
fn node_bits(node: &GlobalRanNodeId) -> Option<(u64, u32, u32)> {
    if let Some(gnb) = &node.g_nb_id {
        return Some((number(gnb.value.as_str())?, u32::from(gnb.bit_length), 36));
    }
    let id = node
        .e_nb_id
        .as_ref()
        .map(|id| id.as_str())
        .or(node.nge_nb_id.as_ref().map(|id| id.as_str()))?;
    let (kind, digits) = id.split_once('-')?;
    let bits = match kind.as_bytes().first()? {
        b'L' | b'l' => 21,
        b'S' | b's' => 18,
        b'H' | b'h' => 28,
        _ => 20,
    };
    Some((number(digits)?, bits, 28))
}

/// Whether the cell of this identifier belongs to the node: the node's number is the beginning of it (TS 38.413, TS 36.413).
fn is_of_node(cell: &str, cell_bits: u32, node: &GlobalRanNodeId) -> bool {
    node_bits(node)
        .zip(number(cell))
        .is_some_and(|((node, bits, of), cell)| of == cell_bits && cell >> (of - bits) == node)
}

impl Place {
    fn networks(&self) -> impl Iterator<Item = Network<'_>> {
        let of_cell = self.cell.as_ref().map(|cell| match cell {
            Cell::Nr(cell) => cell.network(),
            Cell::Eutra(cell) => cell.network(),
            Cell::Node(node) => node.network(),
        });
        let of_tai = self.tai.as_ref().map(InNetwork::network);
        of_cell
            .into_iter()
            .chain(of_tai)
            .chain(self.network.as_ref().map(Network::of))
    }

    fn is_in(&self, area: &TopologicalServiceArea) -> bool {
        let by_cell = match &self.cell {
            Some(Cell::Nr(cell)) => area.ncgis.iter().any(|entry| is_ncgi(entry, cell)),
            Some(Cell::Eutra(cell)) => area.ecgis.iter().any(|entry| is_ecgi(entry, cell)),
            Some(Cell::Node(node)) => {
                let here = |network: Network<'_>| network.may_be(node.network());
                area.ncgis
                    .iter()
                    .any(|entry| here(entry.network()) && is_of_node(entry.nr_cell_id.as_str(), 36, node))
                    || area
                        .ecgis
                        .iter()
                        .any(|entry| here(entry.network()) && is_of_node(entry.eutra_cell_id.as_str(), 28, node))
            }
            None => false,
        };
        let by_tai = self
            .tai
            .as_ref()
            .is_some_and(|tai| area.tais.iter().any(|entry| is_tai(entry, tai)));
        let by_network = || {
            area.plmn_ids
                .iter()
                .any(|entry| self.networks().any(|network| Network::of(entry).stands_for(network)))
        };
        by_cell || by_tai || by_network()
    }

    /// Whether the area has entries finer than what is known of this place, in a network that it may be in.
    fn may_be_in(&self, area: &TopologicalServiceArea) -> bool {
        let near = |network: Network<'_>| self.networks().any(|own| own.may_be(network));
        let cell_is_known = match &self.cell {
            Some(Cell::Node(node)) => node_bits(node).is_some(),
            cell => cell.is_some(),
        };
        let by_cell =
            || area.ncgis.iter().any(|cell| near(cell.network())) || area.ecgis.iter().any(|cell| near(cell.network()));
        let by_tai = || area.tais.iter().any(|tai| near(tai.network()));
        // A network told without its `nid` may be the one that an entry names with it.
        let by_network = || area.plmn_ids.iter().any(|entry| near(Network::of(entry)));
        (!cell_is_known && by_cell()) || (self.tai.is_none() && by_tai()) || by_network()
    }
}

/// Whether one of the places is in the area.
pub(super) fn contains(area: &TopologicalServiceArea, places: &[Place]) -> Contains {
    if places.is_empty() {
        return Contains::Unknown;
    }
    Contains::any(places.iter().map(|place| {
        if place.is_in(area) {
            Contains::Yes
        } else if place.may_be_in(area) {
            Contains::Unknown
        } else {
            Contains::No
        }
    }))
}

/// Whether every entry of `inner` is covered by an entry of `outer` of the same or of a coarser kind.
pub(super) fn covers(outer: &TopologicalServiceArea, inner: &TopologicalServiceArea) -> Contains {
    let whole = |network: Network<'_>| {
        outer
            .plmn_ids
            .iter()
            .any(|entry| Network::of(entry).stands_for(network))
    };
    let has_tais = |network: Network<'_>| outer.tais.iter().any(|tai| tai.network().may_be(network));
    let has_cells = |network: Network<'_>| {
        outer.ncgis.iter().any(|cell| cell.network().may_be(network))
            || outer.ecgis.iter().any(|cell| cell.network().may_be(network))
    };
    let answer = |covered: bool, open: bool| match (covered, open) {
        (true, _) => Contains::Yes,
        (false, true) => Contains::Unknown,
        (false, false) => Contains::No,
    };
    let ncgis = inner.ncgis.iter().map(|cell| {
        answer(
            outer.ncgis.iter().any(|entry| is_ncgi(entry, cell)) || whole(cell.network()),
            has_tais(cell.network()),
        )
    });
    let ecgis = inner.ecgis.iter().map(|cell| {
        answer(
            outer.ecgis.iter().any(|entry| is_ecgi(entry, cell)) || whole(cell.network()),
            has_tais(cell.network()),
        )
    });
    let tais = inner.tais.iter().map(|tai| {
        answer(
            outer.tais.iter().any(|entry| is_tai(entry, tai)) || whole(tai.network()),
            has_cells(tai.network()),
        )
    });
    let networks = inner
        .plmn_ids
        .iter()
        .map(|plmn| answer(whole(Network::of(plmn)), false));
    Contains::all(ncgis.chain(ecgis).chain(tais).chain(networks))
}
