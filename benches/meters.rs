//! How much sound the meters take per second on one core: `cargo bench --no-default-features --bench meters [NAME]`.
//!
//! Double precision at 48 kHz. criterion prints the throughput in elements per second; an element is a second of sound.
//! What each has to reach: P.56 1 000, third octaves by FFT 2 000, the bank of 31 filters 100; the delay of two signals
//! of 10 s within 60 ms.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use lombard::dsp::align::{DelaySearch, find_delay};
use lombard::dsp::bands::{Bands, band_levels};
use lombard::dsp::filter_bank::FilterBank;
use lombard::dsp::level::active_speech_level;
use lombard::dsp::spectrum::PowerSpectra;
use lombard::dsp::weighting::Weighting;
use lombard::dsp::weighting_filter::WeightingFilter;
use lombard::units::Seconds;

const RATE: u32 = 48_000;

/// Bursts of noise with a slow tremor, at the pace of sentences.
fn talk(seconds: u32, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..seconds * RATE)
        .map(|n| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let noise = (state >> 11) as f64 / 2f64.powi(52) - 1.0;
            let t = f64::from(n) / f64::from(RATE);
            let active = t % 2.0 < 1.2;
            if active { 0.1 * noise * (1.0 + 0.5 * (std::f64::consts::TAU * 3.0 * t).sin()) } else { 0.0 }
        })
        .collect()
}

fn levels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seconds of sound");
    let signal = talk(60, 1);
    group.throughput(Throughput::Elements(60));
    group.bench_function("active-level", |bencher| {
        bencher.iter(|| black_box(active_speech_level(black_box(&signal), RATE)));
    });
    let bands = Bands::third_octave(20.0, 20_000.0);
    group.bench_function("bands-fft", |bencher| {
        let mut spectra = PowerSpectra::default();
        bencher.iter(|| black_box(bands.powers(spectra.of(black_box(&signal), RATE))));
    });
    // With planning the transform anew, as for a single file.
    group.bench_function("bands-fft, one file", |bencher| {
        bencher.iter(|| black_box(band_levels(black_box(&signal), RATE, &bands)));
    });
    group.throughput(Throughput::Elements(10));
    let bank = FilterBank::new(&bands, RATE).expect("48 kHz hold 20 kHz");
    assert_eq!(bank.bands().len(), 31);
    group.bench_function("bands-filter", |bencher| {
        bencher.iter(|| black_box(bank.powers(black_box(&signal[..480_000]))));
    });
    for (name, weighting) in [("a-filter", Weighting::A), ("psophometric-filter", Weighting::Psophometric)] {
        let mut filter = WeightingFilter::new(weighting, RATE, 480);
        let mut block = vec![0.0; 480];
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for frames in signal[..480_000].chunks_exact(480) {
                    block.copy_from_slice(black_box(frames));
                    filter.process(&mut block);
                    black_box(&block);
                }
            });
        });
    }
}

fn delay(criterion: &mut Criterion) {
    let (reference, noise) = (talk(10, 1), talk(10, 2));
    let recording: Vec<f64> =
        (0..480_000).map(|n| if n < 12_345 { 0.0 } else { reference[n - 12_345] } + 0.3 * noise[n]).collect();
    let search = DelaySearch::between(Seconds(-1.0), Seconds(3.0));
    criterion.bench_function("delay of two signals of 10 s", |bencher| {
        bencher.iter(|| {
            let found = find_delay(black_box(&reference), black_box(&recording), RATE, &search);
            assert!((found.expect("the copy is there").delay.0 - 12_345.0 / f64::from(RATE)).abs() < 1e-5);
        });
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    levels(&mut criterion);
    delay(&mut criterion);
    criterion.final_summary();
}
