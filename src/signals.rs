//! Test signals: generated and recorded, from one catalogue.
