//! Ears in front of the ports: what a head does to the sound is taken out, by its own curves, in the right field.

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::Model;
use lombard::bench::car::ear::{P58_DIFFUSE_FIELD, P58_FREE_FIELD, own_response};
use lombard::bench::car::spec::{CarSpec, Ears, Hats, PathsSpec, StatedEars};
use lombard::bench::car::truth::Truth;
use lombard::calibration::ear::EarResponse;
use lombard::calibration::ledger::ear::EarRecord;
use lombard::context::{EvalCx, Facts};
use lombard::dsp::spectrum::{PowerSpectrum, power_spectrum};
use lombard::finding::{Finding, Value};
use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, EarField, Port};
use lombard::verdict::Flag;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, Trial, entry, shipped};

type Given = &'static [(&'static str, &'static str)];

const RECEIVE: (&str, &str) = ("direction", "receive");
const SHORT: (&str, &str) = ("signal", "speech-conditioning");
const SWEEP: (&str, &str) = ("signal", "sweep-fb");
const FINE: (&str, &str) = ("bands", "twelfth");
const STEP: u32 = 5;

/// A car with a cabin whose ear ports deliver `hats`.
fn with(hats: Hats, bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped("reference-wb");
    car.bandwidth = bandwidth;
    match &mut car.cabin.paths {
        PathsSpec::Shoebox(room) => room.hats = hats,
        PathsSpec::Ideal(_) => panic!("{} has a cabin", car.name),
    }
    car
}

struct Case {
    name: &'static str,
    bandwidth: Bandwidth,
    given: Given,
}

fn cases() -> Vec<Case> {
    use Bandwidth::{Fb, Nb, Swb, Wb};
    let case = |name, bandwidth, given| Case { name, bandwidth, given };
    vec![
        case("ear-drums, free field, NB", Nb, &[RECEIVE, SHORT]),
        case("ear-drums, free field, WB", Wb, &[RECEIVE, SHORT]),
        case("ear-drums, free field, SWB", Swb, &[RECEIVE, SWEEP]),
        case("ear-drums, free field, FB", Fb, &[RECEIVE, SWEEP]),
        case("ear-drums, free field, WB, left", Wb, &[RECEIVE, SHORT, ("ears", "left")]),
    ]
}

impl Case {
    fn is_one(&self) -> bool {
        self.given.contains(&("ears", "left"))
    }

    fn trial(&self, method: &str, more: Given) -> Trial {
        let given: Vec<_> = self.given.iter().chain(more).copied().collect();
        let wanted = entry(method, self.bandwidth, Volume::Step(STEP), &given);
        Trial::record(with(Hats::P58, self.bandwidth), wanted, SEED)
    }

    /// What the same car sounds like where no head is: the truth of free-field equalization.
    fn rating(&self) -> Comparison {
        let signal = if self.given.contains(&SHORT) { SHORT.1 } else { SWEEP.1 };
        let spectrum = density_in_call(signal, false, self.bandwidth);
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(with(Hats::Flat, self.bandwidth));
        let truth = Truth::of(&model);
        Comparison {
            method: "loudness_rating",
            measurand: "rlr",
            case: self.name.to_owned(),
            unit: "dB",
            truth: if self.is_one() {
                truth.rlr_of_one_ear_db(Ear::Left, STEP, &density)
            } else {
                truth.rlr_db(STEP, &density)
            },
            measured: self.trial("loudness_rating", &[]).value("rlr"),
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Model,
        }
    }
}

/// The third octaves of one ear, equalized.
fn response() -> Comparison {
    let (name, given): (_, Given) = ("ear-drums, free field, left, WB", &[RECEIVE, SWEEP, ("ears", "left")]);
    let case = Case { name, bandwidth: Bandwidth::Wb, given };
    let spectrum = density_in_call(SWEEP.1, false, Bandwidth::Wb);
    let model = Model::new(with(Hats::Flat, Bandwidth::Wb));
    let truth = Truth::of(&model);
    let (hz, found) = points(&case.trial("frequency_response", &[]).finding("receive_sensitivity"));
    let edge = |x: f64| 1_000.0 * 10f64.powf(x / 10.0);
    let true_db = |i: usize| {
        let third = i as f64 - 10.0;
        let band_hz = (edge(third - 0.5), edge(third + 0.5));
        truth.receive_sensitivity_dbpa(Ear::Left, STEP, band_hz, &|freq_hz| spectrum.at(freq_hz))
    };
    let off = |i: &usize| (found[*i] - true_db(*i)).abs();
    let worst = (0..found.len()).max_by(|a, b| off(a).total_cmp(&off(b))).unwrap();
    Comparison {
        method: "frequency_response",
        measurand: "receive_sensitivity",
        case: format!("{}, worst band {} Hz", case.name, hz[worst]),
        unit: "dB",
        truth: true_db(worst),
        measured: found[worst],
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

fn points(finding: &Finding) -> (Vec<f64>, Vec<f64>) {
    match &finding.value {
        Value::Curve(curve) => (curve.hz.clone(), curve.values.clone()),
        _ => panic!("a response is a curve"),
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().map(Case::rating).chain([response()]).collect());

#[test]
fn what_the_head_does_is_taken_out_by_its_own_curves() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "rlr") >= 5);
}

/// A left ear-drum, recorded once.
static DRUM: LazyLock<Trial> = LazyLock::new(|| {
    let given = &[RECEIVE, SWEEP, FINE, ("ears", "left")];
    let wanted = entry("frequency_response", Bandwidth::Wb, Volume::Step(STEP), given);
    Trial::record(with(Hats::P58, Bandwidth::Wb), wanted, SEED)
});

/// Its twelfth octaves in a field.
fn in_field(field: &'static str) -> (Vec<f64>, Vec<f64>) {
    let given = &[RECEIVE, SWEEP, FINE, ("ears", "left"), ("ear_field", field)];
    let wanted = entry("frequency_response", Bandwidth::Wb, Volume::Step(STEP), given);
    let cx = EvalCx { bench: DRUM.maker.info(), facts: &Facts::default(), takes: &DRUM.takes };
    points(&DRUM.method().evaluate(&wanted, &cx).unwrap()[0])
}

/// The difference of the two fields by the tables, straight lines over log f, in a band: lines of the drum's spectrum count
/// as they were heard, since the tables climb by more than a decibel within a twelfth octave.
fn fields_differ_db(heard: &PowerSpectrum, band_hz: (f64, f64)) -> f64 {
    // the band at 100 Hz begins below the tables, where both are level
    let line = |points: &[(f64, f64)], hz: f64| lombard::limits::line(points, hz.max(100.0)).unwrap();
    let bin = |hz: f64| (hz / heard.bin_hz).round() as usize;
    let sum = |points: &[(f64, f64)]| -> f64 {
        let without = |k: usize| heard.power[k] * 10f64.powf(-line(points, k as f64 * heard.bin_hz) / 10.0);
        (bin(band_hz.0)..bin(band_hz.1)).map(without).sum()
    };
    10.0 * (sum(&P58_DIFFUSE_FIELD) / sum(&P58_FREE_FIELD)).log10()
}

#[test]
fn the_other_field_is_four_and_a_half_decibels_wrong_at_2500_hz() {
    let ((hz, free), (_, diffuse), (_, drum)) = (in_field("free"), in_field("diffuse"), in_field("none"));
    // A line at 2.5 kHz, where both tables have a point.
    let heard = DRUM.takes[0].captures[&Port::of(Port::EAR_LEFT)].samples().unwrap();
    let heard: Vec<f64> = heard[216_000..456_000].iter().map(|x| f64::from(*x)).collect();
    let ear = DRUM.maker.info().ports[&Port::of(Port::EAR_LEFT)].ear.clone().unwrap();
    let heard = power_spectrum(&heard, 48_000);
    let line = |field| ear.equalizer(field).unwrap().equalized(heard.clone()).power[12_500];
    let difference = 10.0 * (line(EarField::Diffuse) / line(EarField::Free)).log10();
    assert!((difference - 4.5).abs() < 0.05, "{difference}");
    // Bands: what the tables say over each of them; where both fields are the same, nothing.
    let mut widest = 0.0f64;
    for (i, hz) in hz.iter().enumerate() {
        let half = 10f64.powf(0.3 / 24.0);
        let expected = fields_differ_db(&heard, (hz / half, hz * half));
        let difference = diffuse[i] - free[i];
        assert!((difference - expected).abs() < 0.1, "{hz} Hz: {difference} {expected}");
        widest = widest.max(difference.abs());
    }
    assert!(widest > 4.0, "{widest}");
    let canal = drum.iter().zip(&free).map(|(drum, free)| drum - free).fold(0.0, f64::max);
    assert!((canal - 18.0).abs() < 0.6, "{canal}");
}

fn table() -> EarResponse {
    let text = BuiltIn.read(Folder::Ledger, "p58-2021").unwrap();
    EarRecord::parse(&text).unwrap().response(time::macros::date!(2026 - 11 - 25))
}

#[test]
fn the_shipped_table_is_that_of_the_standard() {
    let (table, own) = (table(), own_response(&Ears::default(), &[]));
    assert_eq!(table.free_field.points, P58_FREE_FIELD);
    assert_eq!(table.diffuse_field.points, P58_DIFFUSE_FIELD);
    assert!(table.serial.is_none() && own.serial.is_some());
    for field in [EarField::Free, EarField::Diffuse] {
        let (table, own) = (table.equalizer(field).unwrap(), own.equalizer(field).unwrap());
        for (hz, _) in P58_FREE_FIELD {
            let off = own.response_db(hz) - table.response_db(hz);
            // the taps round off the corners of the table
            assert!(off.abs() < 0.4, "{field} {hz}: {off}");
        }
    }
    let at = |field| table.equalizer(field).unwrap().response_db(2_500.0);
    assert!((at(EarField::Free) - at(EarField::Diffuse) - 4.5).abs() < 1e-9);
}

#[test]
fn a_head_without_curves_of_its_own_is_flagged_and_one_that_is_not_equalized_reads_wrong() {
    let case = &cases()[1];
    let trial = case.trial("loudness_rating", &[]);
    let mut bench = trial.maker.info().clone();
    let rated = |bench: &lombard::context::BenchInfo| {
        let cx = EvalCx { bench, facts: &Facts::default(), takes: &trial.takes };
        trial.method().evaluate(&trial.entry, &cx).unwrap().remove(0)
    };
    let own = rated(&bench);
    assert!(own.note.contains("free field of ear virtual taken out"), "{}", own.note);
    assert!(own.influences.iter().any(|one| one.calibration == "virtual-ear" && one.coefficient > 0.0));
    let set = |bench: &mut lombard::context::BenchInfo, ear: Option<EarResponse>| {
        for name in [Port::EAR_LEFT, Port::EAR_RIGHT] {
            bench.ports.get_mut(&Port::of(name)).unwrap().ear = ear.clone();
        }
    };
    set(&mut bench, Some(table()));
    let by_table = rated(&bench);
    assert!(by_table.note.contains("by 'p58-2021' (class B) taken out, not by the head's own curve"));
    assert!(by_table.flags.contains(&Flag::Provisional));
    let (own_db, table_db) = (own.as_scalar().unwrap(), by_table.as_scalar().unwrap());
    assert!((own_db - table_db).abs() < 0.2, "{own_db} {table_db}");
    // The ear-drum taken for the field reads louder by what the canal adds.
    set(&mut bench, None);
    let bare = rated(&bench);
    assert!(bare.note.contains("ears as the bench equalizes them"));
    assert!(own_db - bare.as_scalar().unwrap() > 3.0, "{own_db} {:?}", bare.value);
}

#[test]
fn noise_at_the_ear_is_equalized_too() {
    // White noise through the ear and back, in the bands of A-weighting's middle: what H was is gone.
    let ear = own_response(&Ears::default(), &[]).equalizer(EarField::Free).unwrap();
    let mut state = 7u64;
    let noise: Vec<f64> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(96_000)
    .collect();
    let mut impulse = vec![0.0; 512];
    impulse[0] = 1.0;
    let taps = lombard::bench::car::ear::at_drum(&impulse, &[]);
    let heard = lombard::dsp::spectrum::fft_convolve(&noise, &taps);
    let (before, drum) = (power_spectrum(&noise, 48_000), power_spectrum(&heard[..96_000], 48_000));
    let back = ear.equalized(drum.clone());
    for (low, high) in
        [(100.0, 400.0), (400.0, 1_600.0), (1_600.0, 3_200.0), (3_200.0, 6_400.0), (6_400.0, 12_800.0)]
    {
        let db =
            |spectrum: &lombard::dsp::spectrum::PowerSpectrum| 10.0 * spectrum.band_power(low, high).log10();
        assert!((db(&back) - db(&before)).abs() < 0.1, "{low} Hz: {} {}", db(&back), db(&before));
        assert!(low < 400.0 || (db(&drum) - db(&before)).abs() > 2.0);
    }
}

/// A head of one serial number: its ears differ from the table and from each other.
fn serial(stated: StatedEars) -> Ears {
    Ears {
        serial: "4711".to_owned(),
        deviations: [
            vec![(500.0, 0.0), (1_000.0, 1.5), (2_500.0, -3.0), (4_000.0, 2.0), (9_000.0, -4.0)],
            vec![(300.0, -1.0), (2_000.0, 0.5), (3_000.0, 2.5), (6_000.0, -2.0), (14_000.0, 3.0)],
        ],
        stated,
    }
}

fn worn(mut car: CarSpec, ears: Ears) -> CarSpec {
    match &mut car.cabin.paths {
        PathsSpec::Shoebox(room) => room.ears = ears,
        PathsSpec::Ideal(_) => panic!("{} has a cabin", car.name),
    }
    car
}

/// The RLR of a head of one serial number, equalized by its own curves: as where no head is.
pub(super) static OF_SERIALS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    cases()
        .iter()
        .map(|case| {
            let wanted = entry("loudness_rating", case.bandwidth, Volume::Step(STEP), case.given);
            let car = worn(with(Hats::P58, case.bandwidth), serial(StatedEars::Own));
            let mut one = case.rating();
            one.case = format!("{}, serial 4711", case.name);
            one.measured = Trial::record(car, wanted, SEED).value("rlr");
            one
        })
        .collect()
});

#[test]
fn the_ears_of_a_serial_number_are_taken_out_by_its_own_curves() {
    all_hold(&OF_SERIALS);
    assert_eq!(count(&OF_SERIALS, "rlr"), 5);
}

#[test]
fn by_the_table_a_serial_number_reads_as_much_off_as_its_ears_are() {
    // The left ear 3 dB hotter and the right one 2 dB duller than the table, at all frequencies.
    let flat = |stated| Ears {
        serial: "4712".to_owned(),
        deviations: [vec![(1_000.0, 3.0)], vec![(1_000.0, -2.0)]],
        stated,
    };
    let wanted = |ears| {
        let given = [RECEIVE, SHORT, ("ears", ears)];
        entry("loudness_rating", Bandwidth::Wb, Volume::Step(STEP), &given)
    };
    let car = with(Hats::P58, Bandwidth::Wb);
    for (ears, off_db) in [("left", -3.0), ("right", 2.0)] {
        let plain = Trial::record(
            worn(car.clone(), Ears { stated: StatedEars::Table, ..Ears::default() }),
            wanted(ears),
            SEED,
        );
        let by_table = Trial::record(worn(car.clone(), flat(StatedEars::Table)), wanted(ears), SEED);
        let by_own = Trial::record(worn(car.clone(), flat(StatedEars::Own)), wanted(ears), SEED);
        let finding = by_table.finding("rlr");
        assert!(finding.flags.contains(&Flag::Provisional), "{finding:?}");
        assert!(by_own.finding("rlr").note.contains("ear 4712 taken out"));
        assert!((by_table.value("rlr") - plain.value("rlr") - off_db).abs() < 0.03, "{ears}");
        // The table has corners that no ear has: some hundredths.
        assert!((by_own.value("rlr") - plain.value("rlr")).abs() < 0.2, "{ears}");
    }
    // A curve that is 1 dB wrong is seen.
    let mut wrong = OF_SERIALS[1].clone();
    wrong.truth += 1.0;
    assert!(!wrong.holds());
}

#[test]
fn a_car_file_states_the_ears_of_a_serial_number() {
    let path = crate::source::root().join("test-plans/cars/reference-wb.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let read = |hats: &str, ears: &str| {
        let text = text.replace("hats = \"flat\"", &format!("hats = \"{hats}\"")) + "\n[cabin.ears]\n" + ears;
        lombard::bench::car::file::read_car(&lombard::problem::SourceText::new("car", text))
    };
    let car =
        read("p58", "serial = \"4711\"\nleft_hz_db = [[1000, 1.5], [4000, -2]]\nstated = \"p58\"\n").unwrap();
    let PathsSpec::Shoebox(room) = &car.cabin.paths else { panic!("a room") };
    assert_eq!(room.ears.serial, "4711");
    assert_eq!(room.ears.deviations, [vec![(1_000.0, 1.5), (4_000.0, -2.0)], Vec::new()]);
    assert_eq!(room.ears.stated, StatedEars::Table);
    for (hats, ears, expected) in [
        ("p58", "left_hz_db = [[1000, 1.5]]\n", "'serial'"),
        ("p58", "serial = \"1\"\nleft_hz_db = [[1000, 500]]\n", "is no response"),
        ("p58", "serial = \"1\"\nstated = \"guessed\"\n", "'stated' is not understood"),
        ("p58", "serial = \"1\"\nmiddle_hz_db = [[1000, 5]]\n", "middle_hz_db"),
        ("flat", "serial = \"1\"\n", "these ears are not heard"),
    ] {
        let problems = read(hats, ears).unwrap_err();
        let told = format!("{:?}", problems[0]);
        assert!(problems.len() == 1 && told.contains(expected), "{ears}: {problems:#?}");
    }
}
