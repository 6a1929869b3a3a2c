//! The live monitor in the window: calibrated meters, the watched port, listening, and a bench outside of a run.

use std::path::Path;
use std::sync::Arc;

use egui::Key;
use egui::accesskit::{Role, Toggled};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use lombard::event::{BandReading, LineReading, Listened, Reading, Side, Spectra, Standing, Telemetry};
use lombard::gui::desk::Desk;
use lombard::gui::form::Records;
use lombard::gui::state::{Job, Pane, Shown};
use lombard::run::{Engine, Update};
use lombard::terms::Port;
use lombard::units::Unit;

use super::bench::{bench_in, why_not};
use super::{is_enabled, showing, wait, window};
use crate::recording::empty_folder;
use crate::report_sample;

/// A reading of an ear at which full scale is 17 dBPa: a tone of 1 kHz at −26 dBPa.
fn ear() -> Reading {
    let nominal_hz: Vec<f64> = vec![500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0];
    let edges_hz: Vec<(f64, f64)> = nominal_hz.iter().map(|hz| (hz * 0.891, hz * 1.122)).collect();
    let levels = vec![Some(-80.0), Some(-75.0), Some(-60.0), Some(-26.0), Some(-60.0), None];
    let lines: Vec<f64> = (0..400).map(|k| if k == 200 { -26.1 } else { -90.0 }).collect();
    Reading {
        port: Port::of(Port::EAR_LEFT),
        side: Side::Recorded,
        unit: Unit::DbPa,
        standing: Standing::Calibrated,
        record: "ear-7".to_owned(),
        unbroken_s: 12.0,
        full_scale: 17.0,
        level: -26.0,
        level_a: Some(-26.0),
        peak: -23.0,
        highest_peak: -20.0,
        clipped: 3,
        gaps: 2,
        spectra: Some(Arc::new(Spectra {
            bands: BandReading { nominal_hz, edges_hz, levels },
            lines: Some(LineReading {
                spacing_hz: 5.0,
                noise_bandwidth_hz: 7.5,
                levels: lines,
                averaged_s: 1.0,
            }),
        })),
    }
}

fn hear(harness: &Harness<'_, Desk>, telemetry: &Telemetry) {
    harness.state().mailbox().hear(&Update::Telemetry(telemetry));
}

/// A window that shows a run while another one is recorded, with readings of these ports.
fn recording<'a>(readings: Vec<Reading>) -> Harness<'a, Desk> {
    let mut harness = showing(report_sample::full());
    harness.state_mut().state.begin_recording();
    harness.state().mailbox().begin();
    for reading in readings {
        hear(&harness, &Telemetry::Reading(Arc::new(reading)));
    }
    harness.step();
    harness.step();
    harness
}

fn meters(harness: &Harness<'_, Desk>) -> Vec<String> {
    let meters = harness.query_all_by(|node| node.role() == Role::Meter);
    meters.filter_map(|node| node.accesskit_node().label()).collect()
}

fn figures(harness: &Harness<'_, Desk>) -> Vec<String> {
    let figures = harness.query_all_by(|node| node.role() == Role::Figure);
    figures.filter_map(|node| node.accesskit_node().label()).collect()
}

fn shows(harness: &Harness<'_, Desk>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).count() > 0
}

/// Presses the meter of a port.
fn press(harness: &mut Harness<'_, Desk>, port: &str) {
    let meter = harness.get_by(|node| {
        node.role() == Role::Meter && node.label().is_some_and(|label| label.starts_with(port))
    });
    meter.click();
    harness.step();
    harness.step();
}

#[test]
fn calibrated_levels_stand_beside_those_of_the_samples_with_their_units_and_clips() {
    let mouth = Reading {
        port: Port::of(Port::MOUTH),
        side: Side::Played,
        level: -4.7,
        highest_peak: 1.0,
        clipped: 0,
        ..ear()
    };
    let poi = Reading {
        port: Port::of(Port::POI_SEND),
        unit: Unit::Dbm0,
        full_scale: 3.1,
        level: -16.0,
        highest_peak: -3.0,
        clipped: 0,
        ..ear()
    };
    let expired = Reading {
        port: Port::of(Port::EAR_RIGHT),
        unit: Unit::DbOv,
        standing: Standing::Expired,
        full_scale: 0.0,
        level: -43.0,
        highest_peak: 0.0,
        ..ear()
    };
    let harness = recording(vec![ear(), mouth, poi, expired]);
    assert_eq!(
        meters(&harness),
        [
            "ear.left: −26.0 dBPa, −43.0 dBov, highest peak −37.0, 3 samples clipped",
            "ear.right: −43.0 dBov expired, −43.0 dBov, highest peak over, 3 samples clipped",
            "mouth, played: −4.7 dBPa, −21.7 dBov, highest peak −16.0, 0 samples clipped",
            "poi.send: −16.0 dBm0, −19.1 dBov, highest peak −6.1, 0 samples clipped",
        ]
    );
}

#[test]
fn a_meter_that_is_pressed_shows_bands_and_spectrum_until_it_is_closed() {
    let mut harness = recording(vec![ear()]);
    let before = figures(&harness);
    press(&mut harness, "ear.left");
    assert_eq!(harness.state().state.pane(), Pane::Port);
    assert_eq!(
        figures(&harness),
        [
            "Third-octave bands of ear.left recorded: highest −26.0 dBPa at 1\u{a0}kHz",
            "Narrowband spectrum of ear.left recorded: highest −26.1 dBPa at 1\u{a0}kHz",
        ]
    );
    for text in [
        "−26.0 dBPa",
        "calibrated by ear-7",
        "−26.0 dBPa(A), 68.0 dB(A) re 20 µPa",
        "3 samples at full scale",
        "the averages began anew 2 times",
        "lines of 5.0 Hz, averaged over 1.0 s",
    ] {
        assert!(shows(&harness, text), "{text}");
    }
    let meter = harness.get_by(|node| node.role() == Role::Meter);
    assert_eq!(meter.accesskit_node().data().toggled(), Some(Toggled::True), "which one is said");
    // An entry that is selected is shown; the port is a press away.
    let row = harness.get_by(|node| {
        node.role() == Role::ListBoxOption && node.label().is_some_and(|label| label.contains(", slr,"))
    });
    row.click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().state.pane(), Pane::Entry);
    harness.get_by_label("Port ear.left").click();
    harness.step();
    harness.step();
    assert_eq!(figures(&harness).len(), 2);
    harness.get_by_label("Close port").click();
    harness.step();
    harness.step();
    assert_eq!((harness.state().state.watched.clone(), figures(&harness)), (None, before));
}

#[test]
fn a_meter_is_reached_and_pressed_by_the_keyboard() {
    let mut harness = recording(vec![ear()]);
    let meter = harness.get_by(|node| node.role() == Role::Meter);
    meter.focus();
    harness.step();
    harness.key_press(Key::Enter);
    harness.step();
    harness.step();
    assert_eq!(harness.state().state.watched, Some((Port::of(Port::EAR_LEFT), Side::Recorded)));
}

#[test]
fn what_is_not_calibrated_or_has_no_spectrum_is_said() {
    let bare = Reading {
        unit: Unit::DbOv,
        standing: Standing::Uncalibrated,
        level: f64::NEG_INFINITY,
        level_a: None,
        spectra: None,
        ..ear()
    };
    let mut harness = recording(vec![bare]);
    press(&mut harness, "ear.left");
    assert!(shows(&harness, "uncalibrated: level of the samples") && shows(&harness, "−∞ dBov"));
    assert_eq!(figures(&harness), Vec::<String>::new());
}

#[test]
fn a_port_is_listened_to_and_what_becomes_of_it_is_told() {
    let mut harness = recording(vec![ear()]);
    press(&mut harness, "ear.left");
    harness.get_by_label("Listen").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().state.listening, Some(Port::of(Port::EAR_LEFT)));
    let heard = Listened {
        port: Port::of(Port::EAR_LEFT),
        interface: "alsa:phones".to_owned(),
        skipped: 480,
        dry: 2,
        limited: 7,
        problem: None,
    };
    hear(&harness, &Telemetry::Listening(heard.clone()));
    harness.step();
    harness.step();
    let told = "on alsa:phones: 480 frames skipped, 2 times nothing to play, 7 samples cut by the ceiling";
    assert!(shows(&harness, told));
    let problem = Some("the bench plays on alsa:phones".to_owned());
    hear(&harness, &Telemetry::Listening(Listened { problem, ..heard.clone() }));
    harness.step();
    harness.step();
    assert!(shows(&harness, "the bench plays on alsa:phones") && !shows(&harness, told));
    // Nothing is heard then, and the button offers to try it again.
    assert!(harness.query_by_label("Stop listening").is_none());
    harness.get_by_label("Listen").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().state.listening, Some(Port::of(Port::EAR_LEFT)));
    hear(&harness, &Telemetry::Listening(heard));
    harness.step();
    harness.step();
    harness.get_by_label("Stop listening").click();
    harness.step();
    harness.step();
    assert_eq!(harness.state().state.listening, None);
    // When the recording is over there is nothing to hear.
    harness.state().mailbox().answer(lombard::gui::mailbox::Answer::Run(Ok(report_sample::full())));
    harness.step();
    harness.step();
    assert!(why_not(&harness, "Listen").contains("while a run is recorded"));
}

#[test]
fn a_virtual_car_cannot_be_monitored_and_the_button_says_why() {
    let mut harness = window(Path::new("no-such-folder"));
    let why = why_not(&harness, "Monitor");
    assert!(why.contains("virtual car makes no sound outside of a run"), "{why}");
    harness.state_mut().state.form.records = Records::Bench;
    harness.step();
    let why = why_not(&harness, "Monitor");
    assert!(why.contains("No bench is chosen"), "{why}");
    "example-loop".clone_into(&mut harness.state_mut().state.form.bench);
    harness.step();
    assert!(is_enabled(&harness, "Monitor"));
    harness.state_mut().state.begin_recording();
    harness.step();
    assert!(why_not(&harness, "Monitor").contains("A run is being recorded"));
}

/// Presses Monitor with this bench in the form, and waits for the end.
fn refused(bench: &str) -> Harness<'static, Desk> {
    let mut harness = window(Path::new("no-such-folder"));
    let form = &mut harness.state_mut().state.form;
    (form.records, form.bench) = (Records::Bench, bench.to_owned());
    harness.step();
    harness.get_by_label("Monitor").click();
    harness.step();
    wait(&mut harness, "the bench is refused", |desk| desk.state.job.is_none());
    assert!(harness.state().state.live.is_none(), "there is nothing to watch");
    harness
}

#[cfg(feature = "audio")]
#[test]
fn problems_of_a_bench_file_that_is_to_be_monitored_are_shown_with_their_places() {
    let folder = empty_folder("window-monitor-problems");
    let wrong = bench_in(&folder, |text| text.replace("rate_hz = 48000", "rate_hz = 44100"));
    let harness = refused(&wrong);
    let notice = harness.state().state.notice.clone().unwrap();
    assert_eq!(notice.title, "The bench cannot be monitored");
    assert!(notice.problems.iter().any(|one| one.place.contains("lab.toml:10:")), "{notice:#?}");
    for one in &notice.problems {
        harness.get_by_label(&one.place);
    }
    let notice = refused("ideal-wb").state().state.notice.clone().unwrap();
    assert!(notice.message.contains("'ideal-wb' is a virtual car"), "{notice:?}");
}

#[cfg(not(feature = "audio"))]
#[test]
fn without_audio_a_bench_cannot_be_monitored_and_that_is_told() {
    let notice = refused("example-loop").state().state.notice.clone().unwrap();
    assert!(notice.message.contains("--features audio"), "{notice:?}");
}

#[cfg(feature = "audio")]
#[test]
fn a_bench_is_monitored_outside_of_a_run_until_it_is_stopped_and_nothing_is_written() {
    use std::f64::consts::TAU;

    use lombard::bench::live::audio::AudioSystem;
    use lombard::bench::live::audio::loop_host::{LoopHost, LoopSpec};
    use lombard::gui::look;

    // A tone of an amplitude of 0.1 at the left ear, which is input 2: its record says 20 dBPa of full scale.
    let mut n = 0u32;
    let wiring = Box::new(move |_: &[f32], input: &mut [f32]| {
        for frame in input.chunks_exact_mut(32) {
            frame[1] = (0.1 * (TAU * 1_000.0 * f64::from(n) / 48_000.0).sin()) as f32;
            n = (n + 1) % 48_000;
        }
    });
    let (outputs, inputs, rate, latency) = (16, 32, 48_000, 960);
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs, inputs, rate, latency, faults: Vec::new(), wiring });
    let engine = Engine::new(Vec::new());
    let engine = engine.with_audio(Arc::new(AudioSystem::custom(host.into_cpal(), Arc::new(clock))));
    let folder = empty_folder("window-monitor");
    let desk = Desk::new(engine, folder.clone());
    let builder =
        Harness::builder().with_size(super::SIZE).with_context_setup(look::dress).with_max_steps(20);
    let mut harness = builder.build_ui_state(|ui, desk: &mut Desk| desk.ui(ui), desk);
    let form = &mut harness.state_mut().state.form;
    (form.records, form.bench) = (Records::Bench, "example-loop".to_owned());
    harness.step();
    harness.get_by_label("Monitor").click();
    harness.step();
    assert_eq!(harness.state().state.job, Some(Job::Monitoring { stopping: false }));
    wait(&mut harness, "the left ear is read", |desk| {
        let live = desk.state.live.as_ref();
        live.is_some_and(|live| live.watched.keys().any(|(port, _)| port.name() == Port::EAR_LEFT))
    });
    assert!(why_not(&harness, "Start").contains("A bench is being monitored"));
    press(&mut harness, "ear.left");
    let key = (Port::of(Port::EAR_LEFT), Side::Recorded);
    wait(&mut harness, "there is a spectrum of a second", |desk| {
        let one = desk.state.live.as_ref().and_then(|live| live.watched.get(&key));
        let spectra = one.and_then(|one| one.reading.spectra.as_ref());
        spectra.and_then(|spectra| spectra.lines.as_ref()).is_some_and(|lines| lines.averaged_s >= 1.0)
    });
    let figures = figures(&harness);
    assert!(figures[0].ends_with("highest −3.0 dBPa at 1\u{a0}kHz"), "{figures:?}");
    assert!(shows(&harness, "Nothing is played, and nothing is recorded."));
    harness.get_by_label("Stop").click();
    harness.step();
    wait(&mut harness, "the monitor ends", |desk| desk.state.job.is_none());
    let state = &harness.state().state;
    assert_eq!(state.notice, None);
    assert!(matches!(state.shown(), Shown::Nothing));
    assert!(shows(&harness, "The monitor has ended"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing is written");
    assert!(is_enabled(&harness, "Monitor"), "it can be begun again");
    harness.get_by_label("Hide").click();
    harness.step();
    harness.step();
    assert!(harness.state().state.watched.is_none() && harness.state().state.live.is_none());
}
