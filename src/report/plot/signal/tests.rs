//! The picture of a signal: what stands where, whatever the samples are.

use super::*;

const RATE: u32 = 16_000;

fn tone(hz: f64, seconds: f64) -> Vec<f64> {
    let count = (seconds * f64::from(RATE)) as usize;
    (0..count).map(|n| 0.5 * (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin()).collect()
}

fn picture(samples: &[f64]) -> SignalPicture<'_> {
    SignalPicture {
        name: "tone".to_owned(),
        title: "A tone <b>".to_owned(),
        caption: "-16 dBm0 (rms), half-loud".to_owned(),
        samples,
        rate: RATE,
        spans: Vec::new(),
    }
}

/// Whether everything that is opened is closed again, in order: what a reader of XML asks first.
fn is_well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    open.is_empty()
}

#[test]
fn a_tone_stands_where_it_belongs() {
    let samples = tone(1_000.0, 2.0);
    let picture = picture(&samples);
    let densities = picture.densities();
    let (columns, rows) = POINTS;
    for column in [0, columns / 2, columns - 1] {
        let loudest = (0..rows)
            .max_by(|a, b| densities[a * columns + column].total_cmp(&densities[b * columns + column]));
        // Rows are 1/210 of log(8000/50): a row is 2.4 % of a frequency, a bin of the window 15.6 Hz.
        let hz = 50.0 * 160f64.powf(1.0 - (loudest.unwrap() as f64 + 0.5) / rows as f64);
        assert!((hz / 1_000.0 - 1.0).abs() < 0.03, "{hz} Hz in column {column}");
    }
    // −9.03 dBov within a bin and a half of 15.6 Hz: 10·log10(1.5·15.625) = 13.7 dB under the level. The row holds two
    // bins, and the neighbor of a Hann window's peak is 6.02 dB down: a mean that is 2.04 dB lower.
    let loudest = densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!((loudest + 9.03 + 13.70 + 2.04).abs() < 0.05, "{loudest}");
    let svg = picture.svg().into_string();
    assert!(is_well_formed(&svg));
    for part in ["tone", "A tone &lt;b&gt;", "−16 dBm0 (rms), half-loud", "t / s", "f / Hz", "dBov/Hz", "5k"]
    {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn a_click_is_seen_in_its_column() {
    let mut samples = vec![0.0; 10 * RATE as usize];
    samples[7 * RATE as usize] = 0.9;
    let picture = picture(&samples);
    let densities = picture.densities();
    let row = &densities[100 * POINTS.0..101 * POINTS.0];
    let seen: Vec<usize> = (0..POINTS.0).filter(|column| row[*column] > -300.0).collect();
    let middle = POINTS.0 * 7 / 10;
    assert!(!seen.is_empty() && seen.iter().all(|column| column.abs_diff(middle) < 6), "{seen:?}");
    // And in the envelope: the highest point of the path is the click.
    let up = Scale::new(false, -1.0, 1.0, 100.0, 0.0);
    assert!(envelope(&samples, &up).contains(" 5L"), "0.9 of full scale stands 5 units under the top");
}

#[test]
fn every_signal_has_a_picture_that_is_small() {
    let loud: Vec<f64> = (0..200_000).map(|n| f64::from((n * 7_919 % 2_001) - 1_000) / 1_000.0).collect();
    for samples in [Vec::new(), vec![0.0], vec![0.5], vec![0.0; 30_000], tone(50.0, 0.01), loud] {
        let mut picture = picture(&samples);
        picture.spans = (0..150)
            .map(|n| Band {
                name: format!("{}-{n}", ["far", "near", "double"][n % 3]),
                from: n as f64,
                to: 1e9,
            })
            .collect();
        let svg = picture.svg().into_string();
        assert!(is_well_formed(&svg), "{} samples", samples.len());
        assert!(svg.len() < 600_000, "{} bytes", svg.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{} samples", samples.len());
    }
}

#[test]
fn colors_go_from_white_to_dark_without_a_step_back() {
    let light = |number: usize| color(number).iter().map(|one| u32::from(*one)).sum::<u32>();
    assert_eq!(color(0), [255, 255, 255]);
    assert_eq!(color(COLOR_COUNT - 1), COLORS[5]);
    assert!((1..COLOR_COUNT).all(|number| light(number) < light(number - 1)));
}

#[test]
fn groups_of_spans_are_named_once() {
    let samples = tone(500.0, 4.0);
    let mut picture = picture(&samples);
    for (name, from, to) in [("far-1", 0.0, 1.0), ("double-words-1", 1.0, 2.0), ("far-2", 2.0, 3.0)] {
        picture.spans.push(Band { name: name.to_owned(), from, to });
    }
    let svg = picture.svg().into_string();
    assert_eq!(svg.matches(">far</text>").count(), 1);
    assert_eq!(svg.matches(">double</text>").count(), 1);
    assert_eq!(svg.matches("<title>far-").count(), 2);
}
