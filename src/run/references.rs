//! Reference runs that are kept: from the facts of a run to a calibration record, and from the records of a bench to the
//! first facts of a later run.

use std::path::Path;

use time::{Date, Duration};

use super::engine::Engine;
use super::{RunError, clock};
use crate::calibration::Validity;
use crate::calibration::ledger::network::NetworkRecord;
use crate::context::BenchInfo;
use crate::entry::EntryId;
use crate::event::Event;
use crate::methods::{Method, reference_run};
use crate::plan::{Folder, Input, Sources};
use crate::terms::Bandwidth;

/// The longest time for which a simulator may be taken to be as it was, in days.
const DAYS_MAX: u32 = 3_660;

/// What the records of a bench give to a run that begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Beginning {
    /// The facts, to be journalled.
    pub facts: Vec<Event>,
    /// What a reader must be warned of.
    pub warnings: Vec<String>,
}

/// The facts of the record that is for the call of a bench, in a band, on a day. Only one record can be; where several are,
/// the latest one that holds counts.
pub(super) fn beginning(
    records: &[NetworkRecord],
    bench: &BenchInfo,
    bandwidth: Bandwidth,
    on: Date,
) -> Beginning {
    let call = bench.network.codec_mode();
    let mine = || records.iter().filter(|one| one.call == call && one.bandwidth == bandwidth);
    let holds = mine().filter(|one| one.validity(on) == Validity::Valid).max_by_key(|one| one.date);
    let Some(record) = holds else {
        let stale: Vec<String> = mine().map(NetworkRecord::named).collect();
        let why = match (records.is_empty(), stale.is_empty()) {
            (true, _) => return Beginning::default(),
            (false, true) => format!("none of the bench's reference records is for {call} in {bandwidth}"),
            (false, false) => {
                format!("the reference for {call} in {bandwidth} does not hold today: {}", stale.join("; "))
            }
        };
        let warning = format!(
            "{why}; the declared delay is subtracted, and neither response nor noise of the network: make a reference run"
        );
        return Beginning { facts: Vec::new(), warnings: vec![warning] };
    };
    let facts = record.facts.iter().map(|(key, value)| Event::FactFound {
        key: key.clone(),
        value: value.clone(),
        entry: EntryId::new("reference", &[]),
        call: Some(record.call.clone()),
        record: Some(record.named()),
    });
    Beginning { facts: facts.collect(), warnings: Vec::new() }
}

/// The records of these ids, with their texts for the run's `inputs/`.
///
/// # Errors
/// A record that is not there, another one under its name, and every problem of those that are.
pub(super) fn records(
    ids: &[String],
    ledger: &dyn Sources,
) -> Result<(Vec<NetworkRecord>, Vec<Input>), RunError> {
    let (mut records, mut inputs) = (Vec::new(), Vec::new());
    for id in ids {
        let text = ledger.read(Folder::Ledger, id).ok_or_else(|| {
            RunError::Usage(format!(
                "the network names the reference record '{id}', and there is none of that name in {}: write \
                 {0}/{id}.toml with `lombard store-reference`, or take it out of 'references'",
                Folder::Ledger
            ))
        })?;
        let record = NetworkRecord::parse(&text)?;
        if record.id != *id {
            return Err(RunError::Usage(format!(
                "the record '{}' has the id '{}': rename the file or correct its id",
                text.name, record.id
            )));
        }
        inputs.push(Input { file: Input::file_of(Folder::Ledger, id), text });
        records.push(record);
    }
    Ok((records, inputs))
}

/// What is said of a record beside what the run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordWish {
    /// The id, after which its file is named.
    pub id: String,
    /// The simulator, with its serial number and software.
    pub instrument: String,
    /// Who did it.
    pub by: String,
    /// For how many days it holds, from the day of the run on.
    pub days: u32,
}

impl Engine {
    /// The record of what the reference run of a stored run found, as a calibration record of the ledger.
    ///
    /// # Errors
    /// The run cannot be read, has no reference run that found anything, or does not say in which call; a time that is no
    /// time.
    pub fn reference_record(&self, path: &Path, wish: &RecordWish) -> Result<NetworkRecord, RunError> {
        let view = self.open(path)?;
        if !(1..=DAYS_MAX).contains(&wish.days) {
            return Err(RunError::Usage(format!("--days {}: give 1 to {DAYS_MAX} days", wish.days)));
        }
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
        if wish.id.is_empty() || !wish.id.chars().all(is_plain) {
            return Err(RunError::Usage(format!(
                "'{}' is no id: use letters, digits, '-', '_' and '.', since the file is named after it",
                wish.id
            )));
        }
        let names = reference_run::ReferenceRun.card().facts_found;
        let own = view
            .facts
            .0
            .iter()
            .filter(|(key, fact)| fact.record.is_none() && names.iter().any(|(name, _)| name == key));
        let own: Vec<_> = own.collect();
        let nothing = |why: &str| {
            RunError::Usage(format!(
                "{}: {why}: record a run whose plan has an entry with method = \"reference_run\"",
                path.display()
            ))
        };
        let (_, first) = own.first().ok_or_else(|| nothing("the run has no reference run of its own"))?;
        let call =
            first.call.clone().ok_or_else(|| nothing("its reference run does not say for which codec"))?;
        let date = clock::day_of(&view.started_at).ok_or_else(|| {
            RunError::Broken(format!("the run began at '{}', which is no day", view.started_at))
        })?;
        let run = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(NetworkRecord {
            id: wish.id.clone(),
            what: format!(
                "Network simulator of {} without the car, {call}, {}",
                view.bench.name, view.bandwidth
            ),
            call,
            bandwidth: view.bandwidth,
            facts: own.iter().map(|(key, fact)| ((*key).clone(), fact.value.clone())).collect(),
            date,
            valid_until: date.saturating_add(Duration::days(i64::from(wish.days))),
            instrument: wish.instrument.clone(),
            by: wish.by.clone(),
            method: format!("{} of run {run}, {}", first.entry, view.software),
        })
    }
}
