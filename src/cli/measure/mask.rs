//! `lombard measure mask`: a curve held against a mask.
//!
//! The lines of a mask are straight in dB over log f between their points; a point of the curve beyond the ends of a line
//! is not judged by it. The margin is the smallest room of any point to any line, negative outside. A floating mask
//! judges the shape: the curve is shifted to where the room above and below is the same. A curve that leaves more than an
//! octave at an end of a line open can fail and cannot pass.

use std::path::PathBuf;

use clap::Args;

use super::curve::{CurveFile, text};
use super::reading::Reading;
use crate::finding::Finding;
use crate::limits::{At, Limit, Mask, Rule, judge};
use crate::plan::mask_file;
use crate::run::RunError;
use crate::terms::{ClauseRef, LimitClass};
use crate::verdict::Verdict;

/// Hold a curve against a mask
///
/// Straight lines in dB over log f between the points of the mask, as in a plan. A floating mask is judged by shape: the
/// curve is shifted to where it has most room. A curve that leaves more than an octave at an end of the
/// mask open can fail and cannot pass.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints verdict, worst_margin_db, at_hz, shift_db, and a reason where the verdict needs one.

Examples:
  lombard measure mask response.csv --mask my-mask.toml
  lombard measure mask response.csv --mask my-mask.toml --floating --json

Exit codes: 0 measured, whatever the verdict, 2 bad input; with --exit-code 0 pass, 1 fail, 3 inconclusive.")]
pub(crate) struct MaskOf {
    /// CSV file with the curve, header hz,db
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,

    /// Mask file, as those of `test-plans/masks`
    #[arg(long, value_name = "FILE.toml")]
    mask: PathBuf,

    /// Judge the shape only, whatever the mask file says
    #[arg(long)]
    floating: bool,

    /// Tell the verdict by the exit code too
    #[arg(long)]
    exit_code: bool,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl MaskOf {
    pub(super) fn run(self) -> Result<u8, RunError> {
        let curve = CurveFile::read(&self.file)?;
        let (mask, unit) = mask_file(&text(&self.mask)?).map_err(RunError::Input)?;
        let mask = Mask { floating: mask.floating || self.floating, ..mask };
        let limit = Limit {
            id: self.mask.display().to_string(),
            measurand: "curve".to_owned(),
            rule: Rule::Mask(mask),
            unit,
            clause: ClauseRef {
                recommendation: String::new(),
                edition: String::new(),
                clause: String::new(),
            },
            class: LimitClass::A,
            source: String::new(),
            two_readings: false,
            origins: Vec::new(),
        };
        let judgement = judge(&Finding::curve("curve", curve.hz, curve.db, unit), &limit);
        let mut reading = Reading::default()
            .text("verdict", judgement.verdict.word())
            .maybe("worst_margin_db", judgement.margin.map(|margin| margin.value))
            .maybe("at_hz", judgement.at.and_then(At::hertz))
            .number("shift_db", judgement.shift.unwrap_or(0.0));
        if !judgement.reason.is_empty() {
            reading = reading.text("reason", judgement.reason);
        }
        reading.print(self.json)?;
        Ok(match judgement.verdict {
            _ if !self.exit_code => 0,
            Verdict::Pass => 0,
            Verdict::Fail => 1,
            _ => 3,
        })
    }
}
