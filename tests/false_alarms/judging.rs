//! What a bench finds on a drawn car, and what the limits of a plan make of it.

use lombard::bench::car::rig::CarBenchMaker;
use lombard::context::{Fact, Facts, VOLUME_NOMINAL};
use lombard::entry::{Entry, EntryId};
use lombard::finding::{FactValue, Finding, Unmeasurable};
use lombard::limits::{Limit, judge};
use lombard::methods::delay::LOOP;
use lombard::plan::{PlannedEntry, ResolvedPlan};
use lombard::units::{Quantity, Unit};
use lombard::verdict::Verdict;

use super::cars::Drawn;
use super::truth::CarTruth;
use super::{judged, key};
use crate::on_car::Trial;
use crate::on_car::linearity::compressing;

/// A verdict on a limit, with its key and what speaks for it.
pub(super) type Judged = (String, Verdict, String);

/// An entry with those of its limits that are judged.
type Wanted<'p> = (&'p PlannedEntry, Vec<&'p Limit>);

/// The verdicts of the limits of a plan that are wanted, by their keys, on a car. Entries that stand on the same recordings
/// are recorded once. The nominal volume is that of the truth; what the cabin makes at the ears is measured.
pub(super) fn verdicts(
    plan: &ResolvedPlan,
    car: &Drawn,
    is_wanted: &dyn Fn(&str) -> bool,
    seed: u64,
) -> Vec<Judged> {
    let mut facts = Facts::default();
    let value = Quantity::new(f64::from(CarTruth::of(car).nominal_step()), Unit::Step);
    learn(&mut facts, VOLUME_NOMINAL, value.into(), &EntryId::new("truth", &[]));
    let value = Quantity::new(CarTruth::of(car).loop_ms(), Unit::Millisecond);
    learn(&mut facts, LOOP, value.into(), &EntryId::new("truth", &[]));
    let limits_of = |entry: &PlannedEntry| -> Vec<&Limit> {
        let all = judged(plan).into_iter().filter(|(one, _)| one.entry.id == entry.entry.id);
        all.filter(|(one, limit)| is_wanted(&key(one, limit))).map(|(_, limit)| limit).collect()
    };
    let all = plan.entries.iter().map(|entry| (entry, limits_of(entry)));
    let mut open: Vec<Wanted<'_>> = all.filter(|(_, limits)| !limits.is_empty()).collect();
    if let Some(finder) = finder_of_noise(plan, &open) {
        let is_open = open.iter().position(|(entry, _)| entry.entry.id == finder.entry.id);
        let first = is_open.map_or((finder, Vec::new()), |at| open.remove(at));
        open.insert(0, first);
    }
    let mut judged = Vec::new();
    while !open.is_empty() {
        let first = open.remove(0);
        let mut trial = record(car, first.0, &facts, seed);
        let mut standing = vec![first];
        while let Some(at) = open.iter().position(|(other, _)| stands_on(&trial, car, standing[0].0, other)) {
            standing.push(open.remove(at));
        }
        for (entry, limits) in standing {
            if entry.entry.id != trial.entry.id {
                trial.turn_to(&entry.entry);
            }
            let findings = trial.findings();
            if entry.entry.method == AMBIENT {
                for (fact, measurand) in &entry.facts_found {
                    let found = findings.iter().flatten().find(|one| one.measurand == *measurand);
                    if let Some(value) = found.and_then(FactValue::of) {
                        learn(&mut facts, fact, value, &entry.entry.id);
                    }
                }
            }
            judged.extend(limits.into_iter().map(|limit| judgement(entry, limit, &findings)));
        }
    }
    judged
}

/// The method that finds what the cabin makes at the ears.
const AMBIENT: &str = "ambient_noise";

/// The entry that finds it, where one that is wanted asks for it.
fn finder_of_noise<'p>(plan: &'p ResolvedPlan, wanted: &[Wanted<'_>]) -> Option<&'p PlannedEntry> {
    let finder =
        plan.entries.iter().find(|one| one.entry.method == AMBIENT && !one.facts_found.is_empty())?;
    let wants = |entry: &PlannedEntry| {
        finder.facts_found.iter().any(|(fact, _)| entry.facts_wanted.iter().any(|one| one == fact))
    };
    wanted.iter().any(|(entry, _)| wants(entry)).then_some(finder)
}

fn learn(facts: &mut Facts, fact: &str, value: FactValue, entry: &EntryId) {
    facts.0.insert(fact.to_owned(), Fact::new(value, entry.clone()));
}

fn judgement(entry: &PlannedEntry, limit: &Limit, findings: &Result<Vec<Finding>, Unmeasurable>) -> Judged {
    let (verdict, text) = match findings {
        Err(error) => (Verdict::Inconclusive, error.reason.clone()),
        Ok(findings) => match findings.iter().find(|one| one.measurand == limit.measurand) {
            None => (Verdict::Inconclusive, "not found".to_owned()),
            Some(finding) => {
                let judgement = judge(finding, limit);
                let text = format!("{:?} {:?} {}", finding.as_scalar(), judgement.margin, judgement.reason);
                (judgement.verdict, text)
            }
        },
    };
    (key(entry, limit), verdict, text)
}

/// Whether an entry stands on the recordings that another one has made: the same ones, of the same car.
fn stands_on(trial: &Trial, car: &Drawn, made: &PlannedEntry, entry: &PlannedEntry) -> bool {
    // What compresses and what moves is not only in the car.
    let [made, of] = [made, entry].map(|one| one.entry.method.as_str());
    let plain = |method: &str| !["send_linearity", "setup_check"].contains(&method);
    plain(made) && plain(of) && car.for_method(made) == car.for_method(of) && trial.serves(&entry.entry)
}

fn record(drawn: &Drawn, entry: &PlannedEntry, facts: &Facts, seed: u64) -> Trial {
    let entry = entry.entry.clone();
    if entry.method == "setup_check" {
        return at_the_end(drawn, entry, facts, seed);
    }
    let maker = CarBenchMaker::new(drawn.for_method(&entry.method));
    // What compresses refers to the first take of an entry; the others speak at one level, or not at all.
    let compresses = entry.method == "send_linearity";
    Trial::through(maker, entry, seed, facts.clone(), |bench| {
        if compresses { compressing(bench, 0.0, drawn.compression) } else { bench }
    })
}

/// The set-up check at the end, after one at the start with other noise.
fn at_the_end(drawn: &Drawn, end: Entry, facts: &Facts, seed: u64) -> Trial {
    let start = Entry { id: EntryId::new("setup", &[]), ..end.clone() };
    let start =
        Trial::knowing(CarBenchMaker::new(drawn.for_method(&start.method)), start, !seed, facts.clone());
    let mut facts = facts.clone();
    for (fact, measurand) in start.method().card().facts_found {
        let value = FactValue::of(&start.finding(measurand)).expect("curves are facts");
        learn(&mut facts, fact, value, &start.entry.id);
    }
    Trial::knowing(CarBenchMaker::new(drawn.at_the_end()), end, seed, facts)
}
