//! A level against frequency given by points, straight in dB over the logarithm of frequency.

/// A curve through (Hz, dB) points, interpolated linearly in dB over log f.
///
/// The weighting tables, shaping rules and masks of the Recommendations are all drawn this way.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// (log10 of Hz, dB), rising in frequency.
    points: Vec<(f64, f64)>,
}

/// What a curve does below its first and above its last point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The end value goes on.
    Hold,
    /// The slope of the end segment goes on.
    Extend,
}

/// Why points are no curve.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// No point at all.
    #[error("a curve needs at least one point")]
    Empty,
    /// A frequency is not positive, or a number is not finite.
    #[error("point {number} ({freq_hz} Hz, {level_db} dB) is not a positive frequency with a finite level")]
    NotFinite {
        /// Counted from 1.
        number: usize,
        /// As given.
        freq_hz: f64,
        /// As given.
        level_db: f64,
    },
    /// Frequencies have to rise. Equal frequencies make a step.
    #[error("point {number} at {freq_hz} Hz stands below the point before it: sort the points by frequency")]
    Order {
        /// Counted from 1.
        number: usize,
        /// As given.
        freq_hz: f64,
    },
}

impl Curve {
    /// A curve through `points` of (Hz, dB). Two points at one frequency make a step, whose upper
    /// side counts at the frequency itself.
    pub fn new(points: &[(f64, f64)]) -> Result<Self, CurveError> {
        if points.is_empty() {
            return Err(CurveError::Empty);
        }
        for (i, &(freq_hz, level_db)) in points.iter().enumerate() {
            if !(freq_hz > 0.0 && freq_hz.is_finite() && level_db.is_finite()) {
                return Err(CurveError::NotFinite { number: i + 1, freq_hz, level_db });
            }
            if i > 0 && freq_hz < points[i - 1].0 {
                return Err(CurveError::Order { number: i + 1, freq_hz });
            }
        }
        Ok(Self { points: points.iter().map(|&(f, db)| (libm::log10(f), db)).collect() })
    }

    /// The level in dB at `freq_hz`. At 0 Hz and below, [`Outside::Extend`] follows the first
    /// segment to its limit (±∞, or the level itself where the segment is flat).
    pub fn at(&self, freq_hz: f64, outside: Outside) -> f64 {
        if freq_hz.is_nan() {
            return f64::NAN;
        }
        let x = libm::log10(freq_hz.max(0.0));
        let last = self.points.len() - 1;
        if last == 0 || (outside == Outside::Hold && x <= self.points[0].0) {
            return self.points[0].1;
        }
        if outside == Outside::Hold && x >= self.points[last].0 {
            return self.points[last].1;
        }
        let upper = self.points.partition_point(|p| p.0 <= x).clamp(1, last);
        let (x0, y0) = self.points[upper - 1];
        let (x1, y1) = self.points[upper];
        if x1 == x0 || y1 == y0 {
            return if x < x1 { y0 } else { y1 };
        }
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    }

    /// The first and the last frequency in Hz.
    pub fn span_hz(&self) -> (f64, f64) {
        (libm::pow(10.0, self.points[0].0), libm::pow(10.0, self.points[self.points.len() - 1].0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_straight_over_log_frequency() {
        let curve = Curve::new(&[(100.0, -41.0), (1000.0, 0.0), (4000.0, -15.0)]).unwrap();
        assert!((curve.at(1000.0, Outside::Hold)).abs() < 1e-9);
        assert!((curve.at(316.227_766, Outside::Hold) + 20.5).abs() < 1e-6);
        assert!((curve.at(2000.0, Outside::Hold) + 7.5).abs() < 1e-9);
    }

    #[test]
    fn outside_its_points_a_curve_holds_or_extends_as_told() {
        let curve = Curve::new(&[(100.0, -40.0), (1000.0, 0.0), (4000.0, -15.0)]).unwrap();
        assert!((curve.at(10.0, Outside::Hold) + 40.0).abs() < 1e-9);
        assert!((curve.at(10.0, Outside::Extend) + 80.0).abs() < 1e-9);
        assert!((curve.at(8000.0, Outside::Extend) + 22.5).abs() < 1e-9);
        assert_eq!(curve.at(0.0, Outside::Extend), f64::NEG_INFINITY);
        assert!((curve.at(0.0, Outside::Hold) + 40.0).abs() < 1e-9);
        assert!((curve.at(1e6, Outside::Hold) + 15.0).abs() < 1e-9);
    }

    #[test]
    fn equal_frequencies_make_a_step() {
        let curve = Curve::new(&[(100.0, 0.0), (200.0, 0.0), (200.0, -20.0), (400.0, -30.0)]).unwrap();
        assert!(curve.at(199.999, Outside::Hold).abs() < 1e-9);
        assert!((curve.at(200.0, Outside::Hold) + 20.0).abs() < 1e-9);
        assert!((curve.at(400.0, Outside::Hold) + 30.0).abs() < 1e-9);
    }

    #[test]
    fn bad_points_are_refused_with_their_number() {
        assert_eq!(Curve::new(&[]), Err(CurveError::Empty));
        assert!(matches!(Curve::new(&[(0.0, 1.0)]), Err(CurveError::NotFinite { number: 1, .. })));
        assert!(matches!(Curve::new(&[(1.0, f64::NAN)]), Err(CurveError::NotFinite { .. })));
        assert!(matches!(
            Curve::new(&[(200.0, 0.0), (100.0, 0.0)]),
            Err(CurveError::Order { number: 2, .. })
        ));
    }

    #[test]
    fn nan_frequency_gives_nan() {
        let curve = Curve::new(&[(100.0, -40.0), (1000.0, 0.0)]).unwrap();
        assert!(curve.at(f64::NAN, Outside::Hold).is_nan());
    }
}
