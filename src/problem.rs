//! What is wrong with a file, and where: place, what was found, what was expected, the remedy.
//!
//! Every reader of the files that people write reports through [`Problem`], all of them at once.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text with the name that messages call it by. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The name of the file as the user knows it.
    pub name: Arc<str>,
    /// Its whole text.
    pub text: Arc<str>,
}

impl SourceText {
    /// The text `text` of the file `name`.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The place of the byte span `span`, clamped to the text.
    pub fn place(&self, span: Range<usize>) -> Place {
        let end = self.text.len();
        let mut start = span.start.min(end);
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        Place { source: self.clone(), span: start..span.end.clamp(start, end) }
    }

    /// The place that stands for the file as a whole.
    pub fn start(&self) -> Place {
        self.place(0..0)
    }
}

/// A span of bytes in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: SourceText,
    /// The bytes of its text.
    pub span: Range<usize>,
}

impl Place {
    /// The line of the start, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column of the start in characters, from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1
    }

    fn before(&self) -> &str {
        &self.source.text[..self.span.start]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}

/// One thing wrong with a file. The fields together must tell a lab engineer what to type instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one short sentence without a full stop.
    pub title: String,
    /// Where.
    pub place: Place,
    /// What stands there.
    pub found: String,
    /// What would have been understood.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: found {}, expected {}; {}",
            self.place, self.title, self.found, self.expected, self.remedy
        )
    }
}

impl Problem {
    /// The problem with its line of the file, drawn as compilers do. `color` for terminals.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let span = self.place.span.clone();
        let span = if span.is_empty() && span.start < self.place.source.text.len() {
            span.start..span.start + self.char_len_at(span.start)
        } else {
            span
        };
        let label = format!("found {}", self.found);
        let snippet = Snippet::source(&*self.place.source.text)
            .path(&*self.place.source.name)
            .annotation(AnnotationKind::Primary.span(span).label(&label));
        let report = [Level::ERROR
            .primary_title(&self.title)
            .element(snippet)
            .element(Level::NOTE.with_name("expected").message(&self.expected))
            .element(Level::HELP.message(&self.remedy))];
        renderer.render(&report)
    }

    fn char_len_at(&self, at: usize) -> usize {
        self.place.source.text[at..].chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_how() {
        let source = SourceText::new("p.toml", "title = \"a\"\nµ level = 3\n");
        let problem = Problem {
            title: "a level without a unit".to_owned(),
            place: source.place(23..24),
            found: "3".to_owned(),
            expected: "a number with a unit, as in \"-16 dBm0\"".to_owned(),
            remedy: "write level = \"3 dBm0\"".to_owned(),
        };
        assert_eq!(problem.place.line(), 2);
        assert_eq!(problem.place.column(), 11);
        assert!(problem.to_string().starts_with("p.toml:2:11: a level without a unit: found 3"));
        let drawn = problem.render(false);
        for part in ["p.toml:2:11", "found 3", "-16 dBm0", "write level"] {
            assert!(drawn.contains(part), "{drawn}");
        }
    }

    #[test]
    fn places_never_leave_the_text() {
        let source = SourceText::new("p.toml", "µ");
        assert_eq!(source.place(1..99).span, 0..2);
        assert_eq!(source.place(50..99).line(), 1);
    }
}
