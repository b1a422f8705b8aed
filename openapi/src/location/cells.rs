//! Cells, tracking areas and radio nodes (TS 29.571 clause 5.4.4).

use crate::common::{Nid, PlmnId};
use crate::network::hex;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

text!(any_case
    /// E-UTRA cell within a network: seven hexadecimal digits.
    EutraCellId,
    r"^[A-Fa-f0-9]{7}$",
    |value| hex(value, 7, 7),
    "must be seven hexadecimal digits"
);
text!(any_case
    /// NR cell within a network: nine hexadecimal digits.
    NrCellId,
    r"^[A-Fa-f0-9]{9}$",
    |value| hex(value, 9, 9),
    "must be nine hexadecimal digits"
);
text!(any_case
    /// Tracking area within a network: four hexadecimal digits in EPS, six in 5GS.
    Tac,
    r"(^[A-Fa-f0-9]{4}$)|(^[A-Fa-f0-9]{6}$)",
    |value| hex(value, 4, 4) || hex(value, 6, 6),
    "must be four or six hexadecimal digits"
);

/// An E-UTRA cell anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ecgi {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `eutraCellId`: the cell within the network.
    pub eutra_cell_id: EutraCellId,
    /// `nid`: present for a stand-alone non-public network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nid: Option<Nid>,
}

/// An NR cell anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ncgi {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `nrCellId`: the cell within the network.
    pub nr_cell_id: NrCellId,
    /// `nid`: present for a stand-alone non-public network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nid: Option<Nid>,
}

/// A tracking area anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tai {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `tac`: the tracking area within the network.
    pub tac: Tac,
    /// `nid`: present for a stand-alone non-public network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nid: Option<Nid>,
}

text!(any_case
    /// A gateway towards access outside 3GPP (N3IWF, W-AGF, TNGF) within a network: hexadecimal digits.
    GatewayId,
    r"^[A-Fa-f0-9]+$",
    |value| hex(value, 1, 64),
    "must be hexadecimal digits"
);
text!(any_case
    /// An ng-eNB within a network: `MacroNGeNB-`, `LMacroNGeNB-` or `SMacroNGeNB-` and hexadecimal digits.
    NgeNbId,
    r"^(MacroNGeNB-[A-Fa-f0-9]{5}|LMacroNGeNB-[A-Fa-f0-9]{6}|SMacroNGeNB-[A-Fa-f0-9]{5})$",
    |value| kind_and_hex(value, &[("MacroNGeNB", 5), ("LMacroNGeNB", 6), ("SMacroNGeNB", 5)]),
    "must be an ng-eNB identifier, such as MacroNGeNB-0000a"
);
text!(any_case
    /// An eNB within a network: `MacroeNB-`, `LMacroeNB-`, `SMacroeNB-` or `HomeeNB-` and hexadecimal digits.
    ENbId,
    r"^(MacroeNB-[A-Fa-f0-9]{5}|LMacroeNB-[A-Fa-f0-9]{6}|SMacroeNB-[A-Fa-f0-9]{5}|HomeeNB-[A-Fa-f0-9]{7})$",
    |value| kind_and_hex(value, &[("MacroeNB", 5), ("LMacroeNB", 6), ("SMacroeNB", 5), ("HomeeNB", 7)]),
    "must be an eNB identifier, such as MacroeNB-0000a"
);
text!(any_case
    /// The number of a gNB: six to eight hexadecimal digits.
    GnbValue,
    r"^[A-Fa-f0-9]{6,8}$",
    |value| hex(value, 6, 8),
    "must be six to eight hexadecimal digits"
);

fn kind_and_hex(value: &str, kinds: &[(&str, usize)]) -> bool {
    value.split_once('-').is_some_and(|(kind, number)| {
        kinds
            .iter()
            .any(|(known, length)| kind == *known && hex(number, *length, *length))
    })
}

/// A gNB within a network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GNbId {
    /// `bitLength`: how many bits of the number count, 22 to 32.
    #[serde(deserialize_with = "bit_length")]
    #[schema(minimum = 22, maximum = 32)]
    pub bit_length: u8,
    /// `gNBValue`: the number.
    #[serde(rename = "gNBValue")]
    pub value: GnbValue,
}

fn bit_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    crate::common::within(deserializer, 22.0, 32.0)
}

/// A radio node anywhere, which is one of six kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct GlobalRanNodeId {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `n3IwfId`: an N3IWF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub n3_iwf_id: Option<GatewayId>,
    /// `gNbId`: a gNB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub g_nb_id: Option<GNbId>,
    /// `ngeNbId`: an ng-eNB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nge_nb_id: Option<NgeNbId>,
    /// `wagfId`: a W-AGF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wagf_id: Option<GatewayId>,
    /// `tngfId`: a TNGF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tngf_id: Option<GatewayId>,
    /// `nid`: present for a stand-alone non-public network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nid: Option<Nid>,
    /// `eNbId`: an eNB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub e_nb_id: Option<ENbId>,
}

checked!(GlobalRanNodeId, |node| {
    let kinds = [
        node.n3_iwf_id.is_some(),
        node.g_nb_id.is_some(),
        node.nge_nb_id.is_some(),
        node.wagf_id.is_some(),
        node.tngf_id.is_some(),
        node.e_nb_id.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() == 1 {
        Ok(())
    } else {
        Err("must have exactly one of these members: n3IwfId gNbId ngeNbId wagfId tngfId eNbId")
    }
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const PLMN: &str = r#""plmnId": {"mcc": "001", "mnc": "01"}"#;

    #[test]
    fn areas_need_their_parts() {
        let text = format!(r#"{{{PLMN}, "tac": "00000a", "nid": "0000000000b"}}"#);
        let tai: Tai = same(&text);
        needs::<Tai>(&text, &["plmnId", "tac"]);
        needs::<Ecgi>(
            &format!(r#"{{{PLMN}, "eutraCellId": "000000a"}}"#),
            &["plmnId", "eutraCellId"],
        );
        needs::<Ncgi>(
            &format!(r#"{{{PLMN}, "nrCellId": "00000000a"}}"#),
            &["plmnId", "nrCellId"],
        );
        assert_eq!(tai.tac, "00000A".parse().unwrap());
        for bad in ["a", "00000", "00000g", "0000000"] {
            assert!(bad.parse::<Tac>().is_err(), "{bad}");
        }
    }

    #[test]
    fn node_is_of_one_kind() {
        for kind in [
            r#""n3IwfId": "a1""#,
            r#""gNbId": {"bitLength": 22, "gNBValue": "00000a"}"#,
            r#""ngeNbId": "SMacroNGeNB-0000a""#,
            r#""wagfId": "a1""#,
            r#""tngfId": "a1""#,
            r#""eNbId": "HomeeNB-000000a""#,
        ] {
            same::<GlobalRanNodeId>(&format!("{{{PLMN}, {kind}}}"));
            refused::<GlobalRanNodeId>(&format!("{{{kind}}}"));
        }
        refused::<GlobalRanNodeId>(&format!("{{{PLMN}}}"));
        refused::<GlobalRanNodeId>(&format!(r#"{{{PLMN}, "wagfId": "a1", "tngfId": "a1"}}"#));
        refused::<GNbId>(r#"{"bitLength": 21, "gNBValue": "00000a"}"#);
        needs::<GNbId>(
            r#"{"bitLength": 32, "gNBValue": "0000000a"}"#,
            &["bitLength", "gNBValue"],
        );
        assert!("MacroeNB-00000a".parse::<ENbId>().is_err());
    }
}
