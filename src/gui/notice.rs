//! What went wrong, as text that can be read, selected and copied.

use crate::problem::Problem;
use crate::run::RunError;

/// A problem of a file, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemText {
    /// What is wrong.
    pub title: String,
    /// File, line and column.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What would have been understood.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What was tried.
    pub title: String,
    /// Why it failed; empty where the problems say it.
    pub message: String,
    /// Every problem of the input.
    pub problems: Vec<ProblemText>,
    /// All of it as one text, for the clipboard.
    pub text: String,
}

impl Notice {
    /// The notice of an error; `title` says what was tried.
    pub fn of(title: &str, error: &RunError) -> Self {
        let found: &[Problem] = if let RunError::Input(problems) = error { problems } else { &[] };
        let message = if found.is_empty() { error.to_string() } else { String::new() };
        let drawn: Vec<String> = found.iter().map(|problem| problem.render(false)).collect();
        let text = if found.is_empty() { format!("{title}\n{message}\n") } else { drawn.join("\n\n") };
        let problems = found
            .iter()
            .map(|problem| ProblemText {
                title: problem.title.clone(),
                place: problem.place.to_string(),
                found: problem.found.clone(),
                expected: problem.expected.clone(),
                remedy: problem.remedy.clone(),
            })
            .collect();
        Self { title: title.to_owned(), message, problems, text }
    }
}
