//! What to record, in which calls: methods are asked, equal wishes become one recording.
//!
//! Facts are barriers: [`ready`] says which entries can be planned with the facts known so far,
//! [`schedule`] plans those, the runner records them, and their facts make further entries ready.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{ASSUMED, Facts, PlanCx, VOLUME_NOMINAL};
use crate::document::nearest;
use crate::entry::EntryId;
use crate::methods::{Method, Refusal, Wish};
use crate::plan::{PlannedEntry, ResolvedPlan, method_of};
use crate::problem::Problem;
use crate::take::{EpochKey, EpochSpec, TakeId, TakeSpec, Terminal, Volume};
use crate::units::Seconds;

/// Which entries can be planned now.
#[derive(Debug, Clone, Default)]
pub struct Ready<'p> {
    /// Those whose facts are all known, in the order of the plan.
    pub ready: Vec<&'p PlannedEntry>,
    /// Those that wait, each with the facts that it lacks.
    pub waiting: Vec<(&'p PlannedEntry, Vec<String>)>,
}

/// Splits `entries` by whether the facts that they need, or want and may still get from another of them, are known.
/// Where all would wait, those that only want something wait no longer. What is measured again, to be held against its first
/// finding, comes when nothing else is left: only then it says something of everything between.
pub fn ready<'p>(entries: &[&'p PlannedEntry], facts: &Facts) -> Ready<'p> {
    let may_come = |entry: &PlannedEntry, key: &str| {
        let others = entries.iter().filter(|one| one.entry.id != entry.entry.id);
        others.into_iter().any(|one| one.facts_found.iter().any(|(found, _)| found == key))
    };
    let open = split(entries, facts, &may_come);
    let others_wait = open.waiting.iter().any(|(entry, _)| !is_repeated(entry));
    let now = repeated_last(open, others_wait);
    if now.ready.is_empty() { repeated_last(ready_at_last(entries, facts), false) } else { now }
}

/// Whether another entry finds what this one's method finds: this one measures it again.
fn is_repeated(entry: &PlannedEntry) -> bool {
    let Some(method) = crate::methods::method(&entry.entry.method) else { return false };
    let wants = |key: &str| entry.facts_wanted.iter().any(|one| one == key);
    entry.facts_found.is_empty() && method.card().facts_found.iter().any(|(key, _)| wants(key))
}

/// Lets what is measured again wait while others are ready, or may become so.
fn repeated_last(split: Ready<'_>, others_wait: bool) -> Ready<'_> {
    let Ready { ready, mut waiting } = split;
    if !others_wait && ready.iter().all(|entry| is_repeated(entry)) {
        return Ready { ready, waiting };
    }
    let (last, ready): (Vec<_>, Vec<_>) = ready.into_iter().partition(|entry| is_repeated(entry));
    waiting.extend(last.into_iter().map(|entry| (entry, Vec::new())));
    Ready { ready, waiting }
}

/// Splits `entries` by whether the facts that they need are known, when no further fact will be found.
pub fn ready_at_last<'p>(entries: &[&'p PlannedEntry], facts: &Facts) -> Ready<'p> {
    split(entries, facts, &|_, _| false)
}

fn split<'p>(
    entries: &[&'p PlannedEntry],
    facts: &Facts,
    may_come: &dyn Fn(&PlannedEntry, &str) -> bool,
) -> Ready<'p> {
    let mut split = Ready::default();
    for entry in entries {
        let wanted = entry.facts_wanted.iter().filter(|key| may_come(entry, key));
        let waits_for = entry.facts_needed.iter().chain(wanted);
        let lacking: Vec<String> = waits_for.filter(|key| facts.get(key).is_none()).cloned().collect();
        if lacking.is_empty() {
            split.ready.push(entry);
        } else {
            split.waiting.push((entry, lacking));
        }
    }
    split
}

/// What to record for some entries.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    /// The calls, in the order of the first entry that wants each.
    pub epochs: Vec<PlannedEpoch>,
    /// For each planned entry its takes in the order of its method's wish.
    pub takes_of: BTreeMap<EntryId, Vec<TakeUse>>,
    /// The call of each planned entry, also of one whose takes are all adaptive.
    pub epoch_of: BTreeMap<EntryId, EpochKey>,
    /// Entries that their method refused to plan; they have no takes.
    pub refused: Vec<Refused>,
}

/// A call with its takes.
#[derive(Debug, Clone)]
pub struct PlannedEpoch {
    /// The call.
    pub spec: EpochSpec,
    /// Its identity.
    pub key: EpochKey,
    /// The takes in the order of recording.
    pub takes: Vec<PlannedTake>,
    /// The entries of the call, in the order of the plan.
    pub entries: Vec<EntryId>,
    /// Those whose method may ask for more takes.
    pub adaptive: Vec<EntryId>,
}

/// A take and who wants it.
#[derive(Debug, Clone)]
pub struct PlannedTake {
    /// What is recorded: the wish of the first entry that wants it.
    pub spec: TakeSpec,
    /// Its identity.
    pub id: TakeId,
    /// The entries that stand on it, in the order of the plan.
    pub entries: Vec<EntryId>,
}

/// A take as one entry sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeUse {
    /// The call.
    pub epoch: EpochKey,
    /// The recording.
    pub id: TakeId,
    /// The entry's own wish: its name and its spans.
    pub spec: TakeSpec,
}

/// An entry that its method refused to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The entry.
    pub entry: EntryId,
    /// Everything that stands against it, with places in the plan.
    pub problems: Vec<Problem>,
}

impl PlannedEpoch {
    /// The length of its planned takes and of its preamble.
    pub fn audio(&self) -> Seconds {
        let preamble = self.spec.preamble.iter().map(|take| take.seconds().0).sum::<f64>();
        Seconds(preamble + self.takes.iter().map(|take| take.spec.seconds().0).sum::<f64>())
    }
}

impl Schedule {
    /// The length of everything planned, preambles included; what adaptive entries will ask for is not.
    pub fn audio(&self) -> Seconds {
        Seconds(self.epochs.iter().map(|epoch| epoch.audio().0).sum())
    }
}

/// Asks the methods of `entries` (all ready, in the order of the plan) what to record.
/// Equal calls become one, and inside a call equal takes become one.
pub fn schedule(entries: &[&PlannedEntry], methods: &[&dyn Method], cx: &PlanCx<'_>) -> Schedule {
    let mut schedule = Schedule::default();
    for entry in entries {
        let id = &entry.entry.id;
        match wish_of(entry, methods, cx) {
            Ok((wish, takes_max)) => schedule.add(id, wish, takes_max),
            Err(problems) => schedule.refused.push(Refused { entry: id.clone(), problems }),
        }
    }
    schedule
}

fn wish_of(
    entry: &PlannedEntry,
    methods: &[&dyn Method],
    cx: &PlanCx<'_>,
) -> Result<(Wish, u32), Vec<Problem>> {
    let refuse = |refusals: &[Refusal]| refusals.iter().map(|one| entry.problem(one)).collect::<Vec<_>>();
    let Some(method) = method_of(methods, &entry.entry.method) else {
        return Err(refuse(&[Refusal {
            parameter: None,
            found: format!("method '{}'", entry.entry.method),
            expected: "a method of this edition of the program".to_owned(),
            remedy: "resolve the plan again".to_owned(),
        }]));
    };
    let wish = method.plan(&entry.entry, cx).map_err(|refusals| refuse(&refusals))?;
    if let Some(problem) = not_in_several_calls(entry, method, &wish) {
        return Err(vec![problem]);
    }
    if let Some(refusal) = beyond_the_control(wish.epoch.call.volume, cx) {
        return Err(refuse(&[refusal]));
    }
    Ok((wish, method.card().takes_max))
}

/// Several new calls tell something of the device only, and only where each is a call of its own.
fn not_in_several_calls(entry: &PlannedEntry, method: &dyn Method, wish: &Wish) -> Option<Problem> {
    let calls = entry.entry.calls;
    let found = match wish.epoch.call.terminal {
        _ if calls == 1 => return None,
        Terminal::Reference => "a call to the reference terminal",
        Terminal::None => "no call",
        Terminal::Device if method.recheck_after(&entry.entry).is_some() => {
            "a check that is made again by itself"
        }
        Terminal::Device => return None,
    };
    Some(Problem {
        title: format!("entry '{}' cannot be measured in several calls", entry.entry.id),
        place: entry.key_places.get("calls").unwrap_or(&entry.place).clone(),
        found: format!("calls = {calls}, and {found}"),
        expected: "'calls' in an entry that measures the device in a call".to_owned(),
        remedy: "remove 'calls'".to_owned(),
    })
}

/// A step counted from the nominal one may lie beyond the control. While the nominal step is only assumed, that is not
/// known.
fn beyond_the_control(volume: Volume, cx: &PlanCx<'_>) -> Option<Refusal> {
    let Volume::NominalPlus(steps) = volume else { return None };
    let count = cx.bench.volume_step_count;
    let is_known = cx.facts.get(VOLUME_NOMINAL).is_some_and(|fact| fact.entry.text() != ASSUMED);
    let nominal = cx.bench.volume_step(Volume::Nominal, cx.facts)?;
    let fits = if is_known {
        cx.bench.volume_step(volume, cx.facts).is_some()
    } else {
        steps.unsigned_abs() < count
    };
    (!fits).then(|| Refusal {
        parameter: None,
        found: if is_known {
            format!("volume {volume} with nominal step {nominal}")
        } else {
            format!("volume {volume}")
        },
        expected: format!("a step from 0 to {}", count.saturating_sub(1)),
        remedy: "write a step that lies closer to the nominal one".to_owned(),
    })
}

impl Schedule {
    fn add(&mut self, entry: &EntryId, wish: Wish, takes_max: u32) {
        let key = wish.epoch.key();
        let at = self.epochs.iter().position(|epoch| epoch.key == key).unwrap_or_else(|| {
            self.epochs.push(PlannedEpoch {
                spec: wish.epoch,
                key: key.clone(),
                takes: Vec::new(),
                entries: Vec::new(),
                adaptive: Vec::new(),
            });
            self.epochs.len() - 1
        });
        let epoch = &mut self.epochs[at];
        epoch.entries.push(entry.clone());
        if wish.takes.len() < takes_max as usize {
            epoch.adaptive.push(entry.clone());
        }
        let mut uses = Vec::new();
        let mut taken = BTreeSet::new();
        for chain in chains(wish.takes) {
            let start = epoch.place_for(&chain, &taken);
            for (offset, spec) in chain.into_iter().enumerate() {
                let index = start + offset;
                taken.insert(index);
                epoch.want(index, &spec, entry);
                uses.push(TakeUse { epoch: key.clone(), id: epoch.takes[index].id.clone(), spec });
            }
        }
        self.epoch_of.insert(entry.clone(), key);
        self.takes_of.insert(entry.clone(), uses);
    }
}

/// Splits takes where one does not continue the one before it: a chain is recorded unbroken or not at all.
fn chains(takes: Vec<TakeSpec>) -> Vec<Vec<TakeSpec>> {
    let mut chains: Vec<Vec<TakeSpec>> = Vec::new();
    for take in takes {
        match chains.last_mut() {
            Some(chain) if take.continues => chain.push(take),
            _ => chains.push(vec![take]),
        }
    }
    chains
}

impl PlannedEpoch {
    /// The index where `chain` is recorded already, or the end. A recording serves an entry once:
    /// what `taken` holds was given to an earlier, equal wish of the same entry.
    fn place_for(&self, chain: &[TakeSpec], taken: &BTreeSet<usize>) -> usize {
        let wanted: Vec<String> = chain.iter().map(TakeSpec::content).collect();
        let fits = |start: usize| {
            let recorded = self.takes[start..].iter();
            let same = recorded.zip(&wanted).take_while(|(take, content)| take.spec.content() == **content);
            let count = same.count();
            // A chain may be longer than what stands at the end of the call: it goes on from there.
            (count == wanted.len() || start + count == self.takes.len())
                && count > 0
                && (start..start + count).all(|index| !taken.contains(&index))
        };
        (0..self.takes.len()).find(|start| fits(*start)).unwrap_or(self.takes.len())
    }

    fn want(&mut self, index: usize, spec: &TakeSpec, entry: &EntryId) {
        if index == self.takes.len() {
            let id = self.fresh_id(spec);
            self.takes.push(PlannedTake { spec: spec.clone(), id, entries: Vec::new() });
        }
        let entries = &mut self.takes[index].entries;
        if !entries.contains(entry) {
            entries.push(entry.clone());
        }
    }

    /// The identity of a take; a repetition of an equal one is numbered.
    fn fresh_id(&self, spec: &TakeSpec) -> TakeId {
        let plain = spec.id(&self.key);
        let known = |id: &TakeId| self.takes.iter().any(|take| take.id == *id);
        let mut id = plain.clone();
        let mut count = 1;
        while known(&id) {
            count += 1;
            id = TakeId::stored(&format!("{plain}-{count}"));
        }
        id
    }
}

/// What a selection runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The chosen entries, in the order of the plan.
    pub run: Vec<EntryId>,
    /// Entries that nobody chose but that find facts which chosen ones need.
    pub pulled_in: Vec<EntryId>,
    /// The rest.
    pub left_out: Vec<EntryId>,
}

/// A word of a selection that names no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' names no entry of the plan; {hint}")]
pub struct UnknownEntry {
    /// What was written.
    pub found: String,
    /// The nearest id, or all of them.
    pub hint: String,
}

/// A selection in which an id is empty: it would run everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is empty; write ids as `lombard check` and reports do, with commas between them")]
pub struct EmptyId;

/// The ids of a selection as people write it, with commas between them. Conditions have commas of their own:
/// `slr[talker=driver,volume=nominal],rlr`.
///
/// # Errors
/// An id is empty, or there is none.
pub fn ids_in(text: &str) -> Result<Vec<String>, EmptyId> {
    let mut all = vec![String::new()];
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    let all: Vec<String> = all.iter().map(|id| id.trim().to_owned()).collect();
    if all.iter().any(String::is_empty) { Err(EmptyId) } else { Ok(all) }
}

/// The entries that `only` names by full or base id (one that says nothing of a call names all its calls), with those whose facts they need or want; all of them when it is empty.
///
/// # Errors
/// Every word that names no entry.
pub fn select(plan: &ResolvedPlan, only: &[String]) -> Result<Selection, Vec<UnknownEntry>> {
    let unknown: Vec<UnknownEntry> = only
        .iter()
        .filter(|word| !plan.entries.iter().any(|one| named(one, word)))
        .map(|word| hint(plan, word))
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let chosen = |one: &PlannedEntry| only.is_empty() || only.iter().any(|word| named(one, word));
    let needed = with_providers(plan, &chosen);
    let mut selection = Selection::default();
    for (index, entry) in plan.entries.iter().enumerate() {
        let list = if chosen(entry) {
            &mut selection.run
        } else if needed.contains(&index) {
            &mut selection.pulled_in
        } else {
            &mut selection.left_out
        };
        list.push(entry.entry.id.clone());
    }
    Ok(selection)
}

fn named(entry: &PlannedEntry, word: &str) -> bool {
    let id = &entry.entry.id;
    id.text() == word || id.base() == word || (entry.entry.calls > 1 && id.first_call().text() == word)
}

fn hint(plan: &ResolvedPlan, word: &str) -> UnknownEntry {
    let known: Vec<&str> =
        plan.entries.iter().flat_map(|one| [one.entry.id.text(), one.entry.id.base()]).collect();
    let hint = nearest(word, &known).map_or_else(
        || {
            let ids: Vec<&str> = plan.entries.iter().map(|one| one.entry.id.text()).collect();
            format!("its entries are {}", ids.join(", "))
        },
        |near| format!("did you mean '{near}'?"),
    );
    UnknownEntry { found: word.to_owned(), hint }
}

/// The indices of the chosen entries and of all that find facts for them, directly or not.
fn with_providers(plan: &ResolvedPlan, chosen: &dyn Fn(&PlannedEntry) -> bool) -> BTreeSet<usize> {
    let mut open: Vec<usize> =
        (0..plan.entries.len()).filter(|index| chosen(&plan.entries[*index])).collect();
    let mut needed = BTreeSet::new();
    while let Some(index) = open.pop() {
        if !needed.insert(index) {
            continue;
        }
        let entry = &plan.entries[index];
        for fact in entry.facts_needed.iter().chain(&entry.facts_wanted) {
            let finds = |one: &PlannedEntry| one.facts_found.iter().any(|(key, _)| key == fact);
            open.extend(plan.entries.iter().position(finds));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_conditions_do_not_part_ids() {
        let found = ids_in("slr[talker=driver,volume=nominal], rlr").unwrap();
        assert_eq!(found, ["slr[talker=driver,volume=nominal]", "rlr"]);
        assert_eq!(ids_in("a]b,c").unwrap(), ["a]b", "c"]);
        for empty in ["", ",", "slr,", " "] {
            assert!(ids_in(empty).is_err(), "'{empty}' would run everything");
        }
    }
}
