//! The device under test of a run: its record, or the virtual car itself, with the program that was tested.

use super::RunError;
use crate::context::BenchInfo;
use crate::plan::{DeviceRecord, Recorded};
use crate::run::view::Device;
use crate::store::folder::ProgramRecord;

/// The copy of the device record in a run.
pub(super) const DEVICE: &str = "device.toml";

/// The device record of a stored run. A virtual car without one is its own device; a program under test is told in any case.
pub(super) fn device_of(
    sources: &Recorded,
    bench: &BenchInfo,
    program: Option<&ProgramRecord>,
) -> Result<Device, RunError> {
    let mut device = match sources.0.iter().find(|input| input.file == DEVICE) {
        None => {
            let name = if bench.is_virtual { format!("Virtual car {}", bench.name) } else { String::new() };
            let software =
                program.map_or_else(String::new, |one| format!("program under test: {}", one.command));
            Device { name, software, ..Device::default() }
        }
        Some(input) => {
            let record = DeviceRecord::parse(&input.text)?;
            Device { name: record.name, software: record.software, fields: record.fields }
        }
    };
    if let Some(program) = program {
        device.fields.insert("program under test".to_owned(), program.command.clone());
        let hashes = program.files.iter().map(|one| (format!("SHA-256 of {}", one.file), one.sha256.clone()));
        device.fields.extend(hashes);
    }
    Ok(device)
}
