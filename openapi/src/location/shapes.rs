//! Shapes on the globe (TS 29.572 clause 6.1.6, TS 23.032).

use crate::common::{Number, within};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AnyOfBuilder, Object, ObjectBuilder, Schema, Type},
    },
};

/// Ranges of numbers that several members share, each a parser of `T` or `Option<T>`.
macro_rules! ranges {
    ($($(#[$meta:meta])* $name:ident = $least:literal to $most:expr;)+) => { $(
        $(#[$meta])*
        pub(super) fn $name<'de, D: Deserializer<'de>, T: Deserialize<'de> + Number>(from: D) -> Result<T, D::Error> {
            within(from, $least, $most)
        }
    )+ };
}
ranges! {
    /// Degrees east of Greenwich.
    longitude = -180.0 to 180.0;
    /// Degrees north of the equator.
    latitude = -90.0 to 90.0;
    /// Metres above the ellipsoid.
    altitude = -32767.0 to 32767.0;
    /// Degrees of a full circle.
    angle = 0.0 to 360.0;
    /// Degrees of half a circle: the axis of an ellipse has no direction.
    orientation = 0.0 to 180.0;
    /// Per cent.
    confidence = 0.0 to 100.0;
    /// Metres, where the standard only forbids negative numbers.
    metres = 0.0 to f64::MAX;
    /// Metres to the inner edge of an arc.
    inner_radius = 0.0 to 327675.0;
}

/// A point on the globe, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GeographicalCoordinates {
    /// `lon`: degrees east, -180 to 180.
    #[serde(deserialize_with = "longitude")]
    #[schema(minimum = -180, maximum = 180)]
    pub lon: f64,
    /// `lat`: degrees north, -90 to 90.
    #[serde(deserialize_with = "latitude")]
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
}

/// An ellipse around a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UncertaintyEllipse {
    /// `semiMajor`: half the long axis, in metres.
    #[serde(deserialize_with = "metres")]
    #[schema(minimum = 0)]
    pub semi_major: f64,
    /// `semiMinor`: half the short axis, in metres.
    #[serde(deserialize_with = "metres")]
    #[schema(minimum = 0)]
    pub semi_minor: f64,
    /// `orientationMajor`: degrees clockwise from north to the long axis, 0 to 180.
    #[serde(deserialize_with = "orientation")]
    #[schema(minimum = 0, maximum = 180)]
    pub orientation_major: u16,
}

open_enum!(
    /// The shapes of TS 23.032 (TS 29.572 clause 6.1.6.3); [`GeographicArea`] has the first seven of them.
    SupportedGadShapes as "SupportedGADShapes" {
        /// A point.
        Point = "POINT",
        /// A circle.
        PointUncertaintyCircle = "POINT_UNCERTAINTY_CIRCLE",
        /// An ellipse.
        PointUncertaintyEllipse = "POINT_UNCERTAINTY_ELLIPSE",
        /// A polygon.
        Polygon = "POLYGON",
        /// A point with its altitude.
        PointAltitude = "POINT_ALTITUDE",
        /// An ellipsoid.
        PointAltitudeUncertainty = "POINT_ALTITUDE_UNCERTAINTY",
        /// Part of a ring.
        EllipsoidArc = "ELLIPSOID_ARC",
        /// An ellipse in local coordinates.
        Local2dPointUncertaintyEllipse = "LOCAL_2D_POINT_UNCERTAINTY_ELLIPSE",
        /// An ellipsoid in local coordinates.
        Local3dPointUncertaintyEllipsoid = "LOCAL_3D_POINT_UNCERTAINTY_ELLIPSOID",
        /// A distance and a direction.
        DistanceDirection = "DISTANCE_DIRECTION",
        /// An ellipse relative to another UE.
        Relative2dLocationUncertaintyEllipse = "RELATIVE_2D_LOCATION_UNCERTAINTY_ELLIPSE",
        /// An ellipsoid relative to another UE.
        Relative3dLocationUncertaintyEllipsoid = "RELATIVE_3D_LOCATION_UNCERTAINTY_ELLIPSOID",
    }
);

/// An area on the globe: one of seven shapes, told apart by the member `shape` (TS 29.572 clause 6.1.6.2).
///
/// The members that a shape needs have to be there, others are ignored. A `shape` that is none of the seven is refused:
/// there is nothing to hold its members.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "shape", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum GeographicArea {
    /// `POINT`.
    Point {
        /// `point`: the point.
        point: GeographicalCoordinates,
    },
    /// `POINT_UNCERTAINTY_CIRCLE`: a circle.
    PointUncertaintyCircle {
        /// `point`: its centre.
        point: GeographicalCoordinates,
        /// `uncertainty`: its radius in metres.
        uncertainty: f64,
    },
    /// `POINT_UNCERTAINTY_ELLIPSE`: an ellipse.
    PointUncertaintyEllipse {
        /// `point`: its centre.
        point: GeographicalCoordinates,
        /// `uncertaintyEllipse`: its axes.
        uncertainty_ellipse: UncertaintyEllipse,
        /// `confidence`: how likely what is meant lies inside, per cent.
        confidence: u8,
    },
    /// `POLYGON`.
    Polygon {
        /// `pointList`: its corners, 3 to 15.
        point_list: Vec<GeographicalCoordinates>,
    },
    /// `POINT_ALTITUDE`: a point in space.
    PointAltitude {
        /// `point`: the point below it.
        point: GeographicalCoordinates,
        /// `altitude`: metres above the ellipsoid.
        altitude: f64,
    },
    /// `POINT_ALTITUDE_UNCERTAINTY`: an ellipsoid.
    PointAltitudeUncertainty {
        /// `point`: the point below its centre.
        point: GeographicalCoordinates,
        /// `altitude`: metres above the ellipsoid.
        altitude: f64,
        /// `uncertaintyEllipse`: its horizontal axes.
        uncertainty_ellipse: UncertaintyEllipse,
        /// `uncertaintyAltitude`: half its vertical axis, in metres.
        uncertainty_altitude: f64,
        /// `confidence`: how likely what is meant lies inside, per cent.
        confidence: u8,
        /// `vConfidence`: how likely its altitude is within the vertical axis, per cent.
        #[serde(skip_serializing_if = "Option::is_none")]
        v_confidence: Option<u8>,
    },
    /// `ELLIPSOID_ARC`: part of a ring.
    EllipsoidArc {
        /// `point`: the centre of the ring.
        point: GeographicalCoordinates,
        /// `innerRadius`: metres from the centre to the inner edge.
        inner_radius: u32,
        /// `uncertaintyRadius`: metres from the inner to the outer edge.
        uncertainty_radius: f64,
        /// `offsetAngle`: degrees clockwise from north to where the part begins.
        offset_angle: u16,
        /// `includedAngle`: degrees clockwise from there to where it ends.
        included_angle: u16,
        /// `confidence`: how likely what is meant lies inside, per cent.
        confidence: u8,
    },
}

/// The members of all shapes: parsing them without looking at `shape` keeps an error at the member it is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Members {
    shape: SupportedGadShapes,
    point: Option<GeographicalCoordinates>,
    #[serde(default, deserialize_with = "metres")]
    uncertainty: Option<f64>,
    uncertainty_ellipse: Option<UncertaintyEllipse>,
    #[serde(default, deserialize_with = "confidence")]
    confidence: Option<u8>,
    #[serde(default, deserialize_with = "corners")]
    point_list: Option<Vec<GeographicalCoordinates>>,
    #[serde(default, deserialize_with = "altitude")]
    altitude: Option<f64>,
    #[serde(default, deserialize_with = "metres")]
    uncertainty_altitude: Option<f64>,
    #[serde(default, deserialize_with = "confidence")]
    v_confidence: Option<u8>,
    #[serde(default, deserialize_with = "inner_radius")]
    inner_radius: Option<u32>,
    #[serde(default, deserialize_with = "metres")]
    uncertainty_radius: Option<f64>,
    #[serde(default, deserialize_with = "angle")]
    offset_angle: Option<u16>,
    #[serde(default, deserialize_with = "angle")]
    included_angle: Option<u16>,
}

fn corners<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<GeographicalCoordinates>>, D::Error> {
    let corners = Vec::deserialize(from)?;
    if (3..=15).contains(&corners.len()) {
        Ok(Some(corners))
    } else {
        Err(D::Error::custom("must have 3 to 15 points"))
    }
}

impl<'de> Deserialize<'de> for GeographicArea {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn need<T, E: serde::de::Error>(member: Option<T>, name: &'static str) -> Result<T, E> {
            member.ok_or_else(|| E::missing_field(name))
        }
        let of = Members::deserialize(deserializer)?;
        let point = || need(of.point, "point");
        let ellipse = || need(of.uncertainty_ellipse, "uncertaintyEllipse");
        let confidence = || need(of.confidence, "confidence");
        let altitude = || need(of.altitude, "altitude");
        Ok(match of.shape {
            SupportedGadShapes::Point => Self::Point { point: point()? },
            SupportedGadShapes::PointUncertaintyCircle => Self::PointUncertaintyCircle {
                point: point()?,
                uncertainty: need(of.uncertainty, "uncertainty")?,
            },
            SupportedGadShapes::PointUncertaintyEllipse => Self::PointUncertaintyEllipse {
                point: point()?,
                uncertainty_ellipse: ellipse()?,
                confidence: confidence()?,
            },
            SupportedGadShapes::Polygon => Self::Polygon {
                point_list: need(of.point_list, "pointList")?,
            },
            SupportedGadShapes::PointAltitude => Self::PointAltitude {
                point: point()?,
                altitude: altitude()?,
            },
            SupportedGadShapes::PointAltitudeUncertainty => Self::PointAltitudeUncertainty {
                point: point()?,
                altitude: altitude()?,
                uncertainty_ellipse: ellipse()?,
                uncertainty_altitude: need(of.uncertainty_altitude, "uncertaintyAltitude")?,
                confidence: confidence()?,
                v_confidence: of.v_confidence,
            },
            SupportedGadShapes::EllipsoidArc => Self::EllipsoidArc {
                point: point()?,
                inner_radius: need(of.inner_radius, "innerRadius")?,
                uncertainty_radius: need(of.uncertainty_radius, "uncertaintyRadius")?,
                offset_angle: need(of.offset_angle, "offsetAngle")?,
                included_angle: need(of.included_angle, "includedAngle")?,
                confidence: confidence()?,
            },
            other => {
                return Err(D::Error::custom(format_args!(
                    "the shape {other} is not one that an area can have"
                )));
            }
        })
    }
}

impl PartialSchema for GeographicArea {
    fn schema() -> RefOr<Schema> {
        let point = || Ref::from_schema_name(GeographicalCoordinates::name()).into();
        let ellipse = || Ref::from_schema_name(UncertaintyEllipse::name()).into();
        let number = |kind: Type, least: i32, most: i32| -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(kind)
                .minimum(Some(least))
                .maximum(Some(most))
                .into()
        };
        let metres = || -> RefOr<Schema> { ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).into() };
        let altitude = || number(Type::Number, -32767, 32767);
        let angle = || number(Type::Integer, 0, 360);
        let confidence = || number(Type::Integer, 0, 100);
        let corners = || -> RefOr<Schema> {
            utoipa::openapi::schema::ArrayBuilder::new()
                .items(point())
                .min_items(Some(3))
                .max_items(Some(15))
                .into()
        };
        let shape = |title: &str, members: Vec<(&str, RefOr<Schema>)>| -> Object {
            let shape = Ref::from_schema_name(SupportedGadShapes::name());
            members
                .into_iter()
                .fold(
                    ObjectBuilder::new()
                        .title(Some(title))
                        .property("shape", shape)
                        .required("shape"),
                    |object, (name, schema)| object.property(name, schema).required(name),
                )
                .build()
        };
        let mut space = shape(
            "PointAltitudeUncertainty",
            vec![
                ("point", point()),
                ("altitude", altitude()),
                ("uncertaintyEllipse", ellipse()),
                ("uncertaintyAltitude", metres()),
                ("confidence", confidence()),
            ],
        );
        space.properties.insert("vConfidence".into(), confidence());
        AnyOfBuilder::new()
            .item(shape("Point", vec![("point", point())]))
            .item(shape(
                "PointUncertaintyCircle",
                vec![("point", point()), ("uncertainty", metres())],
            ))
            .item(shape(
                "PointUncertaintyEllipse",
                vec![
                    ("point", point()),
                    ("uncertaintyEllipse", ellipse()),
                    ("confidence", confidence()),
                ],
            ))
            .item(shape("Polygon", vec![("pointList", corners())]))
            .item(shape(
                "PointAltitude",
                vec![("point", point()), ("altitude", altitude())],
            ))
            .item(space)
            .item(shape(
                "EllipsoidArc",
                vec![
                    ("point", point()),
                    ("innerRadius", number(Type::Integer, 0, 327_675)),
                    ("uncertaintyRadius", metres()),
                    ("offsetAngle", angle()),
                    ("includedAngle", angle()),
                    ("confidence", confidence()),
                ],
            ))
            .description(Some(
                "An area on the globe: one of seven shapes, told apart by the member `shape`.",
            ))
            .into()
    }
}

impl ToSchema for GeographicArea {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SupportedGadShapes::name().into(), SupportedGadShapes::schema()));
        schemas.push((
            GeographicalCoordinates::name().into(),
            GeographicalCoordinates::schema(),
        ));
        schemas.push((UncertaintyEllipse::name().into(), UncertaintyEllipse::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn each_shape_needs_its_members() {
        let at = r#""point": {"lon": 8.5, "lat": -47.25}"#;
        let ellipse = r#""uncertaintyEllipse": {"semiMajor": 20.5, "semiMinor": 10.0, "orientationMajor": 180}"#;
        needs::<GeographicArea>(&format!(r#"{{"shape": "POINT", {at}}}"#), &["shape", "point"]);
        let all = |kind: &str, rest: &str, optional: &[&str]| {
            let text = format!(r#"{{"shape": "{kind}", {rest}}}"#);
            same::<GeographicArea>(&text);
            let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            let required: Vec<&str> = members
                .keys()
                .map(String::as_str)
                .filter(|name| !optional.contains(name))
                .collect();
            needs::<GeographicArea>(&text, &required);
        };
        all(
            "POINT_UNCERTAINTY_CIRCLE",
            &format!(r#"{at}, "uncertainty": 100.0"#),
            &[],
        );
        all(
            "POINT_UNCERTAINTY_ELLIPSE",
            &format!(r#"{at}, {ellipse}, "confidence": 95"#),
            &[],
        );
        all("POINT_ALTITUDE", &format!(r#"{at}, "altitude": -12.5"#), &[]);
        all(
            "POINT_ALTITUDE_UNCERTAINTY",
            &format!(
                r#"{at}, {ellipse}, "altitude": 1.0, "uncertaintyAltitude": 2.0, "confidence": 5, "vConfidence": 6"#
            ),
            &["vConfidence"],
        );
        all(
            "ELLIPSOID_ARC",
            &format!(
                r#"{at}, "innerRadius": 5, "uncertaintyRadius": 1.5, "offsetAngle": 0, "includedAngle": 360, "confidence": 1"#
            ),
            &[],
        );
    }

    #[test]
    fn numbers_keep_their_limits() {
        refused::<GeographicArea>(r#"{"shape": "POINT", "point": {"lon": 180.5, "lat": 0}}"#);
        refused::<GeographicArea>(r#"{"shape": "POINT", "point": {"lon": 0, "lat": -91}}"#);
        refused::<GeographicArea>(
            r#"{"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": 0, "lat": 0}, "uncertainty": -1}"#,
        );
        for corners in ["", r#"{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}"#] {
            refused::<GeographicArea>(&format!(r#"{{"shape": "POLYGON", "pointList": [{corners}]}}"#));
        }
        same::<GeographicArea>(
            r#"{"shape": "POLYGON", "pointList": [{"lon": 0.0, "lat": 0.0}, {"lon": 1.0, "lat": 0.0}, {"lon": 0.0, "lat": 1.0}]}"#,
        );
        refused::<GeographicArea>(r#"{"shape": "NOT_YET_NAMED", "point": {"lon": 0, "lat": 0}}"#);
    }

    #[test]
    fn an_error_points_at_the_member() {
        let text = r#"{"point": {"lon": 0, "lat": "north"}, "shape": "POINT"}"#;
        let error =
            serde_path_to_error::deserialize::<_, GeographicArea>(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(error.unwrap_err().path().to_string(), "point.lat");
    }
}
