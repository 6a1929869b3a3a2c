//! What a right bench must find on a virtual car, computed from the car's model.
//!
//! Nothing here is shared with the methods or the meters: responses are direct sums over the taps at exact frequencies,
//! bands are sums over a fine grid of frequencies, tables are an own copy. Clipping is left out: the truth is that of
//! the linear car. Where a measurand is a metered one, the spectrum of the test signal weighs inside each band, so the
//! signal's power density is an argument ([`Density`]).
//!
//! The codec and the real terminal's processing are not linear: for them the truth is that of the same car without
//! codec, without canceller and without noise suppression, and [`Truth::is_exact`] says no. So it does for a program under
//! test, of which nothing is known: the truth is that of a program that gives out what it is given.

pub mod bands;
pub mod field;
mod flaws;
mod quiet;
pub mod tables;

use std::f64::consts::PI;

use crate::bench::car::cabin::{Head, Path};
use crate::bench::car::network::{band_limit_hz, band_limit_taps, line_noise};
use crate::bench::car::noise::weight_db;
use crate::bench::car::spec::{Codec, TerminalKind, Weighting};
use crate::bench::car::stage::{NoiseModel, response_taps, whole_samples_s};
use crate::bench::car::terminal::reference::{self, Residual};
use crate::bench::car::terminal::{receive_gain, send_gain};
use crate::bench::car::{Model, RATE_HZ};
use crate::terms::{Bandwidth, Direction, Ear, Seat};
use crate::units::{DBOV_AT_0_DBM0, DBV_AT_0_DBM0};

/// Power density of a test signal over frequency in Hz, in any unit.
pub type Density<'a> = &'a dyn Fn(f64) -> f64;

/// A density for signals whose spectrum is white.
pub fn white(_freq_hz: f64) -> f64 {
    1.0
}

/// A density for speech: P.50.
pub fn speech(freq_hz: f64) -> f64 {
    10f64.powf(tables::speech_density_db(freq_hz) / 10.0)
}

/// A complex number; only what is needed here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phasor {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Phasor {
    const ONE: Self = Self { re: 1.0, im: 0.0 };

    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    fn scaled(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    /// Power.
    pub fn power(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    /// Turned by `angle` in rad.
    fn unit(angle: f64) -> Self {
        let (im, re) = angle.sin_cos();
        Self { re, im }
    }
}

/// The truth of a car in calls of its bandwidth.
pub struct Truth<'m> {
    model: &'m Model,
    /// Who talks and listens.
    head: &'m Head,
    send_taps: Vec<f64>,
    receive_taps: Vec<f64>,
    echo: Residual,
    idle_noise: Option<NoiseModel>,
    network_taps: Vec<f64>,
    /// What a background noise adds to the gain of receive, in dB.
    louder_db: f64,
}

/// Where a band or a weighting counts, in Hz.
pub type BandHz = (f64, f64);

impl<'m> Truth<'m> {
    /// The truth of a model.
    pub fn of(model: &'m Model) -> Self {
        let spec = &model.spec;
        let (echo, idle_noise) = match &spec.terminal.kind {
            TerminalKind::Reference(own) => {
                let terminal = reference::Model::new(&spec.terminal, own, spec.bandwidth);
                (terminal.echo, terminal.idle_noise)
            }
            TerminalKind::Real(_) | TerminalKind::Process(_) => (Residual::Whole, None),
        };
        Self {
            model,
            head: &model.cabin.driver,
            send_taps: response_taps(&spec.terminal.send_response),
            receive_taps: response_taps(&spec.terminal.receive_response),
            echo,
            idle_noise,
            network_taps: band_limit_taps(spec.network.real_bandwidth(spec.bandwidth)),
            louder_db: 0.0,
        }
    }

    /// The same with the head in another seat as talker and listener; `None` where nobody sits.
    #[must_use]
    pub fn at(self, seat: Seat) -> Option<Self> {
        let head = self.model.cabin.head(seat)?;
        Some(Self { head, ..self })
    }

    /// Whether the car is linear below full scale, so that these values are its own.
    pub fn is_exact(&self) -> bool {
        self.model.spec.network.codec == Codec::Linear
            && matches!(self.model.spec.terminal.kind, TerminalKind::Reference(_))
    }

    /// Send: digital amplitude at the POI for 1 Pa at the MRP. Delays of terminal and network are left out.
    pub fn send_response(&self, freq_hz: f64) -> Phasor {
        path_response(&self.head.mouth_to_microphone, freq_hz).scaled(self.send_electrical(freq_hz))
    }

    /// Send: digital level at the POI for 0 dBPa at the hands-free microphone, in dB.
    pub fn send_gain_db(&self, freq_hz: f64) -> f64 {
        20.0 * self.send_electrical(freq_hz).abs().log10()
    }

    /// Receive: Pa at an ear for the digital amplitude 1 at the POI. Delays of terminal and network are left out.
    pub fn receive_response(&self, ear: Ear, volume_step: u32, freq_hz: f64) -> Phasor {
        path_response(self.head.loudspeaker_to_ear(ear), freq_hz)
            .scaled(self.receive_electrical(volume_step, freq_hz))
    }

    /// Receive: gain of a band at one ear, Pa for the digital amplitude 1 at the POI, for a signal of `density`, in dB.
    pub fn receive_gain_db(&self, ear: Ear, volume_step: u32, density: Density<'_>, band_hz: BandHz) -> f64 {
        let power = |freq_hz: f64| self.receive_response(ear, volume_step, freq_hz).power();
        db(mean_gain(density, band_hz, power))
    }

    /// Echo: digital amplitude at the POI in send for 1 in receive. Delays of terminal and network are left out.
    pub fn echo_response(&self, volume_step: u32, freq_hz: f64) -> Phasor {
        self.microphone_response(volume_step, freq_hz)
            .scaled(self.residual(freq_hz) * self.send_electrical(freq_hz))
    }

    /// Echo up to the microphone: Pa there for the digital amplitude 1 at the POI in receive, by the ways that stay as they
    /// are. Delays of terminal and network are left out.
    pub fn microphone_response(&self, volume_step: u32, freq_hz: f64) -> Phasor {
        path_response(&self.model.cabin.loudspeaker_to_microphone, freq_hz)
            .scaled(self.receive_electrical(volume_step, freq_hz))
    }

    fn send_electrical(&self, freq_hz: f64) -> f64 {
        send_gain(&self.model.spec.terminal)
            * symmetric_response(&self.send_taps, freq_hz)
            * symmetric_response(&self.network_taps, freq_hz)
    }

    fn receive_electrical(&self, volume_step: u32, freq_hz: f64) -> f64 {
        self.receive_gain(volume_step)
            * symmetric_response(&self.receive_taps, freq_hz)
            * symmetric_response(&self.network_taps, freq_hz)
    }

    /// Pa at 1 m for the digital amplitude 1 at a volume step, without any response.
    fn receive_gain(&self, volume_step: u32) -> f64 {
        receive_gain(&self.model.spec.terminal, volume_step) * 10f64.powf(self.louder_db / 20.0)
    }

    fn residual(&self, freq_hz: f64) -> f64 {
        match &self.echo {
            Residual::Whole => 1.0,
            Residual::Share(share) => *share,
            Residual::Filtered(taps) => symmetric_response(taps, freq_hz),
        }
    }

    /// Send sensitivity of each third-octave band, dB V/Pa.
    pub fn send_sensitivities_dbv(&self, density: Density<'_>) -> [f64; 20] {
        let volts = DBV_AT_0_DBM0 - DBOV_AT_0_DBM0;
        band_gains(density, |freq_hz| self.send_response(freq_hz).power()).map(|gain| db(gain) + volts)
    }

    /// Receive sensitivity of each third-octave band, dB Pa/V, two ears by the sum of magnitudes.
    pub fn receive_sensitivities_dbpa(&self, volume_step: u32, density: Density<'_>) -> [f64; 20] {
        let volts = DBV_AT_0_DBM0 - DBOV_AT_0_DBM0;
        let ear =
            |ear| band_gains(density, |freq_hz| self.receive_response(ear, volume_step, freq_hz).power());
        let (left, right) = (ear(Ear::Left), ear(Ear::Right));
        std::array::from_fn(|band| 2.0 * db(left[band].sqrt() + right[band].sqrt()) - volts)
    }

    /// SLR, in dB: narrowband by Table 1 (bands 4 to 17), other bandwidths by Table A.2 (bands 1 to 20).
    pub fn slr_db(&self, density: Density<'_>) -> f64 {
        let weights = if self.is_narrow() { &tables::NARROW_SEND } else { &tables::WIDE_SEND };
        self.loudness_rating(&self.send_sensitivities_dbv(density), weights)
    }

    /// RLR of hands-free listening with two ears at a volume step, in dB: tables as for the SLR, then 8 dB less.
    pub fn rlr_db(&self, volume_step: u32, density: Density<'_>) -> f64 {
        let weights = if self.is_narrow() { &tables::NARROW_RECEIVE } else { &tables::WIDE_RECEIVE };
        self.loudness_rating(&self.receive_sensitivities_dbpa(volume_step, density), weights) - 8.0
    }

    /// RLR of hands-free listening with one ear at a volume step, in dB: as [`Truth::rlr_db`], but 14 dB less.
    pub fn rlr_of_one_ear_db(&self, ear: Ear, volume_step: u32, density: Density<'_>) -> f64 {
        let weights = if self.is_narrow() { &tables::NARROW_RECEIVE } else { &tables::WIDE_RECEIVE };
        let volts = DBV_AT_0_DBM0 - DBOV_AT_0_DBM0;
        let gains = band_gains(density, |freq_hz| self.receive_response(ear, volume_step, freq_hz).power());
        self.loudness_rating(&gains.map(|gain| db(gain) - volts), weights) - 14.0
    }

    fn is_narrow(&self) -> bool {
        self.model.spec.bandwidth == Bandwidth::Nb
    }

    fn loudness_rating(&self, sensitivities: &[f64; 20], weights: &[f64; 20]) -> f64 {
        let bands = if self.is_narrow() { 3..17 } else { 0..20 };
        let m = tables::SLOPE;
        let sum: f64 = bands.map(|band| 10f64.powf(m / 10.0 * (sensitivities[band] - weights[band]))).sum();
        -10.0 / m * sum.log10()
    }

    /// The volume step whose RLR is nearest to 2 dB; the quieter one of two equal ones.
    pub fn nominal_volume_step(&self, density: Density<'_>) -> u32 {
        let spec = &self.model.spec.terminal;
        let loudest = spec.volume_steps.saturating_sub(1);
        let at_loudest = self.rlr_db(loudest, density);
        let away = |step: u32| (at_loudest + f64::from(loudest - step) * spec.volume_step_db - 2.0).abs();
        (0..=loudest).min_by(|a, b| away(*a).total_cmp(&away(*b))).unwrap_or(0)
    }

    /// TCLw: B.4 of G.122 over 300 to 3 400 Hz, by third octaves whose end values are held to the edges, in dB.
    pub fn tclw_db(&self, volume_step: u32, density: Density<'_>) -> f64 {
        self.coupling_loss_db(volume_step, density, (300.0, 3_400.0))
    }

    /// TCL: B.4 of G.122 over 100 to 8 000 Hz, by third octaves, in dB.
    pub fn tcl_db(&self, volume_step: u32, density: Density<'_>) -> f64 {
        self.coupling_loss_db(volume_step, density, (100.0, 8_000.0))
    }

    /// Loss from the POI in receive to the POI in send of each third-octave band, in dB.
    pub fn echo_losses_db(&self, volume_step: u32, density: Density<'_>) -> [f64; 20] {
        self.echo_gains(volume_step, density).map(|gain| -db(gain))
    }

    fn echo_gains(&self, volume_step: u32, density: Density<'_>) -> [f64; 20] {
        band_gains(density, |freq_hz| self.echo_response(volume_step, freq_hz).power())
    }

    fn coupling_loss_db(&self, volume_step: u32, density: Density<'_>, edges_hz: BandHz) -> f64 {
        let gains = self.echo_gains(volume_step, density);
        let inside: Vec<(f64, f64)> = (0..20)
            .filter(|band| (edges_hz.0..=edges_hz.1).contains(&tables::CENTERS_HZ[*band]))
            .map(|band| (exact_center_hz(band), gains[band]))
            .collect();
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return f64::NAN };
        let mut points = vec![(edges_hz.0.min(first.0), first.1)];
        points.extend(&inside);
        points.push((edges_hz.1.max(last.0), last.1));
        let width = (points[points.len() - 1].0 / points[0].0).log10();
        let area: f64 = points
            .windows(2)
            .map(|pair| f64::midpoint(pair[0].1, pair[1].1) * (pair[1].0 / pair[0].0).log10())
            .sum();
        -db(area / width)
    }

    /// Idle noise at the POI in send, in dBm0 with `weighting`, between the edges of `band_hz`. The mean of the noise:
    /// one second of it scatters by some hundredths of a dB.
    pub fn idle_noise_send_dbm0(&self, weighting: Weighting, band_hz: BandHz) -> f64 {
        const STEP_HZ: f64 = 5.0;
        let steps = ((band_hz.1 - band_hz.0) / STEP_HZ) as usize;
        let mean_square: f64 = (0..steps)
            .map(|k| {
                let freq_hz = band_hz.0 + (k as f64 + 0.5) * STEP_HZ;
                self.idle_density(freq_hz) * 10f64.powf(weight_db(weighting, freq_hz) / 10.0) * STEP_HZ
            })
            .sum();
        db(mean_square) - DBOV_AT_0_DBM0
    }

    /// Mean square per Hz of the idle noise at the POI.
    fn idle_density(&self, freq_hz: f64) -> f64 {
        let white = 1.0 / (RATE_HZ / 2.0);
        let network = symmetric_response(&self.network_taps, freq_hz);
        let density_of =
            |noise: &NoiseModel| (noise.gain * symmetric_response(&noise.taps, freq_hz)).powi(2) * white;
        let own = self.idle_noise.as_ref().map_or(0.0, density_of) * network * network;
        let send = self.send_electrical(freq_hz).powi(2);
        let microphone: f64 = self.model.microphone_noise.iter().map(density_of).sum();
        let hiss = self.model.amplifier_noise.as_ref().map_or(0.0, |noise| {
            let path = path_response(&self.model.cabin.loudspeaker_to_microphone, freq_hz).power();
            density_of(noise) * path * self.residual(freq_hz).powi(2)
        });
        let line = self.line_density(Direction::Send, freq_hz);
        own + (microphone + hiss) * send + line
    }

    /// Mean square per Hz of the simulator's own noise, digital, where a direction of the network ends.
    fn line_density(&self, direction: Direction, freq_hz: f64) -> f64 {
        let spec = &self.model.spec;
        let real = spec.network.real_bandwidth(spec.bandwidth);
        spec.network.noise(direction).map_or(0.0, |noise| {
            let model = line_noise(noise, real);
            (model.gain * symmetric_response(&model.taps, freq_hz)).powi(2) / (RATE_HZ / 2.0)
        })
    }

    /// The network alone: noise where a direction ends, in dBm0 with `weighting`, between the edges of `band_hz`.
    pub fn network_noise_dbm0(&self, direction: Direction, weighting: Weighting, band_hz: BandHz) -> f64 {
        const STEP_HZ: f64 = 5.0;
        let steps = ((band_hz.1 - band_hz.0) / STEP_HZ) as usize;
        let weighted = |k: usize| {
            let freq_hz = band_hz.0 + (k as f64 + 0.5) * STEP_HZ;
            let weight = 10f64.powf(weight_db(weighting, freq_hz) / 10.0);
            self.line_density(direction, freq_hz) * weight * STEP_HZ
        };
        db((0..steps).map(weighted).sum()) - DBOV_AT_0_DBM0
    }

    /// The noise at each ear while nobody speaks and nothing is played, without the hiss of the amplifier: A-weighted, in
    /// dBPa(A), between the edges of `band_hz`. −∞ where there is none.
    pub fn ear_noise_dbpa_a(&self, band_hz: BandHz) -> f64 {
        const STEP_HZ: f64 = 5.0;
        let Some(noise) = &self.model.ear_noise else { return f64::NEG_INFINITY };
        let steps = ((band_hz.1 - band_hz.0) / STEP_HZ) as usize;
        let weighted = |k: usize| {
            let freq_hz = band_hz.0 + (k as f64 + 0.5) * STEP_HZ;
            let density = (noise.gain * symmetric_response(&noise.taps, freq_hz)).powi(2) / (RATE_HZ / 2.0);
            density * 10f64.powf(weight_db(Weighting::A, freq_hz) / 10.0) * STEP_HZ
        };
        db((0..steps).map(weighted).sum())
    }

    /// The network alone: gain for a signal of `density` in `band_hz`, in dB, the same in both directions. A codec is
    /// taken for what it is meant to be: flat.
    pub fn network_gain_db(&self, density: Density<'_>, band_hz: BandHz) -> f64 {
        db(mean_gain(density, band_hz, |freq_hz| symmetric_response(&self.network_taps, freq_hz).powi(2)))
    }

    /// The network alone: the declared delay of a direction as the simulation keeps it, in seconds.
    pub fn network_delay_s(&self, direction: Direction) -> f64 {
        whole_samples_s(self.model.spec.network.delay_s(direction))
    }

    /// What the device's clock and the jumps of its link have added to the delay of a direction at a time of the call, at
    /// the end of the link, in seconds. The clocks carry it off by as much as they differ; every time that they have carried
    /// it 5 ms off it is set back by 10 ms.
    pub fn link_delay_s(&self, direction: Direction, at_s: f64) -> f64 {
        let clock = &self.model.spec.network.clock;
        let jumped: f64 =
            clock.jumps(direction).iter().filter(|jump| jump.at_s <= at_s).map(|jump| jump.by_s).sum();
        let ratio = 1.0 + clock.offset_ppm / 1e6;
        // Sent at its pace and heard at the bench's, or the other way round.
        let heard_s = match direction {
            Direction::Send => at_s / ratio,
            Direction::Receive => at_s * ratio,
        };
        let mut drifted_s = at_s - heard_s;
        while drifted_s.abs() > 0.005 {
            drifted_s -= 0.01 * drifted_s.signum();
        }
        jumped + drifted_s
    }

    /// Delay from the MRP to the POI in send, without the network's declared delay, in seconds: where the correlation
    /// of a test signal with what arrives is largest.
    pub fn send_delay_s(&self, density: Density<'_>) -> f64 {
        let path = &self.head.mouth_to_microphone;
        let electrical = |freq_hz| self.send_electrical(freq_hz) * density(freq_hz);
        whole_samples_s(self.model.spec.terminal.send_delay_s) + self.path_delay_s(path, &electrical)
    }

    /// Delay from the POI to an ear in receive, without the network's declared delay, in seconds.
    pub fn receive_delay_s(&self, ear: Ear, density: Density<'_>) -> f64 {
        let path = self.head.loudspeaker_to_ear(ear);
        let electrical = |freq_hz| self.receive_electrical(0, freq_hz) * density(freq_hz);
        whole_samples_s(self.model.spec.terminal.receive_delay_s) + self.path_delay_s(path, &electrical)
    }

    /// Where the band-limited response of a path is largest: a search in steps of half a sample, then ever finer.
    fn path_delay_s(&self, path: &Path, electrical: &dyn Fn(f64) -> f64) -> f64 {
        let taps = match path {
            Path::Silent => return f64::NAN,
            Path::Tap { delay, .. } => return *delay as f64 / RATE_HZ,
            Path::Response(taps) => taps,
        };
        let upper_hz = band_limit_hz(self.model.spec.bandwidth).1;
        let step_hz = 5.0;
        let spectrum: Vec<(f64, Phasor)> = (1..(upper_hz / step_hz) as usize)
            .map(|k| {
                let freq_hz = k as f64 * step_hz;
                (freq_hz, taps_response(taps, freq_hz).scaled(electrical(freq_hz)))
            })
            .collect();
        let correlation = |at_s: f64| -> f64 {
            let turn = |(freq_hz, value): &(f64, Phasor)| {
                let (sine, cosine) = (2.0 * PI * freq_hz * at_s).sin_cos();
                value.re * cosine - value.im * sine
            };
            spectrum.iter().map(turn).sum::<f64>().abs()
        };
        // the strongest arrival is an early one
        let half_samples = (taps.len().min(1_500) * 2) as i32;
        let grid = (0..half_samples).map(|n| f64::from(n) / (2.0 * RATE_HZ));
        let mut best = grid.max_by(|a, b| correlation(*a).total_cmp(&correlation(*b))).unwrap_or(0.0);
        let mut step = 0.25 / RATE_HZ;
        while step > 1e-9 {
            let around = [best - step, best, best + step];
            best =
                around.into_iter().max_by(|a, b| correlation(*a).total_cmp(&correlation(*b))).unwrap_or(best);
            step /= 2.0;
        }
        best
    }

    /// Level of the mouth's sound at the microphone relative to the MRP, for a signal of `density` in `band_hz`, in dB.
    pub fn microphone_from_mouth_db(&self, density: Density<'_>, band_hz: BandHz) -> f64 {
        db(mean_gain(density, band_hz, |freq_hz| {
            path_response(&self.head.mouth_to_microphone, freq_hz).power()
        }))
    }

    /// Level of the loudspeaker's sound at the microphone in dBPa for 0 dBm0 of `density` in `band_hz` at the POI.
    pub fn microphone_from_poi_dbpa(&self, volume_step: u32, density: Density<'_>, band_hz: BandHz) -> f64 {
        let digital = mean_gain(density, band_hz, |freq_hz| {
            path_response(&self.model.cabin.loudspeaker_to_microphone, freq_hz).power()
                * self.receive_electrical(volume_step, freq_hz).powi(2)
        });
        db(digital) + DBOV_AT_0_DBM0
    }
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The response of taps at one frequency: the sum itself, the turning made by products that start afresh often enough
/// to stay exact to 1e-13.
pub fn taps_response(taps: &[f64], freq_hz: f64) -> Phasor {
    let angle = -2.0 * PI * freq_hz / RATE_HZ;
    let turn = Phasor::unit(angle);
    let mut sum = Phasor { re: 0.0, im: 0.0 };
    for (chunk_index, chunk) in taps.chunks(64).enumerate() {
        let mut phasor = Phasor::unit(angle * (chunk_index * 64) as f64);
        for tap in chunk {
            sum.re += tap * phasor.re;
            sum.im += tap * phasor.im;
            phasor = phasor.times(turn);
        }
    }
    sum
}

/// The amplitude of a symmetric filter about its middle, with its sign; no taps are 1.
fn symmetric_response(taps: &[f64], freq_hz: f64) -> f64 {
    if taps.is_empty() {
        return 1.0;
    }
    let middle = (taps.len() - 1) as f64 / 2.0;
    taps_response(taps, freq_hz).times(Phasor::unit(2.0 * PI * freq_hz / RATE_HZ * middle)).re
}

fn path_response(path: &Path, freq_hz: f64) -> Phasor {
    match path {
        Path::Silent => Phasor::ONE.scaled(0.0),
        Path::Tap { gain, delay } => {
            Phasor::unit(-2.0 * PI * freq_hz / RATE_HZ * *delay as f64).scaled(*gain)
        }
        Path::Response(taps) => taps_response(taps, freq_hz),
    }
}

/// Base-ten midband frequency of a band of [`tables::CENTERS_HZ`].
fn exact_center_hz(band: usize) -> f64 {
    10f64.powf((band as f64 + 20.0) / 10.0)
}

/// The power gain of each third-octave band for a signal of `density`: Σ|H|²·S / ΣS over the band.
fn band_gains(density: Density<'_>, power: impl Fn(f64) -> f64) -> [f64; 20] {
    std::array::from_fn(|band| {
        let center = exact_center_hz(band);
        let half = 10f64.powf(0.05);
        mean_gain(density, (center / half, center * half), &power)
    })
}

/// Σ|H|²·S / ΣS over a band, in steps of at most 3 Hz.
fn mean_gain(density: Density<'_>, band_hz: BandHz, power: impl Fn(f64) -> f64) -> f64 {
    let width = band_hz.1 - band_hz.0;
    let steps = ((width / 3.0) as usize).max(24);
    let (mut weighted, mut sum) = (0.0, 0.0);
    for k in 0..steps {
        let freq_hz = band_hz.0 + (k as f64 + 0.5) * width / steps as f64;
        let share = density(freq_hz);
        weighted += power(freq_hz) * share;
        sum += share;
    }
    weighted / sum
}
