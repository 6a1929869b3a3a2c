//! What there is to choose from: plans and virtual cars.

use crate::bench::car::file::read_car;
use crate::bench::car::spec::TerminalKind;
use crate::plan::{Folder, Sources};
use crate::run::{Engine, RunError};
use crate::terms::Bandwidth;

/// A plan in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSummary {
    /// The title.
    pub title: String,
    /// The Recommendation: `P.1110`.
    pub recommendation: String,
    /// Its edition: `10/2025`.
    pub edition: String,
    /// The speech band of every call.
    pub bandwidth: Bandwidth,
    /// The virtual car that it runs on unless another bench is named.
    pub default_car: Option<String>,
    /// How many entries it has, expanded.
    pub entry_count: usize,
}

/// A virtual car in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarSummary {
    /// The name that runs and reports print.
    pub title: String,
    /// One sentence about what it is for.
    pub description: String,
    /// The speech band of its calls.
    pub bandwidth: Bandwidth,
    /// The kind of its terminal: `reference`, `real` or `process`.
    pub kind: &'static str,
    /// The command of a terminal that is a program.
    pub program: Option<String>,
}

/// Something in a folder: its name there, and what it is or why it cannot be read.
pub type Listed<T> = (String, Result<T, RunError>);

impl Engine {
    /// The plans of the data folders and of the program, in the order of the alphabet.
    pub fn plans(&self) -> Vec<Listed<PlanSummary>> {
        let names = self.sources(None).names(Folder::Plans);
        let summary = |name: &str| {
            let plan = self.resolve(name, &[])?.plan;
            Ok(PlanSummary {
                title: plan.title,
                recommendation: plan.recommendation,
                edition: plan.edition,
                bandwidth: plan.bandwidth,
                default_car: plan.default_car,
                entry_count: plan.entries.len(),
            })
        };
        names.into_iter().map(|name| (name.clone(), summary(&name))).collect()
    }

    /// The virtual cars of the data folders and of the program, in the order of the alphabet.
    pub fn cars(&self) -> Vec<Listed<CarSummary>> {
        let sources = self.sources(None);
        let summary = |name: &str| {
            let text = sources.read(Folder::Cars, name);
            let text = text.ok_or_else(|| RunError::Usage(format!("the car '{name}' cannot be read")))?;
            let car = read_car(&text)?;
            let kind = car.terminal.kind.word();
            let program = match &car.terminal.kind {
                TerminalKind::Process(own) => Some(own.command_line()),
                TerminalKind::Reference(_) | TerminalKind::Real(_) => None,
            };
            let (title, description) = (car.name, car.description);
            Ok(CarSummary { title, description, bandwidth: car.bandwidth, kind, program })
        };
        sources.names(Folder::Cars).into_iter().map(|name| (name.clone(), summary(&name))).collect()
    }
}
