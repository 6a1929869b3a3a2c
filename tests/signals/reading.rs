//! What a catalogue may not say about the signals here, each with its problem.

use lombard::problem::SourceText;
use lombard::signals::{Catalogue, builtin};

/// The problems of the shipped catalogue with `from` written as `to`, the first time after `id`.
fn problems(id: &str, from: &str, to: &str) -> String {
    let text = builtin::CATALOGUE;
    let at = text.find(&format!("id = \"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
    let (head, tail) = text.split_at(at);
    assert!(tail.contains(from), "{id} has no {from}");
    let text = format!("{head}{}", tail.replacen(from, to, 1));
    match Catalogue::parse(&SourceText::new("catalogue.toml", text)) {
        Ok(_) => String::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn the_catalogue_as_shipped_has_no_problem() {
    assert_eq!(problems("css-fb", "rms", "rms"), "");
}

#[test]
fn what_does_not_fit_is_said() {
    for (id, from, to, problem) in [
        ("css-bursts-fb", "\"active-rms\"", "\"rms\"", "wrong basis"),
        ("pulsed-noise-wb", "\"active-rms\"", "\"rms\"", "wrong basis"),
        ("css-bursts-fb", "bursts = 22", "bursts = 22000000", "take too long"),
        ("css-bursts-fb", "bursts = 22", "bursts = 0", "out of range"),
        ("distortion-300", "\"2.6 s\"", "\"2.5 s\"", "not as long"),
        ("distortion-300", "\"sine-300\"", "\"distortion-500\"", "no signal above this one"),
        ("distortion-300", "\"sine-300\"", "\"silence\"", "ends in silence"),
        ("distortion-300", "\"5 ms\"", "\"251 ms\"", "two fades do not fit"),
        ("pulsed-noise-wb", "\"5 ms\"", "\"126 ms\"", "two fades do not fit"),
        ("pulsed-noise-wb", "off = \"250 ms\"", "off = \"0 ms\"", "not above zero"),
        ("talk-spurts", "\"1.004 s\"", "\"1e-7 s\"", ""),
        ("am-fm-1", "comb = 1", "comb = 3", "no comb has this id"),
        ("css-fb", "voiced = \"single-talk\"", "voiced = \"triple-talk\"", "no voiced sound has this id"),
        ("voiced", "sound = \"single-talk\"", "sound = \"triple-talk\"", "no voiced sound has this id"),
        ("noise-hoth", "third_octaves = \"hoth\"", "third_octaves = \"moth\"", "no shape has this id"),
        ("sweep-nb", "to = \"3600 Hz\"", "to = \"60 Hz\"", "leave nothing between them"),
        ("single-talk", "-76, 112,", "-76, \"x\",", "samples"),
        ("NB", "low = \"200 Hz\"", "low = \"101 Hz\"", "do not rise"),
        ("NB", "low = \"200 Hz\"", "low = \"5000 Hz\"", "do not rise"),
        ("NB", "high_stop = \"4000 Hz\"", "", "high_stop"),
        ("pulsed-noise-swb", "\"SWB\"", "\"MB\"", "SWB"),
        ("css-fb", "voiced_frames = 2144", "voiced_frames = 9144", "do not fit its cycle"),
    ] {
        let found = problems(id, from, to);
        if problem.is_empty() {
            assert_eq!(found, "", "{id} {to}");
        } else {
            assert!(found.contains(problem), "{id}, {to}: {found}");
        }
    }
}
