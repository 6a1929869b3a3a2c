//! Files as they come: good, odd and broken.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::*;

fn spec(channels: u16, bits: u16, format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate: 48_000, bits_per_sample: bits, sample_format: format }
}

fn integers(channels: u16, bits: u16, samples: &[i32]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut wav = WavWriter::new(&mut bytes, spec(channels, bits, SampleFormat::Int)).unwrap();
    for sample in samples {
        wav.write_sample(*sample).unwrap();
    }
    wav.finalize().unwrap();
    bytes.into_inner()
}

fn floats(samples: &[f32]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut wav = WavWriter::new(&mut bytes, spec(1, 32, SampleFormat::Float)).unwrap();
    for sample in samples {
        wav.write_sample(*sample).unwrap();
    }
    wav.finalize().unwrap();
    bytes.into_inner()
}

fn mono(bytes: &[u8]) -> Result<Vec<f64>, WavError> {
    Ok(Wav::open(Cursor::new(bytes))?.read(&[1])?.remove(0))
}

fn refusal(bytes: &[u8]) -> String {
    mono(bytes).unwrap_err().to_string()
}

#[test]
fn full_scale_is_one_in_every_sample_format() {
    for bits in [8, 16, 24, 32] {
        let low = i32::MIN >> (32 - bits);
        let samples = mono(&integers(1, bits, &[low, low / 2, 0, -(low / 4)])).unwrap();
        assert_eq!(samples, [-1.0, -0.5, 0.0, 0.25], "{bits}");
    }
    assert_eq!(mono(&floats(&[1.5, -0.125])).unwrap(), [1.5, -0.125]);
}

/// 24 valid bits in containers of 32, as many converters record: the value stands at the upper end.
#[test]
fn valid_bits_stand_at_the_upper_end_of_their_container() {
    let words = [0x4000_0000_i32, -0x4000_0000, 0x0000_0100];
    let expected = [0.5, -0.5, 2f64.powi(-23)];
    let file = |format: &[u8]| {
        let mut bytes = b"RIFF\x00\x00\x00\x00WAVEfmt ".to_vec();
        bytes.extend((format.len() as u32).to_le_bytes());
        bytes.extend(format);
        bytes.extend(b"data\x0c\x00\x00\x00");
        for word in words {
            bytes.extend(word.to_le_bytes());
        }
        bytes
    };
    // Tag, channels, rate, bytes per second, bytes per frame, bits.
    let mut plain = vec![1, 0, 1, 0, 0x80, 0xbb, 0, 0, 0, 0xee, 2, 0, 4, 0, 24, 0];
    assert_eq!(mono(&file(&plain)).unwrap(), expected);
    plain[..2].copy_from_slice(&EXTENSIBLE);
    plain[14] = 32;
    plain
        .extend([22, 0, 24, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    assert_eq!(mono(&file(&plain)).unwrap(), expected);
}

#[test]
fn channels_are_counted_from_one_and_never_mixed() {
    let all: Vec<i32> = (0..24).collect();
    let twelve = integers(12, 16, &all);
    let wav = || Wav::open(Cursor::new(&twelve)).unwrap();
    assert_eq!((wav().channels(), wav().frames(), wav().rate()), (12, 2, 48_000));
    let scale = 1.0 / 32_768.0;
    assert_eq!(
        wav().read(&[12, 1]).unwrap(),
        [[11.0 * scale, 23.0 * scale], [0.0, 12.0 * scale]].map(Vec::from)
    );
    assert!(wav().read(&[0]).unwrap_err().to_string().contains("no channel 0: it has 12"));
    assert!(wav().read(&[13]).unwrap_err().to_string().contains("no channel 13"));
}

#[test]
fn chunks_of_odd_length_before_the_samples_are_walked_over() {
    let plain = integers(1, 16, &[16_384]);
    let mut odd = plain[..12].to_vec();
    odd.extend(b"LIST\x03\x00\x00\x00abc\x00");
    odd.extend(&plain[12..]);
    odd.extend(b"LIST\x02\x00\x00\x00zz");
    assert_eq!(mono(&odd).unwrap(), [0.5]);
}

#[test]
fn damage_is_told_with_its_place() {
    assert!(refusal(b"").contains("byte 0"));
    assert!(refusal(b"OggS and more than twelve bytes").contains("expected RIFF"));
    let good = integers(1, 16, &[1, 2, 3, 4]);
    assert!(refusal(&good[..good.len() - 3]).contains("promises 8 bytes of samples and the file holds 5"));
    assert!(refusal(&good[..30]).contains("a file that holds it"));
    assert!(refusal(&good[..40]).contains("byte 40: the end of the file"));
    let mut rate = good.clone();
    rate[24..28].copy_from_slice(&7u32.to_le_bytes());
    rate[28..32].copy_from_slice(&14u32.to_le_bytes());
    assert!(refusal(&rate).contains("7 frames per second"));
    let mut law = good.clone();
    law[20] = 7;
    assert!(refusal(&law).contains("not supported"));
    assert!(refusal(&integers(1, 16, &[])).contains("no samples"));
    let mut half = good;
    half[40] = 7;
    assert!(refusal(&half).contains("7 bytes of samples in frames of 2"));
}

#[test]
fn what_is_no_number_is_no_sample() {
    assert!(refusal(&floats(&[0.0, f32::NAN])).contains("channel 1, frame 1 is NaN"));
    assert!(refusal(&floats(&[f32::NEG_INFINITY])).contains("frame 0 is -inf"));
}

/// Headers damaged at random: whatever comes out, it is no panic, and no more samples than the file has bytes.
#[test]
fn no_header_makes_it_panic_or_take_more_than_the_file_holds() {
    let mut state = 1u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let originals = [
        integers(1, 16, &[5; 40]),
        integers(3, 24, &[7; 60]),
        integers(12, 8, &[3; 48]),
        floats(&[0.25; 30]),
    ];
    let (mut read, mut refused) = (0, 0);
    for round in 0..40_000 {
        let mut bytes = originals[round % originals.len()].clone();
        for _ in 0..=draw(3) {
            let at = draw(bytes.len().min(72));
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, draw(256) as u8][draw(6)];
        }
        if draw(4) == 0 {
            bytes.truncate(draw(bytes.len()));
        }
        let opened = Wav::open(Cursor::new(&bytes)).and_then(|wav| {
            let all: Vec<usize> = (1..=wav.channels()).collect();
            wav.read(&all)
        });
        match opened {
            Ok(channels) => {
                read += 1;
                assert!(channels.iter().map(Vec::len).sum::<usize>() <= bytes.len(), "{bytes:?}");
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    // Damage in the samples or in a chunk's unused bytes is no damage to the header.
    assert!(read > 1_000 && refused > 10_000, "{read} read, {refused} refused");
}
