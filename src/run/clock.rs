//! The time of day for journals and folder names: UTC, so that runs of two labs can be put in order.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Now, in ISO 8601 with milliseconds.
pub fn now() -> String {
    OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"))
        .unwrap_or_default()
}

/// Now, as the name of a folder on every file system.
pub fn folder_stamp() -> String {
    OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]"))
        .unwrap_or_default()
}

/// Today, for the validity of calibrations.
pub fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

/// The day of a time of a journal; `None` where it cannot be read.
pub fn day_of(at: &str) -> Option<Date> {
    Some(OffsetDateTime::parse(at, &Rfc3339).ok()?.date())
}

/// Seconds between two times of a journal; `None` where one cannot be read.
pub fn seconds_between(from: &str, to: &str) -> Option<f64> {
    let from = OffsetDateTime::parse(from, &Rfc3339).ok()?;
    let to = OffsetDateTime::parse(to, &Rfc3339).ok()?;
    Some((to - from).as_seconds_f64().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_journal_can_be_subtracted() {
        let span = seconds_between("2026-11-22T14:05:00.250Z", "2026-11-22T14:06:01.000Z");
        assert_eq!(span, Some(60.75));
        assert_eq!(seconds_between("yesterday", "2026-11-22T14:06:01.000Z"), None);
        assert_eq!(seconds_between(&now(), &now()).map(|s| s < 5.0), Some(true));
    }
}
