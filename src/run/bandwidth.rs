//! Which Recommendation a call asks for: the narrowest of what the plan measures and what the link carries.

use crate::context::BenchInfo;
use crate::plan::ResolvedPlan;
use crate::run::listing::{Listed, PlanSummary};
use crate::run::{Engine, RunError};
use crate::terms::Bandwidth;

impl Engine {
    /// The link of a bench must carry what a plan measures.
    ///
    /// # Errors
    /// The link is narrower: with the Recommendation that its calls fall under, and the plans that measure by it. A
    /// virtual car makes calls of its own band only.
    pub(super) fn check_bandwidth(&self, plan: &ResolvedPlan, bench: &BenchInfo) -> Result<(), RunError> {
        let link = bench.network.bandwidth;
        let fits = if bench.is_virtual { link == plan.bandwidth } else { link >= plan.bandwidth };
        if fits { Ok(()) } else { Err(RunError::Usage(refusal(plan, bench, &self.plans()))) }
    }
}

fn refusal(plan: &ResolvedPlan, bench: &BenchInfo, plans: &[Listed<PlanSummary>]) -> String {
    let link = bench.network.bandwidth;
    let what = if bench.is_virtual { "car" } else { "bench" };
    let asked = plan.bandwidth;
    let text = format!(
        "the plan asks for {asked} calls by {}, and the {what} '{}' makes {link} calls",
        plan.recommendation, bench.name
    );
    let fitting = choice(link, &plan.edition, plans);
    if link < asked {
        let applies = link.recommendation();
        format!(
            "{text}: the narrowest link decides, so {applies} applies; {fitting}, or choose a {what} for {asked}"
        )
    } else {
        format!("{text}: choose a {what} for {asked}, or {fitting}")
    }
}

/// The plans for calls of a bandwidth, those of the same edition before others.
fn choice(bandwidth: Bandwidth, edition: &str, plans: &[Listed<PlanSummary>]) -> String {
    let fitting = |same: bool| {
        plans.iter().filter(move |(_, plan)| {
            plan.as_ref().is_ok_and(|plan| plan.bandwidth == bandwidth && (plan.edition == edition) == same)
        })
    };
    let names: Vec<&str> = fitting(true).chain(fitting(false)).map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [] => format!("write a plan for {bandwidth}"),
        [one] => format!("run the plan {one}"),
        many => format!("run one of the plans {}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::BenchMaker;
    use crate::bench::car::file::read_car;
    use crate::bench::car::rig::CarBenchMaker;
    use crate::plan::{BuiltIn, Folder, Sources};

    fn bench(car: &str) -> BenchInfo {
        let text = BuiltIn.read(Folder::Cars, car).unwrap();
        CarBenchMaker::new(read_car(&text).unwrap()).info().clone()
    }

    #[test]
    fn a_plan_on_a_narrower_link_is_refused_with_the_plan_that_fits() {
        let engine = Engine::new(Vec::new());
        let (wide, narrow) = ("quick-wb", "quick-nb");
        let [wide, narrow] = [wide, narrow].map(|plan| engine.resolve(plan, &[]).unwrap().plan);
        let live = |car: &str| BenchInfo { is_virtual: false, ..bench(car) };
        for link in [bench("ideal-nb"), live("ideal-nb")] {
            let error = engine.check_bandwidth(&wide, &link).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let text = error.to_string();
            for part in ["WB calls by P.1110", "makes NB calls", "P.1100 applies", "quick-nb"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        // A wider link of a live bench makes narrower calls too; a virtual car makes its own only.
        assert!(engine.check_bandwidth(&narrow, &live("ideal-wb")).is_ok());
        let text = engine.check_bandwidth(&narrow, &bench("ideal-wb")).unwrap_err().to_string();
        assert!(text.contains("choose a car for NB") && text.contains("quick-wb"), "{text}");
        assert!(engine.check_bandwidth(&wide, &bench("ideal-wb")).is_ok());
    }

    #[test]
    fn plans_of_the_same_edition_come_first() {
        let plan = |edition: &str| {
            Ok(PlanSummary {
                title: String::new(),
                recommendation: String::new(),
                edition: edition.to_owned(),
                bandwidth: Bandwidth::Nb,
                default_car: None,
                entry_count: 1,
            })
        };
        let plans = vec![("old".to_owned(), plan("03/2017")), ("new".to_owned(), plan("10/2025"))];
        assert_eq!(choice(Bandwidth::Nb, "10/2025", &plans), "run one of the plans new, old");
        assert_eq!(choice(Bandwidth::Fb, "10/2025", &plans), "write a plan for FB");
    }
}
