//! A run: acquisition, evaluation, and the view that every face shows.

pub mod clock;
pub mod log;
pub mod render;
pub mod view;
