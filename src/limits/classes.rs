//! Ordered classes, as the types of double talk: which of them a value reaches, and whether that is the one asked for.
//!
//! Here a value is known to within twice its standard uncertainty: where an edge lies inside that, two classes are possible,
//! and only what holds for both is a verdict.

use std::fmt;

use super::Judgement;
use crate::finding::{Bound, Finding};
use crate::units::Quantity;
use crate::verdict::{Flag, Verdict};

/// How many standard uncertainties a value may be off on either side: 95 % of a normal distribution.
const COVERAGE: f64 = 2.0;

/// Which values are the better ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The smaller, as attenuations: the value of a class is the largest that belongs to it.
    Smaller,
    /// The larger, as losses of an echo: the value of a class is the smallest that belongs to it.
    Larger,
}

impl Better {
    /// The sign of the comparison with the edge of a class.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Smaller => "≤",
            Self::Larger => "≥",
        }
    }
}

/// One class: its name, and the worst value that belongs to it; `None` is the class of all that is worse than the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name: `2a`.
    pub name: String,
    /// The worst value that belongs to it.
    pub edge: Option<f64>,
}

/// A table of classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    /// Which values are the better ones.
    pub better: Better,
    /// The classes, the best one first, the last one without an edge.
    pub steps: Vec<Step>,
    /// The class that is asked for; `None`: the class is told, and nothing is judged.
    pub required: Option<String>,
}

/// The classes that a finding may have: one where both are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The best that is possible.
    pub best: String,
    /// The worst that is possible.
    pub worst: String,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.best == self.worst {
            write!(f, "class {}", self.best)
        } else {
            write!(f, "class {} to {}", self.best, self.worst)
        }
    }
}

impl fmt::Display for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("classes ")?;
        for (at, step) in self.steps.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            match step.edge {
                Some(edge) => write!(f, "{separator}{}: {} {edge}", step.name, self.better.sign())?,
                None => write!(f, "{separator}{}: the rest", step.name)?,
            }
        }
        match &self.required {
            Some(name) => write!(f, "; class {name} or better required"),
            None => f.write_str("; none required"),
        }
    }
}

impl Classes {
    /// The place of a class in the order, 0 is the best one.
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name == name)
    }

    /// The place of the class of a value.
    fn rank_of(&self, value: f64) -> usize {
        let belongs = |edge: f64| match self.better {
            Better::Smaller => value <= edge,
            Better::Larger => value >= edge,
        };
        let at = self.steps.iter().position(|step| step.edge.is_none_or(belongs));
        at.unwrap_or(self.steps.len().saturating_sub(1))
    }

    /// How far a value lies on the good side of the edge of a class.
    fn margin(&self, value: f64, rank: usize) -> Option<f64> {
        let edge = self.steps.get(rank)?.edge?;
        Some(match self.better {
            Better::Smaller => edge - value,
            Better::Larger => value - edge,
        })
    }
}

/// The smallest and the largest value that the truth may have.
fn ends(value: f64, finding: &Finding) -> (f64, f64) {
    let (low, high) = match finding.bound {
        Bound::Exact => (value, value),
        Bound::AtLeast => (value, f64::INFINITY),
        Bound::AtMost => (f64::NEG_INFINITY, value),
        Bound::Between(end) => (value.min(end), value.max(end)),
    };
    let room = COVERAGE * finding.uncertainty.unwrap_or(0.0).abs();
    (low - room, high + room)
}

/// Holds a number against a table of classes.
pub(super) fn judge_class(value: f64, finding: &Finding, classes: &Classes, judgement: &mut Judgement) {
    let open = matches!(finding.bound, Bound::Between(end) if end.is_nan());
    let uncertain = finding.uncertainty.is_some_and(f64::is_nan);
    if value.is_nan() || open || uncertain {
        "the value is no number".clone_into(&mut judgement.reason);
        return;
    }
    if classes.steps.is_empty() {
        "the table has no class".clone_into(&mut judgement.reason);
        return;
    }
    let (low, high) = ends(value, finding);
    let (good, bad) = match classes.better {
        Better::Smaller => (low, high),
        Better::Larger => (high, low),
    };
    let (best, worst) = (classes.rank_of(good), classes.rank_of(bad));
    let name = |rank: usize| classes.steps[rank].name.clone();
    let reached = Reached { best: name(best), worst: name(worst) };
    if finding.bound != Bound::Exact && !judgement.flags.contains(&Flag::NoiseLimited) {
        judgement.flags.push(Flag::Bound);
    }
    match &classes.required {
        None => {
            judgement.verdict = Verdict::Measured;
            judgement.flags.push(Flag::NoLimit);
            judgement.reason =
                format!("{reached}; no class is asked for: write class_required in the plan or an overlay");
        }
        Some(required) => match classes.rank(required) {
            None => judgement.reason = format!("the table has no class '{required}'"),
            Some(rank) => {
                // What is decided by the end of the span that is nearer to the edge.
                let (verdict, end) = match () {
                    () if worst <= rank => (Verdict::Pass, bad),
                    () if best > rank => (Verdict::Fail, good),
                    () => (Verdict::Inconclusive, bad),
                };
                judgement.verdict = verdict;
                let unit = finding.unit.difference();
                judgement.margin = classes.margin(end, rank).map(|margin| Quantity::new(margin, unit));
                judgement.reason = match verdict {
                    Verdict::Pass => String::new(),
                    Verdict::Fail => format!("{reached}, {required} or better was asked for"),
                    _ => format!(
                        "{reached}: an edge of the class asked for, {required}, lies within what is known, {low:.1} to {high:.1} {}",
                        finding.unit
                    ),
                };
            }
        },
    }
    judgement.class = Some(reached);
}

#[cfg(test)]
mod tests {
    use super::super::tests::limit;
    use super::super::{Rule, judge};
    use super::*;
    use crate::terms::LimitClass;
    use crate::units::Unit;

    fn table(better: Better, edges: [f64; 4], required: Option<&str>) -> Classes {
        let names = ["1", "2a", "2b", "2c"];
        let mut steps: Vec<Step> = names
            .into_iter()
            .zip(edges)
            .map(|(name, edge)| Step { name: name.to_owned(), edge: Some(edge) })
            .collect();
        steps.push(Step { name: "3".to_owned(), edge: None });
        Classes { better, steps, required: required.map(str::to_owned) }
    }

    fn send(required: Option<&str>) -> Classes {
        table(Better::Smaller, [3.0, 6.0, 9.0, 12.0], required)
    }

    fn judged(value: f64, bound: Bound, uncertainty: Option<f64>, classes: &Classes) -> Judgement {
        let finding = Finding { bound, uncertainty, ..Finding::scalar("slr", value, Unit::Db) };
        judge(&finding, &limit(Rule::Classes(classes.clone()), LimitClass::A))
    }

    fn names(judged: &Judgement) -> (&str, &str) {
        let class = judged.class.as_ref().unwrap();
        (&class.best, &class.worst)
    }

    #[test]
    fn an_edge_belongs_to_the_better_class() {
        for (value, class) in
            [(-1.0, "1"), (3.0, "1"), (3.001, "2a"), (6.0, "2a"), (9.0, "2b"), (12.0, "2c"), (12.001, "3")]
        {
            assert_eq!(
                names(&judged(value, Bound::Exact, None, &send(Some("1")))),
                (class, class),
                "{value}"
            );
        }
        let echo = table(Better::Larger, [27.0, 23.0, 17.0, 11.0], Some("2b"));
        for (value, class) in [(27.0, "1"), (26.999, "2a"), (17.0, "2b"), (11.0, "2c"), (10.9, "3")] {
            assert_eq!(names(&judged(value, Bound::Exact, None, &echo)), (class, class), "{value}");
        }
    }

    #[test]
    fn a_value_whose_uncertainty_crosses_the_edge_asked_for_is_inconclusive() {
        let verdict = |value: f64, required: &str| {
            let judged = judged(value, Bound::Exact, Some(0.25), &send(Some(required)));
            (judged.verdict, judged.margin.map(|one| one.value))
        };
        assert_eq!(verdict(2.0, "1"), (Verdict::Pass, Some(0.5)));
        assert_eq!(verdict(2.75, "1"), (Verdict::Inconclusive, Some(-0.25)));
        assert_eq!(verdict(3.25, "1"), (Verdict::Inconclusive, Some(-0.75)));
        assert_eq!(verdict(4.0, "1"), (Verdict::Fail, Some(-0.5)));
        // An edge between two classes that are both good enough, or both not, decides nothing.
        assert_eq!(verdict(2.75, "2a").0, Verdict::Pass);
        assert_eq!(verdict(6.1, "1").0, Verdict::Fail);
        // All that is asked for is the last class.
        assert_eq!(verdict(40.0, "3"), (Verdict::Pass, None));
    }

    #[test]
    fn a_bound_passes_or_fails_only_where_all_of_it_does() {
        let verdict = |value: f64, bound: Bound| judged(value, bound, None, &send(Some("2a"))).verdict;
        assert_eq!(verdict(4.0, Bound::Between(5.9)), Verdict::Pass);
        assert_eq!(verdict(7.0, Bound::Between(5.0)), Verdict::Inconclusive);
        assert_eq!(verdict(7.0, Bound::Between(6.5)), Verdict::Fail);
        assert_eq!(verdict(7.0, Bound::AtLeast), Verdict::Fail);
        assert_eq!(verdict(5.0, Bound::AtLeast), Verdict::Inconclusive);
        assert_eq!(verdict(5.0, Bound::AtMost), Verdict::Pass);
        assert_eq!(names(&judged(5.0, Bound::AtLeast, None, &send(None))), ("2a", "3"));
        let flagged = judged(7.0, Bound::Between(5.0), None, &send(Some("2a")));
        assert!(
            flagged.flags.contains(&Flag::Bound) && flagged.reason.contains("class 2a to 2b"),
            "{flagged:?}"
        );
    }

    #[test]
    fn no_number_no_table_and_no_class_asked_for_are_no_pass() {
        for bound in [Bound::Exact, Bound::AtMost, Bound::Between(1.0)] {
            let judged = judged(f64::NAN, bound, None, &send(Some("3")));
            assert_eq!((judged.verdict, judged.class), (Verdict::Inconclusive, None));
        }
        for (bound, uncertainty) in [(Bound::Between(f64::NAN), None), (Bound::Exact, Some(f64::NAN))] {
            assert_eq!(judged(1.0, bound, uncertainty, &send(Some("3"))).verdict, Verdict::Inconclusive);
        }
        let told = judged(1.0, Bound::Exact, None, &send(None));
        assert_eq!((told.verdict, told.flags.contains(&Flag::NoLimit)), (Verdict::Measured, true));
        assert_eq!(judged(1.0, Bound::Exact, None, &send(Some("4"))).verdict, Verdict::Inconclusive);
        let empty = Classes { steps: Vec::new(), ..send(Some("1")) };
        assert_eq!(judged(1.0, Bound::Exact, None, &empty).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_reading_that_is_spread_has_no_class() {
        let finding = Finding { flags: vec![Flag::Spread], ..Finding::scalar("slr", 1.0, Unit::Db) };
        let judged = judge(&finding, &limit(Rule::Classes(send(Some("3"))), LimitClass::A));
        assert_eq!((judged.verdict, judged.class), (Verdict::Inconclusive, None));
    }
}
