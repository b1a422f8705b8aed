//! The normal form of positions.

use edgeapp_openapi::{
    common::{PlmnId, PlmnIdNid},
    location::{
        CivicAddress, Ecgi, GeographicArea, GlobalRanNodeId, LocationArea5G, LocationInfo, Ncgi, Tai, UserLocation,
    },
};

/// Where a UE is, or the places where it may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    /// In terms of the network; several are alternatives.
    pub places: Vec<Place>,
    /// On the globe; several are alternatives.
    pub shapes: Vec<GeographicArea>,
    /// As addresses for people; several are alternatives.
    pub civic_addresses: Vec<CivicAddress>,
}

/// One place in terms of the network: as much of it as is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The cell, or the radio node.
    pub cell: Option<Cell>,
    /// The tracking area.
    pub tai: Option<Tai>,
    /// The network, where neither cell nor tracking area tells it.
    pub network: Option<PlmnIdNid>,
}

/// A cell, or the node whose cell it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// An NR cell.
    Nr(Ncgi),
    /// An E-UTRA cell.
    Eutra(Ecgi),
    /// Some cell of this radio node.
    Node(GlobalRanNodeId),
}

impl Place {
    fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

impl Position {
    /// Where a UE was seen. Parts of the structured location count; the plain strings only where there are none. Of a shape with an
    /// uncertainty its centre counts.
    pub fn of_ue(seen: &LocationInfo) -> Self {
        let structured = seen.user_location.as_ref().map(places_of).unwrap_or_default();
        let places = if structured.is_empty() {
            place_in_words(seen).into_iter().collect()
        } else {
            structured
        };
        Self {
            places,
            shapes: seen
                .geographic_area
                .as_ref()
                .map(super::shape::centre)
                .into_iter()
                .collect(),
            civic_addresses: seen.civic_address.clone().into_iter().collect(),
        }
    }

    /// Anywhere in an area.
    pub fn of_area(area: &LocationArea5G) -> Self {
        let mut places = Vec::new();
        if let Some(network) = &area.nw_area_info {
            let cell = |cell| Place {
                cell: Some(cell),
                ..Place::default()
            };
            places.extend(network.ncgis.iter().cloned().map(Cell::Nr).map(cell));
            places.extend(network.ecgis.iter().cloned().map(Cell::Eutra).map(cell));
            places.extend(network.g_ran_node_ids.iter().cloned().map(Cell::Node).map(cell));
            places.extend(network.tais.iter().cloned().map(|tai| Place {
                tai: Some(tai),
                ..Place::default()
            }));
        }
        Self {
            places,
            shapes: area.geographic_areas.clone(),
            civic_addresses: area.civic_addresses.clone(),
        }
    }

    /// Somewhere in this network.
    pub fn of_network(network: PlmnIdNid) -> Self {
        Self {
            places: vec![Place {
                network: Some(network),
                ..Place::default()
            }],
            ..Self::default()
        }
    }

    /// Whether it is known to be, or may be, at this radio node.
    pub fn is_at_node(&self, node: &GlobalRanNodeId) -> bool {
        let at = |place: &Place| matches!(&place.cell, Some(Cell::Node(seen)) if seen == node);
        self.places.iter().any(at)
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.places.is_empty() && self.shapes.is_empty() && self.civic_addresses.is_empty()
    }
}

fn places_of(location: &UserLocation) -> Vec<Place> {
    let mut places = Vec::new();
    if let Some(nr) = &location.nr_location {
        let cell = (!nr.ignore_ncgi).then(|| Cell::Nr(nr.ncgi.clone()));
        places.push(Place {
            cell,
            tai: Some(nr.tai.clone()),
            network: None,
        });
    }
    if let Some(eutra) = &location.eutra_location {
        let cell = (!eutra.ignore_ecgi).then(|| Cell::Eutra(eutra.ecgi.clone()));
        places.push(Place {
            cell,
            tai: (!eutra.ignore_tai).then(|| eutra.tai.clone()),
            network: None,
        });
    }
    if let Some(tai) = location
        .n3ga_location
        .as_ref()
        .and_then(|outside| outside.n3gpp_tai.clone())
    {
        places.push(Place {
            tai: Some(tai),
            ..Place::default()
        });
    }
    places.retain(Place::is_known);
    places
}

/// The standard gives the plain strings no form. These are understood: the digits of network and number, with or without separators
/// and a word in front (`ncgi:001-01-000000001`, `00101000000001`), and a bare number beside a `plmnId`.
fn place_in_words(seen: &LocationInfo) -> Option<Place> {
    let network = seen.plmn_id.as_deref().and_then(plmn);
    let cell = seen.cell_id.as_deref().and_then(|text| {
        let (network, number) = in_network(text, &[9, 7], network.as_ref())?;
        if number.len() == 9 {
            Some(Cell::Nr(Ncgi {
                plmn_id: network,
                nr_cell_id: number.parse().ok()?,
                nid: None,
            }))
        } else {
            Some(Cell::Eutra(Ecgi {
                plmn_id: network,
                eutra_cell_id: number.parse().ok()?,
                nid: None,
            }))
        }
    });
    let tai = seen.tracking_area_id.as_deref().and_then(|text| {
        let (network, number) = in_network(text, &[6, 4], network.as_ref())?;
        Some(Tai {
            plmn_id: network,
            tac: number.parse().ok()?,
            nid: None,
        })
    });
    let network = network.map(|PlmnId { mcc, mnc }| PlmnIdNid { mcc, mnc, nid: None });
    Some(Place { cell, tai, network }).filter(Place::is_known)
}

/// The parts of an identifier, without the word in front.
fn parts(text: &str) -> Vec<&str> {
    const WORDS: [&str; 7] = ["cgi", "ecgi", "ncgi", "tai", "plmn", "nr", "eutra"];
    let mut parts: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    if parts
        .first()
        .is_some_and(|first| WORDS.iter().any(|word| first.eq_ignore_ascii_case(word)))
    {
        parts.remove(0);
    }
    parts
}

/// Network and number of an identifier whose number has one of these lengths.
fn in_network<'a>(text: &'a str, lengths: &[usize], network: Option<&PlmnId>) -> Option<(PlmnId, &'a str)> {
    match *parts(text) {
        [mcc, mnc, number] if lengths.contains(&number.len()) => Some((network_of(mcc, mnc)?, number)),
        [network, number] if lengths.contains(&number.len()) => Some((plmn(network)?, number)),
        [number] if lengths.contains(&number.len()) => Some((network?.clone(), number)),
        [all] => {
            let fits = |length: &&usize| matches!(all.len().checked_sub(**length), Some(5 | 6));
            let at = all.len() - lengths.iter().find(fits)?;
            Some((plmn(all.get(..at)?)?, all.get(at..)?))
        }
        _ => None,
    }
}

fn plmn(text: &str) -> Option<PlmnId> {
    match *parts(text) {
        [mcc, mnc] => network_of(mcc, mnc),
        [all] => network_of(all.get(..3)?, all.get(3..)?),
        _ => None,
    }
}

fn network_of(mcc: &str, mnc: &str) -> Option<PlmnId> {
    Some(PlmnId {
        mcc: mcc.parse().ok()?,
        mnc: mnc.parse().ok()?,
    })
}
