//! The AM-FM pair and the sweeps against their formulas, written anew in numpy.

use super::{golden, made, numbers, rms};

fn is_that_of_numpy(name: &str) {
    let cases = golden()[name].clone();
    for case in cases.as_array().unwrap() {
        let (id, rate) = (case["id"].as_str().unwrap(), case["rate"].as_u64().unwrap() as u32);
        let signal = made(id, rate);
        // The gain that makes the level has the bits of f32 only: 6e-8.
        let level =
            rms(&signal.samples[..if name == "am_fm" { rate as usize } else { signal.samples.len() }]);
        for (place, want) in numbers(&case["places"]).into_iter().zip(numbers(&case["samples"])) {
            let got = signal.samples[place as usize] / level;
            assert!((got - want).abs() < 1e-9, "{id} {rate} {place}: {got}, numpy has {want}");
        }
    }
}

#[test]
fn the_combs_are_the_formula_of_p501() {
    is_that_of_numpy("am_fm");
}

#[test]
fn the_sweeps_are_the_formula_of_farina() {
    is_that_of_numpy("sweep");
}

#[test]
fn a_comb_at_8_khz_is_the_narrowband_one_and_its_second_repeats() {
    for (id, narrow) in [("am-fm-1", "am-fm-1-nb"), ("am-fm-2", "am-fm-2-nb")] {
        let (low, high) = (made(id, 8_000), made(narrow, 48_000));
        for n in 0..8_000 {
            assert!((low.samples[n] - high.samples[6 * n]).abs() < 1e-6, "{id} {n}");
        }
        assert_eq!(low.samples[..100], low.samples[8_000..8_100]);
        // The fullband one is another signal: it has more components.
        let whole = made(id, 48_000);
        assert!((0..8_000).any(|n| (low.samples[n] - whole.samples[6 * n]).abs() > 0.1), "{id}");
    }
}

#[test]
fn the_two_combs_share_no_power() {
    // Both over whole seconds: the product of the two has no mean, and each has its power beside the other.
    let (one, two) = (made("am-fm-1", 48_000), made("am-fm-2", 48_000));
    let product =
        one.samples.iter().zip(&two.samples).map(|(a, b)| a * b).sum::<f64>() / one.samples.len() as f64;
    // 250 ± 5 and 270 ± 5 Hz with their modulation by 3 Hz have tails that meet: −60 dB.
    assert!(product.abs() < 1e-3, "{product}");
    let same = one.samples.iter().map(|a| a * a).sum::<f64>() / one.samples.len() as f64;
    assert!((same - 1.0).abs() < 1e-6);
}
