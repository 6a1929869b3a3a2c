//! Codec, mode and DTX: what a bench declares wrongly is found out by the waveform, what it declares rightly never is.

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, Codec, IdleNoise, TerminalKind, Weighting};
use lombard::methods::method;
use lombard::take::Volume;
use lombard::terms::Bandwidth;

use super::{SEED, Trial, entry, reference, shipped};

/// A car on a network with a codec, in a call of its band.
fn on_codec(name: &str, codec: Codec) -> CarSpec {
    let mut car = shipped(name);
    car.network.codec = codec;
    if matches!(car.terminal.kind, TerminalKind::Reference(_)) && name.starts_with("ideal") {
        // The ideal cars make no noise at all; a real terminal does.
        reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -64.0, weighting: Weighting::A });
    }
    car
}

fn declaring(car: &CarSpec, codec: &str, mode: &str) -> CarSpec {
    let mut car = car.clone();
    car.network.codec_declared = Some(codec.to_owned());
    car.network.mode_declared = Some(mode.to_owned());
    car
}

/// The note of the contradictions, and what the run would stop for.
fn held(car: &CarSpec) -> (String, Option<String>) {
    let wanted = entry("call_check", car.bandwidth, Volume::Nominal, &[]);
    let trial = Trial::on(CarBenchMaker::new(car.clone()), wanted, SEED);
    let findings = trial.findings().unwrap();
    let contradictions = findings.iter().find(|one| one.measurand == "call_contradictions").unwrap();
    let objection = method("call_check").unwrap().objection(&trial.entry, &findings);
    let snr = findings.iter().filter(|one| one.measurand.starts_with("call_snr"));
    let snr: Vec<String> = snr.map(|one| format!("{:.1}", one.as_scalar().unwrap())).collect();
    println!("{} {:?} {} {snr:?}: {}", car.name, car.network.codec, car.bandwidth, contradictions.note);
    (contradictions.note.clone(), objection)
}

const CARS: [&str; 13] = [
    "ideal-nb",
    "ideal-wb",
    "ideal-swb",
    "ideal-fb",
    "reference-nb",
    "reference-wb",
    "reference-swb",
    "reference-fb",
    "real-nb",
    "real-wb",
    "real-swb",
    "real-fb",
    "zones-wb",
];

#[test]
fn no_shipped_car_contradicts_what_is_declared_of_it() {
    let folder = std::fs::read_dir(crate::source::root().join("test-plans/cars")).unwrap();
    assert_eq!(folder.count(), CARS.len(), "every shipped car is here");
    for name in CARS {
        let (note, objection) = held(&shipped(name));
        assert_eq!(objection, None, "{name}: {note}");
    }
    // Nor do they on the codecs of their band.
    for name in ["ideal-nb", "reference-nb", "real-nb", "ideal-wb", "reference-wb", "real-wb", "zones-wb"] {
        for codec in [Codec::Linear, if name.ends_with("nb") { Codec::G711A } else { Codec::G722 }] {
            let (note, objection) = held(&on_codec(name, codec));
            assert_eq!(objection, None, "{name} {codec:?}: {note}");
        }
    }
}

/// What is declared of a car, and what of the call contradicts it.
struct Wrong {
    car: &'static str,
    codec: Codec,
    declared: (&'static str, &'static str),
    why: &'static str,
}

fn wrong() -> Vec<Wrong> {
    let (none, a_law, g722) =
        (("no codec, band limit only", ""), ("G.711 A-law", "64 kbit/s"), ("G.722", "64 kbit/s"));
    let (amr, amr_wb) = (("AMR", "12.2 kbit/s"), ("AMR-WB", "12.65 kbit/s"));
    let steps = "lie on the steps of A-law";
    let split = "has the two sub-bands of G.722";
    let mut all = Vec::new();
    let mut add = |cars: &[&'static str], codec, declared, why| {
        all.extend(cars.iter().map(|&car| Wrong { car, codec, declared, why }));
    };
    let (narrow, wide) = (["ideal-nb", "reference-nb"], ["ideal-wb", "reference-wb", "zones-wb"]);
    add(&narrow, Codec::Linear, a_law, "eight bits of G.711 leave 39 dB");
    add(&narrow, Codec::Linear, ("PCMU", "64 kbit/s"), "eight bits of G.711 leave 39 dB");
    add(&narrow, Codec::Linear, amr, "the declared mode has 12.2 kbit/s");
    add(&["ideal-nb", "reference-nb", "real-nb"], Codec::G711A, none, steps);
    add(&["ideal-nb", "reference-nb", "real-nb"], Codec::G711A, amr, steps);
    add(&narrow, Codec::G711A, amr, "the declared mode has 12.2 kbit/s");
    add(&wide, Codec::Linear, g722, "two bits of G.722 leave 9 dB");
    add(&wide, Codec::Linear, amr_wb, "the declared mode has 12.65 kbit/s");
    add(&wide, Codec::G722, none, split);
    add(&wide, Codec::G722, amr_wb, "the declared mode has 12.65 kbit/s");
    add(&["ideal-wb", "reference-wb", "real-wb"], Codec::Linear, a_law, "nothing beyond 4000 Hz");
    add(&["ideal-wb", "reference-wb", "real-wb"], Codec::G722, a_law, "nothing beyond 4000 Hz");
    add(&["ideal-swb", "reference-swb", "real-swb"], Codec::Linear, g722, "nothing beyond 8000 Hz");
    all
}

#[test]
fn each_wrong_declaration_that_the_waveform_can_tell_stops_the_run_with_its_reason() {
    let mut missed = Vec::new();
    for Wrong { car, codec, declared, why } in wrong() {
        let (note, objection) = held(&declaring(&on_codec(car, codec), declared.0, declared.1));
        if !objection
            .as_ref()
            .is_some_and(|told| told.contains(why) && told.contains("not what the bench declares"))
        {
            missed.push(format!(
                "{car} on {codec:?}, declared {declared:?}: {why} is not in {objection:?} ({note})"
            ));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_proved_and_what_is_declared_only_is_said() {
    let (a_law, _) = held(&on_codec("ideal-nb", Codec::G711A));
    for part in [
        "G.711 A-law, proved by its steps",
        "64 kbit/s, the only one of G.711",
        "DTX: off, proved by a pause",
    ] {
        assert!(a_law.contains(part), "{a_law}");
    }
    let (g722, _) = held(&on_codec("ideal-wb", Codec::G722));
    for part in [
        "G.722, proved by the noise of its two sub-bands",
        "mode: 64 kbit/s, declared, at least",
        "DTX: off, declared",
    ] {
        assert!(g722.contains(part), "{g722}");
    }
    // Of a codec that nothing tells from others the declaration is all there is.
    let (unknown, objection) = held(&declaring(&on_codec("ideal-wb", Codec::Linear), "Opus", ""));
    assert!(objection.is_none() && unknown.contains("codec: Opus, declared (signal to noise"), "{unknown}");
}

#[test]
fn dtx_that_is_declared_wrongly_on_a_coded_line_stops_the_run() {
    let mut car = on_codec("ideal-nb", Codec::G711A);
    let held_with = |dtx: bool, declared: bool, car: &mut CarSpec| {
        (car.network.dtx, car.network.dtx_declared) = (dtx, declared);
        held(car).1
    };
    for (dtx, declared, why) in
        [(true, false, "is zero, which A-law cannot code"), (false, true, "nothing stops, DTX is off")]
    {
        let told = held_with(dtx, declared, &mut car).unwrap_or_default();
        assert!(told.contains(why), "{dtx} {declared}: {told}");
        assert_eq!(held_with(dtx, dtx, &mut car), None);
    }
    assert_eq!(car.bandwidth, Bandwidth::Nb);
}
