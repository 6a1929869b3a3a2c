//! Activation: gates that open in a known burst, in a known way.
//!
//! Truths are through the meter: for a steady signal the 5 ms meter is an exponential average of the squared gate, so that
//! the time at which it reaches half of its final value is the root of a formula, found here by bisection.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::dsp::filter::Cascade;
use lombard::dsp::resample::fractional_delay;
use lombard::meters::activation::{Activation, ActivationSettings, activation};
use lombard::signals::{Library, Options};
use lombard::units::{Db, Seconds};

use super::residual::{Residual, Truth, all_hold};

const GATE: Truth =
    Truth { by: "formula: the gate through an exponential average of 5 ms", date: "2026-11-25" };
const PAPER: Truth = Truth { by: "paper: level of the burst played", date: "2026-11-25" };
const METER_MS: f64 = 5.0;

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

/// What a burst is made of.
#[derive(Clone, Copy, PartialEq)]
enum Sound {
    /// A gliding tone of steady power: what the formula is exact for.
    Steady,
    /// Noise up to 6 kHz.
    Noise,
    /// A word: it swells for 80 ms and dies away for 150.
    Word,
}

/// A row of bursts.
struct Row {
    rate: u32,
    on_ms: f64,
    off_ms: f64,
    first_dbov: f64,
    count: usize,
    sound: Sound,
}

const CSS: Row =
    Row { rate: 48_000, on_ms: 248.62, off_ms: 451.38, first_dbov: -45.0, count: 12, sound: Sound::Steady };
const WORDS: Row = Row { on_ms: 500.0, off_ms: 500.0, sound: Sound::Word, ..CSS };

impl Row {
    fn frames(&self, ms: f64) -> usize {
        (ms * f64::from(self.rate) / 1e3).round() as usize
    }

    fn onset(&self, burst: usize) -> usize {
        self.frames(200.0) + self.frames((self.on_ms + self.off_ms) * burst as f64)
    }

    /// Bursts whose active part rises by 1 dB from one to the next, 0.2 s of silence before.
    fn stimulus(&self) -> Vec<f64> {
        let (on, rate) = (self.frames(self.on_ms), f64::from(self.rate));
        let mut one: Vec<f64> = match self.sound {
            // A tone that glides from 1 to 6 kHz: its ripple, at twice that, the meter does not follow.
            Sound::Steady => (0..on)
                .map(|n| {
                    let t = n as f64 / rate;
                    (TAU * (1000.0 * t + 2500.0 * t * t * 1e3 / self.on_ms)).sin()
                })
                .collect(),
            Sound::Noise | Sound::Word => {
                Cascade::butterworth_lowpass(6, self.rate, 6000.0).filtered(&noise(on, 21))
            }
        };
        if self.sound == Sound::Word {
            for (n, x) in one.iter_mut().enumerate() {
                let ms = n as f64 / rate * 1e3;
                *x *= (0.25 + 0.75 * ms / 80.0).min(1.0).min(((self.on_ms - ms) / 150.0).max(0.02));
            }
        }
        let power = one.iter().map(|x| x * x).sum::<f64>() / one.len() as f64;
        let mut out = vec![0.0; self.onset(self.count)];
        for burst in 0..self.count {
            let gain = 10f64.powf((self.first_dbov + burst as f64) / 20.0) / power.sqrt();
            for (x, v) in out[self.onset(burst)..].iter_mut().zip(&one) {
                *x = gain * v;
            }
        }
        out
    }

    /// The stimulus through a gate that is `closed_db` down until `opening`, in ms after the onset of a burst, reaches 1;
    /// −18 dB when open, 120.3 ms late.
    fn gated(&self, burst: usize, closed_db: f64, opening: impl Fn(f64) -> f64) -> Vec<f64> {
        let closed = 10f64.powf(-closed_db / 20.0);
        let mut out: Vec<f64> = self.stimulus();
        for (n, x) in out.iter_mut().enumerate() {
            let ms = (n as f64 - self.onset(burst) as f64) / f64::from(self.rate) * 1e3;
            let open = if ms < 0.0 { 0.0 } else { opening(ms).clamp(0.0, 1.0) };
            *x *= 10f64.powf(-18.0 / 20.0) * (closed + (1.0 - closed) * open);
        }
        out.resize(out.len() + self.rate as usize / 2, 0.0);
        fractional_delay(&out, 0.1203 * f64::from(self.rate))
    }
}

/// When the average reaches half of its final value: ∫₀^t g²(u)·e^(−(t−u)/τ) du/τ = ½, by small steps.
fn through_the_meter_ms(gate: impl Fn(f64) -> f64) -> f64 {
    const STEP_MS: f64 = 0.001;
    let (mut value, mut ms) = (0.0, 0.0);
    while value < 10f64.powf(-0.3) {
        value += STEP_MS / METER_MS * (gate(ms + STEP_MS / 2.0).clamp(0.0, 1.0).powi(2) - value);
        ms += STEP_MS;
    }
    ms
}

fn read(row: &Row, recording: &[f64]) -> Activation {
    activation(&row.stimulus(), recording, row.rate, &ActivationSettings::default()).unwrap()
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    type Gate = fn(f64) -> f64;
    let gates: [(&str, Gate); 6] = [
        ("at once", |_| 1.0),
        ("20 ms late", |ms| if ms < 20.0 { 0.0 } else { 1.0 }),
        ("rising in 30 ms", |ms| ms / 30.0),
        ("rising in 60 ms", |ms| ms / 60.0),
        ("exponentially, 15 ms", |ms| 1.0 - (-ms / 15.0).exp()),
        ("exponentially, 40 ms", |ms| 1.0 - (-ms / 40.0).exp()),
    ];
    let mut all = Vec::new();
    for (name, gate) in gates {
        for (rate, closed_db) in [(48_000, 20.0), (16_000, 30.0)] {
            let row = Row { rate, ..CSS };
            let found = read(&row, &row.gated(5, closed_db, gate)).first.unwrap();
            assert_eq!(found.index, 5, "{name}");
            let closed = 10f64.powf(-closed_db / 20.0);
            let truth = through_the_meter_ms(|ms| closed + (1.0 - closed) * gate(ms).clamp(0.0, 1.0));
            let case = format!("opens {name}, {rate} Hz: build-up");
            let values = (truth, found.build_up.unwrap().as_ms());
            // The meter's ripple at a kilohertz, and the onset within a tenth of a millisecond.
            all.push(Residual::value("activation", case, "ms", values, 1.0, GATE));
            let values = (-45.0 + 5.0, found.level.decibels());
            all.push(Residual::value(
                "activation",
                format!("opens {name}, {rate} Hz: level"),
                "dBov",
                values,
                0.1,
                PAPER,
            ));
        }
    }
    all
});

#[test]
fn level_and_build_up_are_those_of_the_gate() {
    all_hold(&RESIDUALS);
    // And they can fail: a gate that opens 2 ms later is another one.
    let late = read(&CSS, &CSS.gated(5, 20.0, |ms| if ms < 22.0 { 0.0 } else { 1.0 }));
    let truth = through_the_meter_ms(|ms| if ms < 20.0 { 0.1 } else { 1.0 });
    let values = (truth, late.first.unwrap().build_up.unwrap().as_ms());
    assert!(!Residual::value("activation", "2 ms late", "ms", values, 1.0, GATE).holds(), "{values:?}");
}

#[test]
fn the_level_is_that_of_the_active_part_and_not_of_the_cycle() {
    // Traps 13: 4.5 dB between the two.
    let row = Row { sound: Sound::Noise, ..CSS };
    let found = read(&row, &row.gated(3, 20.0, |_| 1.0));
    assert!((found.first.unwrap().level.decibels() + 42.0).abs() < 0.1, "{found:?}");
    assert_eq!(found.bursts.len(), 12);
    assert!(
        (found.settled_gain.unwrap().0 + 18.0).abs() < 0.05
            && (found.delay.unwrap().delay.as_ms() - 120.3).abs() < 0.01
    );
    let wrong = Residual::value(
        "activation",
        "cycle",
        "dBov",
        (-42.0 - 4.5, found.first.unwrap().level.decibels()),
        0.1,
        PAPER,
    );
    assert!(!wrong.holds());
    for (index, burst) in found.bursts.iter().enumerate() {
        let gain = if index < 3 { -38.0 } else { -18.0 };
        assert!((burst.gain.0 - gain).abs() < 0.1, "{index}: {burst:?}");
    }
}

#[test]
fn the_bursts_of_the_catalogue_are_read_though_their_sign_alternates() {
    for (id, rate) in [("css-bursts-fb", 48_000), ("css-bursts-fb", 16_000), ("css-bursts-nb", 8000)] {
        let signal = Library::builtin().unwrap().make(id, rate, Options::default()).unwrap();
        let stimulus: Vec<f64> = signal.samples.iter().map(|x| x * 10f64.powf(-45.0 / 20.0)).collect();
        let frames = |ms: f64| (ms * f64::from(rate) / 1e3).round() as usize;
        for opens_ms in [0.0, 30.0, 70.0] {
            let opens = signal.active_spans[6].start + frames(opens_ms);
            let mut recording: Vec<f64> = stimulus
                .iter()
                .enumerate()
                .map(|(n, x)| if n < opens { 0.01 * x } else { 0.2 * x })
                .collect();
            recording.splice(0..0, vec![0.0; frames(151.0)]);
            let read = activation(&stimulus, &recording, rate, &ActivationSettings::default()).unwrap();
            let first = read.first.unwrap();
            assert_eq!((first.index, read.bursts.len()), (6, 22));
            for (index, burst) in read.bursts.iter().enumerate() {
                assert!((burst.level.decibels() + 45.0 - index as f64).abs() < 0.1, "{index}: {burst:?}");
            }
            // Voiced sound comes in pulses of 3 ms, noise as it likes: the meter rises in steps.
            let build_up_ms = first.build_up.unwrap().as_ms();
            assert!((build_up_ms - opens_ms - 3.5).abs() < 2.5, "{rate} {opens_ms}: {build_up_ms}");
        }
    }
}

#[test]
fn words_swell_without_being_taken_for_switching() {
    let found = read(&WORDS, &WORDS.gated(4, 20.0, |_| 1.0)).first.unwrap();
    assert_eq!(found.index, 4);
    assert!(found.build_up.unwrap().as_ms() < 12.0, "{found:?}");
    let found = read(&WORDS, &WORDS.gated(7, 20.0, |ms| if ms < 60.0 { 0.0 } else { 1.0 })).first.unwrap();
    assert_eq!(found.index, 7);
    assert!((found.build_up.unwrap().as_ms() - 63.0).abs() < 3.0, "{found:?}");
}

#[test]
fn a_burst_that_opens_the_gate_before_its_last_quarter_is_transmitted_and_a_later_one_is_not() {
    let cut = |at_ms: f64| {
        read(&CSS, &CSS.gated(5, 20.0, move |ms| if ms < at_ms { 0.0 } else { 1.0 })).first.unwrap().index
    };
    assert_eq!((cut(100.0), cut(170.0), cut(200.0), cut(230.0)), (5, 5, 6, 6));
}

#[test]
fn a_path_that_opens_with_one_of_the_last_bursts_is_seen() {
    let count = CSS.count;
    for burst in [count - 3, count - 2, count - 1] {
        let read = read(&CSS, &CSS.gated(burst, 30.0, |_| 1.0));
        assert_eq!(read.first.map(|first| first.index), Some(burst), "{read:?}");
    }
    let settings = ActivationSettings { settled_gain: Some(Db(f64::NAN)), ..ActivationSettings::default() };
    let error = activation(&CSS.stimulus(), &CSS.stimulus(), CSS.rate, &settings).unwrap_err();
    assert!(error.to_string().contains("settled gain is NaN"), "{error}");
}

#[test]
fn all_active_is_read_with_a_note_and_none_active_is_a_value() {
    let all = read(&CSS, &CSS.gated(0, 20.0, |_| 1.0));
    assert_eq!(all.first.unwrap().index, 0);
    assert!(all.note.unwrap().contains("from the first one on, or never"));
    // A gate that never opens lets everything pass 30 dB lower: only the gain of the open path can tell.
    let shut = CSS.gated(99, 30.0, |_| 1.0);
    let settings = ActivationSettings { settled_gain: Some(Db(-18.0)), ..ActivationSettings::default() };
    let none = activation(&CSS.stimulus(), &shut, CSS.rate, &settings).unwrap();
    assert!(none.first.is_none() && none.note.is_some(), "{none:?}");
    let known = activation(&CSS.stimulus(), &CSS.gated(0, 30.0, |_| 1.0), CSS.rate, &settings).unwrap();
    assert!(known.first.unwrap().index == 0 && known.note.is_none());
    // Mute, or noise alone.
    let hiss: Vec<f64> = noise(shut.len(), 77).iter().map(|x| 1e-3 * x).collect();
    for recording in [vec![0.0; shut.len()], hiss.clone()] {
        let none = read(&CSS, &recording);
        assert!(none.first.is_none() && none.delay.is_none() && none.note.is_some(), "{none:?}");
        let given =
            ActivationSettings { delay: Some(Seconds(0.12)), settled_gain: Some(Db(-18.0)), ..settings };
        let none = activation(&CSS.stimulus(), &recording, CSS.rate, &given).unwrap();
        assert!(none.first.is_none(), "{none:?}");
    }
}

#[test]
fn bursts_that_noise_hides_make_the_level_an_upper_bound() {
    // The path is open from the first burst on, but what is heard of it lies between −63 and −52 dBov.
    let mut recording = CSS.gated(0, 20.0, |_| 1.0);
    let hiss = noise(recording.len(), 5);
    recording.iter_mut().zip(&hiss).for_each(|(x, n)| *x += 3f64.sqrt() * 10f64.powf(-65.0 / 20.0) * n);
    let found = read(&CSS, &recording);
    assert!(found.noise_limited(), "{found:?}");
    // Heard at −63 dBov + k; 6 dB above −65 dBov is the fifth.
    assert!((3..=5).contains(&found.first.unwrap().index), "{found:?}");
    assert!(!read(&CSS, &CSS.gated(5, 20.0, |_| 1.0)).noise_limited());
}

#[test]
fn no_row_of_bursts_is_refused() {
    let refused = |stimulus: &[f64], recording: &[f64]| {
        activation(stimulus, recording, 48_000, &ActivationSettings::default()).unwrap_err().to_string()
    };
    let recording = CSS.gated(0, 20.0, |_| 1.0);
    assert!(refused(&noise(48_000, 1), &recording).contains("bursts"));
    assert!(refused(&vec![0.0; 48_000], &recording).contains("silent"));
    assert!(refused(&CSS.stimulus(), &[f64::NAN; 100]).contains("not finite"));
    assert!(refused(&CSS.stimulus(), &recording[..CSS.onset(1)]).contains("before the second burst"));
}
