//! The verdict of a run and its figures, derived once for each new view.

use std::fmt::Write as _;

use super::state::PlanShown;
use crate::report::wording;
use crate::run::view::{RunState, RunView};
use crate::verdict::Verdict;

/// The verdict of the whole, with its figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headline {
    /// The title of the plan.
    pub title: String,
    /// Recommendation, edition and speech band.
    pub basis: String,
    /// The verdict; `None` while there is no run, and while it goes on without a fail.
    pub verdict: Option<Verdict>,
    /// "41 judged, 3 provisional, 12 without limit, 1 not run".
    pub counts: String,
    /// Where the run stands.
    pub state: String,
    /// Device, bench and times, one after the other.
    pub facts: Vec<String>,
    /// The folder of the run.
    pub path: String,
    /// What the evaluation warned of.
    pub warnings: Vec<String>,
}

impl Headline {
    /// Of a run.
    pub fn of_run(view: &RunView) -> Self {
        let running = view.state == RunState::Running;
        let device = match (view.device.name.as_str(), view.device.software.as_str()) {
            ("", _) => "no device record".to_owned(),
            (name, "") => name.to_owned(),
            (name, software) => format!("{name}, {software}"),
        };
        let bench =
            format!("{} {}", if view.bench.is_virtual { "virtual car" } else { "bench" }, view.bench.name);
        // Without a record a virtual car is its own device.
        let is_device = device.to_lowercase() == bench.to_lowercase();
        let mut facts = vec![device];
        facts.extend(Some(bench).filter(|_| !is_device));
        facts.push(view.bench.network.declared());
        facts.push(format!("begun {}", view.started_at));
        if !view.left_out.is_empty() {
            facts.push(format!("{} entries left out", view.left_out.len()));
        }
        let mut state = wording::state(view.state).to_owned();
        if view.evaluation > 1 {
            let _ = write!(state, ", evaluation {}", view.evaluation);
        }
        // How far a run is that goes on, the live panel tells.
        if !running {
            let (sound, clock) = (wording::duration(view.audio_s), wording::duration(view.wall_s));
            let _ = write!(state, ", {sound} of sound in {clock}");
        }
        // Of a run that goes on only a fail is certain; everything else may still change.
        let verdict = Some(view.verdict()).filter(|verdict| !running || *verdict == Verdict::Fail);
        Self {
            title: view.plan_title.clone(),
            basis: format!("{} ({}), {}", view.recommendation, view.edition, view.bandwidth),
            verdict,
            counts: format!("{}{}", if running { "so far: " } else { "" }, view.counts()),
            state,
            facts,
            path: view.path.display().to_string(),
            warnings: view.warnings.clone(),
        }
    }

    /// Of a plan that was not run.
    pub fn of_plan(plan: &PlanShown, entry_count: usize) -> Self {
        let car = match &plan.default_car {
            Some(car) => format!("names the virtual car {car}"),
            None => "names no car".to_owned(),
        };
        let checked = match &plan.checked_on {
            Some(on) => format!("checked on {on}"),
            None if plan.goes_on => "being checked".to_owned(),
            None => "read, not checked on what records it".to_owned(),
        };
        Self {
            title: plan.title.clone(),
            basis: plan.basis.clone(),
            counts: format!("{entry_count} entries, nothing recorded"),
            facts: vec![car, checked],
            ..Self::default()
        }
    }
}
