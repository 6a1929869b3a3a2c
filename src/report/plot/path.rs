//! Lines as SVG path data: gaps where a value is missing, as many points as a reader can see.

use std::fmt::Write as _;

use super::scale::Scale;

/// A point of the picture.
pub type Place = (f64, f64);

/// The unbroken pieces of a line, in picture units. A value that cannot be drawn breaks the line.
pub fn pieces(points: &[(f64, f64)], across: &Scale, up: &Scale) -> Vec<Vec<Place>> {
    let mut all = vec![Vec::new()];
    for (x, y) in points {
        match (across.place(*x), up.place(*y)) {
            (Some(x), Some(y)) => {
                if let Some(piece) = all.last_mut() {
                    piece.push((x, y));
                }
            }
            _ => all.push(Vec::new()),
        }
    }
    all.retain(|piece| !piece.is_empty());
    all.iter().map(|piece| thinned(piece)).collect()
}

/// At most four points for each unit of width, a quarter of a millimeter on paper: first, lowest, highest, last. Peaks stay.
fn thinned(piece: &[Place]) -> Vec<Place> {
    const COLUMN: f64 = 1.0;
    let column = |place: &Place| (place.0 / COLUMN).floor();
    let mut kept = Vec::new();
    for group in piece.chunk_by(|a, b| column(a) == column(b)) {
        if group.len() <= 4 {
            kept.extend_from_slice(group);
            continue;
        }
        let extreme = |better: fn(f64, f64) -> bool| {
            (0..group.len()).fold(0, |best, at| if better(group[at].1, group[best].1) { at } else { best })
        };
        let mut order = [0, extreme(|a, b| a < b), extreme(|a, b| a > b), group.len() - 1];
        order.sort_unstable();
        for (at, index) in order.iter().enumerate() {
            if at == 0 || order[at - 1] != *index {
                kept.push(group[*index]);
            }
        }
    }
    kept
}

/// Path data of pieces; a piece of one point becomes a dot (with round line ends).
pub fn data(pieces: &[Vec<Place>]) -> String {
    let mut text = String::new();
    for piece in pieces {
        for (at, (x, y)) in piece.iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            let _ = write!(text, "{command}{} {}", tenth(*x), tenth(*y));
        }
        if piece.len() == 1 {
            text.push_str("h0");
        }
    }
    text
}

/// Path data of the area between pieces and the height `base`.
pub fn area(pieces: &[Vec<Place>], base: f64) -> String {
    let mut text = String::new();
    for piece in pieces.iter().filter(|piece| piece.len() > 1) {
        let (first, last) = (piece[0], piece[piece.len() - 1]);
        let _ = write!(text, "M{} {}", unit(first.0), unit(base));
        for (x, y) in piece {
            let _ = write!(text, "L{} {}", unit(*x), unit(*y));
        }
        let _ = write!(text, "L{} {}Z", unit(last.0), unit(base));
    }
    text
}

/// Short strokes along a line towards `(dx, dy)`: the forbidden side, as drawings mark a solid edge.
pub fn hatch(pieces: &[Vec<Place>], dx: f64, dy: f64) -> String {
    const EVERY: f64 = 9.0;
    let mut text = String::new();
    for piece in pieces {
        let mut left = EVERY / 2.0;
        for pair in piece.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            // Steps of a mask get no strokes: they would point along the edge.
            if (x1 - x0).abs() < 0.2 * (y1 - y0).abs() {
                continue;
            }
            let length = (x1 - x0).hypot(y1 - y0);
            let mut at = left;
            while at < length {
                let (x, y) = (x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length);
                let _ = write!(text, "M{} {}l{} {}", unit(x), unit(y), unit(dx), unit(dy));
                at += EVERY;
            }
            left = at - length;
        }
    }
    text
}

/// The same along an upright line, to the right.
pub fn hatch_right(x: f64, top: f64, bottom: f64) -> String {
    const EVERY: f64 = 9.0;
    let count = ((bottom - top) / EVERY).clamp(0.0, 1_000.0) as u32;
    (0..count).fold(String::new(), |mut text, n| {
        let y = top + (f64::from(n) + 0.5) * EVERY;
        let _ = write!(text, "M{} {}l5 -5", unit(x), unit(y));
        text
    })
}

/// A picture coordinate: bounded, so that no viewer chokes, and with two decimals at most.
pub fn unit(value: f64) -> String {
    let bounded = if value.is_nan() { 0.0 } else { value.clamp(-1e5, 1e5) };
    let text = format!("{bounded:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A coordinate of a long line: a tenth of a unit is less than its stroke is wide.
fn tenth(value: f64) -> String {
    unit((value * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scales() -> (Scale, Scale) {
        (Scale::new(false, 0.0, 10.0, 0.0, 100.0), Scale::new(false, 0.0, 10.0, 100.0, 0.0))
    }

    #[test]
    fn a_missing_value_breaks_the_line() {
        let (across, up) = scales();
        let points = [(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0), (3.0, f64::INFINITY), (4.0, 1e300)];
        let pieces = pieces(&points, &across, &up);
        assert_eq!(data(&pieces), "M0 90h0M20 70h0");
    }

    #[test]
    fn thinning_keeps_every_peak() {
        let (across, up) = scales();
        let points: Vec<(f64, f64)> =
            (0..100_000).map(|at| (at as f64 / 1e4, if at == 54_321 { 10.0 } else { 0.0 })).collect();
        let pieces = pieces(&points, &across, &up);
        assert!(pieces[0].len() < 900, "{}", pieces[0].len());
        assert!(pieces[0].iter().any(|place| place.1 == 0.0), "the peak is drawn at the top");
    }

    #[test]
    fn coordinates_are_always_finite() {
        for value in [f64::NAN, f64::INFINITY, -1e300, -0.0, 0.004] {
            let text = unit(value);
            assert!(text.parse::<f64>().is_ok_and(|value| value.abs() <= 1e5), "{text}");
        }
        let edge = vec![vec![(0.0, 0.0), (1e5, 0.0)]];
        assert!(hatch(&edge, 5.0, -5.0).len() < 2_000_000);
    }
}
