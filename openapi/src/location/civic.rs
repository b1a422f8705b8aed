//! Addresses for people (TS 29.572 clause 6.1.6.2, RFC 4776).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An address for people, from the country down to the seat. The names are those of RFC 4776 and RFC 5139.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE", default)]
pub struct CivicAddress {
    /// `country`: the country, two letters of ISO 3166-1.
    #[serde(rename = "country", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub country: Option<String>,
    /// `A1`: state, region or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a1: Option<String>,
    /// `A2`: county or district.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a2: Option<String>,
    /// `A3`: city or township.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a3: Option<String>,
    /// `A4`: city district or borough.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a4: Option<String>,
    /// `A5`: neighbourhood or block.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a5: Option<String>,
    /// `A6`: street, or a group of them below the neighbourhood.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub a6: Option<String>,
    /// `PRD`: direction before the street name, such as N.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prd: Option<String>,
    /// `POD`: direction after the street name, such as SW.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pod: Option<String>,
    /// `STS`: kind of street, such as Avenue.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sts: Option<String>,
    /// `HNO`: house number, digits only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hno: Option<String>,
    /// `HNS`: what follows the house number, such as A.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hns: Option<String>,
    /// `LMK`: landmark or well-known name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lmk: Option<String>,
    /// `LOC`: anything else that helps to find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub loc: Option<String>,
    /// `NAM`: name of who or what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nam: Option<String>,
    /// `PC`: postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pc: Option<String>,
    /// `BLD`: building.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bld: Option<String>,
    /// `UNIT`: unit, such as an apartment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub unit: Option<String>,
    /// `FLR`: floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flr: Option<String>,
    /// `ROOM`: room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub room: Option<String>,
    /// `PLC`: kind of place, such as office.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plc: Option<String>,
    /// `PCN`: community name for the post.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pcn: Option<String>,
    /// `POBOX`: post office box.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pobox: Option<String>,
    /// `ADDCODE`: further code of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub addcode: Option<String>,
    /// `SEAT`: seat or desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seat: Option<String>,
    /// `RD`: primary road.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rd: Option<String>,
    /// `RDSEC`: section of the road.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rdsec: Option<String>,
    /// `RDBR`: branch of the road.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rdbr: Option<String>,
    /// `RDSUBBR`: branch of the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rdsubbr: Option<String>,
    /// `PRM`: what comes before the road name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub prm: Option<String>,
    /// `POM`: what comes after the road name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pom: Option<String>,
    /// `usageRules`: what the receiver may do with the address.
    #[serde(rename = "usageRules", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub usage_rules: Option<String>,
    /// `method`: how the address was found.
    #[serde(rename = "method", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub method: Option<String>,
    /// `providedBy`: who says so.
    #[serde(rename = "providedBy", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provided_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn every_member_is_optional_and_keeps_its_name() {
        let names = [
            "country",
            "A1",
            "A2",
            "A3",
            "A4",
            "A5",
            "A6",
            "PRD",
            "POD",
            "STS",
            "HNO",
            "HNS",
            "LMK",
            "LOC",
            "NAM",
            "PC",
            "BLD",
            "UNIT",
            "FLR",
            "ROOM",
            "PLC",
            "PCN",
            "POBOX",
            "ADDCODE",
            "SEAT",
            "RD",
            "RDSEC",
            "RDBR",
            "RDSUBBR",
            "PRM",
            "POM",
            "usageRules",
            "method",
            "providedBy",
        ];
        let text = format!("{{{}}}", names.map(|name| format!(r#""{name}": "{name}!""#)).join(", "));
        let address: CivicAddress = same(&text);
        assert_eq!(address.rdsubbr.as_deref(), Some("RDSUBBR!"));
        assert_eq!(same::<CivicAddress>("{}"), CivicAddress::default());
        refused::<CivicAddress>(r#"{"HNO": 12}"#);
    }
}
