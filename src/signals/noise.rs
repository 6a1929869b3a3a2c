//! Stationary noise: the long-term speech spectrum of P.50, and tables of third-octave densities (Hoth).

use std::f64::consts::TAU;

use super::catalogue::ShapedNoise;
use super::lines::LineSpectrum;
use super::random::Random;

/// How often the nodes of a table's density are corrected; the errors shrink tenfold each time.
const PASSES: usize = 12;

/// Points per third octave in which the density is integrated.
const STEPS: usize = 64;

/// P.50 long-term speech spectrum at the mouth reference point in dB SPL per hertz (equation 4-1),
/// stated for 100 Hz to 8 kHz.
pub fn p50_density_db(frequency: f64) -> f64 {
    let x = libm::log10(frequency);
    -376.44 + 465.439 * x - 157.745 * x * x + 16.7124 * x * x * x
}

/// Lines of exact magnitude with random phases: after P.50, or with third-octave levels as a table has them.
pub fn shaped_noise(spec: &ShapedNoise, seed: u64) -> LineSpectrum {
    let spacing_hz = 1.0 / spec.period_s;
    let density = Density::new(spec);
    let mut random = Random::new(seed);
    let count = libm::floor(spec.band_hz.end * spec.period_s) as usize + 1;
    let lines = (0..count)
        .map(|k| {
            let frequency = k as f64 * spacing_hz;
            let angle = TAU * random.uniform();
            if frequency < spec.band_hz.start {
                return (0.0, 0.0);
            }
            let amplitude = libm::pow(10.0, density.db(frequency) / 20.0);
            (amplitude * libm::cos(angle), amplitude * libm::sin(angle))
        })
        .collect();
    LineSpectrum { spacing_hz, lines }
}

/// The spectral density of a noise.
enum Density {
    P50,
    /// (log10 of Hz, dB), straight between the nodes and on beyond them.
    Nodes(Vec<(f64, f64)>),
}

impl Density {
    fn new(spec: &ShapedNoise) -> Self {
        if spec.third_octaves.is_empty() { Self::P50 } else { Self::Nodes(nodes(&spec.third_octaves)) }
    }

    fn db(&self, frequency: f64) -> f64 {
        match self {
            Self::P50 => p50_density_db(frequency),
            Self::Nodes(nodes) => straight(nodes, libm::log10(frequency)),
        }
    }
}

/// The density at the mid-frequencies with which each band has the power that the table gives it, its density
/// times its width. A density drawn straight through the table's own values would put up to 0.3 dB more into
/// the bands in which it bends.
fn nodes(third_octaves: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut nodes: Vec<(f64, f64)> = third_octaves
        .iter()
        // Nominal to exact: 10^(n/10).
        .map(|&(nominal, db)| (libm::round(10.0 * libm::log10(nominal)) / 10.0, db))
        .collect();
    for _ in 0..PASSES {
        let off: Vec<f64> = nodes
            .iter()
            .zip(third_octaves)
            .map(|(&(x, _), &(_, wanted))| wanted - band_density_db(&nodes, x))
            .collect();
        for (node, off) in nodes.iter_mut().zip(off) {
            node.1 += off;
        }
    }
    nodes
}

/// Mean density in dB of the third octave around 10^`mid`: the integral of the power over its width.
fn band_density_db(nodes: &[(f64, f64)], mid: f64) -> f64 {
    let (mut power, mut width) = (0.0, 0.0);
    for step in 0..STEPS {
        let x = mid - 0.05 + 0.1 * (step as f64 + 0.5) / STEPS as f64;
        // Equal steps of log frequency are as wide as the frequency is high.
        let frequency = libm::pow(10.0, x);
        power += frequency * libm::pow(10.0, straight(nodes, x) / 10.0);
        width += frequency;
    }
    10.0 * libm::log10(power / width)
}

/// Straight lines between the nodes and beyond them.
fn straight(nodes: &[(f64, f64)], x: f64) -> f64 {
    let Some(last) = nodes.len().checked_sub(1).filter(|last| *last > 0) else {
        return nodes.first().map_or(0.0, |node| node.1);
    };
    let upper = nodes.partition_point(|node| node.0 <= x).clamp(1, last);
    let ((x0, y0), (x1, y1)) = (nodes[upper - 1], nodes[upper]);
    y0 + (y1 - y0) * (x - x0) / (x1 - x0)
}
