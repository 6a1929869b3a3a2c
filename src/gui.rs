//! The desktop window: opens plans and runs, starts and stops recordings, shows what the engine tells.
//!
//! The only user of egui. It folds [`Update`](crate::run::Update)s into a [`state::State`] and shows
//! [`RunView`](crate::run::view::RunView)s; what may be lost is shown by meters only. It knows nothing of
//! results that the files of the run do not hold. Panels draw and return [`intent::Intent`]s;
//! [`desk::Desk`] does them.

use crate::run::{Engine, RunRequest};

mod bar;
pub mod curve;
pub mod desk;
pub mod detail;
mod entry;
pub mod events;
mod field;
mod footer;
pub mod form;
pub mod graph;
pub mod headline;
pub mod intent;
pub mod interfaces;
mod live;
pub mod look;
pub mod mailbox;
mod meters;
pub mod notice;
mod options;
mod problems;
pub mod rows;
pub mod state;
mod table;
mod watch;
mod welcome;

/// The size of a new window in points.
const SIZE: [f32; 2] = [1280.0, 800.0];
/// The smallest size in points at which nothing overlaps.
const SIZE_MIN: [f32; 2] = [1000.0, 560.0];

/// Opens the window and stays until it is closed. `wish`: what its form begins with (bench or car, device, options), and the
/// folder where runs are made and looked for; `open`: a plan (a file or a shipped name) or the folder of a run.
///
/// # Errors
/// There is no display, or no graphics that the window can be drawn with.
pub fn run(engine: Engine, wish: &RunRequest, open: Option<String>) -> Result<(), String> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Lombard")
        .with_app_id("lombard")
        .with_inner_size(SIZE)
        .with_min_inner_size(SIZE_MIN);
    let options = eframe::NativeOptions { viewport, renderer: eframe::Renderer::Glow, ..Default::default() };
    let made = eframe::run_native(
        "lombard",
        options,
        Box::new(move |cx| {
            look::dress(&cx.egui_ctx);
            let mut desk = desk::Desk::new(engine, wish.runs.clone());
            desk.state.form.fill(wish);
            desk.refresh(&cx.egui_ctx);
            if let Some(open) = open {
                desk.open(&open, &cx.egui_ctx);
            }
            Ok(Box::new(desk))
        }),
    );
    made.map_err(|error| why(&error))
}

/// Why there is no window, without the places in other people's source that the libraries tell.
fn why(error: &eframe::Error) -> String {
    let text = error.to_string();
    let cause = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
    match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => {
            format!("no display is reached: {cause}")
        }
        _ => text,
    }
}
