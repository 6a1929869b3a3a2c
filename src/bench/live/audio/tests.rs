//! Listing, choosing and error grouping of audio interfaces.

use super::*;
use crate::event::Failure;

#[test]
fn the_wire_is_always_listed_whatever_hardware_there_is() {
    let all = interfaces().unwrap();
    let wire = all.iter().find(|one| one.id == "loop:wire").expect("the wire is listed");
    assert_eq!((wire.inputs, wire.outputs, wire.default_rate), (32, 16, 48_000));
    assert!(all.iter().all(|one| one.inputs > 0 || one.outputs > 0));
}

#[test]
fn the_best_format_at_the_rate_with_the_fewest_channels_is_chosen() {
    let range = |channels, from, to, format| {
        SupportedStreamConfigRange::new(channels, from, to, cpal::SupportedBufferSize::Unknown, format)
    };
    let all = vec![
        range(2, 44_100, 48_000, SampleFormat::F32),
        range(8, 48_000, 48_000, SampleFormat::I16),
        range(8, 44_100, 96_000, SampleFormat::I32),
        range(8, 48_000, 48_000, SampleFormat::U8),
        range(16, 48_000, 48_000, SampleFormat::F32),
    ];
    let (format, config) = choose("x:y", Ok(all.clone()), 3, "plays", 256).unwrap();
    assert_eq!((format, config.channels, config.sample_rate), (SampleFormat::I32, 8, 48_000));
    assert_eq!(config.buffer_size, BufferSize::Fixed(256));
    let error = choose("x:y", Ok(all), 17, "plays", 256).unwrap_err();
    assert!(error.to_string().contains("plays 16 channels") && error.to_string().contains("17"), "{error}");
    let cd = vec![range(8, 44_100, 44_100, SampleFormat::F32)];
    let error = choose("x:y", Ok(cd), 3, "records", 256).unwrap_err();
    assert!(error.to_string().contains("48000 Hz"), "{error}");
}

#[test]
fn errors_are_grouped_by_what_the_caller_does_next() {
    for (kind, failure) in [
        (ErrorKind::DeviceBusy, Failure::TryAgain),
        (ErrorKind::DeviceNotAvailable, Failure::AskOperator),
        (ErrorKind::HostUnavailable, Failure::AskOperator),
        (ErrorKind::PermissionDenied, Failure::AskOperator),
        (ErrorKind::UnsupportedConfig, Failure::StopRun),
    ] {
        let error = explain("alsa:x", &cpal::Error::new(kind));
        assert_eq!(error.failure(), failure, "{kind:?}");
        assert!(error.to_string().contains("alsa:x"), "{error}");
    }
}

#[test]
fn a_storm_of_errors_is_counted_and_slowed_down() {
    let counters = Counters::default();
    count(&counters, &cpal::Error::new(ErrorKind::Xrun));
    assert_eq!((counters.xruns(), counters.fault()), (1, None));
    let began = std::time::Instant::now();
    for _ in 0..110 {
        count(&counters, &cpal::Error::new(ErrorKind::BackendError));
    }
    assert!(began.elapsed() >= SLEEP * 10);
    count(&counters, &cpal::Error::new(ErrorKind::DeviceNotAvailable));
    assert_eq!(counters.fault(), Some(stream::Fault::Backend), "the first fault is the cause");
}
