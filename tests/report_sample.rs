//! A run made by hand that shows everything a report can show.

use std::collections::BTreeMap;

use lombard::calibration::{PortCalibration, Validity};
use lombard::context::{BenchInfo, Fact, Facts, NetworkInfo, PortDirection, PortInfo};
use lombard::entry::{Entry, EntryId, ParameterValue, Parameters};
use lombard::finding::{Bound, Finding, Influence};
use lombard::limits::{At, Limit, Mask, Origin, Rule, judge};
use lombard::run::view::{Device, EntryView, FindingView, RunState, RunView};
use lombard::take::{TakeId, Volume};
use lombard::terms::{Bandwidth, ClauseRef, LimitClass, Port, Seat};
use lombard::units::{Quantity, Seconds, Unit};
use lombard::verdict::{Flag, Verdict};

pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script> & 'co' \u{0}\u{202e}";

fn clause(clause: &str) -> ClauseRef {
    ClauseRef {
        recommendation: "P.1110".to_owned(),
        edition: "10/2025".to_owned(),
        clause: clause.to_owned(),
    }
}

pub(crate) fn range(
    measurand: &str,
    min: Option<f64>,
    max: Option<f64>,
    unit: Unit,
    class: LimitClass,
) -> Limit {
    Limit {
        id: format!("p1110-2025/{measurand}"),
        measurand: measurand.to_owned(),
        rule: if class == LimitClass::N { Rule::Unknown } else { Rule::Range { min, max } },
        unit,
        clause: clause("11.3"),
        class,
        source: "public reading of the 2017 text".to_owned(),
        two_readings: false,
        origins: vec![
            Origin { file: "overlays/our-lab.toml".to_owned(), line: 12 },
            Origin { file: "test-plans/limits/p1110-2025.toml".to_owned(), line: 33 },
        ],
    }
}

fn mask(measurand: &str, mask: Mask, unit: Unit, class: LimitClass) -> Limit {
    Limit { rule: Rule::Mask(mask), ..range(measurand, None, None, unit, class) }
}

/// An entry whose verdict follows from its findings, as the evaluation makes it.
pub(crate) fn entry(
    id: &str,
    title: &str,
    number: &str,
    findings: Vec<Finding>,
    limits: Vec<Limit>,
) -> EntryView {
    let judgements: Vec<_> = findings
        .iter()
        .flat_map(|finding| {
            limits
                .iter()
                .filter(|limit| limit.measurand == finding.measurand)
                .map(|limit| judge(finding, limit))
        })
        .collect();
    let verdict = judgements.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Measured);
    let mut flags: Vec<Flag> = judgements.iter().flat_map(|one| one.flags.clone()).collect();
    flags.sort_unstable();
    flags.dedup();
    let margin = judgements.iter().filter_map(|one| one.margin).min_by(|a, b| a.value.total_cmp(&b.value));
    let reason =
        judgements.iter().find(|one| one.verdict == verdict).map_or(String::new(), |one| one.reason.clone());
    EntryView {
        entry: Entry {
            id: EntryId::new(id, &[]),
            title: title.to_owned(),
            clause: clause(number),
            method: "loudness_rating".to_owned(),
            bandwidth: Bandwidth::Wb,
            volume: Volume::Nominal,
            talker: Seat::Driver,
            listener: Seat::Driver,
            noise: None,
            call: 1,
            calls: 1,
            parameters: Parameters(
                [
                    ("level".to_owned(), ParameterValue::Quantity(Quantity::new(-1.7, Unit::DbPa))),
                    ("signal".to_owned(), ParameterValue::Text("speech-single-talk".to_owned())),
                ]
                .into(),
            ),
        },
        required: true,
        verdict,
        flags,
        margin,
        reason,
        findings: findings
            .into_iter()
            .map(|finding| {
                let curve = finding
                    .as_scalar()
                    .is_none()
                    .then(|| format!("evaluations/1/{id}-{}.csv", finding.measurand));
                FindingView { finding, curve }
            })
            .collect(),
        judgements,
        limits,
        takes: vec![TakeId::stored("wb-nominal-0a1b2c3d4e.send-9f8e7d6c5b")],
        scenes: Vec::new(),
    }
}

/// Third octaves from 100 Hz to 8 kHz.
fn third_octaves() -> Vec<f64> {
    (-10..=9).map(|band| 1000.0 * 2f64.powf(f64::from(band) / 3.0)).collect()
}

fn response() -> EntryView {
    let hz = third_octaves();
    let values =
        hz.iter().map(|f| -3.0 * (f / 1200.0).ln().powi(2) + 2.2 * (f / 350.0).ln().sin() - 18.0).collect();
    let mut finding = Finding::curve("send_response", hz, values, Unit::DbVPerPa);
    "three takes averaged; bands without speech energy are left out".clone_into(&mut finding.note);
    let limit = mask(
        "send_response",
        Mask {
            upper: vec![
                (100.0, 4.0),
                (1000.0, 4.0),
                (1300.0, 5.5),
                (1600.0, 7.5),
                (2000.0, 9.0),
                (7000.0, 9.0),
            ],
            lower: vec![(200.0, -10.0), (250.0, -7.0), (315.0, -5.0), (5000.0, -5.0), (6300.0, -10.0)],
            floating: true,
            ..Mask::default()
        },
        Unit::DbVPerPa,
        LimitClass::B,
    );
    entry("send_response", "Send frequency response", "11.4.1", vec![finding], vec![limit])
}

fn idle_noise() -> EntryView {
    let hz: Vec<f64> = (1..=4096).map(|bin| f64::from(bin) * 1.953_125).collect();
    let values: Vec<f64> = hz
        .iter()
        .map(|f| {
            -84.0 - 8.0 * (f / 400.0).log10()
                + 5.0 * (f / 37.0).sin() * (f / 11.3).cos()
                + if (f - 1000.0).abs() < 4.0 { 26.0 } else { 0.0 }
        })
        .collect();
    let spectrum = Finding::curve("idle_noise_spectrum", hz, values, Unit::Dbm0);
    let level = Finding {
        uncertainty: Some(0.12),
        influences: vec![Influence { calibration: "poi-2026-03".to_owned(), coefficient: 1.0 }],
        span: "take idle, 1.000 s to 11.000 s".to_owned(),
        ..Finding::scalar("idle_noise_send", -63.9996, Unit::Dbm0A)
    };
    let limits = vec![
        range("idle_noise_send", None, Some(-64.0), Unit::Dbm0A, LimitClass::A),
        mask(
            "idle_noise_spectrum",
            Mask { upper: vec![(100.0, -70.0), (8000.0, -70.0)], ..Mask::default() },
            Unit::Dbm0,
            LimitClass::C,
        ),
    ];
    entry("idle_noise_send", "Idle channel noise in send", "11.7.1", vec![level, spectrum], limits)
}

fn echo_against_time() -> EntryView {
    let seconds: Vec<f64> = (0..3500).map(|at| f64::from(at) * 1e-3).collect();
    let mut values: Vec<f64> = seconds
        .iter()
        .map(|t| 44.0 - 38.0 * (-t / 0.35).exp() + 3.0 * (t * 40.0).sin() * (t * 7.0).cos())
        .collect();
    values[1200..1300].fill(f64::NAN);
    values[2000] = f64::INFINITY;
    let series = Finding::series("echo_loss_against_time", seconds, values, Unit::Db);
    let limit = Limit {
        rule: Rule::Range { min: Some(40.0), max: None },
        ..range("echo_loss_against_time", None, None, Unit::Db, LimitClass::B)
    };
    let mut view =
        entry("convergence", "Initial convergence of the canceller", "11.11.4", vec![series], vec![limit]);
    view.flags.push(Flag::Conditional);
    view
}

/// Every verdict, flag and class; a floating mask, a spectrum, a series with gaps.
pub(crate) fn full() -> RunView {
    let db = Unit::Db;
    let mut entries = vec![
        entry(
            "slr",
            "Send loudness rating",
            "11.3.1",
            vec![Finding { uncertainty: Some(0.1), ..Finding::scalar("slr", 13.04, db) }],
            vec![range("slr", Some(9.0), Some(17.0), db, LimitClass::A)],
        ),
        response(),
        idle_noise(),
        echo_against_time(),
        entry(
            "coupling_loss[volume=maximum]",
            "Terminal coupling loss at maximum volume",
            "11.11.1",
            vec![
                Finding { bound: Bound::AtLeast, ..Finding::scalar("tcl", 51.2, db) },
                Finding { bound: Bound::AtLeast, ..Finding::scalar("tclw", 39.4, db) },
            ],
            vec![
                range("tcl", Some(46.0), None, db, LimitClass::C),
                range("tclw", Some(46.0), None, db, LimitClass::A),
            ],
        ),
        entry(
            "jlr",
            "Junction loudness rating",
            "12.3",
            vec![Finding::scalar("jlr", -0.4, db)],
            vec![range("jlr", None, None, db, LimitClass::N)],
        ),
        entry("volume", "Nominal volume", "11.1", vec![Finding::scalar("step", 7.0, Unit::Step)], vec![]),
    ];
    entries[6].required = false;
    for (verdict, reason) in [
        (Verdict::NotRun, "take not recorded: the run stopped before it"),
        (Verdict::Aborted, "stopped by the user in the second take"),
        (Verdict::Error, "the interface was unplugged; plug it in and resume the run"),
    ] {
        let mut one = entry(verdict.word(), "Delay in send", "11.2", vec![], vec![]);
        one.verdict = verdict;
        reason.clone_into(&mut one.reason);
        one.takes.clear();
        entries.push(one);
    }
    let mut equivalent = entry(
        "rlr",
        "Receive loudness rating",
        "11.3.2",
        vec![Finding::scalar("rlr", 2.6, db)],
        vec![range("rlr", Some(-1.0), Some(5.0), db, LimitClass::B)],
    );
    equivalent.flags.push(Flag::MethodEquivalentSignal);
    entries.push(equivalent);
    RunView { entries, ..frame() }
}

/// An entry in three new calls, of which the second is the worst and fails.
pub(crate) fn in_several_calls() -> RunView {
    let call = |(n, value): (usize, f64)| {
        let id = if n == 0 { "echo_loss".to_owned() } else { format!("echo_loss[call={}]", n + 1) };
        let finding = Finding::scalar("echo_loss", value, Unit::Db);
        let limit = range("echo_loss", Some(43.0), None, Unit::Db, LimitClass::B);
        let mut view = entry(&id, "Echo loss in new calls", "11.11.4", vec![finding], vec![limit]);
        (view.entry.call, view.entry.calls) = (n as u32 + 1, 3);
        view
    };
    let beside = entry("jlr", "Junction loudness rating", "12.3", vec![], vec![]);
    let calls = [45.2, 42.1, 44.0].into_iter().enumerate().map(call);
    RunView { entries: std::iter::once(beside).chain(calls).collect(), ..frame() }
}

fn port(direction: PortDirection, record: &str, zero: f64, unit: Unit, validity: Validity) -> PortInfo {
    let calibration =
        PortCalibration { record: record.to_owned(), zero_dbov: Quantity::new(zero, unit), validity };
    PortInfo { direction, calibration, ear: None }
}

fn bench() -> BenchInfo {
    use PortDirection::{In, Out};
    BenchInfo {
        name: "cars/demo-wb.toml".to_owned(),
        is_virtual: true,
        ports: [
            (Port::of(Port::MOUTH), port(Out, "mouth-2026-03", 14.0, Unit::DbPa, Validity::Valid)),
            (Port::of(Port::POI_RECEIVE), port(Out, "g100-1", 6.15, Unit::Dbm0, Validity::Valid)),
            (Port::of(Port::POI_SEND), port(In, "g100-1", 6.15, Unit::Dbm0, Validity::Valid)),
            (Port::of(Port::EAR_LEFT), port(In, "ear-left-2025-01", 20.0, Unit::DbPa, Validity::Expired)),
            (Port::of(Port::EAR_RIGHT), port(In, "none", 20.0, Unit::DbPa, Validity::Missing)),
        ]
        .into(),
        network: NetworkInfo {
            codec: "G.722".to_owned(),
            mode: "64 kbit/s".to_owned(),
            dtx: Some(false),
            bandwidth: Bandwidth::Wb,
            delay_send: Seconds(0.04),
            delay_receive: Seconds(0.04),
        },
        volume_step_count: 16,
        has_reflector: false,
        has_loop: false,
        sets_up_calls: true,
    }
}

/// The run without entries.
pub(crate) fn frame() -> RunView {
    RunView {
        path: "runs/2026-11-22T14-05-00-p1110-quick".into(),
        state: RunState::Finished,
        started_at: "2026-11-22T14:05:00+01:00".to_owned(),
        plan_title: "P.1110 quick check, wideband".to_owned(),
        recommendation: "P.1110".to_owned(),
        edition: "10/2025".to_owned(),
        bandwidth: Bandwidth::Wb,
        device: Device {
            name: "Example head unit".to_owned(),
            software: "MIB 4.2.1 build 8812".to_owned(),
            fields: BTreeMap::from([("Microphone".to_owned(), "roof console, driver side".to_owned())]),
        },
        bench: bench(),
        seed: 20_261_122,
        software: "lombard 0.1.0".to_owned(),
        inputs: [
            ("test-plans/quick-wb.toml", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            (
                "test-plans/cars/demo-wb.toml",
                "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            ),
        ]
        .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
        .into(),
        facts: Facts(
            [(
                "volume.nominal".to_owned(),
                Fact::new(Quantity::new(7.0, Unit::Step).into(), EntryId::new("volume", &[])),
            )]
            .into(),
        ),
        evaluation: 1,
        warnings: vec!["the entry volume would now have chosen step 8".to_owned()],
        entries: Vec::new(),
        left_out: vec![EntryId::new("delay", &[]), EntryId::new("echo_against_time", &[])],
        recordings: Vec::new(),
        audio_s: 212.4,
        wall_s: 9.8,
    }
}

/// Every text hostile, every number bad.
pub(crate) fn hostile() -> RunView {
    let mut view = full();
    for text in [
        &mut view.plan_title,
        &mut view.started_at,
        &mut view.recommendation,
        &mut view.edition,
        &mut view.software,
        &mut view.device.name,
        &mut view.device.software,
        &mut view.bench.name,
        &mut view.bench.network.codec,
    ] {
        HOSTILE.clone_into(text);
    }
    view.path = format!("runs/{HOSTILE}").into();
    view.device.fields.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    view.inputs.push((HOSTILE.to_owned(), HOSTILE.to_owned()));
    view.warnings.push(HOSTILE.to_owned());
    view.left_out.push(EntryId::new(HOSTILE, &[]));
    (view.audio_s, view.wall_s) = (f64::NAN, f64::NEG_INFINITY);
    for port in view.bench.ports.values_mut() {
        HOSTILE.clone_into(&mut port.calibration.record);
        port.calibration.zero_dbov.value = f64::NAN;
    }
    for (at, one) in view.entries.iter_mut().enumerate() {
        one.entry.id = EntryId::new(&format!("{HOSTILE}{}", "long_".repeat(60)), &[]);
        HOSTILE.clone_into(&mut one.entry.title);
        HOSTILE.clone_into(&mut one.entry.method);
        HOSTILE.clone_into(&mut one.reason);
        HOSTILE.clone_into(&mut one.entry.clause.clause);
        one.takes.push(TakeId::stored(HOSTILE));
        one.margin = Some(Quantity::new(f64::NAN, Unit::Db));
        for judgement in &mut one.judgements {
            HOSTILE.clone_into(&mut judgement.reason);
            judgement.margin = Some(Quantity::new([f64::NAN, f64::INFINITY, -1e300][at % 3], Unit::Db));
            judgement.at = Some(At::Hertz([f64::NAN, 0.0, 1000.0][at % 3]));
            judgement.shift = judgement.shift.map(|_| f64::NAN);
        }
        for limit in &mut one.limits {
            HOSTILE.clone_into(&mut limit.source);
            limit.origins.push(Origin { file: HOSTILE.to_owned(), line: usize::MAX });
        }
        one.findings.extend(bad_findings());
    }
    view
}

fn bad_findings() -> Vec<FindingView> {
    let bad = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0];
    let named = |finding: Finding| FindingView {
        finding: Finding { note: HOSTILE.to_owned(), span: HOSTILE.to_owned(), ..finding },
        curve: Some(HOSTILE.to_owned()),
    };
    vec![
        named(Finding::scalar(HOSTILE, f64::NAN, Unit::One)),
        named(Finding { uncertainty: Some(f64::INFINITY), ..Finding::scalar("huge", -1e300, Unit::Db) }),
        named(Finding::curve("bad_values", third_octaves()[..6].to_vec(), bad.clone(), Unit::Db)),
        named(Finding::curve("bad_frequencies", bad.clone(), bad.clone(), Unit::Percent)),
        named(Finding::series("bad_times", bad.clone(), bad, Unit::Second)),
        named(Finding::curve("empty", vec![], vec![], Unit::Db)),
        named(Finding::curve("one_point", vec![1000.0], vec![3.0], Unit::Db)),
    ]
}
