//! The audio host inside the program, and the guard on its callbacks.

use super::*;

/// Counts what callbacks do to the heap, in every test of this crate.
#[global_allocator]
static COUNTED: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

#[test]
#[should_panic(expected = "a callback called the allocator")]
fn a_callback_that_allocates_is_seen() {
    drop(as_audio_thread(|| vec![1.0f32]));
}

#[test]
fn a_host_offers_what_it_is_and_refuses_the_rest() {
    let device = LoopHost::wire().0.device;
    let config = |channels, sample_rate, frames| StreamConfig {
        channels,
        sample_rate,
        buffer_size: BufferSize::Fixed(frames),
    };
    let build =
        |config, format| device.build_input_stream_raw(config, format, |_, _| {}, |_| {}, None).map(|_| ());
    assert!(build(config(32, RATE, 480), SampleFormat::F32).is_ok());
    for (config, format) in [
        (config(33, RATE, 480), SampleFormat::F32),
        (config(32, 44_100, 480), SampleFormat::F32),
        (config(32, RATE, 1), SampleFormat::F32),
        (config(32, RATE, 480), SampleFormat::I16),
    ] {
        assert_eq!(build(config, format).unwrap_err().kind(), ErrorKind::UnsupportedConfig);
    }
}
