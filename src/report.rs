//! Reports: the view of a run as HTML, CSV, JSON and JUnit XML. Pure: a view in, a text out.
//!
//! - [`html()`] is the document for people: one self-contained file without scripts.
//! - [`csv()`] is for spreadsheets: one row for each finding and judgement.
//! - [`json()`] is for programs: everything that the HTML shows.
//! - [`calls`] says what several new calls of one entry say together.
//! - [`classes`] says which class a device reaches where limits are tables of classes.
//! - [`junit()`] is for continuous integration: one test case for each entry.
//! - [`plot`] draws curves and series as SVG; [`summary`] and [`wording`] say once how a result is put.

use crate::run::view::RunView;

pub mod calls;
pub mod classes;
pub mod csv;
pub mod figure;
mod html;
pub mod json;
pub mod junit;
pub mod markup;
pub mod plot;
pub mod summary;
pub mod wording;

/// The run as one self-contained HTML document: no script, no external resource.
pub fn html(view: &RunView) -> String {
    html::document(view)
}

/// The run as a table after RFC 4180: UTF-8, CRLF, a header row. The columns are [`csv::COLUMNS`].
pub fn csv(view: &RunView) -> String {
    csv::table(view)
}

/// The run as one JSON object: `{"format": "lombard-report", "version": 1, …}`, with a final newline.
pub fn json(view: &RunView) -> String {
    json::object(view)
}

/// The run as JUnit XML, see [`junit`](mod@junit).
pub fn junit(view: &RunView) -> String {
    junit::document(view)
}
