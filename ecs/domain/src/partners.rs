//! Partner ECSs: who asks here but is served by another operator is sent there (TS 23.558 clauses 4.12 and 8.17; TS 24.558 clause
//! 8.1.5.2, `redirectedECS`). Nothing is forwarded: the EEC asks the partner itself.

use crate::selection::{Wish, allows};
use edgeapp_core::area::{self, Position};
use edgeapp_openapi::{
    common::{PlmnIdNid, Snssai},
    eas_registration::EndPoint,
    ids::{Dnn, EasId, ProviderId},
    location::{ServiceArea, TopologicalServiceArea},
    service_provisioning::EcsRedirectInfo,
};
use serde::{Deserialize, Serialize};

/// Another ECS, and whom it serves. All of what is said here has to be so; at least `plmn_ids` or `ecsp_ids` is needed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// `ecs_end_pt`: where EECs reach it: a table with one of `uri`, `fqdn`, `ipv4Addrs`, `ipv6Addrs`.
    pub ecs_end_pt: EndPoint,
    /// `dnn`: the data network to reach it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnn: Option<Dnn>,
    /// `snssai`: the slice to reach it through: a table with `sst` and, where there is one, `sd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snssai: Option<Snssai>,
    /// `plmn_ids`: the networks whose UEs it serves: tables with `mcc`, `mnc` and perhaps `nid`. A UE has to be known to be in one of
    /// them, by `connInfo` or by where it is. Without this key, EECs have to ask for one of `ecsp_ids`, wherever they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plmn_ids: Vec<PlmnIdNid>,
    /// `ecsp_ids`: the providers whose EESs it knows. An EEC that asks for certain providers has to ask for one of these; without this
    /// key, any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ecsp_ids: Vec<ProviderId>,
    /// `eas_ids`: the applications that it has. An EEC that asks for certain applications has to ask for one of these; without this
    /// key, any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eas_ids: Vec<EasId>,
    /// `area`: where UEs have to be; written as that of an `[[edn]]`, and anywhere without this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<ServiceArea>,
}

/// Why descriptions of partners cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartnerConflict {
    /// Nothing says whom this one serves.
    ServesNobody(usize),
    /// The address of this one is no https URI.
    NotHttps(usize),
    /// These two are told to EECs alike and have the same networks and providers.
    Twice(usize, usize),
}

impl std::fmt::Display for PartnerConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ServesNobody(n) => write!(f, "number {n} names neither plmn_ids nor ecsp_ids; add whom it serves"),
            Self::NotHttps(n) => write!(f, "the uri in ecs_end_pt of number {n} must begin with https://"),
            Self::Twice(one, other) => {
                write!(
                    f,
                    "numbers {one} and {other} describe the same partner for the same networks and providers; keep one"
                )
            }
        }
    }
}

impl std::error::Error for PartnerConflict {}

impl Partner {
    fn told(&self) -> EcsRedirectInfo {
        EcsRedirectInfo {
            ecs_end_pt: self.ecs_end_pt.clone(),
            dnn: self.dnn.clone(),
            snssai: self.snssai.clone(),
        }
    }

    fn is_asked_for(&self, wish: &Wish<'_>) -> bool {
        self.ecsp_ids.iter().any(|provider| wish.ecsps.contains(provider))
    }

    fn has(&self, wish: &Wish<'_>) -> bool {
        let wants_one = |eas_ids: &[&EasId]| eas_ids.iter().any(|eas| self.eas_ids.contains(eas));
        self.eas_ids.is_empty()
            || wish.needs.is_empty()
            || wish
                .needs
                .iter()
                .any(|need| (need.eas_ids.is_empty() && need.bundles.is_empty()) || wants_one(&need.eas_ids))
    }

    /// Whether who has this wish is sent there; `networks` is the area of its networks, `at` where the UE is said to be.
    fn serves(&self, networks: &ServiceArea, wish: &Wish<'_>, at: &[Position]) -> bool {
        let concerned = if self.plmn_ids.is_empty() {
            self.is_asked_for(wish)
        } else {
            // An area that lists nothing is everywhere; this one lists something.
            let inside = at.iter().any(|position| area::contains(networks, position).only_yes());
            inside && (wish.ecsps.is_empty() || self.ecsp_ids.is_empty() || self.is_asked_for(wish))
        };
        let within = |area| allows(wish, area::contains(area, &wish.position));
        concerned && self.has(wish) && self.area.as_ref().is_none_or(within)
    }
}

/// All partners that were described.
#[derive(Clone, Debug, Default)]
pub struct Partners(Vec<(Partner, ServiceArea)>);

impl Partners {
    /// These partners.
    ///
    /// # Errors
    /// See [`PartnerConflict`]; partners are counted from 1.
    pub fn new(all: Vec<Partner>) -> Result<Self, PartnerConflict> {
        for (n, partner) in all.iter().enumerate() {
            if partner.plmn_ids.is_empty() && partner.ecsp_ids.is_empty() {
                return Err(PartnerConflict::ServesNobody(n + 1));
            }
            if matches!(&partner.ecs_end_pt, EndPoint::Uri(uri) if !uri.as_str().starts_with("https://")) {
                return Err(PartnerConflict::NotHttps(n + 1));
            }
            let same = |other: &Partner| {
                (other.told(), &other.plmn_ids, &other.ecsp_ids)
                    == (partner.told(), &partner.plmn_ids, &partner.ecsp_ids)
            };
            if let Some(other) = all[..n].iter().position(same) {
                return Err(PartnerConflict::Twice(other + 1, n + 1));
            }
        }
        let with_area = |partner: Partner| {
            let networks = TopologicalServiceArea {
                plmn_ids: partner.plmn_ids.clone(),
                ..TopologicalServiceArea::default()
            };
            let area = ServiceArea {
                top_serv_ar: Some(networks),
                ..ServiceArea::default()
            };
            (partner, area)
        };
        Ok(Self(all.into_iter().map(with_area).collect()))
    }

    /// The descriptions.
    pub fn all(&self) -> impl Iterator<Item = &Partner> {
        self.0.iter().map(|(partner, _)| partner)
    }

    /// Where who has this wish is sent, in the order of the configuration, each address once. `at` are the places where the UE is said
    /// to be.
    pub fn serving(&self, wish: &Wish<'_>, at: &[Position]) -> Vec<EcsRedirectInfo> {
        let mut told: Vec<EcsRedirectInfo> = Vec::new();
        for (partner, networks) in &self.0 {
            if partner.serves(networks, wish, at) {
                let address = partner.told();
                if !told.contains(&address) {
                    told.push(address);
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::Need;
    use serde_json::{Value, json};

    fn partners(all: Value) -> Result<Partners, PartnerConflict> {
        Partners::new(serde_json::from_value(all).expect("partners"))
    }

    fn network(mnc: &str) -> Position {
        Position::of_network(serde_json::from_value(json!({"mcc": "001", "mnc": mnc})).expect("a network"))
    }

    fn told(partners: &Partners, wish: &Wish<'_>, at: &[Position]) -> Vec<Value> {
        let told = partners.serving(wish, at);
        told.iter()
            .map(|one| serde_json::to_value(one).expect("JSON")["ecsEndPt"]["fqdn"].clone())
            .collect()
    }

    const PLMN_B: &str = r#"[{"mcc": "001", "mnc": "02"}]"#;

    fn plmn_b() -> Value {
        serde_json::from_str(PLMN_B).expect("JSON")
    }

    #[test]
    fn a_ue_has_to_be_known_to_be_in_the_network_of_a_partner() {
        let partners =
            partners(json!([{"ecs_end_pt": {"fqdn": "ecs.b.example"}, "plmn_ids": plmn_b()}])).expect("accepted");
        let any = Wish::default();
        assert_eq!(told(&partners, &any, &[network("02")]), ["ecs.b.example"]);
        assert_eq!(
            told(&partners, &any, &[network("01"), network("02")]),
            ["ecs.b.example"],
            "connected to both"
        );
        assert!(told(&partners, &any, &[network("01")]).is_empty());
        assert!(told(&partners, &any, &[]).is_empty(), "nobody knows where it is");
        assert!(told(&partners, &any, &[Position::default()]).is_empty());
    }

    #[test]
    fn providers_and_applications_narrow_it() {
        let partners = partners(json!([
            {"ecs_end_pt": {"fqdn": "ecs.b.example"}, "plmn_ids": plmn_b(), "ecsp_ids": ["p-b"], "eas_ids": ["eas.chess"]},
            {"ecs_end_pt": {"fqdn": "ecs.c.example"}, "ecsp_ids": ["p-c"]},
        ]))
        .expect("accepted");
        let (chess, go) = ("eas.chess".parse().expect("an id"), "eas.go".parse().expect("an id"));
        let of = |eas| Need {
            eas_ids: vec![eas],
            ..Need::default()
        };
        let (p_b, p_c): (ProviderId, ProviderId) = ("p-b".parse().expect("an id"), "p-c".parse().expect("an id"));
        let (only_b, only_c, both) = ([p_b.clone()], [p_c.clone()], [p_b, p_c]);
        let there = [network("02")];
        for (ecsps, needs, expected) in [
            (&[][..], vec![], vec!["ecs.b.example"]),
            (&[][..], vec![of(&chess)], vec!["ecs.b.example"]),
            (&[][..], vec![of(&go)], vec![]),
            (&[][..], vec![of(&go), of(&chess)], vec!["ecs.b.example"]),
            (&[][..], vec![Need::default()], vec!["ecs.b.example"]),
            (&only_b[..], vec![], vec!["ecs.b.example"]),
            (&only_c[..], vec![], vec!["ecs.c.example"]),
            (&both[..], vec![of(&go)], vec!["ecs.c.example"]),
        ] {
            let wish = Wish {
                ecsps,
                needs,
                ..Wish::default()
            };
            assert_eq!(told(&partners, &wish, &there), expected, "{wish:?}");
        }
        let elsewhere = Wish {
            ecsps: &both,
            ..Wish::default()
        };
        assert_eq!(
            told(&partners, &elsewhere, &[]),
            ["ecs.c.example"],
            "a provider is asked for wherever the UE is"
        );
    }

    #[test]
    fn an_area_narrows_it_further() {
        let area = json!({"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "02"}, "tac": "000001"}]}});
        let partners = partners(json!([{"ecs_end_pt": {"fqdn": "ecs.b.example"}, "plmn_ids": plmn_b(), "area": area}]));
        let partners = partners.expect("accepted");
        let in_area = |tac: &str, strict_areas| {
            let seen = json!({"trackingAreaId": format!("001-02-{tac}")});
            let position = Position::of_ue(&serde_json::from_value(seen).expect("a location"));
            let wish = Wish {
                position: position.clone(),
                strict_areas,
                ..Wish::default()
            };
            told(&partners, &wish, &[position]).len()
        };
        assert_eq!((in_area("000001", true), in_area("000002", false)), (1, 0));
        let somewhere = |strict_areas| Wish {
            position: network("02"),
            strict_areas,
            ..Wish::default()
        };
        assert_eq!(told(&partners, &somewhere(false), &[network("02")]), ["ecs.b.example"]);
        assert!(told(&partners, &somewhere(true), &[network("02")]).is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refusal = |all| partners(all).expect_err("refused");
        let one = json!({"ecs_end_pt": {"fqdn": "ecs.b.example"}, "plmn_ids": plmn_b()});
        assert_eq!(
            refusal(json!([{"ecs_end_pt": {"fqdn": "ecs.b.example"}}])),
            PartnerConflict::ServesNobody(1)
        );
        let plain = json!({"ecs_end_pt": {"uri": "http://b.example"}, "ecsp_ids": ["p"]});
        assert_eq!(refusal(json!([one, plain])), PartnerConflict::NotHttps(2));
        assert_eq!(refusal(json!([one, one])), PartnerConflict::Twice(1, 2));
        serde_json::from_value::<Partner>(json!({"ecs_end_pt": {"fqdn": "ecs.b.example"}, "plmns": []}))
            .expect_err("unknown key");
        let mut other = one.clone();
        other["dnn"] = "through-b".into();
        let both = partners(json!([one, other])).expect("two ways to one partner");
        assert_eq!(told(&both, &Wish::default(), &[network("02")]).len(), 2);
    }
}
