//! The flaws of a car in its file.

use super::{Converter, Nonlinearity};
use crate::bench::car::file::within;
use crate::document::{Placed, Table};
use crate::units::Unit;

/// Harmonics that may be declared, in percent: the polynomial means something for small bends only.
const PERCENT_LIMIT: f64 = 25.0;

/// A number with a unit that may be absent. `Ok(None)` is absent, `Err(())` is reported.
fn may_have(
    table: &Table<'_>,
    key: &str,
    unit: Unit,
    (least, most): (f64, f64),
) -> Result<Option<f64>, Reported> {
    if !table.has(key) {
        table.quantity(key, &[unit]);
        return Ok(None);
    }
    let quantity = table.quantity(key, &[unit]).ok_or(Reported)?;
    let value = Placed { value: quantity.value.value, place: quantity.place };
    within(table, key, value, least, most, unit.symbol()).map(Some).ok_or(Reported)
}

/// A problem that stands in the list already.
struct Reported;

/// The table `nonlinearity` of a part; absent is straight, `None` is reported.
pub fn nonlinearity(parent: &Table<'_>) -> Option<Nonlinearity> {
    let key = "nonlinearity";
    let there = parent.has(key);
    let table = parent.table(key);
    if !there {
        return Some(Nonlinearity::default());
    }
    let table = table?;
    let percent = |key| may_have(&table, key, Unit::Percent, (-PERCENT_LIMIT, PERCENT_LIMIT));
    let (quadratic, cubic) = (percent("quadratic"), percent("cubic"));
    let at = may_have(&table, "at", Unit::DbPa, (-80.0, 40.0));
    let limit = may_have(&table, "limit", Unit::DbPa, (-60.0, 60.0));
    table.finish();
    let (quadratic, cubic, at, limit) = (quadratic.ok()?, cubic.ok()?, at.ok()?, limit.ok()?);
    if at.is_none() && (quadratic.is_some() || cubic.is_some()) {
        table.missing("at", "the level of the sine whose harmonics are declared, as in \"-20 dBPa\"");
        return None;
    }
    Some(Nonlinearity {
        quadratic_percent: quadratic.unwrap_or(0.0),
        cubic_percent: cubic.unwrap_or(0.0),
        at_dbpa: at.unwrap_or(0.0),
        limit_dbpa: limit,
    })
}

/// The table `converter` of a direction. `Some(None)` is absent, `None` is reported.
pub fn converter(parent: &Table<'_>) -> Option<Option<Converter>> {
    let key = "converter";
    let there = parent.has(key);
    let table = parent.table(key);
    if !there {
        return Some(None);
    }
    let table = table?;
    let need = |key: &str, unit: Unit, range: (f64, f64), example: &str| {
        if !table.has(key) {
            table.missing(key, example);
        }
        may_have(&table, key, unit, range).ok().flatten()
    };
    let rate = need("rate", Unit::Hz, (8_000.0, 40_000.0), "its sampling rate, as in \"16000 Hz\"");
    let loss = need("loss", Unit::Db, (0.0, 120.0), "how far its image lies below, as in \"50 dB\"");
    table.finish();
    Some(Some(Converter { rate_hz: rate?, loss_db: loss? }))
}

/// Lines at `key`: pairs of frequency and level; absent is none.
pub fn lines(table: &Table<'_>, key: &str) -> Option<Vec<(f64, f64)>> {
    if !table.has(key) {
        table.points(key);
        return Some(Vec::new());
    }
    let points = table.points(key)?;
    let good = |(hz, db): &(f64, f64)| (1.0..24_000.0).contains(hz) && (-200.0..=0.0).contains(db);
    if points.value.len() <= 20 && points.value.iter().all(good) {
        return Some(points.value);
    }
    table.problems().report(
        points.place,
        format!("'{key}' are no lines"),
        format!("{:?}", points.value),
        "at most 20 pairs of frequency (1 to 24 000 Hz) and level (-200 to 0 dB)",
        "correct what is out of range",
    );
    None
}

#[cfg(test)]
mod tests {
    use crate::bench::car::file::read_car;
    use crate::problem::SourceText;

    /// The ideal car with tables added; keys of its own tables are written in dotted form after a header.
    fn car(send: &str, more: &str) -> String {
        let path = format!("{}/test-plans/cars/ideal-wb.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the car file exists");
        text.replace("[terminal.send]", &format!("[terminal.send]\n{send}")) + more
    }

    #[test]
    fn flaws_are_read_beside_the_part_that_has_them() {
        let text = car(
            "idle_lines_hz_dbm0 = [[1000, -70], [2500.5, -80]]",
            "\n[mouth.nonlinearity]\nquadratic = \"0.5 %\"\nat = \"-1.7 dBPa\"\n\
             [terminal.send.nonlinearity]\ncubic = \"-2 %\"\nat = \"-26 dBPa\"\n\
             [terminal.send.converter]\nrate = \"16000 Hz\"\nloss = \"30 dB\"\n\
             [terminal.receive.nonlinearity]\nlimit = \"3 dBPa\"\n\
             [terminal.receive.converter]\nrate = \"16000 Hz\"\nloss = \"40 dB\"\n\
             [cabin.noise]\namplifier_lines_hz_dbpa = [[800, -60]]\n",
        );
        let flaws = read_car(&SourceText::new("car", text)).unwrap().flaws;
        assert_eq!((flaws.mouth.quadratic_percent, flaws.mouth.at_dbpa), (0.5, -1.7));
        assert_eq!((flaws.microphone.cubic_percent, flaws.loudspeaker.limit_dbpa), (-2.0, Some(3.0)));
        assert_eq!(flaws.send_converter.unwrap().loss_db, 30.0);
        assert_eq!(flaws.receive_converter.unwrap().loss_db, 40.0);
        assert_eq!(flaws.idle_lines, [(1000.0, -70.0), (2500.5, -80.0)]);
        assert_eq!(flaws.amplifier_lines, [(800.0, -60.0)]);
    }

    #[test]
    fn what_cannot_be_is_reported_once_with_its_place() {
        for (send, more, expected) in [
            (
                "",
                "\n[terminal.send.nonlinearity]\ncubic = \"40 %\"\nat = \"0 dBPa\"\n",
                "'cubic' is out of range",
            ),
            ("", "\n[terminal.send.nonlinearity]\ncubic = \"1 %\"\n", "'at'"),
            ("", "\n[terminal.send.nonlinearity]\nquartic = \"1 %\"\n", "quartic"),
            (
                "",
                "\n[terminal.send.converter]\nrate = \"4000 Hz\"\nloss = \"3 dB\"\n",
                "'rate' is out of range",
            ),
            ("", "\n[terminal.receive.converter]\nrate = \"8000 Hz\"\n", "'loss'"),
            ("", "\n[mouth]\nnonlinearity = 3\n", "nonlinearity"),
            ("", "\n[mouth.linearity]\n", "linearity"),
            ("idle_lines_hz_dbm0 = [[30000, -70]]", "", "are no lines"),
            ("idle_lines_hz_dbm0 = 3", "", "idle_lines_hz_dbm0"),
        ] {
            let problems = read_car(&SourceText::new("car", car(send, more))).unwrap_err();
            assert_eq!(problems.len(), 1, "{more}: {problems:#?}");
            let text = format!("{:?}", problems[0]);
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
