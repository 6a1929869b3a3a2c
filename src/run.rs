//! A run: acquisition, evaluation, and the view that every face shows.

pub mod view;
