//! Everything that runs as one integration-test binary.

mod dsp_golden;
mod dsp_reference;
