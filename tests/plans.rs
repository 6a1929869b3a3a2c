//! Plans: what ships resolves, differences and overlays change what they say, twenty slips each get a placed remedy.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lombard::limits::Rule;
use lombard::plan::{BuiltIn, Folder, ResolvedPlan, Sources};
use lombard::problem::Problem;
use lombard::run::{Engine, RunError};
use lombard::terms::{LimitClass, Seat};

use crate::source::root;

fn engine() -> Engine {
    Engine::new(Vec::new())
}

fn resolve(plan: &str, overlays: &[&str]) -> Result<ResolvedPlan, Vec<Problem>> {
    let overlays: Vec<String> = overlays.iter().map(|&one| one.to_owned()).collect();
    match engine().resolve(plan, &overlays) {
        Ok(planned) => Ok(planned.plan),
        Err(RunError::Input(problems)) => Err(problems),
        Err(error) => panic!("{plan}: {error}"),
    }
}

/// Writes files into a folder of their own and gives the path of the first.
fn written(name: &str, files: &[(&str, &str)]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plans").join(name);
    for (file, text) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    folder.join(files[0].0).display().to_string()
}

fn rule(plan: &ResolvedPlan, entry: &str, limit: usize) -> Rule {
    plan.entries.iter().find(|one| one.entry.id.text() == entry).unwrap().limits[limit].rule.clone()
}

#[test]
fn every_shipped_plan_resolves_and_can_be_played_on_its_car() {
    let names = BuiltIn.names(Folder::Plans);
    for quick in ["quick-nb", "quick-wb", "quick-swb", "quick-fb", "zones-example"] {
        assert!(names.iter().any(|name| name == quick), "{quick}");
    }
    for name in names {
        let plan = engine().check(&name, &[]).unwrap_or_else(|error| panic!("{name}: {error:#?}"));
        assert!(!plan.entries.is_empty(), "{name}");
    }
}

/// Each quick plan with the full plan of its bandwidth.
const QUICK: [(&str, &str); 4] = [
    ("quick-nb", "p1100-2025-10"),
    ("quick-wb", "p1110-2025-10"),
    ("quick-swb", "p1120-2025-10-swb"),
    ("quick-fb", "p1120-2025-10-fb"),
];
/// Entries of a full plan that its quick plan leaves out: plan, base id, reason.
const NOT_QUICK: &[(&str, &str, &str)] = &[
    ("quick-nb", "double_talk_send_near", OTHER_LEVELS),
    ("quick-nb", "double_talk_send_far", OTHER_LEVELS),
    ("quick-nb", "double_talk_receive_near", OTHER_LEVELS),
    ("quick-nb", "stability", SWEEP),
    ("quick-wb", "double_talk_send_near", OTHER_LEVELS),
    ("quick-wb", "double_talk_send_far", OTHER_LEVELS),
    ("quick-wb", "double_talk_receive_near", OTHER_LEVELS),
    ("quick-wb", "stability", SWEEP),
    ("quick-swb", "double_talk_send_near", OTHER_LEVELS),
    ("quick-swb", "double_talk_send_far", OTHER_LEVELS),
    ("quick-swb", "double_talk_receive_near", OTHER_LEVELS),
    ("quick-swb", "stability", SWEEP),
    ("quick-fb", "double_talk_send_near", OTHER_LEVELS),
    ("quick-fb", "double_talk_send_far", OTHER_LEVELS),
    ("quick-fb", "double_talk_receive_near", OTHER_LEVELS),
    ("quick-fb", "stability", SWEEP),
];
/// Why the sweep of the far-end echo loss is left out.
const SWEEP: &str = "eleven calls of a quarter of a minute each, which no coarser sweep stands for";
/// Why the other levels of double talk are left out.
const OTHER_LEVELS: &str = "the dialogue cannot be shortened, and the same is measured at the nominal levels";

#[test]
fn a_quick_plan_has_every_entry_of_the_full_plan_and_its_limits() {
    for (quick, full) in QUICK {
        let (quick_plan, full_plan) = (resolve(quick, &[]).unwrap(), resolve(full, &[]).unwrap());
        let bases = |plan: &ResolvedPlan| -> BTreeSet<String> {
            plan.entries.iter().map(|one| one.entry.id.base().to_owned()).collect()
        };
        let (has, wanted) = (bases(&quick_plan), bases(&full_plan));
        assert!(wanted.len() > 25, "{full}: {wanted:?}");
        let left_out: BTreeSet<String> =
            NOT_QUICK.iter().filter(|one| one.0 == quick).map(|one| one.1.to_owned()).collect();
        assert_eq!(&wanted - &has, left_out, "{full} has what {quick} has not");
        assert_eq!(&has - &wanted, BTreeSet::new(), "{quick} has what {full} has not");
        for one in &quick_plan.entries {
            let same = full_plan.entries.iter().find(|other| other.entry.id == one.entry.id);
            let same = same.unwrap_or_else(|| panic!("{full} has no {}", one.entry.id));
            assert_eq!(one.limits, same.limits, "{quick}: {}", one.entry.id);
            assert_eq!(one.entry.method, same.entry.method, "{quick}: {}", one.entry.id);
        }
    }
    for (_, id, reason) in NOT_QUICK {
        assert!(!reason.is_empty(), "{id} is left out without a reason");
    }
}

#[test]
fn everything_that_people_write_is_built_in() {
    for folder in Folder::ALL {
        let on_disk: BTreeSet<String> = std::fs::read_dir(root().join(folder.path()))
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        let built_in: BTreeSet<String> = BuiltIn.names(*folder).into_iter().collect();
        assert_eq!(built_in, on_disk, "{folder}: SHIPPED of src/plan/sources.rs differs from the folder");
        for name in on_disk {
            let text = BuiltIn.read(*folder, &name).unwrap();
            let file = std::fs::read_to_string(root().join(&*text.name)).unwrap();
            assert_eq!(*text.text, file, "{} is another file", text.name);
        }
    }
}

#[test]
fn an_oem_plan_states_only_its_differences() {
    let base = resolve("quick-wb", &[]).unwrap();
    let oem = resolve("oem-example", &[]).unwrap();
    assert_eq!(oem.entries.len(), base.entries.len() + 2);
    assert_eq!(rule(&base, "coupling_loss", 0), Rule::Range { min: Some(46.0), max: None });
    assert_eq!(rule(&oem, "coupling_loss", 0), Rule::Range { min: Some(50.0), max: None });
    // What the OEM does not speak of is that of the base, the limit at maximum volume too.
    assert_eq!(rule(&oem, "coupling_loss_loud", 0), Rule::Unknown);
    assert_eq!(rule(&oem, "slr", 0), rule(&base, "slr", 0));
    let ear = oem.entries.iter().find(|one| one.entry.id.text() == "rlr_ear[ears=right]").unwrap();
    assert!(ear.informative);
    let origins =
        &oem.entries.iter().find(|one| one.entry.id.text() == "coupling_loss").unwrap().limits[0].origins;
    assert!(origins[0].file.ends_with("oem-example.toml") && origins[1].file.ends_with("p1110-2025.toml"));
}

#[test]
fn an_entry_is_expanded_over_the_seats_of_talker_and_listener() {
    let zones = resolve("zones-example", &[]).unwrap();
    let seats = |id: &str| {
        let found = zones.entries.iter().find(|one| one.entry.id.text() == id);
        found.map_or_else(|| panic!("no {id}"), |one| (one.entry.talker, one.entry.listener))
    };
    assert_eq!(seats("slr[talker=codriver]"), (Seat::Codriver, Seat::Driver));
    assert_eq!(seats("rlr[listener=codriver]"), (Seat::Driver, Seat::Codriver));
    assert_eq!(seats("receive_response[listener=driver]"), (Seat::Driver, Seat::Driver));
    assert_eq!(rule(&zones, "slr[talker=driver]", 0), rule(&zones, "slr[talker=codriver]", 0));
}

#[test]
fn an_overlay_has_the_last_word_with_value_class_and_origin() {
    let plan = resolve("quick-wb", &["overlay-example"]).unwrap();
    let limit =
        &plan.entries.iter().find(|one| one.entry.id.text() == "coupling_loss_loud").unwrap().limits[0];
    assert_eq!(limit.rule, Rule::Range { min: Some(40.0), max: None });
    assert_eq!(limit.class, LimitClass::C);
    assert!(limit.origins[0].file.contains("overlay-example") && limit.origins.len() == 2);
    assert_eq!(rule(&plan, "coupling_loss", 0), Rule::Range { min: Some(46.0), max: None });
}

#[test]
fn later_overlays_win_and_may_change_entries() {
    let one = "title = 'one'\n[[limit]]\nid = 'slr'\nmax = '16 dB'\nclass = 'A'\nsource = 's'\n";
    let two = "title = 'two'\n[[limit]]\nid = 'p1110-2025/slr'\nmax = 'none'\nclass = 'B'\nsource = 't'\n\
               [[entry]]\nid = 'slr'\nparameters = { level_mrp = '-4.7 dBPa' }\n";
    let (one, two) = (written("over", &[("one.toml", one)]), written("over", &[("two.toml", two)]));
    let plan = resolve("quick-wb", &[&one, &two]).unwrap();
    assert_eq!(rule(&plan, "slr", 0), Rule::Range { min: Some(9.0), max: None });
    let slr = plan.entries.iter().find(|one| one.entry.id.text() == "slr").unwrap();
    assert_eq!(slr.limits[0].class, LimitClass::B);
    assert_eq!(slr.entry.parameters.0["level_mrp"].to_string(), "-4.7 dBPa");
    assert_eq!(slr.entry.parameters.0["direction"].to_string(), "send");
}

#[test]
fn a_stored_plan_resolves_from_its_own_copies() {
    let oem = resolve("oem-example", &[]).unwrap();
    let files: Vec<&str> = oem.inputs.iter().map(|input| input.file.as_str()).collect();
    for file in ["plan.toml", "test-plans/quick-wb.toml", "limits/p1110-2025.toml", "masks/p1110-send.toml"] {
        assert!(files.contains(&file), "{file} is not among {files:?}");
    }
}

/// The examples of a page in docs/, in their order.
fn examples(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs").join(page)).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_examples_of_the_manual_are_understood() {
    let blocks = examples("plan-format.md");
    let [plan, zones, _, _, calls, oem, limits, strict, classes, mask] = blocks.as_slice() else {
        panic!("{} examples", blocks.len())
    };
    let path = written("manual", &[("plan.toml", plan)]);
    assert!(
        resolve(&path, &[]).unwrap().entries.iter().any(|one| one.entry.id.text() == "rlr_ear[ears=left]")
    );
    // The part about zones is one of an entry.
    let slr = plan.replace("limits = [\"slr\"]", &format!("limits = [\"slr\"]\n{zones}"));
    let slr = resolve(&written("manual", &[("zones.toml", &slr)]), &[]).unwrap();
    assert!(slr.entries.iter().any(|one| one.entry.id.text() == "slr[talker=codriver]"));
    let oem = resolve(&written("manual", &[("oem.toml", oem)]), &[]).unwrap();
    assert_eq!(rule(&oem, "coupling_loss", 0), Rule::Range { min: Some(50.0), max: None });
    assert!(oem.entry(&lombard::entry::EntryId::new("idle_noise", &[])).is_none());
    let calls = resolve("quick-wb", &[&written("manual", &[("calls.toml", calls)])]).unwrap();
    let of_calls = calls.entries.iter().filter(|one| one.entry.id.base() == "coupling_loss");
    assert_eq!(of_calls.count(), 5, "the overlay asks for five calls");
    // The stricter reading of a limit that has two takes the flag away.
    let convergence = |overlays: &[&str]| {
        let plan = resolve("p1110-2025-10", overlays).unwrap();
        let entry = plan.entries.iter().find(|one| one.entry.id.text() == "echo_convergence").unwrap();
        let Rule::Mask(mask) = &entry.limits[0].rule else { panic!("no mask") };
        (entry.limits[0].two_readings, mask.lower.len())
    };
    assert_eq!(convergence(&[]), (true, 5));
    assert_eq!(convergence(&[&written("strict", &[("strict.toml", strict)])]), (false, 4));
    // The example of a limit file judges the sensitivity by the example of a mask.
    let user = plan.replace("p1110-2025", "manual").replace("limits = [\"rlr\"]", "limits = []");
    let user = user.replace("limits = [\"slr\"]", "limits = [\"slr\", \"send_response\"]");
    let limits = format!("{limits}\n{classes}");
    let files =
        [("user.toml", user.as_str()), ("limits/manual.toml", &limits), ("masks/p1110-send.toml", mask)];
    let user = resolve(&written("manual", &files), &[]).unwrap();
    let Rule::Mask(mask) = rule(&user, "slr", 1) else { panic!("no mask") };
    assert!(mask.floating && mask.upper.len() == 4);
}

/// The overlays of the manual for the zones and for the digital access of a full plan.
pub(crate) fn overlays_of_the_manual() -> [String; 2] {
    let blocks = examples("plan-format.md");
    [blocks[2].clone(), blocks[3].clone()]
}

#[test]
fn an_overlay_alone_takes_a_full_plan_to_every_seat() {
    let [zones, _] = overlays_of_the_manual();
    let overlay = written("seats", &[("zones.toml", &zones)]);
    let (full, plan) =
        (resolve("p1110-2025-10", &[]).unwrap(), resolve("p1110-2025-10", &[&overlay]).unwrap());
    let of = |plan: &ResolvedPlan, id: &str| {
        let found = plan.entries.iter().find(|one| one.entry.id.text() == id);
        found.cloned().unwrap_or_else(|| panic!("no {id}"))
    };
    let two = [Seat::Driver, Seat::Codriver];
    for (base, is_talker) in
        [("slr", true), ("rlr", false), ("send_response", true), ("receive_response", false)]
    {
        let before = of(&full, base);
        for seat in two {
            let condition = if is_talker { "talker" } else { "listener" };
            let one = of(&plan, &format!("{base}[{condition}={seat}]"));
            let seats = if is_talker { (seat, Seat::Driver) } else { (Seat::Driver, seat) };
            assert_eq!((one.entry.talker, one.entry.listener), seats, "{base}");
            assert_eq!((&one.entry.method, &one.entry.clause), (&before.entry.method, &before.entry.clause));
            assert_eq!(one.entry.parameters, before.entry.parameters, "{base}");
            if (base, seat) != ("slr", Seat::Codriver) {
                assert_eq!(one.limits, before.limits, "{base}");
            }
        }
        assert!(!plan.entries.iter().any(|one| one.entry.id.text() == base), "{base}");
    }
    // The limit of the one seat is that seat's own.
    assert_eq!(rule(&plan, "slr[talker=codriver]", 0), Rule::Range { min: Some(8.0), max: Some(18.0) });
    assert_eq!(rule(&plan, "slr[talker=driver]", 0), rule(&full, "slr", 0));
    // A variant that is not there is not changed in silence: what is missing is said.
    let short = zones.replace("measurand = \"slr\"\nclause = \"11.3\"\n", "");
    assert_ne!(short, zones);
    let problems = resolve("p1110-2025-10", &[&written("seats", &[("short.toml", &short)])]).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(problem.title.contains("no variant for this condition"), "{problem}");
    assert!(
        problem.found.contains("talker = \"codriver\"") && problem.remedy.contains("measurand"),
        "{problem}"
    );
    // An entry that is expanded already keeps what it is expanded over.
    let distortion: Vec<&str> = plan.entries.iter().map(|one| one.entry.id.text()).collect();
    let distortion: Vec<&&str> = distortion.iter().filter(|id| id.starts_with("distortion_send[")).collect();
    assert_eq!(distortion.len(), 6, "{distortion:?}");
    // All the rest is the full plan's.
    assert_eq!(plan.entries.len(), full.entries.len() + 4 + 3, "four expanded, three frequencies twice");
    let untouched = |one: &&lombard::plan::PlannedEntry| {
        !["slr", "rlr", "send_response", "receive_response", "distortion_send"].contains(&one.entry.id.base())
    };
    let meanings = |plan: &ResolvedPlan| -> Vec<(String, Vec<lombard::limits::Limit>)> {
        let rest = plan.entries.iter().filter(untouched);
        rest.map(|one| (format!("{:?}", one.entry), one.limits.clone())).collect()
    };
    assert_eq!(meanings(&plan), meanings(&full));
}

#[test]
fn an_overlay_alone_takes_a_full_plan_to_the_digital_access() {
    let [_, digital] = overlays_of_the_manual();
    let overlay = written("digital", &[("digital.toml", &digital)]);
    let full = resolve("p1110-2025-10", &[]).unwrap();
    let plan = resolve("p1110-2025-10", &[&overlay]).unwrap();
    let access = |plan: &ResolvedPlan, id: &str| {
        let found = plan.entries.iter().find(|one| one.entry.id.text() == id);
        found.map(|one| one.entry.parameters.0["access"].to_string())
    };
    assert_eq!(access(&full, "delay").as_deref(), Some("acoustic"));
    assert_eq!(access(&plan, "delay").as_deref(), Some("digital"));
    for word in ["acoustic", "digital"] {
        assert_eq!(access(&plan, &format!("idle_noise[access={word}]")).as_deref(), Some(word));
    }
    assert_eq!(plan.entries.len(), full.entries.len() + 1);
}

/// Twenty slips: the name, the files of which the first is the plan, and what the message must say beside its place.
const BROKEN: &[(&str, &str, &[&str])] = &[
    ("syntax", "title = \"a\nbandwidth = 'WB'\n", &[":1:", "well-formed TOML"]),
    ("empty", "", &["'title' is missing", "'bandwidth' is missing", "add title"]),
    ("unknown-key", "{head}titel = 'x'\n{slr}", &["'titel' is not a key", "did you mean 'title'?"]),
    (
        "bandwidth",
        "title='t'\nrecommendation='P.1110'\nedition='10/2025'\nbandwidth = 'MB'\n{slr}",
        &[":4:13:", "'MB'", "NB, WB, SWB, FB"],
    ),
    ("no-entries", "{head}", &["the plan measures nothing", "add an entry"]),
    (
        "method",
        "{head}[[entry]]\nid='slr'\nclause='11.3'\nmethod='loudnes_rating'\n",
        &["'loudnes_rating'", "did you mean 'loudness_rating'?"],
    ),
    ("no-method", "{head}[[entry]]\nid='slr'\nclause='11.3'\n", &["names no method", "add method"]),
    ("id", "{head}[[entry]]\nid='SLR 1'\nclause='11.3'\nmethod='delay'\n", &["not well formed", "'SLR 1'"]),
    ("twice", "{head}{slr}{slr}", &["stands twice", "first in line"]),
    (
        "parameter",
        "{head}{slr}[entry.parameters]\ndirection='send'\nlevel='-4.7 dBPa'\n",
        &["'level' is not a parameter", "level_mrp"],
    ),
    ("no-direction", "{head}{slr}", &["needs 'direction'", "[entry.parameters]"]),
    (
        "plane",
        "{head}{slr}[entry.parameters]\ndirection='send'\nlevel_mrp='-16 dBm0'\n",
        &["'-16 dBm0'", "a quantity in dBPa"],
    ),
    ("no-unit", "{head}{slr}[entry.parameters]\ndirection='send'\nidle='3 mins'\n", &["'3 mins'", "s or ms"]),
    (
        "signal",
        "{head}{slr}[entry.parameters]\ndirection='send'\nsignal='speach'\n",
        &["'speach'", "lombard list signals"],
    ),
    (
        "volume",
        "{head}[[entry]]\nid='slr'\nclause='11.3'\nmethod='delay'\nvolume='loud'\n",
        &["'loud'", "step-3"],
    ),
    (
        "fact",
        "{head}[[entry]]\nid='slr'\nclause='11.3'\nmethod='delay'\n",
        &["needs the fact 'volume.nominal'", "volume_search"],
    ),
    (
        "limit",
        "{head}limits = ['p1110-2025']\n[[entry]]\nid='d'\nclause='1'\nmethod='delay'\nvolume='maximum'\nlimits=['delay_roundtrip']\n",
        &["the limit is not known", "did you mean 'delay_round_trip'?"],
    ),
    ("limit-file", "{head}limits = ['p1110-2026']\n{max}", &["'p1110-2026'", "did you mean 'p1110-2025'?"]),
    (
        "limit-unit",
        "{head}{max}[[limit]]\nid='x'\nmeasurand='delay_send'\nmax='3 dB'\nclass='C'\nclause='1'\nsource='s'\n",
        &["another unit", "a value in ms"],
    ),
    (
        "limit-order",
        "{head}{max}[[limit]]\nid='x'\nmeasurand='slr'\nmin='17 dB'\nmax='9 dB'\nclass='C'\nclause='1'\nsource='s'\n",
        &["min 17 above max 9", "exchange the two"],
    ),
    (
        "limit-source",
        "{head}limits = ['p1110-2025']\n{max}[[limit]]\nid='slr'\nmax='20 dB'\n",
        &["without saying where the value comes from", "add class"],
    ),
    (
        "limit-class-n",
        "{head}{max}[[limit]]\nid='x'\nmeasurand='slr'\nmax='9 dB'\nclass='N'\nclause='1'\nsource='s'\n",
        &["class N has values"],
    ),
    ("base", "base = 'quick-wbb'\n", &["'quick-wbb'", "did you mean 'quick-wb'?"]),
    ("circle", "base = 'plan'\ntitle='t'\n", &["circle"]),
    ("remove", "base = 'quick-wb'\nremove = ['slrr']\n", &["not in the base", "did you mean 'slr'?"]),
    (
        "foreign-limit",
        "base = 'quick-wb'\n[[entry]]\nid='slr'\nlimits=['coupling_loss']\n",
        &["does not measure", "name another limit"],
    ),
    ("calls-none", "{head}{max}calls = 0\n", &["calls = 0", "a whole number from 1 to 20"]),
    ("calls-many", "{head}{max}calls = 21\n", &["calls = 21", "a whole number from 1 to 20"]),
    ("calls-facts", "{head}{max}calls = 2\n", &[":10:", "finds facts", "delay.loop", "add a second entry"]),
    (
        "calls-twice",
        "{head}[[entry]]\nid='a'\nclause='7.9'\nmethod='ambient_noise'\ncalls=2\n[entry.expand]\ncall = ['none']\n",
        &["in two ways", "remove 'calls'"],
    ),
    ("expand", "{head}{max}[entry.expand]\nvolume = []\n", &["expanded over nothing"]),
];

#[test]
fn every_slip_gets_a_place_and_a_remedy() {
    assert!(BROKEN.len() >= 20);
    let head = "title='t'\nrecommendation='P.1110'\nedition='10/2025'\nbandwidth='WB'\n";
    let slr = "[[entry]]\nid='slr'\nclause='11.3'\nmethod='loudness_rating'\nvolume='maximum'\n";
    let max = "[[entry]]\nid='d'\nclause='11.2'\nmethod='delay'\nvolume='maximum'\n";
    for (name, text, wanted) in BROKEN {
        let text = text.replace("{head}", head).replace("{slr}", slr).replace("{max}", max);
        let path = written(&format!("broken-{name}"), &[("plan.toml", &text)]);
        let problems = resolve(&path, &[]).err().unwrap_or_else(|| panic!("{name} resolves:\n{text}"));
        let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in *wanted {
            assert!(all.contains(part), "{name}: no '{part}' in\n{all}");
        }
        for problem in &problems {
            assert!(problem.to_string().contains(".toml:"), "{name}: no place in {problem}");
            let fields = [&problem.title, &problem.found, &problem.expected, &problem.remedy];
            assert!(fields.iter().all(|field| !field.trim().is_empty()), "{name}: {problem:#?}");
            assert!(problem.render(false).contains(&problem.remedy), "{name}");
        }
    }
}

#[test]
fn all_slips_of_a_plan_are_reported_at_once() {
    let text = "title='t'\nrecommendation='P.1110'\nedition='10/2025'\nbandwidth='MB'\nlimits=['p1110-2026']\n\
                [[entry]]\nid='a'\nclause='1'\nmethod='dely'\n\
                [[entry]]\nid='b'\nclause='1'\nmethod='delay'\nvolume='loud'\n";
    let problems = resolve(&written("many", &[("plan.toml", text)]), &[]).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    let lines: Vec<usize> = problems.iter().map(|one| one.place.line()).collect();
    assert_eq!(lines, [4, 5, 9, 14]);
}
