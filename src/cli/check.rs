//! `lombard check`: every problem of plans, before anything is recorded.

use clap::Args;

use super::output;
use super::settings::Settings;
use crate::problem::Problem;
use crate::run::RunError;

/// Check plans: every problem, with its place and its remedy
///
/// Reads each plan with all that it includes, holds its entries against the methods, and plans them on the plan's
/// virtual car. All problems are told at once, each with file, line, what was found, what was expected and what to do.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard check test-plans/*.toml
  lombard check quick-wb --overlay our-limits.toml

Exit codes: 0 no problem, 2 problems.")]
pub(super) struct Check {
    /// Plan files, or names of plans
    #[arg(value_name = "PLAN", required = true)]
    plans: Vec<String>,

    /// Overlay with the lab's own limits; may be given several times, the last has the last word
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,
}

impl Check {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut code = 0;
        for plan in &self.plans {
            match settings.engine.check(plan, &self.overlay) {
                Ok(checked) => output::result(&format!(
                    "{plan}: no problem; {}, {} ({}), {}, {} entries\n",
                    checked.title,
                    checked.recommendation,
                    checked.edition,
                    checked.bandwidth,
                    checked.entries.len()
                ))?,
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
