//! The record of a device under test, `test-plans/devices/*.toml`.

use std::collections::BTreeMap;

use crate::document::read;
use crate::problem::{Problem, SourceText};

/// A device under test as its record says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceRecord {
    /// Its name.
    pub name: String,
    /// Its software build.
    pub software: String,
    /// Free fields: settings, geometry, serial number.
    pub fields: BTreeMap<String, String>,
}

impl DeviceRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        read(source, |root| {
            let name = root.need_text("name");
            let software = root.need_text("software");
            let mut fields = BTreeMap::new();
            if let Some(table) = root.table("fields") {
                for key in table.keys() {
                    fields.extend(table.text(&key.value).map(|text| (key.value, text.value)));
                }
            }
            Some(Self { name: name?.value, software: software?.value, fields })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_name_and_a_build() {
        let text = "name = 'a'\nsoftware = '1.2'\n[fields]\nserial = '7'\n";
        let record = DeviceRecord::parse(&SourceText::new("d.toml", text)).unwrap();
        assert_eq!(record.fields["serial"], "7");
        let found = DeviceRecord::parse(&SourceText::new("d.toml", "[fields]\nserial = 7\n")).unwrap_err();
        assert_eq!(found.len(), 3, "{found:#?}");
    }
}
