//! Dialogues: who speaks when, words that are words, and timelines that contradict themselves.

use super::*;
use crate::dsp::level::mean_square;
use crate::problem::SourceText;
use crate::signals::builtin::{self, BuiltinSpeech};
use crate::signals::{Catalogue, Library, Options, Signal, SpeechSource};

const RATE: u32 = 48_000;

fn library() -> Library {
    Library::builtin().unwrap()
}

fn spans_of(library: &Library, id: &str) -> Vec<(String, Range<usize>)> {
    let outline = library.outline(id).unwrap();
    let span = |one: crate::take::Span| (one.name, one.frames.start as usize..one.frames.end as usize);
    outline.spans.into_iter().map(span).collect()
}

fn counted(spans: &[(String, Range<usize>)], group: &str) -> Vec<Range<usize>> {
    let is = |name: &str| name.strip_prefix(group).is_some_and(|rest| rest.parse::<u32>().is_ok());
    spans.iter().filter(|(name, _)| is(name)).map(|(_, span)| span.clone()).collect()
}

fn level_db(samples: &[f64]) -> f64 {
    10.0 * mean_square(samples).log10()
}

#[test]
fn double_talk_has_words_and_sentences_alone_and_over_the_far_end() {
    let library = library();
    let spans = spans_of(&library, "speech-double-talk-near");
    assert_eq!(spans, spans_of(&library, "speech-double-talk-far"), "one timeline");
    for (group, count) in [
        ("near-words-", 6),
        ("double-words-", 6),
        ("near-sentences-", 2),
        ("double-sentences-", 2),
        ("analysis", 0),
    ] {
        assert_eq!(counted(&spans, group).len(), count, "{group}");
    }
    assert!(counted(&spans, "far-").len() >= 7, "{spans:?}");
    let make = |id: &str| library.make(id, RATE, Options::default()).unwrap();
    let (far, near) = (make("speech-double-talk-far"), make("speech-double-talk-near"));
    assert_eq!(far.samples.len(), near.samples.len());
    assert!(far.method_equivalent && near.method_equivalent);
    for (name, span) in &spans {
        let (far, near) = (level_db(&far.samples[span.clone()]), level_db(&near.samples[span.clone()]));
        // Levels are relative to the active speech level. Speech of a syllable and more stays within 12 dB of it,
        // the floor of the rooms stands at −60 dB. A fade and the filter of the rate leave some ms of speech beside.
        let (far_speaks, near_speaks) = (far > -12.0, near > -12.0);
        let wanted = match name.split('-').next().unwrap() {
            "double" => (true, true),
            "near" => (false, true),
            "far" => (true, false),
            _ => continue,
        };
        assert_eq!((far_speaks, near_speaks), wanted, "{name}: {far} {near}");
        assert!(!(-55.0..=-12.0).contains(&far), "{name}: {far}");
        assert!(!(-55.0..=-12.0).contains(&near), "{name}: {near}");
    }
}

#[test]
fn the_same_words_come_alone_and_in_double_talk() {
    let library = library();
    let spans = spans_of(&library, "speech-double-talk-near");
    let near = library.make("speech-double-talk-near", RATE, Options::default()).unwrap();
    let pairs = counted(&spans, "near-words-").into_iter().zip(counted(&spans, "double-words-"));
    for (number, (alone, double)) in pairs.enumerate() {
        let (a, b) = (&near.samples[alone.clone()], &near.samples[double]);
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let similar = dot / (mean_square(a) * mean_square(b)).sqrt() / a.len() as f64;
        assert!(similar > 0.999, "word {number}: {similar}");
        // Words have the level of their sentences; the active level of the whole counts their pauses in part.
        assert!(level_db(a).abs() < 2.0, "word {number}: {}", level_db(a));
    }
    let alone = counted(&spans, "near-words-");
    let other: f64 =
        near.samples[alone[0].clone()].iter().zip(&near.samples[alone[1].clone()]).map(|(a, b)| a * b).sum();
    assert!(other.abs() / (alone[1].len() as f64) < 0.3, "two words are not the same");
}

#[test]
fn words_are_cut_where_it_is_quiet() {
    let catalogue = builtin::catalogue().unwrap();
    let mut cuts = Vec::new();
    for one in catalogue.signals() {
        match &one.kind {
            Kind::Dialogue(DialogueSide {
                dialogue: Dialogue { talk: Talk::Placed { near, .. }, .. },
                ..
            }) => {
                cuts.extend(near.iter().filter_map(|turn| Some((turn.file.clone(), turn.cut_s.clone()?))));
            }
            Kind::WordRamp(ramp) => cuts.push((ramp.file.clone(), ramp.cut_s.clone())),
            _ => {}
        }
    }
    assert!(cuts.len() > 20);
    for (file, cut) in cuts {
        let recording = speech::load("a", &file, &BuiltinSpeech).unwrap();
        let frame = |seconds: f64| (seconds * f64::from(recording.rate)).round() as usize;
        let word = level_db(&recording.samples[frame(cut.start)..frame(cut.end)]);
        for edge in [cut.start, cut.end] {
            // 10 ms around the edge.
            let around = frame(edge - 0.005)..frame(edge + 0.005).min(recording.samples.len());
            let quiet = word - level_db(&recording.samples[around]);
            // 12 dB is what find_words.py asks for; its blocks stand on a grid of 5 ms.
            assert!(quiet >= 11.5, "{file} at {edge} s is only {quiet:.1} dB under its word");
        }
        assert!((0.2..0.9).contains(&(cut.end - cut.start)), "{file} {cut:?}");
    }
}

#[test]
fn a_conversation_spends_its_time_as_p59_says() {
    let library = library();
    let spans = spans_of(&library, "speech-conversation-far");
    let share = |group: &str| -> f64 {
        let frames: usize = counted(&spans, group).iter().map(std::iter::ExactSizeIterator::len).sum();
        frames as f64 / f64::from(120 * RATE)
    };
    // The draw is repeated until both shares are within half a percent of the time.
    assert!((share("double-") - conversation::DOUBLE_SHARE).abs() < 0.0051, "{}", share("double-"));
    let make = |id: &str| library.make(id, RATE, Options::default()).unwrap();
    let (far, near) = (make("speech-conversation-far"), make("speech-conversation-near"));
    let active =
        |signal: &Signal| -> usize { signal.active_spans.iter().map(|one| one.end - one.start).sum() };
    let both = share("double-") * f64::from(120 * RATE);
    let silence = 1.0 - (active(&far) as f64 + active(&near) as f64 - both) / f64::from(120 * RATE);
    assert!((silence - conversation::SILENCE_SHARE).abs() < 0.0051, "{silence}");
    for (name, span) in spans.iter().filter(|(name, span)| name.starts_with("near-") && span.len() > 4_800) {
        let far = level_db(&far.samples[span.start + 960..span.end - 960]);
        assert!(far < -55.0, "{name}: {far}");
    }
}

/// The near side of the shipped dialogue, with a text of the catalogue replaced.
fn near_with(from: &str, to: &str) -> Result<Signal, String> {
    let text = builtin::CATALOGUE;
    assert!(text.contains(from), "{from}");
    let text = SourceText::new("catalogue.toml", text.replacen(from, to, 1));
    let catalogue = Catalogue::parse(&text)
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let library = Library::new(catalogue, std::sync::Arc::new(BuiltinSpeech));
    library.make("speech-double-talk-near", RATE, Options::default()).map_err(|error| error.to_string())
}

#[test]
fn a_timeline_that_contradicts_itself_is_refused() {
    for (from, to, reason) in [
        // A word of double talk in a pause of the far end.
        ("{ at = \"10.6 s\", group", "{ at = \"9.6 s\", group", "overlaps far-end speech over 0 %"),
        // Single talk that runs into the far end.
        ("{ at = \"9 s\", group", "{ at = \"9.9 s\", group", "marked `alone`"),
        // Two turns of one side at once.
        ("{ at = \"5 s\", group", "{ at = \"4.2 s\", group", "one after the other"),
        // Beyond the end.
        ("{ at = \"34.8 s\", group", "{ at = \"36 s\", group", "does not fit"),
        // A cut beyond the recording.
        ("to = \"2.31 s\" }", "to = \"12.31 s\" }", "one after the other"),
        ("from = \"1.89 s\", to = \"2.31 s\" }", "from = \"2.2 s\", to = \"2.5 s\" }", "it lasts 2.36 s"),
        ("from = \"1.89 s\", to = \"2.31 s\" }", "from = \"1.89 s\" }", "the other end of the cut"),
        ("from = \"1.89 s\", to = \"2.31 s\" }", "from = \"1.89 s\", to = \"1.2 s\" }", "from and to"),
        ("file = \"en-m-2.wav\" }", "file = \"en-m-9.wav\" }", "'en-m-9.wav', which was not found"),
        ("length = \"38 s\"", "length = \"1e7 s\"", "longer than any signal"),
        ("count = 22", "count = 4000000000", "longer than any signal"),
        ("count = 22\nstep = \"1 dB\"", "count = 22\nstep = \"20 dB\"", "rise too far"),
        (
            "period = \"20 s\"\nlow = \"20 Hz\"",
            "period = \"1e6 s\"\nlow = \"20 Hz\"",
            "beyond what can be made",
        ),
        ("at = [\"0.45 m\", \"0 m\", \"1.25 m\"]", "at = [\"0.45 m\"]", "three lengths"),
        ("id = \"driver-head\"\nat", "id = \"navel\"\nat", "'navel' as the first"),
        ("shape = \"cabin-rain\"", "shape = \"cabin-snow\"", "no shape has this id"),
        (
            "[signal.extended]\nof = \"speech-single-talk\"",
            "[signal.extended]\nof = \"css-fb\"",
            "recorded speech",
        ),
        (
            "basis = \"active-rms\"\nduration = \"22 s\"",
            "basis = \"rms\"\nduration = \"22 s\"",
            "wrong basis",
        ),
        (
            "of = \"double-talk\"\nside = \"near\"",
            "of = \"double\"\nside = \"near\"",
            "no dialogue has this id",
        ),
        (
            "of = \"double-talk\"\nside = \"near\"",
            "of = \"double-talk\"\nside = \"left\"",
            "no side has this id",
        ),
        (
            "[dialogue.p59]",
            "[[dialogue.far]]\nat = \"1 s\"\nfile = \"a.wav\"\n[dialogue.p59]",
            "placed or timed",
        ),
    ] {
        let error = near_with(from, to).unwrap_err();
        assert!(error.contains(reason), "{to}: {error}");
    }
    assert!(near_with("seed = 59", "seed = 60").is_ok());
}

/// One file of a lab before the shipped ones.
struct Lab(&'static str, Vec<u8>);

impl SpeechSource for Lab {
    fn wav(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
        if name == self.0 { Some((&self.1).into()) } else { BuiltinSpeech.wav(name) }
    }
}

fn wav(channels: &[&dyn Fn(usize) -> f64], seconds: usize) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..seconds * RATE as usize {
        for channel in channels {
            writer.write_sample(channel(n) as f32).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn tone(hz: f64) -> impl Fn(usize) -> f64 {
    move |n| 0.1 * (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin()
}

#[test]
fn the_labs_own_double_talk_gives_each_side_its_channel() {
    let file = wav(&[&tone(500.0), &tone(700.0)], 12);
    let library =
        Library::new(builtin::catalogue().unwrap(), std::sync::Arc::new(Lab("p501-double-talk.wav", file)));
    for (id, hz) in [("speech-double-talk-far", 500.0), ("speech-double-talk-near", 700.0)] {
        let signal = library.make(id, RATE, Options::default()).unwrap();
        assert_eq!(signal.samples.len(), 12 * RATE as usize);
        assert!(!signal.method_equivalent);
        // Zero crossings count the tone.
        let crossings = signal.samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((crossings as f64 - 12.0 * hz).abs() < 3.0, "{id}: {crossings}");
        let names: Vec<String> = library.outline(id).unwrap().spans.into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["analysis"], "of the lab's recording nobody knows who speaks when");
    }
    let mono = wav(&[&tone(500.0)], 12);
    let library =
        Library::new(builtin::catalogue().unwrap(), std::sync::Arc::new(Lab("p501-double-talk.wav", mono)));
    let error = library.make("speech-double-talk-far", RATE, Options::default()).unwrap_err();
    assert!(error.to_string().contains("1 channels; 2 are needed"), "{error}");
}

#[test]
fn the_activation_word_rises_by_a_decibel_each_second() {
    let signal = library().make("speech-activation", RATE, Options::default()).unwrap();
    assert_eq!(signal.active_spans.len(), 22);
    for (number, span) in signal.active_spans.iter().enumerate() {
        assert_eq!(span.start, number * RATE as usize);
        let level = level_db(&signal.samples[span.clone()]);
        // The level is that of the first word, taken at the rate of the recordings: the filter of the conversion takes
        // what lies between 7.2 and 8 kHz off.
        assert!((level - number as f64).abs() < 0.05, "word {number}: {level}");
        let pause = &signal.samples[span.end + 480..(number + 1) * RATE as usize - 480];
        assert!(level_db(pause) < level - 60.0, "word {number}: {}", level_db(pause));
    }
    // 490 ms in 500 ms.
    assert!(signal.active_spans.iter().all(|span| span.end - span.start == 23_520));
    // 21 dB over the first word: at −16 dBm0 it cannot be played, and the refusal says by how much.
    let error = crate::signals::at_level(&signal, crate::units::DbOv::new(-22.15)).unwrap_err();
    assert!(error.to_string().contains("dB over full scale"), "{error}");
}

#[test]
fn the_labs_own_activation_words_are_found() {
    // 0.5 s of tone in each second, after half a second of pause, 1 dB louder each time.
    let words = |n: usize| {
        let (second, in_second) = (n / RATE as usize, n % RATE as usize);
        let gain = 10f64.powf(second as f64 / 20.0 - 1.5);
        if in_second < RATE as usize / 2 { 0.0 } else { gain * tone(500.0)(n) * 10.0 }
    };
    let file = wav(&[&words], 22);
    let library =
        Library::new(builtin::catalogue().unwrap(), std::sync::Arc::new(Lab("p501-activation.wav", file)));
    let signal = library.make("speech-activation", RATE, Options::default()).unwrap();
    assert!(!signal.method_equivalent);
    assert_eq!(signal.active_spans.len(), 22);
    let first = level_db(&signal.samples[signal.active_spans[0].clone()]);
    assert!(first.abs() < 0.01, "{first}");
    let last = level_db(&signal.samples[signal.active_spans[21].clone()]);
    assert!((last - 21.0).abs() < 0.01, "{last}");
}
