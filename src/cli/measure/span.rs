//! Spans of a recording on the command line, as `0..6` in seconds.

use std::ops::Range;

/// Reads a span. Whether it lies within a recording, the meter says.
pub(super) fn span(text: &str) -> Result<Range<f64>, String> {
    // Three dots are a slip and not the beginning of a fraction.
    let written = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
    let number = |part: &str| {
        Some(part.trim()).filter(written)?.parse::<f64>().ok().filter(|seconds| seconds.is_finite())
    };
    let ends = text.split_once("..").and_then(|(from, to)| Some(number(from)?..number(to)?));
    ends.ok_or_else(|| "write a span in seconds as \"0..6\"".to_owned())
}

/// A length of time in milliseconds on the command line: a finite number.
pub(super) fn milliseconds(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| "write milliseconds as a number, as 180 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_two_numbers() {
        assert_eq!(span("0..6"), Ok(0.0..6.0));
        assert_eq!(span("1.5 .. 2.25"), Ok(1.5..2.25));
        for wrong in ["", "6", "0..", "..6", "a..b", "0...6", "0..inf", "0..NaN", "0-6", "-1..6"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert!(milliseconds("180").is_ok() && milliseconds("inf").is_err() && milliseconds("soon").is_err());
    }
}
