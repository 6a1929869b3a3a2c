//! Signal processing for meters and signals: pure functions on slices, f64 for every meter.
