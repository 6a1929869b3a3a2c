//! The pictures of a report: limits where their values are, spans where their times are, bounds told from what is known. The
//! axes are read from the labels of their ticks, as a reader does.

use lombard::finding::scene::{Line, Scene, Stretch};
use lombard::finding::{Bound, Finding, Reading};
use lombard::limits::{Better, Classes, Limit, Rule, Step};
use lombard::report;
use lombard::run::view::{EntryView, RunView};
use lombard::take::TakeId;
use lombard::terms::{LimitClass, Port};
use lombard::units::Unit;

use crate::report_sample::{entry, frame, range};

/// An element of a picture: its attributes and its text.
#[derive(Debug, Clone)]
struct Element {
    tag: String,
    attributes: String,
    text: String,
}

impl Element {
    fn get(&self, name: &str) -> &str {
        let from = self.attributes.find(&format!(" {name}=\"")).map(|at| at + name.len() + 3);
        from.map_or("", |from| self.attributes[from..].split('"').next().unwrap())
    }

    fn number(&self, name: &str) -> f64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{name} of {self:?}"))
    }

    fn is(&self, tag: &str, class: &str) -> bool {
        self.tag == tag && self.get("class").split(' ').any(|one| one == class)
    }

    /// The numbers of a path.
    fn path(&self) -> Vec<f64> {
        let numbers = self.get("d").split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
        numbers.filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
    }
}

/// A picture of a report.
#[derive(Debug)]
struct Picture(Vec<Element>);

fn pictures(view: EntryView) -> Vec<Picture> {
    let html = report::html(&RunView { entries: vec![view], ..frame() });
    let one = |figure: &str| {
        let svg = figure.split("<figcaption>").next().unwrap();
        let elements = svg.split('<').skip(1).filter(|part| !part.starts_with('/')).map(|part| {
            let (head, text) = part.split_once('>').unwrap();
            let (tag, attributes) = head.split_once(' ').unwrap_or((head, ""));
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace('\u{a0}', " ");
            Element { tag: tag.to_owned(), attributes: format!(" {attributes}"), text }
        });
        Picture(elements.collect())
    };
    html.split("<figure>").skip(1).map(one).collect()
}

impl Picture {
    fn all(&self, tag: &str, class: &str) -> Vec<&Element> {
        self.0.iter().filter(|one| one.is(tag, class)).collect()
    }

    /// What a picture coordinate reads on an axis whose ticks are these.
    fn axis(ticks: &[(f64, f64)], at: f64) -> f64 {
        let (first, last) = (ticks[0], ticks[ticks.len() - 1]);
        first.1 + (at - first.0) * (last.1 - first.1) / (last.0 - first.0)
    }

    fn ticks(&self, anchor: &str, name: &str) -> Vec<(f64, f64)> {
        let ticks = self.all("text", "tick").into_iter().filter(|one| one.get("text-anchor") == anchor);
        ticks.filter_map(|one| Some((one.number(name), one.text.replace('−', "-").parse().ok()?))).collect()
    }

    /// The value at a height. A label's line lies 4 below its tick.
    fn value(&self, y: f64) -> f64 {
        Self::axis(&self.ticks("end", "y"), y + 4.0)
    }

    /// The time at a place.
    fn seconds(&self, x: f64) -> f64 {
        Self::axis(&self.ticks("middle", "x"), x)
    }

    /// Edges inside the axes: the legend's lies above them.
    fn edges(&self) -> Vec<Vec<f64>> {
        let paths = self.all("path", "edge").into_iter().map(Element::path);
        paths.filter(|path| path.len() >= 4 && path[1] > 30.0).collect()
    }

    fn labels(&self, class: &str) -> Vec<String> {
        self.all("text", class).into_iter().map(|one| one.text.clone()).collect()
    }
}

fn levels() -> Finding {
    let seconds: Vec<f64> = (1..=400).map(|n| f64::from(n) * 0.005).collect();
    let values = seconds.iter().map(|t| -72.0 + 9.0 * (t * 5.0).sin()).collect();
    Finding::series("echo_level", seconds, values, Unit::Dbm0A)
}

fn number(measurand: &str, value: f64, unit: Unit, reading: Reading) -> Finding {
    Finding { read_from: Some(reading), ..Finding::scalar(measurand, value, unit) }
}

fn most(measurand: &str, max: f64, unit: Unit) -> Limit {
    range(measurand, None, Some(max), unit, LimitClass::A)
}

fn one(findings: Vec<Finding>, limits: Vec<Limit>) -> EntryView {
    entry("echo", "Echo against time", "11.11.2", findings, limits)
}

#[test]
fn the_limit_of_a_number_is_a_line_in_the_picture_that_it_was_read_from() {
    let loudest = number("echo_level_max", -63.0, Unit::Dbm0A, Reading::of("echo_level").at(0.315));
    let all = pictures(one(vec![loudest, levels()], vec![most("echo_level_max", -58.0, Unit::Dbm0A)]));
    let [picture] = &all[..] else { panic!("{} pictures", all.len()) };
    let [edge] = &picture.edges()[..] else { panic!("{:?}", picture.edges()) };
    assert!((picture.value(edge[1]) + 58.0).abs() < 0.05, "{edge:?}");
    assert_eq!(picture.labels("limit"), ["echo_level_max ≤ −58 dBm0(A), P.1110 11.3, class A"]);
    let [mark] = &picture.all("circle", "mark")[..] else { panic!("no mark") };
    assert!((picture.value(mark.number("cy")) + 63.0).abs() < 0.05, "{mark:?}");
    assert!((picture.seconds(mark.number("cx")) - 0.315).abs() < 0.002, "{mark:?}");
    assert_eq!(picture.labels("mark"), ["echo_level_max −63.00 dBm0(A)"]);
    // Above the line is the forbidden side: the strokes point up.
    let hatch = picture.all("path", "hatch")[0].get("d").to_owned();
    assert!(hatch.contains("l5 -5"), "{hatch}");
}

#[test]
fn a_number_counted_downward_has_its_limit_below_where_it_begins() {
    let fall = number("fall", 4.0, Unit::Db, Reading::below("echo_level", -60.0).at(0.9));
    let all = pictures(one(vec![fall, levels()], vec![most("fall", 6.0, Unit::Db)]));
    let edge = &all[0].edges()[0];
    assert!((all[0].value(edge[1]) + 66.0).abs() < 0.05, "{edge:?}");
    let hatch = all[0].all("path", "hatch")[0].get("d").to_owned();
    assert!(hatch.contains("l-5 5"), "below the line is the forbidden side: {hatch}");
}

#[test]
fn equal_limits_are_one_line_with_both_names() {
    let curve = Finding::curve("loss", vec![100.0, 1e3, 8e3], vec![50.0, 60.0, 55.0], Unit::Db);
    let numbers = ["tclw", "tcl"].map(|name| number(name, 52.0, Unit::Db, Reading::of("loss")));
    let limits = ["tclw", "tcl"].map(|name| range(name, Some(46.0), None, Unit::Db, LimitClass::A));
    let [tclw, tcl] = numbers;
    let all = pictures(one(vec![tclw, tcl, curve], limits.into()));
    assert_eq!(all[0].edges().len(), 1);
    assert_eq!(all[0].labels("limit"), ["tclw, tcl ≥ 46 dB, P.1110 11.3, class A"]);
    // Two numbers that are equal stand beside each other, not over each other.
    let ys: Vec<f64> = all[0].all("text", "mark").iter().map(|one| one.number("y")).collect();
    assert!(ys.len() == 2 && (ys[0] - ys[1]).abs() >= 14.0, "{ys:?}");
    assert_eq!(all[0].all("path", "level").len(), 2);
}

#[test]
fn a_build_up_has_a_picture_around_its_onset() {
    let build_up = number("build_up", 23.0, Unit::Millisecond, Reading::after("echo_level", 0.5, 1e-3));
    let all = pictures(one(vec![build_up, levels()], vec![most("build_up", 50.0, Unit::Millisecond)]));
    let [whole, close] = &all[..] else { panic!("{} pictures", all.len()) };
    assert!(whole.edges().is_empty() && whole.all("path", "moment").is_empty());
    let moments: Vec<f64> =
        close.all("path", "moment").iter().map(|one| close.seconds(one.path()[0])).collect();
    assert!((moments[0] - 0.5).abs() < 5e-4 && (moments[1] - 0.523).abs() < 5e-4, "{moments:?}");
    let edge = &close.edges()[0];
    assert!((close.seconds(edge[0]) - 0.55).abs() < 5e-4, "{edge:?}");
    assert_eq!(close.labels("limit"), ["build_up ≤ 50 ms, P.1110 11.3, class A"]);
    assert_eq!(close.labels("mark"), ["onset", "build_up 23.00 ms"]);
}

#[test]
fn a_long_time_is_drawn_into_the_whole_picture() {
    let settling = number("settling", 1.2, Unit::Second, Reading::after("echo_level", 0.0, 1.0));
    let all = pictures(one(vec![settling, levels()], vec![most("settling", 1.5, Unit::Second)]));
    let [picture] = &all[..] else { panic!("{} pictures", all.len()) };
    let moment = picture.all("path", "moment")[0].path();
    assert!((picture.seconds(moment[0]) - 1.2).abs() < 5e-3, "{moment:?}");
    assert!((picture.seconds(picture.edges()[0][0]) - 1.5).abs() < 5e-3);
}

#[test]
fn without_a_limit_none_is_drawn() {
    let loudest = number("echo_level_max", -63.0, Unit::Dbm0A, Reading::of("echo_level").at(0.315));
    let unknown = range("echo_level_max", None, None, Unit::Dbm0A, LimitClass::N);
    for limits in [Vec::new(), vec![unknown]] {
        let all = pictures(one(vec![loudest.clone(), levels()], limits));
        for class in ["edge", "hatch", "zone"] {
            assert!(all[0].all("path", class).is_empty(), "{class}");
        }
        assert!(all[0].labels("limit").is_empty());
        assert!(all[0].all("path", "bound").is_empty() && all[0].all("circle", "hollow").is_empty());
    }
}

#[test]
fn bounds_are_told_from_what_is_known() {
    let hz: Vec<f64> = (0..20).map(|n| 100.0 * 2f64.powf(f64::from(n) / 3.0)).collect();
    let values: Vec<f64> = (0..20).map(|n| 40.0 + f64::from(n)).collect();
    let curve = |limited: Vec<usize>| Finding {
        bound: Bound::AtLeast,
        limited,
        ..Finding::curve("loss", hz.clone(), values.clone(), Unit::Db)
    };
    for (limited, hollow, full, pieces, told) in
        [(vec![3, 4, 12], 3, 17, 2, &["loss", "at least"][..]), (Vec::new(), 20, 0, 1, &["loss, at least"])]
    {
        let all = pictures(one(vec![curve(limited)], Vec::new()));
        // One hollow point and one dotted line are in the legend.
        assert_eq!(all[0].all("circle", "hollow").len(), hollow + 1);
        assert_eq!(all[0].all("circle", "full").len(), full);
        assert_eq!(all[0].labels("legend"), told);
        let dotted = all[0].all("path", "bound")[0].get("d").matches('M').count();
        assert_eq!(dotted, pieces, "pieces of the dotted line");
    }
    let exact = Finding { bound: Bound::Exact, ..curve(Vec::new()) };
    let all = pictures(one(vec![exact], Vec::new()));
    assert!(all[0].all("path", "bound").is_empty() && all[0].all("circle", "hollow").is_empty());
    assert_eq!(all[0].labels("legend"), ["loss"]);
}

#[test]
fn classes_are_bands_with_their_names() {
    let seconds: Vec<f64> = (1..=400).map(|n| f64::from(n) * 0.005).collect();
    let course = Finding::series("course", seconds, (0..400).map(|n| f64::from(n % 17)).collect(), Unit::Db);
    let step = |name: &str, edge| Step { name: name.to_owned(), edge };
    let table = Classes {
        better: Better::Smaller,
        steps: vec![step("1", Some(3.0)), step("2a", Some(6.0)), step("2b", Some(9.0)), step("3", None)],
        required: Some("2a".to_owned()),
    };
    let limit = Limit { rule: Rule::Classes(table), ..most("attenuation", 0.0, Unit::Db) };
    let read = number("attenuation", 4.5, Unit::Db, Reading::of("course"));
    let all = pictures(one(vec![read, course], vec![limit]));
    assert_eq!(all[0].labels("named"), ["1", "2a", "2b", "3", "class"]);
    let mut steps: Vec<f64> =
        all[0].all("path", "step").iter().map(|one| all[0].value(one.path()[1]).round()).collect();
    steps.dedup();
    assert_eq!(steps, [3.0, 6.0, 9.0]);
    assert!((all[0].value(all[0].edges()[0][1]) - 6.0).abs() < 0.05);
    assert!(all[0].labels("limit")[0].contains("(class 2a)"));
    // The bands lie between the edges of their classes.
    let second = &all[0].all("rect", "zone1")[0];
    let (top, height) = (second.number("y"), second.number("height"));
    assert!((all[0].value(top) - 6.0).abs() < 0.05 && (all[0].value(top + height) - 3.0).abs() < 0.05);
}

#[test]
fn levels_in_one_unit_share_a_picture_and_a_pause_breaks_the_line() {
    let mut seconds: Vec<f64> = (1..=100).map(|n| f64::from(n) * 0.005).collect();
    seconds.extend((1..=100).map(|n| 3.0 + f64::from(n) * 0.005));
    let far = Finding::series("echo_far_level", seconds, vec![-16.0; 200], Unit::Dbm0A);
    let pressure = Finding::series("at_the_ear", vec![0.0, 1.0], vec![-30.0, -31.0], Unit::DbPa);
    let all = pictures(one(vec![levels(), far, pressure], Vec::new()));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].labels("legend"), ["echo_level", "echo_far_level"]);
    assert_eq!(all[0].all("path", "t1")[0].get("d").matches('M').count(), 2, "two pieces");
}

fn scene() -> Scene {
    let line = |port: &str, is_played: bool| Line {
        port: Port::new(port).unwrap(),
        is_played,
        unit: Unit::Dbm0,
        levels: (0..1000).map(|n| -40.0 + 10.0 * (f64::from(n) / 50.0).sin()).collect(),
    };
    let span = |name: &str, from_s, to_s| Stretch { name: name.to_owned(), from_s, to_s };
    Scene {
        take: TakeId::stored("a.echo-b"),
        name: "echo".to_owned(),
        meter_s: 0.035,
        step_s: 0.01,
        spans: vec![
            span("idle", 0.0, 1.5),
            span("analysis", 2.0, 8.5),
            span("words-1", 2.0, 3.0),
            span("words-2", 5.0, 6.0),
        ],
        lines: vec![line("poi.receive", true), line("poi.send", false)],
    }
}

#[test]
fn a_take_is_shown_with_the_spans_that_were_analyzed() {
    let stands_on =
        |span: &str, name: &str| Finding { span: span.to_owned(), ..Finding::scalar(name, 1.0, Unit::Db) };
    let findings = vec![stands_on("echo / analysis", "a"), stands_on("echo / analysis", "b")];
    let view = EntryView { scenes: vec![scene()], ..one(findings, Vec::new()) };
    let html = report::html(&RunView { entries: vec![view.clone()], ..frame() });
    assert!(html.contains("analysed, shaded: analysis (2.00 to 8.50\u{a0}s)"));
    assert!(!html.contains("<dt>Analysed</dt>"), "the caption says it");
    let picture = &pictures(view)[0];
    let times = |one: &Element| {
        let x = one.number("x");
        [picture.seconds(x), picture.seconds(x + one.number("width"))]
    };
    let close = |one: [f64; 2], other: [f64; 2]| (one[0] - other[0]).abs() + (one[1] - other[1]).abs() < 0.02;
    let shaded: Vec<[f64; 2]> = picture.all("rect", "band").into_iter().map(times).collect();
    assert!(shaded.len() == 1 && close(shaded[0], [2.0, 8.5]), "{shaded:?}");
    let bars: Vec<[f64; 2]> = picture.all("rect", "bar").into_iter().map(times).collect();
    for (bar, expected) in bars.iter().zip([[0.0, 1.5], [2.0, 8.5], [2.0, 3.0], [5.0, 6.0]]) {
        assert!(close(*bar, expected), "{bar:?} {expected:?}");
    }
    assert_eq!(bars.len(), 4);
    assert_eq!(picture.all("rect", "beside").len(), 3, "what was not analyzed is hollow");
    assert_eq!(picture.labels("port"), ["poi.receive", "poi.send", "analysis"]);
    assert_eq!(picture.all("path", "fill").len(), 2, "a panel for each port");
    assert!(picture.0.iter().any(|one| one.tag == "desc" && one.text.contains("poi.send (recorded)")));
}

#[test]
fn what_no_span_is_named_after_speaks_of_all_that_sounds() {
    let finding = Finding { span: "echo / words and more".to_owned(), ..Finding::scalar("a", 1.0, Unit::Db) };
    let view = EntryView { scenes: vec![scene()], ..one(vec![finding], Vec::new()) };
    assert_eq!(pictures(view)[0].all("rect", "band").len(), 3, "all but the silence");
}

#[test]
fn what_findings_stand_on_is_said_once() {
    let stands_on =
        |name: &str, span: &str| Finding { span: span.to_owned(), ..Finding::scalar(name, 1.0, Unit::Db) };
    let html = |findings| report::html(&RunView { entries: vec![one(findings, Vec::new())], ..frame() });
    let same = html(vec![stands_on("a", "echo / analysis"), stands_on("b", "echo / analysis")]);
    assert_eq!(same.matches("<dt>Analysed</dt>").count(), 1);
    assert!(same.contains("<dt>Analysed</dt><dd>echo / analysis</dd>"));
    let two = html(vec![stands_on("a", "echo / one"), stands_on("b", "echo / two")]);
    assert!(two.contains("<dt>Analysed</dt><dd>echo / one: a</dd>"));
    assert_eq!(two.matches("<dt>Analysed</dt>").count(), 2);
}
