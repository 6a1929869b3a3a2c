//! Fractional-octave filters of class 1 (IEC 61260-1).
//!
//! Each band is a Butterworth band-pass, made by the bilinear transform with both −3 dB edges prewarped, so that they
//! lie exactly where the standard has them at any rate. Prewarping squeezes the upper skirt and stretches the lower one
//! the nearer a band comes to Nyquist: the order is the smallest that keeps class 1 up to [`HIGHEST_PART`] of it.
//!
//! Levels are those of the whole record, from filters at rest: a filter needs about 0.8 of the reciprocal of its width
//! until its output is there ([`FilterBank::settling`]), and what still rings at the end of the record is not waited for.

use std::f64::consts::{PI, TAU};

use super::bands::{Band, Bands};
use super::spectrum::Bin;
use crate::units::Seconds;

/// The order of the low-pass that the bands are made from: twice that many poles. Order 2 misses class 1, order 3 does
/// near Nyquist.
const ORDER: usize = 4;

/// The highest upper band edge, as a part of Nyquist. Above it the lower skirt is not steep enough any more.
pub const HIGHEST_PART: f64 = 0.94;

/// How many bands are filtered at once.
const LANES: usize = 8;
/// How many frames each section filters before the next one does.
const BLOCK: usize = 128;
/// A state below this is taken for 0 at the end of a block: numbers below 1e-308 take many times as long, and no level
/// reaches down here.
const NOTHING: f64 = 1e-150;

/// Why there is no filter for a band.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the band at {nominal_hz} Hz reaches up to {upper_hz:.0} Hz, and at {rate} frames per second filters of class 1 reach \
     {highest_hz:.0} Hz: leave it out, or record at a higher rate"
)]
pub struct NoFilter {
    /// The band.
    pub nominal_hz: f64,
    /// Its upper edge.
    pub upper_hz: f64,
    /// Frames per second.
    pub rate: u32,
    /// The highest edge at that rate.
    pub highest_hz: f64,
}

/// One band's filter: a gain, then second-order sections (1 − z⁻²)/(1 + a1·z⁻¹ + a2·z⁻²).
#[derive(Debug, Clone, PartialEq)]
struct BandFilter {
    gain: f64,
    /// The upper pole of each section's pair.
    poles: Vec<Bin>,
}

impl BandFilter {
    fn new(band: &Band, rate: u32, order: usize) -> Self {
        assert!(order.is_multiple_of(2), "sections are made in pairs");
        let warped = |hz: f64| (PI * hz / f64::from(rate)).tan();
        let (lower, upper) = (warped(band.lower_hz), warped(band.upper_hz));
        let (width, center2) = (upper - lower, lower * upper);
        let mut poles = Vec::with_capacity(order);
        for k in 0..order / 2 {
            // The Butterworth poles of the upper half plane; each becomes two, of which both have a mirror image.
            let prototype = Bin::from_polar(1.0, PI * (2 * k + 1 + order) as f64 / (2 * order) as f64);
            let half = prototype * (width / 2.0);
            let root = (half * half - center2).sqrt();
            for pole in [half + root, half - root] {
                let pole = (pole + 1.0) / (-pole + 1.0);
                poles.push(Bin::new(pole.re, pole.im.abs()));
            }
        }
        let mut filter = Self { gain: 1.0, poles };
        // A Butterworth filter passes the (warped) center as it is.
        filter.gain = 1.0 / filter.response(2.0 * center2.sqrt().atan()).norm();
        filter
    }

    /// The response at an angular frequency in radians per frame.
    fn response(&self, w: f64) -> Bin {
        let back = Bin::from_polar(1.0, -w);
        // 1 − z⁻² = 2j·sin(ω)·z⁻¹, which loses nothing at low frequencies.
        let zeros = back * Bin::new(0.0, 2.0 * w.sin());
        self.poles.iter().fold(Bin::new(self.gain, 0.0), |product, pole| {
            product * zeros / ((-(pole * back) + 1.0) * (-(pole.conj() * back) + 1.0))
        })
    }
}

/// The same section of several bands, with its state.
#[derive(Debug, Clone, Copy)]
struct Section {
    a1: [f64; LANES],
    a2: [f64; LANES],
    s0: [f64; LANES],
    s1: [f64; LANES],
}

impl Section {
    fn at_rest(poles: [Bin; LANES]) -> Self {
        let none = [0.0; LANES];
        Self {
            a1: poles.map(|pole| -2.0 * pole.re),
            a2: poles.map(|pole| pole.norm_sqr()),
            s0: none,
            s1: none,
        }
    }

    /// Filters a block in place (transposed direct form II).
    fn process(&mut self, block: &mut [[f64; LANES]]) {
        let Self { a1, a2, mut s0, mut s1 } = *self;
        for frame in block {
            for i in 0..LANES {
                let x = frame[i];
                let y = x + s0[i];
                s0[i] = s1[i] - a1[i] * y;
                s1[i] = -x - a2[i] * y;
                frame[i] = y;
            }
        }
        let settled = |state: f64| if state.abs() < NOTHING { 0.0 } else { state };
        (self.s0, self.s1) = (s0.map(settled), s1.map(settled));
    }
}

/// Filters for a run of bands at one rate.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterBank {
    rate: u32,
    bands: Bands,
    filters: Vec<BandFilter>,
}

impl FilterBank {
    /// The filters of `bands`.
    ///
    /// # Errors
    /// A band reaches above [`HIGHEST_PART`] of Nyquist, where no class 1 filter is made.
    pub fn new(bands: &Bands, rate: u32) -> Result<Self, NoFilter> {
        Self::of_order(bands, rate, ORDER)
    }

    fn of_order(bands: &Bands, rate: u32, order: usize) -> Result<Self, NoFilter> {
        let highest_hz = Self::highest_hz(rate);
        if let Some(band) = bands.iter().find(|band| band.upper_hz > highest_hz) {
            let Band { nominal_hz, upper_hz, .. } = *band;
            return Err(NoFilter { nominal_hz, upper_hz, rate, highest_hz });
        }
        let filters = bands.iter().map(|band| BandFilter::new(band, rate, order)).collect();
        Ok(Self { rate, bands: bands.clone(), filters })
    }

    /// The highest upper band edge that a bank at `rate` can have, in Hz.
    pub fn highest_hz(rate: u32) -> f64 {
        HIGHEST_PART * f64::from(rate) / 2.0
    }

    /// The bands.
    pub fn bands(&self) -> &Bands {
        &self.bands
    }

    /// The gain of the filter of band `index` in dB at `freq_hz`.
    ///
    /// # Panics
    /// If there is no such band.
    pub fn gain_db(&self, index: usize, freq_hz: f64) -> f64 {
        20.0 * self.filters[index].response(TAU * freq_hz / f64::from(self.rate)).norm().log10()
    }

    /// The time after which the output of a band's filter is there: its delay at midband. The level of a record of
    /// duration T is low by about 10·log10(1 − settling/T) dB.
    ///
    /// # Panics
    /// If there is no such band.
    pub fn settling(&self, index: usize) -> Seconds {
        // Σ over the prototype's poles of its group delay at 0, −Re(1/p) = sin(…), twice over the width in rad/s.
        let order = self.filters[index].poles.len();
        let delay: f64 = (0..order).map(|k| (PI * (2 * k + 1) as f64 / (2 * order) as f64).sin()).sum();
        let band = &self.bands.as_slice()[index];
        Seconds(2.0 * delay / (TAU * (band.upper_hz - band.lower_hz)))
    }

    /// The mean square of each band over the whole signal, from filters at rest; 0 for an empty signal, NaN for one that
    /// holds NaN.
    pub fn powers(&self, signal: &[f64]) -> Vec<f64> {
        self.filters.chunks(LANES).flat_map(|filters| powers(filters, signal)).collect()
    }

    /// The filters at rest, for a signal that comes block by block.
    pub fn stream(&self) -> BandStream {
        BandStream(self.filters.chunks(LANES).map(Group::at_rest).collect())
    }

    /// The signal through the filter of band `index`, from rest.
    ///
    /// # Panics
    /// If there is no such band.
    pub fn filtered(&self, index: usize, signal: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(signal.len());
        run(&self.filters[index..=index], signal, |frames| out.extend(frames.iter().map(|frame| frame[0])));
        out
    }
}

/// Up to [`LANES`] filters of one order, with their state. Empty lanes have a gain of 0.
#[derive(Debug, Clone)]
struct Group {
    gains: [f64; LANES],
    sections: Vec<Section>,
    /// How many lanes are filters.
    len: usize,
}

impl Group {
    fn at_rest(filters: &[BandFilter]) -> Self {
        let lane = |value: &dyn Fn(&BandFilter) -> Bin| -> [Bin; LANES] {
            std::array::from_fn(|i| filters.get(i).map_or(Bin::new(0.0, 0.0), value))
        };
        let gains = lane(&|filter| Bin::new(filter.gain, 0.0)).map(|gain| gain.re);
        let sections =
            (0..filters[0].poles.len()).map(|k| Section::at_rest(lane(&|filter| filter.poles[k]))).collect();
        Self { gains, sections, len: filters.len() }
    }

    /// Filters a signal, block by block.
    fn run(&mut self, signal: &[f64], mut each: impl FnMut(&[[f64; LANES]])) {
        let mut block = [[0.0; LANES]; BLOCK];
        for frames in signal.chunks(BLOCK) {
            let block = &mut block[..frames.len()];
            for (lanes, &x) in block.iter_mut().zip(frames) {
                *lanes = self.gains.map(|gain| gain * x);
            }
            for section in &mut self.sections {
                section.process(block);
            }
            each(block);
        }
    }

    /// The energy of a signal in each band.
    fn energies(&mut self, signal: &[f64]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        self.run(signal, |frames| {
            for frame in frames {
                for i in 0..LANES {
                    sums[i] += frame[i] * frame[i];
                }
            }
        });
        sums
    }
}

/// Filters on one signal from rest.
fn run(filters: &[BandFilter], signal: &[f64], each: impl FnMut(&[[f64; LANES]])) {
    Group::at_rest(filters).run(signal, each);
}

fn powers(filters: &[BandFilter], signal: &[f64]) -> Vec<f64> {
    let frames = signal.len().max(1) as f64;
    Group::at_rest(filters).energies(signal)[..filters.len()].iter().map(|sum| sum / frames).collect()
}

/// The filters of a bank on a signal that comes block by block: what rings at the end of a block goes on in the next.
#[derive(Debug, Clone)]
pub struct BandStream(Vec<Group>);

impl BandStream {
    /// Adds the energy of one more block in each band to `sums`, one for each band: the sum of squares, which divided by the
    /// frames is the power.
    ///
    /// # Panics
    /// If there are fewer sums than bands.
    pub fn add_energies(&mut self, block: &[f64], sums: &mut [f64]) {
        let mut from = 0;
        for group in &mut self.0 {
            let energies = group.energies(block);
            let to = from + group.len;
            for (sum, energy) in sums[from..to].iter_mut().zip(energies) {
                *sum += energy;
            }
            from = to;
        }
    }
}

#[cfg(test)]
mod tests;
