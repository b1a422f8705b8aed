//! Shapes on the globe as geometry.

use edgeapp_openapi::location::{GeographicArea, GeographicalCoordinates, UncertaintyEllipse};
use geo::{
    Coord, Destination, Distance, Haversine, Intersects, Line, LineString, Point, Polygon,
    algorithm::line_intersection::{LineIntersection, line_intersection},
};

/// Longest distance on the globe that a shape is drawn with, in metres: a quarter of the way round.
const FARTHEST: f64 = 10_000_000.0;
/// Degrees between the corners of what is drawn round.
const STEP: u16 = 10;

/// A shape as geometry, in degrees.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Point(Point),
    Circle(Point, f64),
    Region(Polygon),
}

fn point(at: &GeographicalCoordinates) -> Point {
    Point::new(at.lon, at.lat)
}

fn coordinates(at: Point) -> GeographicalCoordinates {
    GeographicalCoordinates {
        lon: near(at.x(), 0.0),
        lat: at.y(),
    }
}

/// The point reached from `from` by so many metres in a direction, in degrees clockwise from north.
fn reached(from: Point, degrees: f64, metres: f64) -> Point {
    Haversine.destination(from, degrees.rem_euclid(360.0), metres.clamp(0.0, FARTHEST))
}

/// The same longitude within 180 degrees of another one.
fn near(longitude: f64, other: f64) -> f64 {
    longitude - 360.0 * ((longitude - other) / 360.0).round()
}

/// A region with these corners; each edge goes the short way round the globe.
fn region(corners: impl IntoIterator<Item = Point>) -> Shape {
    let mut ring: Vec<Coord> = Vec::new();
    for corner in corners {
        let longitude = ring.last().map_or(corner.x(), |last| near(corner.x(), last.x));
        ring.push(Coord {
            x: longitude,
            y: corner.y(),
        });
    }
    Shape::Region(Polygon::new(LineString::new(ring), Vec::new()))
}

fn ellipse(centre: Point, axes: &UncertaintyEllipse) -> Shape {
    region((0..360).step_by(STEP.into()).map(|angle| {
        let (sin, cos) = f64::from(angle).to_radians().sin_cos();
        let (along, across) = (axes.semi_major.min(FARTHEST) * cos, axes.semi_minor.min(FARTHEST) * sin);
        reached(
            centre,
            f64::from(axes.orientation_major) + across.atan2(along).to_degrees(),
            along.hypot(across),
        )
    }))
}

impl From<&GeographicArea> for Shape {
    fn from(area: &GeographicArea) -> Self {
        match area {
            GeographicArea::Point { point: at } | GeographicArea::PointAltitude { point: at, .. } => {
                Self::Point(point(at))
            }
            GeographicArea::PointUncertaintyCircle { point: at, uncertainty } => Self::Circle(point(at), *uncertainty),
            GeographicArea::PointUncertaintyEllipse {
                point: at,
                uncertainty_ellipse,
                ..
            }
            | GeographicArea::PointAltitudeUncertainty {
                point: at,
                uncertainty_ellipse,
                ..
            } => ellipse(point(at), uncertainty_ellipse),
            GeographicArea::Polygon { point_list } => region(point_list.iter().map(point)),
            GeographicArea::EllipsoidArc {
                point: at,
                inner_radius,
                uncertainty_radius,
                offset_angle,
                included_angle,
                ..
            } => {
                let (centre, inner) = (point(at), f64::from(*inner_radius));
                let angles = (0..*included_angle).step_by(STEP.into()).chain([*included_angle]);
                let angles: Vec<f64> = angles.map(|angle| f64::from(offset_angle + angle)).collect();
                let outer_edge = angles
                    .iter()
                    .map(|angle| reached(centre, *angle, inner + uncertainty_radius));
                let inner_edge = angles.iter().rev().map(|angle| reached(centre, *angle, inner));
                region(outer_edge.chain(inner_edge))
            }
        }
    }
}

/// The point in the middle of a shape with an uncertainty; other shapes stay what they are.
pub(super) fn centre(area: &GeographicArea) -> GeographicArea {
    match area {
        GeographicArea::Point { .. } | GeographicArea::Polygon { .. } => area.clone(),
        GeographicArea::PointAltitude { point, .. }
        | GeographicArea::PointUncertaintyCircle { point, .. }
        | GeographicArea::PointUncertaintyEllipse { point, .. }
        | GeographicArea::PointAltitudeUncertainty { point, .. } => GeographicArea::Point { point: *point },
        GeographicArea::EllipsoidArc {
            point: at,
            inner_radius,
            uncertainty_radius,
            offset_angle,
            included_angle,
            ..
        } => {
            let middle = f64::from(*offset_angle) + f64::from(*included_angle) / 2.0;
            let far = f64::from(*inner_radius) + uncertainty_radius / 2.0;
            GeographicArea::Point {
                point: coordinates(reached(point(at), middle, far)),
            }
        }
    }
}

impl Shape {
    /// Whether the two share a point. Edges belong to their shape.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Point(one), Self::Point(other)) => same_point(*one, *other),
            (Self::Point(at), Self::Circle(centre, radius)) | (Self::Circle(centre, radius), Self::Point(at)) => {
                Haversine.distance(*at, *centre) <= *radius
            }
            (Self::Circle(one, radius), Self::Circle(other, more)) => Haversine.distance(*one, *other) <= radius + more,
            (Self::Point(at), Self::Region(region)) | (Self::Region(region), Self::Point(at)) => {
                region.intersects(&shifted_point(*at, region))
            }
            (Self::Circle(centre, radius), Self::Region(region))
            | (Self::Region(region), Self::Circle(centre, radius)) => {
                region.intersects(&shifted_point(*centre, region))
                    || region.intersects(&shifted(&drawn(*centre, *radius), region))
            }
            (Self::Region(one), Self::Region(other)) => one.intersects(&shifted(other, one)),
        }
    }

    /// Whether `other` lies inside this shape, edges included.
    pub(super) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Point(_)) => self.meets(other),
            (Self::Point(_), Self::Circle(_, radius)) => *radius == 0.0 && self.meets(other),
            (Self::Point(_), Self::Region(_)) => false,
            (Self::Circle(centre, radius), Self::Circle(at, inner)) => {
                Haversine.distance(*centre, *at) + inner <= *radius
            }
            (Self::Circle(centre, radius), Self::Region(region)) => region
                .exterior()
                .points()
                .all(|corner| Haversine.distance(*centre, corner) <= *radius),
            (Self::Region(region), Self::Circle(centre, radius)) => surrounds(region, &drawn(*centre, *radius)),
            (Self::Region(outer), Self::Region(inner)) => surrounds(outer, inner),
        }
    }
}

fn same_point(one: Point, other: Point) -> bool {
    Haversine.distance(one, other) < 0.01
}

/// The circle as a polygon.
fn drawn(centre: Point, radius: f64) -> Polygon {
    let corners = (0..360)
        .step_by(STEP.into())
        .map(|angle| reached(centre, f64::from(angle), radius));
    match region(corners) {
        Shape::Region(polygon) => polygon,
        Shape::Point(_) | Shape::Circle(..) => Polygon::new(LineString::new(Vec::new()), Vec::new()),
    }
}

fn anchor(region: &Polygon) -> f64 {
    region.exterior().0.first().map_or(0.0, |corner| corner.x)
}

/// The point on the same turn round the globe as the region.
fn shifted_point(at: Point, region: &Polygon) -> Point {
    Point::new(near(at.x(), anchor(region)), at.y())
}

/// The polygon on the same turn round the globe as the region.
fn shifted(polygon: &Polygon, region: &Polygon) -> Polygon {
    let by = near(anchor(polygon), anchor(region)) - anchor(polygon);
    let ring = polygon
        .exterior()
        .coords()
        .map(|corner| Coord {
            x: corner.x + by,
            y: corner.y,
        })
        .collect();
    Polygon::new(LineString::new(ring), Vec::new())
}

/// Whether every edge of `inner` runs inside `outer`.
fn surrounds(outer: &Polygon, inner: &Polygon) -> bool {
    let inner = shifted(inner, outer);
    let crosses = |edge: Line| {
        outer.exterior().lines().any(|other| {
            matches!(
                line_intersection(edge, other),
                Some(LineIntersection::SinglePoint { is_proper: true, .. })
            )
        })
    };
    let middle = |edge: Line| Point::new((edge.start.x + edge.end.x) / 2.0, (edge.start.y + edge.end.y) / 2.0);
    inner
        .exterior()
        .lines()
        .all(|edge| outer.intersects(&edge.start_point()) && outer.intersects(&middle(edge)) && !crosses(edge))
}
