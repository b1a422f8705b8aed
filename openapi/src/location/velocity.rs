//! How a UE moves (TS 29.572 clause 6.1.6.2).

use super::shapes::angle;
use crate::common::{Number, within};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

fn speed<'de, D: Deserializer<'de>, T: Deserialize<'de> + Number>(from: D) -> Result<T, D::Error> {
    within(from, 0.0, 2047.0)
}

fn slow<'de, D: Deserializer<'de>, T: Deserialize<'de> + Number>(from: D) -> Result<T, D::Error> {
    within(from, 0.0, 255.0)
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerticalDirection {
    /// Up.
    Upward,
    /// Down.
    Downward,
}

/// How a UE moves in the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalVelocity {
    /// `hSpeed`: km/h, 0 to 2047.
    #[serde(deserialize_with = "speed")]
    #[schema(minimum = 0, maximum = 2047)]
    pub h_speed: f64,
    /// `bearing`: degrees clockwise from north, 0 to 360.
    #[serde(deserialize_with = "angle")]
    #[schema(minimum = 0, maximum = 360)]
    pub bearing: u16,
}

/// How a UE moves in space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalWithVerticalVelocity {
    /// `hSpeed`: km/h in the plane, 0 to 2047.
    #[serde(deserialize_with = "speed")]
    #[schema(minimum = 0, maximum = 2047)]
    pub h_speed: f64,
    /// `bearing`: degrees clockwise from north, 0 to 360.
    #[serde(deserialize_with = "angle")]
    #[schema(minimum = 0, maximum = 360)]
    pub bearing: u16,
    /// `vSpeed`: km/h up or down, 0 to 255.
    #[serde(deserialize_with = "slow")]
    #[schema(minimum = 0, maximum = 255)]
    pub v_speed: f64,
    /// `vDirection`: up or down.
    pub v_direction: VerticalDirection,
}

/// How a UE moves in the plane, with the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalVelocityWithUncertainty {
    /// `hSpeed`: km/h, 0 to 2047.
    #[serde(deserialize_with = "speed")]
    #[schema(minimum = 0, maximum = 2047)]
    pub h_speed: f64,
    /// `bearing`: degrees clockwise from north, 0 to 360.
    #[serde(deserialize_with = "angle")]
    #[schema(minimum = 0, maximum = 360)]
    pub bearing: u16,
    /// `hUncertainty`: by how many km/h the speed may be wrong, 0 to 255.
    #[serde(deserialize_with = "slow")]
    #[schema(minimum = 0, maximum = 255)]
    pub h_uncertainty: f64,
}

/// How a UE moves in space, with the errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HorizontalWithVerticalVelocityAndUncertainty {
    /// `hSpeed`: km/h in the plane, 0 to 2047.
    #[serde(deserialize_with = "speed")]
    #[schema(minimum = 0, maximum = 2047)]
    pub h_speed: f64,
    /// `bearing`: degrees clockwise from north, 0 to 360.
    #[serde(deserialize_with = "angle")]
    #[schema(minimum = 0, maximum = 360)]
    pub bearing: u16,
    /// `vSpeed`: km/h up or down, 0 to 255.
    #[serde(deserialize_with = "slow")]
    #[schema(minimum = 0, maximum = 255)]
    pub v_speed: f64,
    /// `vDirection`: up or down.
    pub v_direction: VerticalDirection,
    /// `hUncertainty`: by how many km/h the speed in the plane may be wrong, 0 to 255.
    #[serde(deserialize_with = "slow")]
    #[schema(minimum = 0, maximum = 255)]
    pub h_uncertainty: f64,
    /// `vUncertainty`: by how many km/h the speed up or down may be wrong, 0 to 255.
    #[serde(deserialize_with = "slow")]
    #[schema(minimum = 0, maximum = 255)]
    pub v_uncertainty: f64,
}

/// How a UE moves: the members that are there tell which of four forms it is (TS 29.572 clause 6.1.6.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "VelocityMembers")]
pub enum VelocityEstimate {
    /// In the plane.
    Horizontal(HorizontalVelocity),
    /// In space.
    HorizontalWithVertical(HorizontalWithVerticalVelocity),
    /// In the plane, with the error.
    HorizontalWithUncertainty(HorizontalVelocityWithUncertainty),
    /// In space, with the errors.
    HorizontalWithVerticalAndUncertainty(HorizontalWithVerticalVelocityAndUncertainty),
}

/// The members of all forms of [`VelocityEstimate`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct VelocityMembers {
    #[serde(deserialize_with = "speed")]
    h_speed: f64,
    #[serde(deserialize_with = "angle")]
    bearing: u16,
    #[serde(default, deserialize_with = "slow")]
    v_speed: Option<f64>,
    v_direction: Option<VerticalDirection>,
    #[serde(default, deserialize_with = "slow")]
    h_uncertainty: Option<f64>,
    #[serde(default, deserialize_with = "slow")]
    v_uncertainty: Option<f64>,
}

impl TryFrom<VelocityMembers> for VelocityEstimate {
    type Error = &'static str;
    fn try_from(members: VelocityMembers) -> Result<Self, Self::Error> {
        let VelocityMembers {
            h_speed,
            bearing,
            v_speed,
            v_direction,
            h_uncertainty,
            v_uncertainty,
        } = members;
        match (v_speed.zip(v_direction), h_uncertainty, v_uncertainty) {
            (None, ..) if v_speed.is_some() || v_direction.is_some() => Err("must have vSpeed and vDirection together"),
            (None, None, None) => Ok(Self::Horizontal(HorizontalVelocity { h_speed, bearing })),
            (None, Some(h_uncertainty), None) => {
                Ok(Self::HorizontalWithUncertainty(HorizontalVelocityWithUncertainty {
                    h_speed,
                    bearing,
                    h_uncertainty,
                }))
            }
            (Some((v_speed, v_direction)), None, None) => {
                Ok(Self::HorizontalWithVertical(HorizontalWithVerticalVelocity {
                    h_speed,
                    bearing,
                    v_speed,
                    v_direction,
                }))
            }
            (Some((v_speed, v_direction)), Some(h_uncertainty), Some(v_uncertainty)) => Ok(
                Self::HorizontalWithVerticalAndUncertainty(HorizontalWithVerticalVelocityAndUncertainty {
                    h_speed,
                    bearing,
                    v_speed,
                    v_direction,
                    h_uncertainty,
                    v_uncertainty,
                }),
            ),
            _ => Err("must have an uncertainty for each speed or for none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn velocity_has_four_forms() {
        let plane = r#""hSpeed": 5.0, "bearing": 90"#;
        let up = r#""vSpeed": 1.0, "vDirection": "UPWARD""#;
        for (text, form) in [
            (format!("{{{plane}}}"), "Horizontal("),
            (format!("{{{plane}, {up}}}"), "HorizontalWithVertical("),
            (
                format!(r#"{{{plane}, "hUncertainty": 1.0}}"#),
                "HorizontalWithUncertainty(",
            ),
            (
                format!(r#"{{{plane}, {up}, "hUncertainty": 1.0, "vUncertainty": 0.5}}"#),
                "HorizontalWithVerticalAndUncertainty(",
            ),
        ] {
            let velocity: VelocityEstimate = same(&text);
            assert!(format!("{velocity:?}").starts_with(form), "{velocity:?}");
        }
        for rest in [
            r#""vSpeed": 1"#,
            r#""vDirection": "UPWARD""#,
            r#""vUncertainty": 1"#,
            r#""vSpeed": 1, "vDirection": "UPWARD", "hUncertainty": 1"#,
            r#""vSpeed": 1, "vDirection": "SIDEWAYS""#,
            r#""hUncertainty": 256"#,
        ] {
            refused::<VelocityEstimate>(&format!("{{{plane}, {rest}}}"));
        }
        refused::<VelocityEstimate>(r#"{"hSpeed": 2048, "bearing": 90}"#);
        refused::<VelocityEstimate>(r#"{"hSpeed": 5}"#);
        refused::<VelocityEstimate>(r#"{"bearing": 5}"#);
    }
}
