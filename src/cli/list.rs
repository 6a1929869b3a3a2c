//! `lombard list`: what there is to choose from.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use super::columns::{Cell, Row, aligned};
use super::settings::Settings;
use super::{json, output};
use crate::methods::METHODS;
use crate::report::wording;
use crate::run::{RunError, Way};
use crate::signals::{Kind, Library, field};
use crate::take::{Frame, RATE, Span};

/// List what there is: methods, signals, plans, cars, runs, interfaces
///
/// Plans, cars and signals are those of the data folders and of the program; runs are those of LOMBARD_RUNS or ./runs,
/// the newest first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard list plans
  lombard list signals --json
  LOMBARD_RUNS=campaign-7 lombard list runs

Exit codes: 0, 2 where this build or the input has none, 4 the disk failed.")]
pub(super) struct List {
    /// What to list
    #[arg(value_name = "WHAT")]
    what: What,

    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// How something is measured, with measurands and units
    Methods,
    /// Test signals, and licensed recordings that a lab may import
    Signals,
    /// Plans with Recommendation, edition, bandwidth and number of entries
    Plans,
    /// Virtual cars
    Cars,
    /// Recorded runs with their verdicts
    Runs,
    /// Audio interfaces of this machine
    Interfaces,
}

impl List {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let listing = match self.what {
            What::Methods => methods(),
            What::Signals => signals(settings)?,
            What::Plans => plans(settings),
            What::Cars => cars(settings),
            What::Runs => runs(settings)?,
            What::Interfaces => interfaces(settings)?,
        };
        if self.json {
            json::print(&listing.object)?;
        } else if listing.rows.is_empty() {
            output::tell(&format!("{}\n", listing.nothing));
        } else {
            let heads = listing.heads.iter().map(|head| Cell::text(*head).painted(output::dim));
            let mut rows = vec![Row::from(heads.collect::<Vec<_>>())];
            rows.extend(listing.rows);
            output::result(&aligned(&rows))?;
        }
        Ok(0)
    }
}

/// A list in both of its forms.
struct Listing {
    heads: Vec<&'static str>,
    rows: Vec<Row>,
    /// What to say where there are no rows.
    nothing: String,
    object: Value,
}

impl Listing {
    /// An object with one list of this name.
    fn new(name: &str, heads: &[&'static str], all: Vec<(Row, Value)>) -> Self {
        let (rows, objects): (Vec<Row>, Vec<Value>) = all.into_iter().unzip();
        Self {
            heads: heads.to_vec(),
            rows,
            nothing: format!("there are no {name}"),
            object: json!({ name: objects }),
        }
    }
}

/// A row of plain cells.
fn row<const COUNT: usize>(cells: [String; COUNT]) -> Row {
    Row::from(cells.map(Cell::text).into_iter().collect::<Vec<_>>())
}

fn methods() -> Listing {
    let all = METHODS.iter().map(|method| {
        let card = method.card();
        let measurands: Vec<String> =
            card.measurands.iter().map(|one| format!("{} [{}]", one.id, one.unit)).collect();
        let object = json!({
            "id": card.id,
            "title": card.title,
            "measurands": card.measurands.iter()
                .map(|one| json!({ "id": one.id, "unit": one.unit.symbol(), "doc": one.doc }))
                .collect::<Vec<_>>(),
            "parameters": card.parameters.iter()
                .map(|one| json!({
                    "key": one.key, "doc": one.doc, "kind": one.kind.to_string(), "default": one.default
                }))
                .collect::<Vec<_>>(),
            "facts_needed": card.facts_needed,
            "facts_wanted": card.facts_wanted,
            "facts_found": card.facts_found.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        });
        (row([card.id.to_owned(), card.title.to_owned(), measurands.join(", ")]), object)
    });
    Listing::new("methods", &["id", "title", "measurands"], all.collect())
}

#[derive(Serialize)]
struct SignalOut<'a> {
    id: &'a str,
    title: &'a str,
    role: &'a str,
    seconds: f64,
    level_basis: &'static str,
    method_equivalent: bool,
    stands_in_for: Option<&'a str>,
    source: &'a str,
    verified: &'a str,
    license: &'a str,
    points: Option<Vec<&'a str>>,
    level_at_driver_head_dba: Option<f64>,
    spans: Vec<SpanOut>,
}

#[derive(Serialize)]
struct SpanOut {
    name: String,
    from_s: f64,
    to_s: f64,
}

fn signals(settings: &Settings) -> Result<Listing, RunError> {
    let library = settings.engine.library(&settings.engine.sources(None))?;
    let mut all = Vec::new();
    for one in library.catalogue().signals() {
        let is_equivalent = library.method_equivalent(one);
        let kind = match one.kind {
            Kind::RecordedNoise(_) => "recorded",
            Kind::DrivingNoise(_) => "synthetic",
            _ if is_equivalent => "method-equivalent",
            _ => "",
        };
        let cells = [
            one.id.clone(),
            wording::duration(one.seconds),
            one.level_basis.word().to_owned(),
            one.verified.clone(),
            kind.to_owned(),
            one.title.clone(),
        ];
        let object = SignalOut {
            id: &one.id,
            title: &one.title,
            role: &one.role,
            seconds: one.seconds,
            level_basis: one.level_basis.word(),
            method_equivalent: is_equivalent,
            stands_in_for: one.stands_in_for.as_ref().map(|licensed| licensed.id.as_str()),
            source: &one.source,
            verified: &one.verified,
            license: &one.license,
            points: field::points(one),
            level_at_driver_head_dba: field::level_at_driver_head_dba(one),
            spans: spans(&library, &one.id),
        };
        all.push((row(cells), json!(object)));
    }
    let mut listing = Listing::new("signals", &["id", "length", "level", "source", "", "title"], all);
    let mut licensed = Vec::new();
    for one in library.catalogue().licensed() {
        let is_imported = library.source().wav(&one.file).is_some();
        let state = if is_imported { "imported" } else { "licensed, not imported" };
        listing.rows.push(row([
            one.id.clone(),
            String::new(),
            String::new(),
            String::new(),
            state.to_owned(),
            format!("{} ({})", one.title, one.clause),
        ]));
        licensed.push(json!({
            "id": one.id, "title": one.title, "clause": one.clause, "role": one.role, "imported": is_imported
        }));
    }
    if let Some(object) = listing.object.as_object_mut() {
        object.insert("licensed".to_owned(), Value::Array(licensed));
    }
    Ok(listing)
}

/// Named parts of a signal, where it has more than one.
fn spans(library: &Library, id: &str) -> Vec<SpanOut> {
    let seconds = |frame: Frame| frame as f64 / f64::from(RATE);
    let all = library.outline(id).map_or(Vec::new(), |outline| outline.spans);
    let span = |one: Span| SpanOut {
        from_s: seconds(one.frames.start),
        to_s: seconds(one.frames.end),
        name: one.name,
    };
    all.into_iter().map(span).collect()
}

/// Why something in a folder cannot be read, in a line.
fn trouble(error: &RunError, remedy: &str) -> String {
    match error {
        RunError::Input(problems) if problems.len() == 1 => format!("1 problem{remedy}"),
        RunError::Input(problems) => format!("{} problems{remedy}", problems.len()),
        other => other.to_string().replace('\n', " "),
    }
}

fn plans(settings: &Settings) -> Listing {
    let all = settings.engine.plans().into_iter().map(|(name, plan)| match plan {
        Ok(plan) => (
            row([
                name.clone(),
                plan.recommendation.clone(),
                plan.edition.clone(),
                plan.bandwidth.word().to_owned(),
                format!("{} entries", plan.entry_count),
                plan.title.clone(),
            ]),
            json!({
                "name": name, "title": plan.title, "recommendation": plan.recommendation,
                "edition": plan.edition, "bandwidth": plan.bandwidth.word(), "entries": plan.entry_count,
                "car": plan.default_car, "trouble": null
            }),
        ),
        Err(error) => {
            let trouble = trouble(&error, &format!(": lombard check {name}"));
            let empty = String::new;
            (
                row([name.clone(), empty(), empty(), empty(), empty(), trouble.clone()]),
                json!({
                    "name": name, "title": null, "recommendation": null, "edition": null, "bandwidth": null,
                    "entries": null, "car": null, "trouble": trouble
                }),
            )
        }
    });
    Listing::new("plans", &["name", "rec.", "edition", "band", "size", "title"], all.collect())
}

fn cars(settings: &Settings) -> Listing {
    let all = settings.engine.cars().into_iter().map(|(name, car)| match car {
        Ok(car) => (
            row([
                name.clone(),
                car.bandwidth.word().to_owned(),
                car.kind.to_owned(),
                car.program.as_ref().map_or_else(
                    || car.description.clone(),
                    |program| format!("{} (runs {program})", car.description),
                ),
            ]),
            json!({
                "name": name, "title": car.title, "bandwidth": car.bandwidth.word(), "kind": car.kind,
                "program": car.program, "description": car.description, "trouble": null
            }),
        ),
        Err(error) => {
            let trouble = trouble(&error, ": `lombard run PLAN --car` tells them");
            (
                row([name.clone(), String::new(), String::new(), trouble.clone()]),
                json!({
                    "name": name, "title": null, "bandwidth": null, "kind": null, "program": null,
                    "description": null, "trouble": trouble
                }),
            )
        }
    });
    Listing::new("cars", &["name", "band", "terminal", "description"], all.collect())
}

fn runs(settings: &Settings) -> Result<Listing, RunError> {
    let mut all = Vec::new();
    for run in settings.engine.list(&settings.runs)? {
        let path = run.path.display().to_string();
        let opened = settings.engine.open(&run.path);
        let (state, verdict, headline, trouble) = match &opened {
            Ok(view) => {
                (wording::state(view.state), Some(view.verdict()), view.counts().to_string(), String::new())
            }
            Err(error) => ("damaged", None, String::new(), trouble(error, " in its inputs")),
        };
        let said = verdict.map_or_else(
            || Cell::text("–"),
            |verdict| Cell::text(verdict.word()).painted(|text| output::verdict(verdict, text)),
        );
        let cells = vec![
            path.clone().into(),
            state.into(),
            said,
            if trouble.is_empty() { headline.into() } else { trouble.clone().into() },
            run.title.clone().into(),
        ];
        let object = json!({
            "run": path, "title": run.title, "started_at": run.started_at, "state": state,
            "verdict": verdict.map(crate::verdict::Verdict::word),
            "counts": opened.as_ref().ok().map(crate::report::json::counts),
            "trouble": if trouble.is_empty() { Value::Null } else { trouble.into() }
        });
        all.push((Row::from(cells), object));
    }
    let mut listing = Listing::new("runs", &["run", "state", "verdict", "entries", "plan"], all);
    listing.nothing = format!("there are no runs in {}", settings.runs.display());
    Ok(listing)
}

/// An interface in one direction.
fn way(way: Option<&Way>) -> Value {
    way.map_or(Value::Null, |way| {
        json!({
            "channels": way.channels, "rates_hz": way.rates_hz, "formats": way.formats,
            "buffer_frames": way.buffer_frames.map(|(min, max)| json!({ "min": min, "max": max }))
        })
    })
}

fn interfaces(settings: &Settings) -> Result<Listing, RunError> {
    let all = settings.engine.interfaces()?.into_iter().map(|one| {
        let count = |count: u16, what: &str| format!("{count} {what}");
        (
            row([
                one.id.clone(),
                one.name.clone(),
                one.host.clone(),
                count(one.inputs(), "in"),
                count(one.outputs(), "out"),
                format!("{} Hz", one.default_rate),
            ]),
            json!({
                "id": one.id, "name": one.name, "host": one.host,
                "inputs": one.inputs(), "outputs": one.outputs(),
                "default_rate_hz": Some(one.default_rate).filter(|rate| *rate > 0),
                "capture": way(one.capture.as_ref()), "playback": way(one.playback.as_ref())
            }),
        )
    });
    Ok(Listing::new("interfaces", &["id", "name", "system", "inputs", "outputs", "rate"], all.collect()))
}
