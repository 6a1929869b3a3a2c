//! Bench files: what is read, and every problem at its place.
