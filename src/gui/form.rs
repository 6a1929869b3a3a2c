//! What a user types: a plan, what records it, and the options that the command line has too.

use std::path::Path;

use crate::plan;
use crate::run::{BenchChoice, REPEATS, RunRequest};

/// What records: one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Records {
    /// A virtual car.
    #[default]
    Car,
    /// A bench with audio interfaces.
    Bench,
}

/// What a user types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// A plan file, or the name of a shipped plan.
    pub plan: String,
    /// Whether a car or a bench records.
    pub records: Records,
    /// A car file or the name of a shipped car; empty: the car that the plan names.
    pub car: String,
    /// A bench file or the name of one.
    pub bench: String,
    /// The record of the device under test; empty: none.
    pub device: String,
    /// The folder of a stored run.
    pub run: String,
    /// Overlays, the last has the last word.
    pub overlays: Vec<String>,
    /// The overlay that is being typed.
    pub overlay: String,
    /// Ids of entries with commas between them; empty: all.
    pub only: String,
    /// How often a take without a good certificate is recorded again.
    pub repeats: u32,
    /// The seed of everything random.
    pub seed: String,
    /// Whether the options are shown.
    pub shows_options: bool,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            plan: String::new(),
            records: Records::default(),
            car: String::new(),
            bench: String::new(),
            device: String::new(),
            run: String::new(),
            overlays: Vec::new(),
            overlay: String::new(),
            only: String::new(),
            repeats: REPEATS,
            seed: "0".to_owned(),
            shows_options: false,
        }
    }
}

/// A text without what stands around it, if there is any.
fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl Form {
    /// Takes over what a run was asked for with: bench or car, device and options. Options that say something are shown.
    pub fn fill(&mut self, wish: &RunRequest) {
        match &wish.bench {
            BenchChoice::PlanDefault => {}
            BenchChoice::Car(car) => (self.records, self.car) = (Records::Car, car.clone()),
            BenchChoice::Rig(rig) => (self.records, self.bench) = (Records::Bench, rig.clone()),
        }
        self.device = wish.device.clone().unwrap_or_default();
        self.overlays.clone_from(&wish.overlays);
        self.only = wish.only.join(", ");
        self.repeats = wish.repeats.unwrap_or(REPEATS);
        self.seed = wish.seed.to_string();
        self.shows_options = self.options_set() > 0;
    }

    /// What records, or why nothing can.
    ///
    /// # Errors
    /// A bench is to record, and none is named.
    pub fn choice(&self) -> Result<BenchChoice, &'static str> {
        match self.records {
            Records::Car => Ok(given(&self.car).map_or(BenchChoice::PlanDefault, BenchChoice::Car)),
            Records::Bench => given(&self.bench)
                .map(BenchChoice::Rig)
                .ok_or("No bench is chosen: name a bench file, or record on a virtual car"),
        }
    }

    /// How many options differ from what a run has by itself.
    pub fn options_set(&self) -> usize {
        self.overlays.len()
            + usize::from(given(&self.only).is_some())
            + usize::from(self.repeats != REPEATS)
            + usize::from(self.seed.trim() != "0")
    }

    /// Puts the overlay that is being typed behind the others. One that is there already has its place at the end then.
    pub fn add_overlay(&mut self) {
        if let Some(overlay) = given(&self.overlay) {
            self.overlays.retain(|one| *one != overlay);
            self.overlays.push(overlay);
            self.overlay.clear();
        }
    }

    /// Puts an entry behind those that are to be run.
    pub fn add_only(&mut self, id: &str) {
        let known = plan::ids_in(&self.only).unwrap_or_default();
        if known.iter().any(|one| one == id) {
            return;
        }
        let before = self.only.trim().trim_end_matches(',').trim_end();
        self.only = if before.is_empty() { id.to_owned() } else { format!("{before}, {id}") };
    }

    /// The run that the form asks for, with its folder below `runs`.
    ///
    /// # Errors
    /// What the form does not say, or says wrong.
    pub fn request(&self, runs: &Path) -> Result<RunRequest, &'static str> {
        let bench = self.choice()?;
        if given(&self.overlay).is_some() {
            return Err("An overlay is typed and not added: press Enter in its field, or clear it");
        }
        let only = match given(&self.only) {
            None => Vec::new(),
            Some(only) => plan::ids_in(&only)
                .map_err(|_| "An id of the entries to run is empty: write ids with commas between them")?,
        };
        let seed = self.seed.trim().parse();
        let seed = seed.map_err(|_| "The seed is no whole number from 0 to 18446744073709551615")?;
        Ok(RunRequest {
            plan: self.plan.trim().to_owned(),
            overlays: self.overlays.clone(),
            bench,
            device: given(&self.device),
            only,
            seed,
            runs: runs.to_path_buf(),
            repeats: Some(self.repeats).filter(|repeats| *repeats != REPEATS),
        })
    }
}

/// What records, in words.
pub fn told(choice: &BenchChoice, default_car: Option<&str>) -> String {
    match (choice, default_car) {
        (BenchChoice::Rig(rig), _) => format!("the bench {rig}"),
        (BenchChoice::Car(car), _) => format!("the virtual car {car}"),
        (BenchChoice::PlanDefault, Some(car)) => format!("its virtual car {car}"),
        (BenchChoice::PlanDefault, None) => "no car: the plan names none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> RunRequest {
        RunRequest {
            plan: "quick-wb".to_owned(),
            overlays: vec!["a".to_owned(), "b".to_owned()],
            bench: BenchChoice::Rig("lab/bench.toml".to_owned()),
            device: Some("head-unit".to_owned()),
            only: vec!["slr[talker=driver,volume=nominal]".to_owned(), "rlr".to_owned()],
            seed: u64::MAX,
            runs: "runs".into(),
            repeats: Some(0),
        }
    }

    #[test]
    fn a_form_asks_for_what_the_command_line_filled_it_with() {
        let wishes = [
            wish(),
            RunRequest { bench: BenchChoice::Car("ideal-wb".to_owned()), ..wish() },
            RunRequest { bench: BenchChoice::PlanDefault, only: Vec::new(), repeats: None, ..wish() },
        ];
        for wish in wishes {
            let mut form = Form { plan: wish.plan.clone(), ..Form::default() };
            form.fill(&wish);
            assert_eq!(form.request(&wish.runs), Ok(wish));
        }
    }

    #[test]
    fn what_the_form_says_wrong_is_told_and_nothing_is_taken_in_its_place() {
        let good = Form { plan: "quick-wb".to_owned(), ..Form::default() };
        assert!(good.request(Path::new("runs")).is_ok());
        let wrong = |form: &Form, word: &str| {
            let why = form.request(Path::new("runs")).unwrap_err();
            assert!(why.contains(word), "{why}");
        };
        wrong(
            &Form { records: Records::Bench, bench: "  ".to_owned(), ..good.clone() },
            "No bench is chosen",
        );
        wrong(&Form { overlay: "ours".to_owned(), ..good.clone() }, "not added");
        wrong(&Form { only: "slr,,rlr".to_owned(), ..good.clone() }, "id of the entries");
        for seed in ["", "-1", "1.5", "18446744073709551616"] {
            wrong(&Form { seed: seed.to_owned(), ..good.clone() }, "seed");
        }
    }

    #[test]
    fn car_and_bench_keep_what_was_typed_and_only_the_chosen_one_counts() {
        let mut form = Form { car: "ideal-wb".to_owned(), bench: "lab".to_owned(), ..Form::default() };
        assert_eq!(form.choice(), Ok(BenchChoice::Car("ideal-wb".to_owned())));
        form.records = Records::Bench;
        assert_eq!(form.choice(), Ok(BenchChoice::Rig("lab".to_owned())));
    }

    #[test]
    fn overlays_and_entries_are_added_once() {
        let mut form = Form { overlays: vec!["a".to_owned(), "b".to_owned()], ..Form::default() };
        for typed in [" a ", "", "c"] {
            typed.clone_into(&mut form.overlay);
            form.add_overlay();
        }
        assert_eq!(form.overlays, ["b", "a", "c"], "the last has the last word");
        for id in ["slr[talker=driver,volume=nominal]", "rlr", "rlr"] {
            form.add_only(id);
        }
        assert_eq!(form.only, "slr[talker=driver,volume=nominal], rlr");
        assert_eq!(form.options_set(), 4);
    }
}
