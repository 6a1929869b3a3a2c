//! `lombard check`: every problem of plans, before anything is recorded.

use clap::Args;

use super::settings::Settings;
use super::{json, output, resolved};
use crate::problem::Problem;
use crate::run::explain::Explained;
use crate::run::{BenchChoice, RunError};

/// Check plans: every problem, with its place and its remedy
///
/// Reads each plan with all that it includes, holds its entries against the methods, and plans them on the plan's
/// virtual car, or with --bench on the bench that will record it: what would clip on a mouth, at the POI or on a loudspeaker
/// of the background noise is told here. A bench file is read; no audio interface is opened. All problems are told at once, each with file, line, what was found, what was expected and what to do.
///
/// With --resolved it prints what each plan means: every value with the file and line that said so, every limit with
/// class and source, the takes with their length, and what is played where, at which level.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard check test-plans/*.toml
  lombard check quick-wb --overlay our-limits.toml
  lombard check p1110-2025-10 --bench lab2 --resolved
  lombard check quick-wb --resolved | less

Exit codes: 0 no problem, 2 problems.")]
pub(super) struct Check {
    /// Plan files, or names of plans
    #[arg(value_name = "PLAN", required = true)]
    plans: Vec<String>,

    /// Live bench that the plans are held against: a bench file, or the name of one
    #[arg(long, value_name = "FILE", conflicts_with = "car")]
    bench: Option<String>,

    /// Virtual car that the plans are held against: a car file, or the name of one; without it and --bench the plan's own
    #[arg(long, value_name = "FILE")]
    car: Option<String>,

    /// Overlay with the lab's own limits; may be given several times, the last has the last word
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,

    /// Print what each plan means after includes and overlays, with the origin of every value
    #[arg(long)]
    resolved: bool,

    /// With --resolved: print one JSON object for each plan, on a line of its own, and nothing else
    #[arg(long, requires = "resolved")]
    json: bool,
}

impl Check {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut code = 0;
        let choice = BenchChoice::of(self.bench, self.car);
        for plan in &self.plans {
            let checked = if self.resolved {
                settings.engine.explain(plan, &self.overlay, &choice)
            } else {
                let checked = settings.engine.check_on(plan, &self.overlay, &choice);
                checked.map(|plan| Explained { plan, recording: None })
            };
            match checked {
                Ok(explained) if self.json => json::print(&resolved::object(plan, &explained))?,
                Ok(explained) if self.resolved => output::result(&resolved::text(&explained))?,
                Ok(Explained { plan: checked, .. }) => {
                    output::result(&format!(
                        "{plan}: no problem; {}, {} ({}), {}, {} entries\n",
                        checked.title,
                        checked.recommendation,
                        checked.edition,
                        checked.bandwidth,
                        checked.entries.len()
                    ))?;
                    if let Some(program) = settings.engine.program_under_test(plan, &choice, &checked)? {
                        let program = output::printable(&program);
                        output::result(&format!("{plan}: the car is a program under test, {program}\n"))?;
                    }
                }
                // Plans share files: what is wrong with one of those is told once.
                Err(RunError::Input(found)) => {
                    code = code.max(2);
                    problems
                        .extend(found.into_iter().filter(|one| !problems.contains(one)).collect::<Vec<_>>());
                }
                Err(error) => {
                    code = code.max(error.exit_code());
                    output::error(&error);
                }
            }
        }
        if !problems.is_empty() {
            output::problems(&problems);
        }
        Ok(code)
    }
}
