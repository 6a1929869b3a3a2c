//! What a run looks like: the one view that GUI, CLI and reports show.
//!
//! It is the fold of the acquisition journal and of the evaluation's events, with nothing beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::capture::Grade;
use crate::context::{BenchInfo, Facts};
use crate::entry::{Entry, EntryId};
use crate::finding::Finding;
use crate::finding::scene::Scene;
use crate::limits::{Judgement, Limit};
use crate::take::TakeId;
use crate::terms::Bandwidth;
use crate::units::Quantity;
use crate::verdict::{self, Flag, Outcome, Verdict};

/// The device under test as its record says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its software build.
    pub software: String,
    /// Free fields: settings, geometry, serial number.
    pub fields: BTreeMap<String, String>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Being recorded by a living process.
    Running,
    /// Stopped before it was complete; it can be resumed.
    Incomplete,
    /// Everything that could be recorded is.
    Finished,
}

/// A run and everything that is known about it.
#[derive(Debug, Clone)]
pub struct RunView {
    /// The folder of the run.
    pub path: PathBuf,
    /// Where it stands.
    pub state: RunState,
    /// When it began, as local time in ISO 8601.
    pub started_at: String,
    /// The title of the plan.
    pub plan_title: String,
    /// The Recommendation of the plan: `P.1110`.
    pub recommendation: String,
    /// Its edition: `10/2025`.
    pub edition: String,
    /// The speech band of the plan.
    pub bandwidth: Bandwidth,
    /// The device under test.
    pub device: Device,
    /// The bench as it was at capture time.
    pub bench: BenchInfo,
    /// The seed.
    pub seed: u64,
    /// The version of the program that recorded.
    pub software: String,
    /// Names and SHA-256 of the files that the run was made from.
    pub inputs: Vec<(String, String)>,
    /// Facts with the entries that found them.
    pub facts: Facts,
    /// The number of the evaluation shown, from 1; 0 while there is none.
    pub evaluation: u32,
    /// What the evaluation warned of, as a decision that would now be different.
    pub warnings: Vec<String>,
    /// Entries in the order of the plan, selected ones only.
    pub entries: Vec<EntryView>,
    /// Entries that were left out by a selection.
    pub left_out: Vec<EntryId>,
    /// Every attempt at every take, in the order of takes and attempts.
    pub recordings: Vec<RecordingView>,
    /// Seconds of sound played and recorded, with preambles and repeats.
    pub audio_s: f64,
    /// Seconds on the clock, all sessions of the run together.
    pub wall_s: f64,
}

/// An attempt at a take. What was recorded is kept, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingView {
    /// The take.
    pub take: TakeId,
    /// Its number, from 1.
    pub attempt: u32,
    /// Whether it only brought the call to where a missing take begins.
    pub replay: bool,
    /// The grade of its certificate; `None` where the bench failed.
    pub grade: Option<Grade>,
    /// Whether it is resampled when it is read.
    pub is_drift_corrected: bool,
    /// What the certificate says, or why the bench failed.
    pub note: String,
}

impl RecordingView {
    /// Whether there is nothing to say of it: the loopback proves it, as it was recorded.
    pub fn is_plain(&self) -> bool {
        self.grade == Some(Grade::Good) && !self.is_drift_corrected
    }
}

/// An entry and its outcome.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// What was asked for.
    pub entry: Entry,
    /// Whether it counts towards the verdict of the run.
    pub required: bool,
    /// The outcome.
    pub verdict: Verdict,
    /// What stands beside it.
    pub flags: Vec<Flag>,
    /// The smallest distance to a limit, positive inside.
    pub margin: Option<Quantity>,
    /// Why.
    pub reason: String,
    /// What was measured.
    pub findings: Vec<FindingView>,
    /// Findings held against limits.
    pub judgements: Vec<Judgement>,
    /// The limits of the entry, with their sources.
    pub limits: Vec<Limit>,
    /// The takes that it stands on.
    pub takes: Vec<TakeId>,
    /// Those takes as they sounded, of methods that show them.
    pub scenes: Vec<Scene>,
}

/// A finding and where its curve is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingView {
    /// What was measured.
    pub finding: Finding,
    /// The file of its curve or series below the run's folder.
    pub curve: Option<String>,
}

/// How many entries have which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries with pass or fail.
    pub judged: usize,
    /// Of those, against a provisional limit.
    pub provisional: usize,
    /// Entries of which a limit is not known.
    pub without_limit: usize,
    /// By verdict, in the order of [`Verdict::ALL`].
    pub by_verdict: [usize; Verdict::ALL.len()],
}

impl Counts {
    /// The number of entries with this verdict.
    pub fn of(&self, verdict: Verdict) -> usize {
        Verdict::ALL.iter().position(|one| *one == verdict).map_or(0, |at| self.by_verdict[at])
    }
}

impl std::fmt::Display for Counts {
    /// The headline: "41 judged, 3 provisional, 12 without limit, 1 not run".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} judged, {} provisional, {} without limit, {} not run",
            self.judged,
            self.provisional,
            self.without_limit,
            self.of(Verdict::NotRun)
        )?;
        for verdict in [Verdict::Inconclusive, Verdict::Aborted, Verdict::Error] {
            if self.of(verdict) > 0 {
                write!(f, ", {} {verdict}", self.of(verdict))?;
            }
        }
        Ok(())
    }
}

impl EntryView {
    /// The entry as the verdict of a run sees it.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            verdict: self.verdict,
            required: self.required,
            judged: matches!(self.verdict, Verdict::Pass | Verdict::Fail),
            without_limit: self.verdict == Verdict::Measured || self.flags.contains(&Flag::NoLimit),
            provisional: self.flags.contains(&Flag::Provisional),
        }
    }
}

impl RunView {
    /// The verdict of the run.
    pub fn verdict(&self) -> Verdict {
        let outcomes: Vec<Outcome> = self.entries.iter().map(EntryView::outcome).collect();
        verdict::of_run(&outcomes)
    }

    /// The headline figures. Informative entries are counted by their verdict only.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            let outcome = entry.outcome();
            counts.judged += usize::from(outcome.judged);
            counts.provisional += usize::from(outcome.judged && outcome.provisional);
            counts.without_limit += usize::from(outcome.without_limit && outcome.required);
            if let Some(at) = Verdict::ALL.iter().position(|one| *one == entry.verdict) {
                counts.by_verdict[at] += 1;
            }
        }
        counts
    }

    /// The number of the exit code: 0 pass or measured, 1 fail, 3 inconclusive, aborted or incomplete, 4 error.
    pub fn exit_code(&self) -> u8 {
        // A bench that broke in an informative entry, as in the search that all others wait for, is a bench error too.
        let broke = self.entries.iter().any(|one| one.verdict == Verdict::Error);
        match self.verdict() {
            Verdict::Fail => 1,
            Verdict::Error => 4,
            _ if broke => 4,
            Verdict::Inconclusive | Verdict::Aborted | Verdict::NotRun => 3,
            Verdict::Pass | Verdict::Measured => {
                if self.state == RunState::Finished {
                    0
                } else {
                    3
                }
            }
        }
    }
}
