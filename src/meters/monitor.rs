//! The meter of the live monitor: blocks of one port go in, and [`Reading`]s come out.
//!
//! The level is the exponential average that echo and switching are read with ([`LevelMeter`]), with the 125 ms of an
//! instrument's "fast"; the A weighting and the third-octave bands are the filters of `dsp`, which run on from block to block;
//! the spectrum is Welch's. A block that does not go on where the one before ended begins everything anew but what counts
//! since watching began: nothing is ever spliced.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::calibration::{PortCalibration, Validity};
use crate::dsp::bands::Bands;
use crate::dsp::filter_bank::{BandStream, FilterBank};
use crate::dsp::level::{FULL_SCALE, LevelMeter};
use crate::dsp::spectrum::{WelchSettings, power_spectrum_density};
use crate::dsp::weighting::Weighting;
use crate::dsp::weighting_filter::WeightingFilter;
use crate::event::{BandReading, LineReading, Reading, Side, Spectra, Standing};
use crate::take::RATE;
use crate::terms::Port;
use crate::units::{Seconds, Unit};

/// The time constant of the level: F of IEC 61672-1.
pub const FAST: Seconds = Seconds(0.125);
/// Frames that are weighted at once.
const BLOCK: usize = 480;
/// The bands: every third octave that is heard.
const BANDS_HZ: (f64, f64) = (20.0, 20_000.0);
/// Frames of which each band's power is kept: 100 ms.
const HOP: usize = RATE as usize / 10;
/// How many of them are averaged.
const HOPS_MAX: usize = 10;
/// A band has a level when its filter has run for so many times its settling time: what is missing then is 0.03 dB.
const SETTLED: f64 = 6.0;
/// Segments of the narrowband spectrum: lines at 5.86 Hz.
const SEGMENT: usize = 8_192;
/// Frames of which the narrowband spectrum is made: a second.
const SPECTRUM_MAX: usize = RATE as usize;
/// The noise bandwidth of a Hann window in lines: N·Σw²/(Σw)².
const HANN_LINES: f64 = 1.5;

/// The meter of one port.
pub struct PortMeter {
    port: Port,
    side: Side,
    unit: Unit,
    standing: Standing,
    record: String,
    /// From samples to the unit.
    factor: f64,
    /// For ports that stand for sound pressure.
    has_a: bool,
    windows: Windows,
    /// The frame that comes next, once there was one.
    next: Option<u64>,
    /// Since the reading before.
    peak: f64,
    highest: f64,
    clipped: u64,
    gaps: u64,
    /// Frames since the reading before.
    fresh: u64,
    /// Whether a value that is no number came since the reading before.
    is_broken: bool,
    is_analyzed: bool,
}

/// What begins anew after a gap.
struct Windows {
    frames: u64,
    level: LevelMeter,
    mean_square: f64,
    weighted: Option<Weighted>,
    analysis: Option<Analysis>,
}

/// The A-weighted level.
struct Weighted {
    filter: WeightingFilter,
    level: LevelMeter,
    mean_square: f64,
    frames: u64,
    /// What does not fill a block yet.
    pending: Vec<f64>,
}

/// Bands and spectrum.
struct Analysis {
    bands: Bands,
    stream: BandStream,
    /// Frames after which the filter of each band is there.
    settled: Vec<u64>,
    /// The energies of whole hops, with the frame at which each began.
    hops: VecDeque<(u64, Vec<f64>)>,
    energies: Vec<f64>,
    /// Frames in all, and in the hop that is not whole yet.
    frames: u64,
    in_hop: usize,
    recent: VecDeque<f64>,
}

impl PortMeter {
    /// A meter for a port of this calibration, as it is judged today. Where it does not hold, or where there is none, levels are
    /// in dBov.
    pub fn new(port: Port, side: Side, calibration: Option<&PortCalibration>) -> Self {
        let standing = match calibration.map(|one| one.validity) {
            Some(Validity::Valid) => Standing::Calibrated,
            Some(Validity::Expired) => Standing::Expired,
            Some(Validity::Missing) | None => Standing::Uncalibrated,
        };
        let valid = calibration.filter(|_| standing == Standing::Calibrated);
        let has_a = calibration.is_some_and(|one| one.unit() == Unit::DbPa);
        Self {
            port,
            side,
            unit: valid.map_or(Unit::DbOv, PortCalibration::unit),
            standing,
            record: calibration.map_or_else(|| Standing::Uncalibrated.to_string(), |one| one.record.clone()),
            factor: valid.map_or(1.0, PortCalibration::unit_per_sample),
            has_a,
            windows: Windows::new(has_a, false),
            next: None,
            peak: 0.0,
            highest: 0.0,
            clipped: 0,
            gaps: 0,
            fresh: 0,
            is_broken: false,
            is_analyzed: false,
        }
    }

    /// Whether bands and spectrum are read too; they begin when this is first asked for.
    pub fn analyze(&mut self, is_wanted: bool) {
        if is_wanted != self.is_analyzed {
            self.is_analyzed = is_wanted;
            self.windows.analysis = is_wanted.then(Analysis::new);
        }
    }

    /// Begins the windows anew: what comes now has nothing to do with what came before.
    pub fn restart(&mut self) {
        self.next = None;
        self.windows = Windows::new(self.has_a, self.is_analyzed);
    }

    /// Takes a block, whose first frame has the number `at`. `overloaded`: the converter was, where the samples do not show it.
    pub fn push(&mut self, at: u64, samples: &[f32], overloaded: bool) {
        if self.next.is_some_and(|next| next != at) {
            self.gaps += 1;
            self.restart();
        }
        self.next = Some(at + samples.len() as u64);
        self.fresh += samples.len() as u64;
        let clipped = samples.iter().filter(|sample| sample.abs() >= FULL_SCALE).count() as u64;
        self.clipped += clipped.max(u64::from(overloaded));
        if samples.iter().any(|sample| !sample.is_finite()) {
            // Filters would carry it on for ever.
            self.is_broken = true;
            let next = self.next;
            self.restart();
            self.next = next;
            return;
        }
        let block: Vec<f64> = samples.iter().map(|sample| f64::from(*sample) * self.factor).collect();
        let peak = crate::dsp::level::peak(&block);
        self.peak = self.peak.max(peak);
        self.highest = self.highest.max(peak);
        self.windows.push(&block);
    }

    /// Frames since the reading before.
    pub fn fresh(&self) -> u64 {
        self.fresh
    }

    /// What the meter reads now; nothing before the first frame. The next peak begins here.
    pub fn read(&mut self) -> Option<Reading> {
        if self.fresh == 0 {
            return None;
        }
        let broken = std::mem::take(&mut self.is_broken);
        let or_nan = |level: f64| if broken { f64::NAN } else { level };
        let reading = Reading {
            port: self.port.clone(),
            side: self.side,
            unit: self.unit,
            standing: self.standing,
            record: self.record.clone(),
            unbroken_s: self.windows.frames as f64 / f64::from(RATE),
            full_scale: 20.0 * self.factor.abs().log10(),
            level: or_nan(decibels(averaged(self.windows.mean_square, self.windows.frames))),
            level_a: self
                .windows
                .weighted
                .as_ref()
                .map(|one| or_nan(decibels(averaged(one.mean_square, one.frames)))),
            peak: or_nan(20.0 * self.peak.log10()),
            highest_peak: 20.0 * self.highest.log10(),
            clipped: self.clipped,
            gaps: self.gaps,
            spectra: self.windows.analysis.as_ref().map(|analysis| Arc::new(analysis.read())),
        };
        (self.peak, self.fresh) = (0.0, 0);
        Some(reading)
    }
}

fn decibels(power: f64) -> f64 {
    10.0 * power.log10()
}

/// What a meter that began at rest would read if it had always run: the part of its memory that is filled is divided out.
fn averaged(mean_square: f64, frames: u64) -> f64 {
    let filled = -(-(frames as f64) / (f64::from(RATE) * FAST.0)).exp_m1();
    if frames == 0 { 0.0 } else { mean_square / filled }
}

impl Windows {
    fn new(has_a: bool, is_analyzed: bool) -> Self {
        Self {
            frames: 0,
            level: LevelMeter::new(RATE, FAST),
            mean_square: 0.0,
            weighted: has_a.then(Weighted::new),
            analysis: is_analyzed.then(Analysis::new),
        }
    }

    fn push(&mut self, block: &[f64]) {
        for x in block {
            self.mean_square = self.level.push(*x);
        }
        self.frames += block.len() as u64;
        if let Some(weighted) = &mut self.weighted {
            weighted.push(block);
        }
        if let Some(analysis) = &mut self.analysis {
            analysis.push(block);
        }
    }
}

impl Weighted {
    fn new() -> Self {
        Self {
            filter: WeightingFilter::new(Weighting::A, RATE, BLOCK),
            level: LevelMeter::new(RATE, FAST),
            mean_square: 0.0,
            frames: 0,
            pending: Vec::with_capacity(BLOCK),
        }
    }

    fn push(&mut self, mut samples: &[f64]) {
        while !samples.is_empty() {
            let (now, rest) = samples.split_at((BLOCK - self.pending.len()).min(samples.len()));
            self.pending.extend_from_slice(now);
            samples = rest;
            if self.pending.len() == BLOCK {
                self.filter.process(&mut self.pending);
                for x in &self.pending {
                    self.mean_square = self.level.push(*x);
                }
                self.frames += BLOCK as u64;
                self.pending.clear();
            }
        }
    }
}

impl Analysis {
    fn new() -> Self {
        let bands = Bands::third_octave(BANDS_HZ.0, BANDS_HZ.1);
        let bank = FilterBank::new(&bands, RATE).expect("the bench's rate holds every band that is heard");
        let settled = (0..bands.len()).map(|i| (SETTLED * bank.settling(i).0 * f64::from(RATE)) as u64);
        Self {
            stream: bank.stream(),
            settled: settled.collect(),
            hops: VecDeque::with_capacity(HOPS_MAX),
            energies: vec![0.0; bands.len()],
            frames: 0,
            in_hop: 0,
            recent: VecDeque::with_capacity(SPECTRUM_MAX),
            bands,
        }
    }

    fn push(&mut self, block: &[f64]) {
        let surplus = (self.recent.len() + block.len()).saturating_sub(SPECTRUM_MAX);
        self.recent.drain(..surplus.min(self.recent.len()));
        self.recent.extend(&block[block.len().saturating_sub(SPECTRUM_MAX)..]);
        let mut rest = block;
        while !rest.is_empty() {
            let (now, after) = rest.split_at((HOP - self.in_hop).min(rest.len()));
            self.stream.add_energies(now, &mut self.energies);
            self.in_hop += now.len();
            self.frames += now.len() as u64;
            rest = after;
            if self.in_hop == HOP {
                if self.hops.len() == HOPS_MAX {
                    self.hops.pop_front();
                }
                let energies = std::mem::replace(&mut self.energies, vec![0.0; self.bands.len()]);
                self.hops.push_back((self.frames - HOP as u64, energies));
                self.in_hop = 0;
            }
        }
    }

    fn read(&self) -> Spectra {
        let level = |(i, settled): (usize, &u64)| {
            let there = self.hops.iter().filter(|(from, _)| from >= settled).map(|(_, energies)| energies[i]);
            let (count, sum) = there.fold((0usize, 0.0), |(count, sum), energy| (count + 1, sum + energy));
            (count > 0).then(|| decibels(sum / (count * HOP) as f64))
        };
        Spectra {
            bands: BandReading {
                nominal_hz: self.bands.iter().map(|band| band.nominal_hz).collect(),
                edges_hz: self.bands.iter().map(|band| (band.lower_hz, band.upper_hz)).collect(),
                levels: self.settled.iter().enumerate().map(level).collect(),
            },
            lines: self.lines(),
        }
    }

    fn lines(&self) -> Option<LineReading> {
        let recent: Vec<f64> = self.recent.iter().copied().collect();
        // The one way in which this fails: there is no whole segment yet.
        let psd = power_spectrum_density(&recent, RATE, &WelchSettings::hann(SEGMENT)).ok()?;
        let noise_bandwidth_hz = HANN_LINES * psd.bin_hz;
        Some(LineReading {
            spacing_hz: psd.bin_hz,
            noise_bandwidth_hz,
            levels: psd.density.iter().map(|density| decibels(density * noise_bandwidth_hz)).collect(),
            averaged_s: recent.len() as f64 / f64::from(RATE),
        })
    }
}

#[cfg(test)]
mod tests;
