//! Listing, choosing and error grouping of audio interfaces.

use super::*;
use crate::event::Failure;

#[test]
fn the_wire_is_always_listed_whatever_hardware_there_is() {
    let all = interfaces().unwrap();
    let wire = all.iter().find(|one| one.id == "loop:wire").expect("the wire is listed");
    assert_eq!((wire.inputs(), wire.outputs(), wire.default_rate), (32, 16, 48_000));
    assert!(all.iter().all(|one| one.inputs() > 0 || one.outputs() > 0));
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
    let (format, config) = choose("x:y", Ok(all.clone()), 3, "plays", &at(48_000)).unwrap();
    assert_eq!((format, config.channels, config.sample_rate), (SampleFormat::I32, 8, 48_000));
    assert_eq!(config.buffer_size, BufferSize::Fixed(256));
    let error = choose("x:y", Ok(all), 17, "plays", &at(48_000)).unwrap_err();
    assert!(error.to_string().contains("plays 16 channels") && error.to_string().contains("17"), "{error}");
    let cd = vec![range(8, 44_100, 44_100, SampleFormat::F32)];
    let error = choose("x:y", Ok(cd), 3, "records", &at(48_000)).unwrap_err();
    assert!(error.to_string().contains("48000 Hz"), "{error}");
    // Twice the rate is a matter of the bench file.
    let fast = vec![range(8, 44_100, 96_000, SampleFormat::I32), range(8, 44_100, 48_000, SampleFormat::F32)];
    let (format, config) = choose("x:y", Ok(fast), 3, "records", &at(96_000)).unwrap();
    assert_eq!((format, config.sample_rate), (SampleFormat::I32, 96_000));
}

fn at(rate: u32) -> StreamsSpec<'static> {
    StreamsSpec { playback: None, capture: None, rate, buffer_frames: 256, cords: &[] }
}

#[test]
fn an_interface_says_what_it_can_in_each_direction() {
    let range =
        |channels, to, buffer, format| SupportedStreamConfigRange::new(channels, 44_100, to, buffer, format);
    let buffer = |min, max| cpal::SupportedBufferSize::Range { min, max };
    let configs = vec![
        range(8, 48_000, buffer(64, 1_024), SampleFormat::I16),
        range(2, 96_000, buffer(32, 512), SampleFormat::I32),
        range(2, 96_000, cpal::SupportedBufferSize::Unknown, SampleFormat::U8),
    ];
    let way = listing::way(Ok(configs)).unwrap();
    assert_eq!((way.channels, way.buffer_frames), (8, Some((32, 1_024))));
    assert_eq!(way.rates_hz, [44_100, 48_000, 88_200, 96_000]);
    assert_eq!(way.formats, ["i32", "i16"]);
    let silent = range(1, 48_000, cpal::SupportedBufferSize::Unknown, SampleFormat::F32);
    assert_eq!(listing::way(Ok(vec![silent])).unwrap().buffer_frames, None);
    assert_eq!(listing::way(Ok(Vec::new())), None);
    assert_eq!(listing::way(Err(cpal::Error::new(ErrorKind::DeviceBusy))), None);
}

#[test]
fn a_host_that_a_feature_brings_is_told_with_the_feature() {
    if !cfg!(feature = "jack") {
        let error = AudioSystem::open("jack").err().unwrap();
        assert_eq!(error.failure(), Failure::StopRun);
        assert!(error.to_string().contains("--features jack"), "{error}");
    }
    let error = AudioSystem::open("soundblaster").err().unwrap();
    assert!(error.to_string().contains("correct the id"), "{error}");
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
    let counters = Counters::new(1, [true; 2]);
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
