//! Signed-distance shapes: negative inside, positive outside, in scene units.

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Disc {
        centre: (f32, f32),
        radius: f32,
    },
    /// A straight limb whose half-width goes from `widths.0` to `widths.1`.
    Limb {
        from: (f32, f32),
        to: (f32, f32),
        widths: (f32, f32),
    },
    /// Any simple polygon, in either direction.
    Polygon(Vec<(f32, f32)>),
}

impl Shape {
    pub(crate) fn disc(x: f32, y: f32, radius: f32) -> Self {
        Self::Disc { centre: (x, y), radius }
    }

    pub(crate) fn limb(from: (f32, f32), to: (f32, f32), widths: (f32, f32)) -> Self {
        Self::Limb { from, to, widths }
    }

    pub(crate) fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self::Polygon(vec![(left, top), (right, top), (right, bottom), (left, bottom)])
    }

    pub(crate) fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Disc { centre, radius } => (x - centre.0).hypot(y - centre.1) - radius,
            Self::Limb { from, to, widths } => {
                let (t, off) = nearest_on_segment((x, y), *from, *to);
                off - (widths.0 + (widths.1 - widths.0) * t)
            }
            Self::Polygon(points) => polygon_distance(points, x, y),
        }
    }

    /// Left, top, right, bottom of what the shape covers.
    pub(crate) fn bounds(&self) -> [f32; 4] {
        match self {
            Self::Disc { centre, radius } => around(&[*centre], *radius),
            Self::Limb { from, to, widths } => around(&[*from, *to], widths.0.max(widths.1)),
            Self::Polygon(points) => around(points, 0.0),
        }
    }
}

fn around(points: &[(f32, f32)], margin: f32) -> [f32; 4] {
    let start = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let [left, top, right, bottom] = points
        .iter()
        .fold(start, |b, p| [b[0].min(p.0), b[1].min(p.1), b[2].max(p.0), b[3].max(p.1)]);
    [left - margin, top - margin, right + margin, bottom + margin]
}

/// How far along the segment (0 to 1) the nearest point lies, and how far away it is.
fn nearest_on_segment(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    let along = (b.0 - a.0, b.1 - a.1);
    let length2 = (along.0 * along.0 + along.1 * along.1).max(1e-12);
    let t = ((p.0 - a.0) * along.0 + (p.1 - a.1) * along.1) / length2;
    let t = t.clamp(0.0, 1.0);
    let off = (p.0 - a.0 - along.0 * t).hypot(p.1 - a.1 - along.1 * t);
    (t, off)
}

/// Nearest edge, signed by the even-odd rule.
fn polygon_distance(points: &[(f32, f32)], x: f32, y: f32) -> f32 {
    let mut nearest = f32::INFINITY;
    let mut inside = false;
    for (i, &b) in points.iter().enumerate() {
        let a = points[(i + points.len() - 1) % points.len()];
        nearest = nearest.min(nearest_on_segment((x, y), a, b).1);
        if (a.1 > y) != (b.1 > y) && x < a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0) {
            inside = !inside;
        }
    }
    if inside { -nearest } else { nearest }
}
