//! The report for programs: everything that the HTML shows, as one JSON object.
//!
//! JSON has no NaN and no infinity: such a number is `null`, and `value_text` beside it says what it was.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{calls, classes, csv, summary, wording};
use crate::context::{BenchInfo, PortDirection};
use crate::finding::{Along, FactValue, Finding, Reading, Value};
use crate::limits::{At, Judgement, Limit, Rule};
use crate::run::view::{EntryView, RecordingView, RunView};
use crate::units::Quantity;
use crate::verdict::{Flag, Verdict};

/// What `format` says.
pub const FORMAT: &str = "lombard-report";

/// The version of the shape. A new field does not change it; a changed or removed one does.
pub const VERSION: u32 = 1;

/// The whole object.
pub fn object(view: &RunView) -> String {
    let report = Report {
        format: FORMAT,
        version: VERSION,
        run: view.path.display().to_string(),
        state: wording::state(view.state),
        verdict: view.verdict().word(),
        headline: view.counts().to_string(),
        counts: counts(view),
        device: Device {
            name: &view.device.name,
            software: &view.device.software,
            fields: &view.device.fields,
        },
        plan: Plan {
            title: &view.plan_title,
            recommendation: &view.recommendation,
            edition: &view.edition,
            bandwidth: view.bandwidth.word(),
        },
        bench: bench(&view.bench),
        started_at: &view.started_at,
        seed: view.seed,
        software: &view.software,
        inputs: view.inputs.iter().map(|(file, sha256)| Input { file, sha256 }).collect(),
        facts: view.facts.0.iter().map(|(name, fact)| (name.as_str(), fact_of(fact))).collect(),
        evaluation: view.evaluation,
        warnings: &view.warnings,
        entries: view.entries.iter().map(entry).collect(),
        calls: calls::groups(&view.entries).iter().map(calls_of).collect(),
        classes: classes::variants(view).iter().map(class_of).collect(),
        left_out: view.left_out.iter().map(crate::entry::EntryId::text).collect(),
        recordings: view.recordings.iter().map(recording).collect(),
        audio_s: finite(view.audio_s),
        wall_s: finite(view.wall_s),
    };
    let mut text =
        serde_json::to_string_pretty(&report).expect("strings and finite numbers always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    version: u32,
    run: String,
    state: &'static str,
    verdict: &'static str,
    headline: String,
    counts: BTreeMap<&'static str, usize>,
    device: Device<'a>,
    plan: Plan<'a>,
    bench: Bench<'a>,
    started_at: &'a str,
    seed: u64,
    software: &'a str,
    inputs: Vec<Input<'a>>,
    facts: BTreeMap<&'a str, Fact<'a>>,
    evaluation: u32,
    warnings: &'a [String],
    entries: Vec<Entry<'a>>,
    /// What several new calls of one entry say together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallsOut>,
    /// The class of each variant of the conditions, where limits are tables of classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<ClassOut>,
    left_out: Vec<&'a str>,
    /// Every attempt at every take.
    recordings: Vec<Recording<'a>>,
    audio_s: Option<f64>,
    wall_s: Option<f64>,
}

#[derive(Serialize)]
struct Recording<'a> {
    take: &'a str,
    attempt: u32,
    replay: bool,
    /// `null` where the bench failed.
    grade: Option<&'static str>,
    is_drift_corrected: bool,
    note: &'a str,
}

fn recording(one: &RecordingView) -> Recording<'_> {
    Recording {
        take: one.take.text(),
        attempt: one.attempt,
        replay: one.replay,
        grade: one.grade.map(crate::capture::Grade::word),
        is_drift_corrected: one.is_drift_corrected,
        note: &one.note,
    }
}

#[derive(Serialize)]
struct ClassOut {
    conditions: String,
    is_nominal: bool,
    best: Option<String>,
    worst: Option<String>,
    decided_by: Vec<String>,
    without_class: Vec<String>,
}

#[derive(Serialize)]
struct CallsOut {
    entry: String,
    calls: u32,
    entries: Vec<String>,
    figures: Vec<FigureOut>,
}

#[derive(Serialize)]
struct FigureOut {
    measurand: String,
    limit: String,
    /// What is compared from call to call: the value, or the least margin of a curve or series.
    of: &'static str,
    unit: &'static str,
    measured: usize,
    judged: usize,
    bounds: usize,
    worst: Option<f64>,
    worst_call: Option<u32>,
    median: Option<f64>,
    spread: Option<f64>,
    text: String,
}

#[derive(Serialize)]
struct Device<'a> {
    name: &'a str,
    software: &'a str,
    fields: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Plan<'a> {
    title: &'a str,
    recommendation: &'a str,
    edition: &'a str,
    bandwidth: &'static str,
}

#[derive(Serialize)]
struct Bench<'a> {
    name: &'a str,
    is_virtual: bool,
    codec: &'a str,
    codec_mode: &'a str,
    dtx: Option<bool>,
    network_bandwidth: &'static str,
    delay_send_s: Option<f64>,
    delay_receive_s: Option<f64>,
    volume_step_count: u32,
    ports: BTreeMap<&'a str, Port<'a>>,
}

#[derive(Serialize)]
struct Port<'a> {
    direction: &'static str,
    record: &'a str,
    zero_dbov: Amount,
    validity: &'static str,
    /// The record of the ear in front of the port, and whether it held.
    #[serde(skip_serializing_if = "Option::is_none")]
    ear_response: Option<EarRecord<'a>>,
}

#[derive(Serialize)]
struct EarRecord<'a> {
    record: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'a str>,
    validity: &'static str,
}

#[derive(Serialize)]
struct Input<'a> {
    file: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct Fact<'a> {
    value: Amount,
    /// Hertz and value of each point, of a fact that is a curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    curve: Option<Vec<(f64, f64)>>,
    entry: &'a str,
    /// Codec and mode of the call that it was found in.
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_mode: Option<&'a str>,
    /// The calibration record that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
}

#[derive(Serialize)]
struct Amount {
    value: Option<f64>,
    unit: &'static str,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    title: &'a str,
    recommendation: &'a str,
    edition: &'a str,
    clause: &'a str,
    method: &'a str,
    bandwidth: &'static str,
    volume: String,
    talker: &'static str,
    listener: &'static str,
    noise: Option<&'a str>,
    noise_level_dba: Option<f64>,
    call: u32,
    calls: u32,
    parameters: BTreeMap<&'a str, String>,
    required: bool,
    verdict: &'static str,
    flags: Vec<&'static str>,
    margin: Option<Amount>,
    reason: &'a str,
    findings: Vec<FindingOut<'a>>,
    judgements: Vec<JudgementOut<'a>>,
    limits: Vec<LimitOut<'a>>,
    takes: Vec<&'a str>,
}

#[derive(Serialize)]
struct FindingOut<'a> {
    measurand: &'a str,
    kind: &'static str,
    value: Option<f64>,
    value_text: String,
    unit: &'static str,
    bound: &'static str,
    /// The other end of what is known, where the bound is "between".
    #[serde(skip_serializing_if = "Option::is_none")]
    value_to: Option<f64>,
    uncertainty: Option<f64>,
    flags: Vec<&'static str>,
    note: &'a str,
    span: &'a str,
    influences: Vec<InfluenceOut<'a>>,
    curve: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hz: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Option<f64>>>,
    /// The positions of the points that are bounds only, where not all or none of them are.
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    limited: &'a [usize],
    /// Where the number was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_from: Option<ReadingOut<'a>>,
}

#[derive(Serialize)]
struct ReadingOut<'a> {
    measurand: &'a str,
    along: &'static str,
    zero: Option<f64>,
    one: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<f64>,
}

#[derive(Serialize)]
struct InfluenceOut<'a> {
    calibration: &'a str,
    coefficient: Option<f64>,
}

#[derive(Serialize)]
struct JudgementOut<'a> {
    measurand: &'a str,
    limit: &'a str,
    verdict: &'static str,
    margin: Option<Amount>,
    at_hz: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_s: Option<f64>,
    shift: Option<f64>,
    /// The best and the worst class that are possible: one class where both are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    class_best: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_worst: Option<&'a str>,
    flags: Vec<&'static str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct LimitOut<'a> {
    id: &'a str,
    measurand: &'a str,
    kind: &'static str,
    min: Option<f64>,
    max: Option<f64>,
    upper: Vec<(Option<f64>, Option<f64>)>,
    lower: Vec<(Option<f64>, Option<f64>)>,
    /// Name and edge of each class, the best one first, and the class that is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<(&'a str, Option<f64>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_required: Option<&'a str>,
    unit: &'static str,
    recommendation: &'a str,
    edition: &'a str,
    clause: &'a str,
    class: &'static str,
    source: &'a str,
    origins: Vec<String>,
}

/// The headline figures by name, as every JSON of the program writes them.
pub fn counts(view: &RunView) -> BTreeMap<&'static str, usize> {
    let counts = view.counts();
    let mut all: BTreeMap<&'static str, usize> =
        Verdict::ALL.iter().map(|one| (one.word(), counts.of(*one))).collect();
    all.insert("judged", counts.judged);
    all.insert("provisional", counts.provisional);
    all.insert("without-limit", counts.without_limit);
    all
}

fn bench(info: &BenchInfo) -> Bench<'_> {
    let ports = info.ports.iter().map(|(port, one)| {
        let direction = match one.direction {
            PortDirection::Out => "out",
            PortDirection::In => "in",
            PortDirection::Both => "both",
        };
        let calibration = &one.calibration;
        let port_out = Port {
            direction,
            record: &calibration.record,
            zero_dbov: quantity(calibration.zero_dbov),
            validity: calibration.validity.word(),
            ear_response: one.ear.as_ref().map(|ear| EarRecord {
                record: &ear.record,
                serial: ear.serial.as_deref(),
                validity: ear.validity.word(),
            }),
        };
        (port.name(), port_out)
    });
    Bench {
        name: &info.name,
        is_virtual: info.is_virtual,
        codec: &info.network.codec,
        codec_mode: &info.network.mode,
        dtx: info.network.dtx,
        network_bandwidth: info.network.bandwidth.word(),
        delay_send_s: finite(info.network.delay_send.0),
        delay_receive_s: finite(info.network.delay_receive.0),
        volume_step_count: info.volume_step_count,
        ports: ports.collect(),
    }
}

fn calls_of(one: &calls::Group<'_>) -> CallsOut {
    CallsOut {
        entry: one.first.text().to_owned(),
        calls: one.calls,
        entries: one.entries.iter().map(|entry| entry.entry.id.text().to_owned()).collect(),
        figures: one.figures.iter().map(figure_of).collect(),
    }
}

fn figure_of(one: &calls::Figure) -> FigureOut {
    FigureOut {
        measurand: one.measurand.clone(),
        limit: one.limit.clone(),
        of: one.what.word(),
        unit: one.unit.symbol(),
        measured: one.measured,
        judged: one.judged,
        bounds: one.bounds,
        worst: one.worst.and_then(|(worst, _)| finite(worst)),
        worst_call: one.worst.map(|(_, call)| call),
        median: one.median.and_then(finite),
        spread: one.spread.and_then(finite),
        text: one.told().replace('\u{a0}', " "),
    }
}

fn class_of(one: &classes::Variant) -> ClassOut {
    ClassOut {
        conditions: one.conditions.clone(),
        is_nominal: one.is_nominal,
        best: one.best.clone(),
        worst: one.worst.clone(),
        decided_by: one.decided_by(),
        without_class: one.without_class(),
    }
}

fn entry(one: &EntryView) -> Entry<'_> {
    let entry = &one.entry;
    Entry {
        id: entry.id.text(),
        title: &entry.title,
        recommendation: &entry.clause.recommendation,
        edition: &entry.clause.edition,
        clause: &entry.clause.clause,
        method: &entry.method,
        bandwidth: entry.bandwidth.word(),
        volume: entry.volume.to_string(),
        talker: entry.talker.word(),
        listener: entry.listener.word(),
        noise: entry.noise.as_ref().map(|noise| noise.signal.as_str()),
        noise_level_dba: entry.noise.as_ref().map(|noise| noise.level_dba),
        call: entry.call,
        calls: entry.calls,
        parameters: entry.parameters.0.iter().map(|(key, value)| (key.as_str(), value.to_string())).collect(),
        required: one.required,
        verdict: one.verdict.word(),
        flags: words(&one.flags),
        margin: one.margin.map(quantity),
        reason: &one.reason,
        findings: one.findings.iter().map(|view| finding(&view.finding, view.curve.as_deref())).collect(),
        judgements: summary::results(one)
            .iter()
            .filter_map(|result| result.judgement)
            .map(judgement)
            .collect(),
        limits: one.limits.iter().map(limit).collect(),
        takes: one.takes.iter().map(crate::take::TakeId::text).collect(),
    }
}

fn reading(one: &Reading) -> ReadingOut<'_> {
    ReadingOut {
        measurand: &one.measurand,
        along: if one.along == Along::Values { "values" } else { "places" },
        zero: finite(one.zero),
        one: finite(one.one),
        at: one.at.and_then(finite),
    }
}

fn finding<'a>(one: &'a Finding, curve: Option<&'a str>) -> FindingOut<'a> {
    let (hz, seconds, values) = match &one.value {
        Value::Scalar(_) => (None, None, None),
        Value::Curve(curve) => (Some(all_finite(&curve.hz)), None, Some(all_finite(&curve.values))),
        Value::Series(series) => (None, Some(all_finite(&series.seconds)), Some(all_finite(&series.values))),
    };
    FindingOut {
        measurand: &one.measurand,
        kind: csv::kind(one),
        value: one.as_scalar().and_then(finite),
        value_text: wording::value(one, None).replace('\u{a0}', " "),
        unit: one.unit.symbol(),
        bound: csv::bound(one.bound),
        value_to: csv::other_end(one.bound).and_then(finite),
        uncertainty: one.uncertainty.and_then(finite),
        flags: words(&one.flags),
        note: &one.note,
        span: &one.span,
        influences: one
            .influences
            .iter()
            .map(|influence| InfluenceOut {
                calibration: &influence.calibration,
                coefficient: finite(influence.coefficient),
            })
            .collect(),
        curve,
        hz,
        seconds,
        values,
        limited: &one.limited,
        read_from: one.read_from.as_ref().map(reading),
    }
}

fn judgement(one: &Judgement) -> JudgementOut<'_> {
    JudgementOut {
        measurand: &one.measurand,
        limit: &one.limit,
        verdict: one.verdict.word(),
        margin: one.margin.map(quantity),
        at_hz: one.at.and_then(At::hertz).and_then(finite),
        at_s: one.at.and_then(At::second).and_then(finite),
        shift: one.shift.and_then(finite),
        class_best: one.class.as_ref().map(|class| class.best.as_str()),
        class_worst: one.class.as_ref().map(|class| class.worst.as_str()),
        flags: words(&one.flags),
        reason: &one.reason,
    }
}

fn limit(one: &Limit) -> LimitOut<'_> {
    let (min, max) = match one.rule {
        Rule::Range { min, max } => (min, max),
        _ => (None, None),
    };
    let (upper, lower): (&[_], &[_]) = match &one.rule {
        Rule::Mask(mask) => (&mask.upper, &mask.lower),
        _ => (&[], &[]),
    };
    let table = match &one.rule {
        Rule::Classes(table) => Some(table),
        _ => None,
    };
    let points = |line: &[(f64, f64)]| line.iter().map(|(hz, value)| (finite(*hz), finite(*value))).collect();
    LimitOut {
        id: &one.id,
        measurand: &one.measurand,
        kind: csv::rule_kind(&one.rule),
        min: min.and_then(finite),
        max: max.and_then(finite),
        upper: points(upper),
        lower: points(lower),
        classes: table.map_or_else(Vec::new, |table| {
            table.steps.iter().map(|step| (step.name.as_str(), step.edge.and_then(finite))).collect()
        }),
        class_required: table.and_then(|table| table.required.as_deref()),
        unit: one.unit.symbol(),
        recommendation: &one.clause.recommendation,
        edition: &one.clause.edition,
        clause: &one.clause.clause,
        class: one.class.word(),
        source: &one.source,
        origins: one.origins.iter().map(ToString::to_string).collect(),
    }
}

fn fact_of(fact: &crate::context::Fact) -> Fact<'_> {
    let (value, curve) = match &fact.value {
        FactValue::Scalar(one) => (quantity(*one), None),
        FactValue::Curve { curve, unit } => (
            Amount { value: None, unit: unit.symbol() },
            Some(curve.hz.iter().copied().zip(curve.values.iter().copied()).collect()),
        ),
    };
    let call = fact.call.as_ref();
    Fact {
        value,
        curve,
        entry: fact.entry.text(),
        codec: call.map(|one| one.codec.as_str()),
        codec_mode: call.map(|one| one.mode.as_str()),
        record: fact.record.as_deref(),
    }
}

fn quantity(one: Quantity) -> Amount {
    Amount { value: finite(one.value), unit: one.unit.symbol() }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn all_finite(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| finite(*value)).collect()
}

fn words(flags: &[Flag]) -> Vec<&'static str> {
    flags.iter().map(|flag| flag.word()).collect()
}
