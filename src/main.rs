//! Arguments, then a face; nothing else.

fn main() {}
