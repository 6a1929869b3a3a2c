//! What a reference terminal does over time: `[terminal.detector]`, `[terminal.switching]`, `[terminal.double_talk]`,
//! `[terminal.noise_control]`, and the convergence of its canceller. A table that is absent changes nothing.

use super::{GAIN_LIMIT_DB, quantity_or, response, rising_pairs, within};
use crate::bench::car::dynamics::{Comfort, Detector, DoubleTalk, Dynamics, Gate, NoiseControl, Switching};
use crate::document::{Placed, Table};
use crate::units::Unit;

/// Longer than any call needs to settle, in seconds.
const TIME_LIMIT_S: f64 = 60.0;

/// What the tables say; the convergence stands with the echo, see [`convergence`].
pub(super) fn dynamics_of(terminal: &Table<'_>) -> Option<Dynamics> {
    let detector = part(terminal, "detector", Detector::default(), detector);
    let switching = part(terminal, "switching", None, |table| switching(table).map(Some));
    let double_talk = part(terminal, "double_talk", DoubleTalk::default(), double_talk);
    let noise = part(terminal, "noise_control", NoiseControl::default(), noise_control);
    Some(Dynamics {
        convergence: Vec::new(),
        detector: detector?,
        switching: switching?,
        double_talk: double_talk?,
        noise: noise?,
    })
}

/// Seconds of an active far end since the cold start, and what the canceller takes away then; absent is at once all.
pub(super) fn convergence(echo: &Table<'_>) -> Option<Vec<(f64, f64)>> {
    let key = "convergence_s_db";
    let cancels = echo.kind("loss").is_some() && echo.text("loss").is_none_or(|loss| loss.value != "none");
    let is_good = |points: &[(f64, f64)]| {
        let bounded = points
            .iter()
            .all(|(s, db)| (0.0..=TIME_LIMIT_S).contains(s) && (-GAIN_LIMIT_DB..=GAIN_LIMIT_DB).contains(db));
        bounded && cancels && (1..=100).contains(&points.len())
    };
    rising_pairs(echo, key, is_good, |points| {
        [
            format!("'{key}' is no convergence"),
            if cancels { format!("{points:?}") } else { "a convergence without a canceller".to_owned() },
            format!(
                "1 to 100 pairs of a time (0 to {TIME_LIMIT_S} s, rising) and a loss (within {GAIN_LIMIT_DB} dB), of a canceller"
            ),
            "sort the pairs by time and correct what is out of range; where loss = \"none\", remove them"
                .to_owned(),
        ]
    })
}

/// The table at `key` read by `of`; absent is `absent`.
fn part<T>(table: &Table<'_>, key: &str, absent: T, of: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
    if !table.has(key) {
        table.table(key);
        return Some(absent);
    }
    let table = table.table(key)?;
    let value = of(&table);
    table.finish();
    value
}

fn detector(table: &Table<'_>) -> Option<Detector> {
    let usual = Detector::default();
    let send = quantity_or(table, "send", Unit::DbPa, usual.send_dbpa, (-120.0, 20.0));
    let receive = quantity_or(table, "receive", Unit::Dbm0, usual.receive_dbm0, (-120.0, 6.0));
    let hang_over = time_s(table, "hang_over", usual.hang_over_s);
    Some(Detector { send_dbpa: send?, receive_dbm0: receive?, hang_over_s: hang_over? })
}

fn switching(table: &Table<'_>) -> Option<Switching> {
    let [send, receive, send_idle, receive_idle] =
        ["send_loss", "receive_loss", "send_idle_loss", "receive_idle_loss"].map(|key| loss(table, key));
    let (build_up, release) = (time_s(table, "build_up", 0.0), time_s(table, "release", 0.0));
    Some(Switching {
        send_loss_db: send?,
        receive_loss_db: receive?,
        send_idle_loss_db: send_idle?,
        receive_idle_loss_db: receive_idle?,
        build_up_s: build_up?,
        release_s: release?,
    })
}

fn double_talk(table: &Table<'_>) -> Option<DoubleTalk> {
    let send = loss(table, "send_loss");
    let shape = response(table, "send_loss_hz_db");
    let receive = loss(table, "receive_loss");
    let echo = if table.has("echo_loss") {
        loss(table, "echo_loss").map(Some)
    } else {
        table.kind("echo_loss");
        Some(None)
    };
    let is_gated = table.has("gate_loss");
    let (gate_loss, gate_every) = (loss(table, "gate_loss"), time_s(table, "gate_every", 0.020));
    Some(DoubleTalk {
        send_loss_db: send?,
        send_loss_response: shape?,
        receive_loss_db: receive?,
        echo_loss_db: echo?,
        gate: is_gated.then_some(Gate { loss_db: gate_loss?, every_s: gate_every? }),
    })
}

fn noise_control(table: &Table<'_>) -> Option<NoiseControl> {
    let reduction = loss(table, "reduction");
    let settling = time_s(table, "settling", 0.0);
    let [far, near] = ["pumping_far", "pumping_near"].map(|key| loss(table, key));
    let comfort = part(table, "comfort", None, |table| {
        let error = loss(table, "error");
        let color = response(table, "color_hz_db");
        Some(Some(Comfort { error_db: error?, color: color? }))
    });
    Some(NoiseControl {
        reduction_db: reduction?,
        settling_s: settling?,
        pumping_far_db: far?,
        pumping_near_db: near?,
        comfort: comfort?,
    })
}

/// Decibels that may be absent: none.
fn loss(table: &Table<'_>, key: &str) -> Option<f64> {
    quantity_or(table, key, Unit::Db, 0.0, (-GAIN_LIMIT_DB, GAIN_LIMIT_DB))
}

/// A time that may be absent.
fn time_s(table: &Table<'_>, key: &str, absent_s: f64) -> Option<f64> {
    let units = [Unit::Millisecond, Unit::Second];
    if !table.has(key) {
        table.quantity(key, &units);
        return Some(absent_s);
    }
    let quantity = table.quantity(key, &units)?;
    let seconds = quantity.value.seconds()?.0;
    within(table, key, Placed { value: seconds, place: quantity.place }, 0.0, TIME_LIMIT_S, "s")
}
