//! What a profile is indexed by, and which terms a question asks for. Narrowing may let too much through, never too little.

use super::{Selection, Snapshot};
use edgeapp_core::area::{Cell, Place};
use edgeapp_openapi::{
    common::PlmnId,
    eas_discovery::EasCharacteristics,
    eas_registration::{EasCategory, EasProfile},
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{AcId, BundleId, Dnai, EasId, ProviderId},
    location::{EutraCellId, NrCellId, ServiceArea, Tac},
};
use roaring::RoaringBitmap;
use std::borrow::Cow;

/// Candidates so few that the rules are cheaper than narrowing further. Tests narrow to the end.
const FEW: u64 = if cfg!(test) { 1 } else { 16 };

/// Something that EASs are looked up by. Networks stand without their `nid`: the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Term {
    Application(EasId),
    Ac(AcId),
    AnyAc,
    Category(EasCategory),
    OwnCategory(String),
    Provider(ProviderId),
    Feature(String),
    Permission(String),
    Bundle(BundleId),
    Scenario(AcrScenario),
    Dnai(Dnai),
    Synchronized,
    /// No topological area: everywhere, or on the globe.
    NoTopology,
    Network(PlmnId),
    Tracking(PlmnId, Tac),
    Nr(PlmnId, NrCellId),
    Eutra(PlmnId, EutraCellId),
    /// A name at which it is found.
    Name(Box<str>),
    /// A name that such a name is below.
    Above(Box<str>),
}

/// The terms of the names at which an EAS is found.
pub(super) fn terms_of_names(names: &[String]) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for name in names {
        let mut below = name.as_str();
        while let Some((_, above)) = below.split_once('.') {
            let term = Term::Above(above.into());
            if !terms.contains(&term) {
                terms.push(term);
            }
            below = above;
        }
        terms.push(Term::Name(name.as_str().into()));
    }
    terms
}

/// All terms of a profile, each once.
pub(super) fn terms_of(profile: &EasProfile) -> Vec<Term> {
    let mut terms = vec![Term::Application(profile.eas_id.clone())];
    if profile.ac_ids.is_empty() {
        terms.push(Term::AnyAc);
    }
    terms.extend(profile.ac_ids.iter().cloned().map(Term::Ac));
    terms.extend(profile.eas_type.clone().map(Term::Category));
    terms.extend(profile.flex_eas_type.clone().map(Term::OwnCategory));
    terms.extend(profile.prov_id.clone().map(Term::Provider));
    terms.extend(profile.eas_feats.iter().cloned().map(Term::Feature));
    terms.extend(
        profile
            .perm_lvl
            .iter()
            .map(|level| Term::Permission(level.as_str().to_owned())),
    );
    terms.extend(
        profile
            .eas_bdl_infos
            .iter()
            .filter_map(|bundle| bundle.bdl_id.clone())
            .map(Term::Bundle),
    );
    terms.extend(profile.svc_cont_supp.iter().cloned().map(Term::Scenario));
    terms.extend(profile.app_locs.iter().map(|place| Term::Dnai(place.dnai.clone())));
    terms.extend(profile.eas_sync_supp.then_some(Term::Synchronized));
    area_terms(profile.svc_area.as_ref(), &mut terms);
    if terms.len() > 8 {
        let mut seen = std::collections::HashSet::with_capacity(terms.len());
        terms.retain(|term| seen.insert(term.clone()));
    }
    terms
}

fn area_terms(area: Option<&ServiceArea>, terms: &mut Vec<Term>) {
    let before = terms.len();
    if let Some(top) = area.and_then(|area| area.top_serv_ar.as_ref()) {
        terms.extend(top.plmn_ids.iter().map(|network| {
            Term::Network(PlmnId {
                mcc: network.mcc.clone(),
                mnc: network.mnc.clone(),
            })
        }));
        terms.extend(
            top.tais
                .iter()
                .map(|tai| Term::Tracking(tai.plmn_id.clone(), tai.tac.clone())),
        );
        terms.extend(
            top.ncgis
                .iter()
                .map(|cell| Term::Nr(cell.plmn_id.clone(), cell.nr_cell_id.clone())),
        );
        terms.extend(
            top.ecgis
                .iter()
                .map(|cell| Term::Eutra(cell.plmn_id.clone(), cell.eutra_cell_id.clone())),
        );
    }
    if terms.len() == before {
        terms.push(Term::NoTopology);
    }
}

/// Candidates: some numbers, or all of them.
#[derive(Clone, Debug)]
pub(super) enum Narrowed<'a> {
    All,
    To(Cow<'a, RoaringBitmap>),
}

impl<'a> Narrowed<'a> {
    fn is_narrow(&self) -> bool {
        matches!(self, Self::To(numbers) if numbers.len() <= FEW)
    }

    /// Those that `other` lets through too; not asked when there are few already.
    fn and(self, other: impl FnOnce() -> Narrowed<'a>) -> Self {
        if self.is_narrow() {
            return self;
        }
        match (self, other()) {
            (Self::All, other) => other,
            (one, Self::All) => one,
            (Self::To(one), Self::To(other)) => Self::To(Cow::Owned(one.as_ref() & other.as_ref())),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::To(one), Self::To(other)) if one.is_empty() => Self::To(other),
            (Self::To(one), Self::To(other)) if other.is_empty() => Self::To(one),
            (Self::To(one), Self::To(other)) => Self::To(Cow::Owned(one.as_ref() | other.as_ref())),
        }
    }
}

/// The union of what some alternatives let through; without alternatives nothing is asked.
fn any<'a>(alternatives: impl IntoIterator<Item = Narrowed<'a>>) -> Narrowed<'a> {
    alternatives.into_iter().reduce(Narrowed::or).unwrap_or(Narrowed::All)
}

impl Snapshot {
    fn with(&self, term: &Term) -> Narrowed<'_> {
        Narrowed::To(self.numbers(term))
    }

    fn with_some<T: Clone>(&self, wanted: Option<&T>, term: fn(T) -> Term) -> Narrowed<'_> {
        wanted.map_or(Narrowed::All, |wanted| self.with(&term(wanted.clone())))
    }

    fn with_any<T: Clone>(&self, wanted: &[T], term: fn(T) -> Term) -> Narrowed<'_> {
        any(wanted.iter().map(|wanted| self.with(&term(wanted.clone()))))
    }

    fn like(&self, like: &EasCharacteristics) -> Narrowed<'_> {
        let bundle = like
            .eas_bundle_info
            .as_ref()
            .filter(|bundle| bundle.eas_ids_list.is_empty());
        let narrowed = self
            .with_some(like.eas_id.as_ref(), Term::Application)
            .and(|| self.with_some(like.eas_prov_id.as_ref(), Term::Provider))
            .and(|| self.with_some(like.eas_type.as_ref(), Term::OwnCategory))
            .and(|| self.with_some(like.std_eas_type.as_ref(), Term::Category))
            .and(|| self.with_some(bundle.and_then(|bundle| bundle.bdl_id.as_ref()), Term::Bundle))
            .and(|| {
                if like.eas_sync_ind {
                    self.with(&Term::Synchronized)
                } else {
                    Narrowed::All
                }
            })
            .and(|| self.with_any(&like.eas_svc_continuity, Term::Scenario))
            .and(|| self.with_some(like.svc_perm_level.as_ref(), Term::Permission));
        like.svc_feats.iter().fold(narrowed, |narrowed, feature| {
            narrowed.and(|| self.with(&Term::Feature(feature.clone())))
        })
    }

    fn serving(&self, ac: &AcProfile) -> Narrowed<'_> {
        any(ac
            .eass
            .iter()
            .map(|detail| self.with(&Term::Application(detail.eas_id.clone()))))
        .and(|| self.with(&Term::Ac(ac.ac_id.clone())).or(self.with(&Term::AnyAc)))
        .and(|| self.with_any(&ac.ac_svc_cont_supp, Term::Scenario))
    }

    /// Only where cell and tracking area are both known can the topological index tell what is outside.
    fn at(&self, place: &Place) -> Narrowed<'_> {
        let (Some(cell), Some(tai)) = (&place.cell, &place.tai) else {
            return Narrowed::All;
        };
        let (network, cell) = match cell {
            Cell::Nr(cell) => (&cell.plmn_id, Term::Nr(cell.plmn_id.clone(), cell.nr_cell_id.clone())),
            Cell::Eutra(cell) => (
                &cell.plmn_id,
                Term::Eutra(cell.plmn_id.clone(), cell.eutra_cell_id.clone()),
            ),
            Cell::Node(_) => return Narrowed::All,
        };
        let other_network = place.network.as_ref().map(|network| PlmnId {
            mcc: network.mcc.clone(),
            mnc: network.mnc.clone(),
        });
        let tracking = Term::Tracking(tai.plmn_id.clone(), tai.tac.clone());
        let networks = [Some(network), Some(&tai.plmn_id), other_network.as_ref()];
        let networks = networks
            .into_iter()
            .flatten()
            .map(|network| Term::Network(network.clone()));
        any([Term::NoTopology, cell, tracking]
            .into_iter()
            .chain(networks)
            .map(|term| self.with(&term)))
    }

    /// Numbers that hold every EAS that fits.
    pub(super) fn narrowed(&self, wanted: &Selection) -> Narrowed<'_> {
        self.with_some(wanted.eas_id.as_ref(), Term::Application)
            .and(|| self.with_some(wanted.group.as_ref().map(|group| &group.eas_id), Term::Application))
            .and(|| any(wanted.eas_chars.iter().map(|like| self.like(like))))
            .and(|| any(wanted.ac_profiles.iter().map(|ac| self.serving(ac))))
            .and(|| self.with_some(wanted.dnai.as_ref(), Term::Dnai))
            .and(|| match &wanted.scenarios {
                Some(scenarios) if scenarios.is_empty() => Narrowed::To(Cow::Owned(RoaringBitmap::new())),
                Some(scenarios) => self.with_any(scenarios, Term::Scenario),
                None => Narrowed::All,
            })
            .and(|| any(wanted.position.places.iter().map(|place| self.at(place))))
    }
}
