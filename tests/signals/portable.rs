//! Generators use portable functions only: what the standard library or an FFT library computes differs in the
//! last bits between machines.

use crate::source::{Kind, Source, rust_files};

/// Methods of `f64` whose last bits belong to the machine. `sqrt` is exact by IEEE 754, `abs`, `floor`, `%` too.
const FOREIGN: [&str; 28] = [
    "sin",
    "cos",
    "tan",
    "sin_cos",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "exp",
    "exp2",
    "exp_m1",
    "ln",
    "ln_1p",
    "log",
    "log2",
    "log10",
    "powf",
    "powi",
    "cbrt",
    "hypot",
    "to_radians",
    "to_degrees",
];

/// Where the code calls one of them, or reaches for the FFT.
fn not_portable(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let called = source.is_mark(at.wrapping_sub(1), ".") && source.is_mark(at + 1, "(");
        let path = source.is_mark(at.wrapping_sub(1), "::")
            && at >= 2
            && ["f64", "f32"].contains(&source.tokens[at - 2].text.as_str());
        if token.kind == Kind::Word
            && !token.in_test
            && (called || path)
            && FOREIGN.contains(&token.text.as_str())
        {
            found.push(format!("{}:{}: `{}`; use libm", source.path, token.line, token.text));
        }
    }
    let references = source.references();
    for reference in references.iter().filter(|one| !one.in_test) {
        if reference
            .segments
            .iter()
            .any(|segment| ["spectrum", "realfft", "rustfft"].contains(&segment.as_str()))
        {
            found.push(format!("{}:{}: an FFT; use signals::lines", source.path, reference.line));
        }
    }
    found
}

#[test]
fn no_generator_computes_what_machines_compute_differently() {
    let mut files = rust_files("src/signals");
    files.extend(rust_files("src/dsp").into_iter().filter(|file| {
        ["filter.rs", "resample.rs", "curve.rs"].iter().any(|name| file.path == format!("src/dsp/{name}"))
    }));
    assert!(files.len() > 15, "the generators are somewhere else now");
    let found: Vec<String> = files.iter().flat_map(not_portable).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_sine_of_the_standard_library_and_an_fft_are_seen() {
    let seen = |text: &str| not_portable(&Source::new("src/signals/x.rs", text)).len();
    assert_eq!(seen("//! X.\nfn x(a: f64) -> f64 { a.sin() + f64::powf(a, 2.0) }\n"), 2);
    assert_eq!(seen("//! X.\nuse crate::dsp::spectrum::Fft;\n"), 1);
    assert_eq!(seen("//! X.\nfn x(a: f64) -> f64 { libm::sin(a).sqrt() }\n"), 0);
    assert_eq!(seen("//! X.\n#[cfg(test)]\nmod tests { fn x(a: f64) -> f64 { a.sin() } }\n"), 0);
}
