//! Where texts come from: shipped with the program, a data folder, or the copies in a stored run.
//!
//! `plan` reads no file; a caller hands in something that implements [`Sources`].

use std::fmt;

use crate::problem::SourceText;

/// A folder of the data that people write. Names in it are file names without `.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Folder {
    /// Plans.
    Plans,
    /// Limit files and overlays.
    Limits,
    /// Masks.
    Masks,
    /// The clauses of the Recommendations with what stands for them.
    Clauses,
    /// Virtual cars.
    Cars,
    /// Records of real devices under test.
    Devices,
    /// Bench files.
    Rigs,
    /// Calibration records.
    Ledger,
    /// The catalogue of signals.
    Signals,
}

impl Folder {
    /// Every folder.
    pub const ALL: &'static [Self] = &[
        Self::Plans,
        Self::Limits,
        Self::Masks,
        Self::Clauses,
        Self::Cars,
        Self::Devices,
        Self::Rigs,
        Self::Ledger,
        Self::Signals,
    ];

    /// The folder below a data folder, with slashes.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Plans => "test-plans",
            Self::Limits => "test-plans/limits",
            Self::Masks => "test-plans/masks",
            Self::Clauses => "test-plans/clauses",
            Self::Cars => "test-plans/cars",
            Self::Devices => "test-plans/devices",
            Self::Rigs => "calibration/rigs",
            Self::Ledger => "calibration/ledger",
            Self::Signals => "signals",
        }
    }

    /// The last word of the path: the folder beside a plan, and in the `inputs/` of a run.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plans => "test-plans",
            Self::Limits => "limits",
            Self::Masks => "masks",
            Self::Clauses => "clauses",
            Self::Cars => "cars",
            Self::Devices => "devices",
            Self::Rigs => "rigs",
            Self::Ledger => "ledger",
            Self::Signals => "signals",
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// Whether `name` may name a file of a [`Folder`]: no path, no hidden file, nothing a file system chokes on.
pub fn is_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(good)
}

/// Where texts come from.
pub trait Sources {
    /// The text of the file `name` (without `.toml`) of a folder; `None` where there is none.
    /// Its [`SourceText::name`] is the path that a user knows it by.
    fn read(&self, folder: Folder, name: &str) -> Option<SourceText>;

    /// The names in a folder, in the order of the alphabet.
    fn names(&self, folder: Folder) -> Vec<String>;
}

/// A text that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its file below the `inputs/` of a run, as `limits/p1110-2025.toml`, `plan.toml` or `overlay-1.toml`.
    pub file: String,
    /// The text, with the name that the user knew it by.
    pub text: SourceText,
}

impl Input {
    /// The file below `inputs/` of a text of a folder.
    pub fn file_of(folder: Folder, name: &str) -> String {
        format!("{}/{name}.toml", folder.word())
    }
}

/// Several sources; the first that has a file gives it.
#[derive(Default)]
pub struct Layered(pub Vec<Box<dyn Sources>>);

impl Sources for Layered {
    fn read(&self, folder: Folder, name: &str) -> Option<SourceText> {
        self.0.iter().find_map(|one| one.read(folder, name))
    }

    fn names(&self, folder: Folder) -> Vec<String> {
        let mut names: Vec<String> = self.0.iter().flat_map(|one| one.names(folder)).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The texts that a stored run was made from.
#[derive(Debug, Clone, Default)]
pub struct Recorded(pub Vec<Input>);

impl Sources for Recorded {
    fn read(&self, folder: Folder, name: &str) -> Option<SourceText> {
        let file = Input::file_of(folder, name);
        self.0.iter().find(|input| input.file == file).map(|input| input.text.clone())
    }

    fn names(&self, folder: Folder) -> Vec<String> {
        let prefix = format!("{}/", folder.word());
        let stem = |input: &Input| Some(input.file.strip_prefix(&prefix)?.strip_suffix(".toml")?.to_owned());
        let mut names: Vec<String> = self.0.iter().filter_map(stem).collect();
        names.sort();
        names
    }
}

/// What the program was built with.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

macro_rules! shipped {
    ($($folder:ident, $name:literal, $path:literal;)*) => {
        /// Every shipped text: folder, name, path in the repository, text.
        static SHIPPED: &[(Folder, &str, &str, &str)] = &[
            $((Folder::$folder, $name, $path, include_str!(concat!("../../", $path))),)*
        ];
    };
}

shipped! {
    Plans, "quick-wb", "test-plans/quick-wb.toml";
    Plans, "quick-nb", "test-plans/quick-nb.toml";
    Plans, "quick-swb", "test-plans/quick-swb.toml";
    Plans, "quick-fb", "test-plans/quick-fb.toml";
    Plans, "zones-example", "test-plans/zones-example.toml";
    Plans, "oem-example", "test-plans/oem-example.toml";
    Plans, "p1100-2017-03", "test-plans/p1100-2017-03.toml";
    Plans, "p1100-2025-10", "test-plans/p1100-2025-10.toml";
    Plans, "p1110-2017-03", "test-plans/p1110-2017-03.toml";
    Plans, "p1110-2025-10", "test-plans/p1110-2025-10.toml";
    Plans, "p1120-2017-03-fb", "test-plans/p1120-2017-03-fb.toml";
    Plans, "p1120-2017-03-swb", "test-plans/p1120-2017-03-swb.toml";
    Plans, "p1120-2025-10-fb", "test-plans/p1120-2025-10-fb.toml";
    Plans, "p1120-2025-10-swb", "test-plans/p1120-2025-10-swb.toml";
    Limits, "p1100-2025", "test-plans/limits/p1100-2025.toml";
    Limits, "p1110-2025", "test-plans/limits/p1110-2025.toml";
    Limits, "overlay-example", "test-plans/limits/overlay-example.toml";
    Limits, "p1100-2017", "test-plans/limits/p1100-2017.toml";
    Limits, "p1110-2017", "test-plans/limits/p1110-2017.toml";
    Limits, "p1120-2017", "test-plans/limits/p1120-2017.toml";
    Limits, "p1120-2025", "test-plans/limits/p1120-2025.toml";
    Masks, "p1100-send", "test-plans/masks/p1100-send.toml";
    Masks, "p1100-receive", "test-plans/masks/p1100-receive.toml";
    Masks, "p1110-send", "test-plans/masks/p1110-send.toml";
    Masks, "p1110-receive", "test-plans/masks/p1110-receive.toml";
    Masks, "noise-field", "test-plans/masks/noise-field.toml";
    Masks, "comfort-noise-nb", "test-plans/masks/comfort-noise-nb.toml";
    Masks, "comfort-noise-wb", "test-plans/masks/comfort-noise-wb.toml";
    Masks, "comfort-noise-swb", "test-plans/masks/comfort-noise-swb.toml";
    Masks, "echo-nb", "test-plans/masks/echo-nb.toml";
    Masks, "echo-wb", "test-plans/masks/echo-wb.toml";
    Masks, "echo-swb", "test-plans/masks/echo-swb.toml";
    Masks, "echo-convergence", "test-plans/masks/echo-convergence.toml";
    Masks, "echo-convergence-straight", "test-plans/masks/echo-convergence-straight.toml";
    Masks, "echo-over-noise", "test-plans/masks/echo-over-noise.toml";
    Masks, "nc-30", "test-plans/masks/nc-30.toml";
    Masks, "nc-40", "test-plans/masks/nc-40.toml";
    Clauses, "2017", "test-plans/clauses/2017.toml";
    Clauses, "2025", "test-plans/clauses/2025.toml";
    Clauses, "evidence", "test-plans/clauses/evidence.toml";
    Cars, "ideal-nb", "test-plans/cars/ideal-nb.toml";
    Cars, "ideal-wb", "test-plans/cars/ideal-wb.toml";
    Cars, "ideal-swb", "test-plans/cars/ideal-swb.toml";
    Cars, "ideal-fb", "test-plans/cars/ideal-fb.toml";
    Cars, "real-nb", "test-plans/cars/real-nb.toml";
    Cars, "real-wb", "test-plans/cars/real-wb.toml";
    Cars, "real-swb", "test-plans/cars/real-swb.toml";
    Cars, "real-fb", "test-plans/cars/real-fb.toml";
    Cars, "reference-nb", "test-plans/cars/reference-nb.toml";
    Cars, "reference-wb", "test-plans/cars/reference-wb.toml";
    Cars, "reference-swb", "test-plans/cars/reference-swb.toml";
    Cars, "reference-fb", "test-plans/cars/reference-fb.toml";
    Cars, "zones-wb", "test-plans/cars/zones-wb.toml";
    Devices, "example", "test-plans/devices/example.toml";
    Rigs, "example-loop", "calibration/rigs/example-loop.toml";
    Ledger, "example-ear", "calibration/ledger/example-ear.toml";
    Ledger, "example-mouth", "calibration/ledger/example-mouth.toml";
    Ledger, "example-poi", "calibration/ledger/example-poi.toml";
    Ledger, "p58-2021", "calibration/ledger/p58-2021.toml";
    Signals, "catalogue", "signals/catalogue.toml";
}

impl Sources for BuiltIn {
    fn read(&self, folder: Folder, name: &str) -> Option<SourceText> {
        let hit = SHIPPED.iter().find(|one| one.0 == folder && one.1 == name)?;
        Some(SourceText::new(hit.2, hit.3))
    }

    fn names(&self, folder: Folder) -> Vec<String> {
        let mut names: Vec<String> =
            SHIPPED.iter().filter(|one| one.0 == folder).map(|one| one.1.to_owned()).collect();
        names.sort();
        names
    }
}
