//! Verdicts, their order and what stands beside them.

use std::fmt;
use std::str::FromStr;

use crate::terms::UnknownWord;

/// The outcome of an entry. Only `judge` makes `Pass` and `Fail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The entry was not run, or a take that it needs was never recorded.
    NotRun,
    /// Measured, and there is no limit to judge against.
    Measured,
    /// Inside every limit.
    Pass,
    /// Measured or tried, and nothing may be concluded from it.
    Inconclusive,
    /// Outside a limit.
    Fail,
    /// Stopped before it was complete.
    Aborted,
    /// The bench or the program failed.
    Error,
}

impl Verdict {
    /// Every verdict in its order.
    pub const ALL: &'static [Self] = &[
        Self::NotRun,
        Self::Measured,
        Self::Pass,
        Self::Inconclusive,
        Self::Fail,
        Self::Aborted,
        Self::Error,
    ];

    /// The word that files, reports and JSON write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotRun => "not-run",
            Self::Measured => "measured",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Verdict {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            known: Self::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// What a reader must know beside a verdict. Those of a verdict never change it; those of a finding tell the judge what of
/// it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// Judged under a condition that the reason names.
    Conditional,
    /// Judged against a limit of class C, or computed with a table that has not been verified.
    Provisional,
    /// No limit is known (class N).
    NoLimit,
    /// What was sought cannot be told from noise: the value is a bound, or leaves points out.
    NoiseLimited,
    /// Only a bound is known, for another reason than noise.
    Bound,
    /// The text has been read in two ways: judged by the looser one.
    TwoReadings,
    /// Energy that belongs to no signal of the test makes the reading, as fast switching does: no verdict stands on it.
    Spread,
    /// The device's own converter or line reached full scale: what is measured is what the device does then.
    DeviceClips,
    /// A recording was resampled from the clock that recorded to the clock that played: the bench's drift was measured well
    /// enough for that.
    DriftCorrected,
    /// The bench has no loopback pair: what was lost on its way may not have been seen.
    WeakEvidence,
    /// The device has to be cold where the call begins, and the bench does not set up calls: a person does, or did not.
    CallByHand,
    /// The test signal has the properties asked for but is not the Recommendation's own recording.
    MethodEquivalentSignal,
    /// The entry does not count towards the verdict of the run.
    Informative,
}

impl Flag {
    /// Every flag.
    pub const ALL: &'static [Self] = &[
        Self::Conditional,
        Self::Provisional,
        Self::NoLimit,
        Self::NoiseLimited,
        Self::Bound,
        Self::TwoReadings,
        Self::Spread,
        Self::DeviceClips,
        Self::DriftCorrected,
        Self::WeakEvidence,
        Self::CallByHand,
        Self::MethodEquivalentSignal,
        Self::Informative,
    ];

    /// The word that files, reports and JSON write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conditional => "conditional",
            Self::Provisional => "provisional",
            Self::NoLimit => "no-limit",
            Self::NoiseLimited => "noise-limited",
            Self::Bound => "bound",
            Self::TwoReadings => "two-readings",
            Self::Spread => "spread",
            Self::DeviceClips => "device-clips",
            Self::DriftCorrected => "drift-corrected",
            Self::WeakEvidence => "weak-evidence",
            Self::CallByHand => "call-by-hand",
            Self::MethodEquivalentSignal => "method-equivalent-signal",
            Self::Informative => "informative",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Flag {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            known: Self::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// One entry as the verdict of a run sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about one entry")]
pub struct Outcome {
    /// The verdict of the entry.
    pub verdict: Verdict,
    /// Whether a required entry; every entry is, unless it is informative.
    pub required: bool,
    /// Whether at least one of its findings was judged against a limit.
    pub judged: bool,
    /// Whether one of the limits that would judge it is not known.
    pub without_limit: bool,
    /// Whether one of the limits that judged it is provisional.
    pub provisional: bool,
}

/// The verdict of a run from the outcomes of the entries that were selected.
///
/// A proven fail is never hidden by a bench error; a missing limit never helps to a pass.
/// Informative entries never count.
pub fn of_run(outcomes: &[Outcome]) -> Verdict {
    let required = || outcomes.iter().filter(|one| one.required);
    let any = |verdict: Verdict| required().any(|one| one.verdict == verdict);
    if any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Error) {
        Verdict::Error
    } else if any(Verdict::Aborted) {
        Verdict::Aborted
    } else if any(Verdict::Inconclusive) || any(Verdict::NotRun) || required().any(|one| one.without_limit) {
        Verdict::Inconclusive
    } else if required().any(|one| one.judged) {
        Verdict::Pass
    } else {
        Verdict::Measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome {
            verdict,
            required: true,
            judged: matches!(verdict, Verdict::Pass | Verdict::Fail),
            without_limit: verdict == Verdict::Measured,
            provisional: false,
        }
    }

    #[test]
    fn a_proven_fail_is_never_hidden() {
        let all: Vec<Outcome> = Verdict::ALL.iter().map(|one| outcome(*one)).collect();
        assert_eq!(of_run(&all), Verdict::Fail);
    }

    #[test]
    fn the_order_of_a_run_is_kept() {
        use Verdict::{Aborted, Error, Inconclusive, Measured, NotRun, Pass};
        assert_eq!(of_run(&[outcome(Pass), outcome(Error), outcome(Aborted)]), Error);
        assert_eq!(of_run(&[outcome(Pass), outcome(Aborted), outcome(Inconclusive)]), Aborted);
        assert_eq!(of_run(&[outcome(Pass), outcome(NotRun)]), Inconclusive);
        assert_eq!(of_run(&[outcome(Pass), outcome(Pass)]), Pass);
        assert_eq!(of_run(&[outcome(Pass), outcome(Measured)]), Inconclusive);
        assert_eq!(of_run(&[]), Measured);
    }

    #[test]
    fn a_missing_limit_never_helps_to_a_pass() {
        let mut judged_in_part = outcome(Verdict::Pass);
        judged_in_part.without_limit = true;
        assert_eq!(of_run(&[judged_in_part]), Verdict::Inconclusive);
    }

    #[test]
    fn informative_entries_do_not_count() {
        let mut informative = outcome(Verdict::Fail);
        informative.required = false;
        assert_eq!(of_run(&[informative, outcome(Verdict::Pass)]), Verdict::Pass);
        assert_eq!(of_run(&[informative]), Verdict::Measured);
    }
}
