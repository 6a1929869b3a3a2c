//! The reports: complete, unforgeable, finite, and equal to the view that they show.

use std::collections::BTreeSet;
use std::path::Path;

use lombard::report;
use lombard::run::view::RunView;
use lombard::terms::LimitClass;
use lombard::verdict::{Flag, Verdict};

use crate::report_sample::{HOSTILE, frame, full, hostile, in_several_calls};

/// Leaves a report below the target folder, where it can be looked at.
fn keep(name: &str, text: &str) {
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), text).unwrap();
}

#[test]
fn the_html_shows_all_that_the_cover_promises() {
    let view = full();
    let html = report::html(&view);
    keep("report.html", &html);
    for part in [
        "Example head unit",
        "MIB 4.2.1 build 8812",
        "P.1110 quick check, wideband",
        "P.1110 (10/2025)",
        "G.722, 64 kbit/s",
        "send 40.00 ms, receive 40.00 ms",
        "20261122",
        "lombard 0.1.0",
        "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        &view.counts().to_string(),
        "echo_against_time",
        "This is a simulation",
        "had expired",
        "has no calibration",
        "overlays/our-lab.toml:12",
        "would now have chosen step 8",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn every_entry_finding_verdict_flag_and_class_is_shown() {
    let view = full();
    let html = report::html(&view);
    for (at, one) in view.entries.iter().enumerate() {
        assert_eq!(html.matches(&format!("id=\"entry-{}\"", at + 1)).count(), 1);
        assert_eq!(html.matches(&format!("href=\"#entry-{}\"", at + 1)).count(), 1);
        for finding in &one.findings {
            assert!(html.contains(&finding.finding.measurand), "{}", finding.finding.measurand);
        }
    }
    for verdict in Verdict::ALL {
        assert!(html.contains(&format!("class=\"v {verdict}\"")), "{verdict}");
    }
    for flag in Flag::ALL {
        assert!(html.contains(&format!(">{flag}</span>")), "{flag}");
    }
    for class in LimitClass::ALL {
        assert!(html.contains(&format!(">{class}</span>")), "{class}");
    }
    assert_eq!(html.matches("class=\"plot\"").count(), 3, "one picture for each curve and series");
    assert_eq!(html.matches("<circle class=\"mark\"").count(), 2, "the worst point of each mask");
}

#[test]
fn the_html_needs_nothing_else() {
    let html = report::html(&full());
    for part in ["<script", "http://", "https://", "url(", "@import", "<img", "<link", "src="] {
        assert!(!html.contains(part), "{part}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let html = report::html(&hostile());
    keep("hostile.html", &html);
    assert!(!html.contains("<script"));
    assert!(!html.contains('\u{0}') && !html.contains('\u{202e}'));
    assert!(html.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;co&#39;"));
}

/// Every number inside a coordinate attribute.
fn coordinates(html: &str) -> Vec<f64> {
    let mut all = Vec::new();
    for name in [" d=\"", " x=\"", " y=\"", " cx=\"", " cy=\"", " width=\"", " height=\"", " viewBox=\""] {
        for part in html.split(name).skip(1) {
            let value = part.split('"').next().unwrap();
            let numbers = value.split(|c: char| "MLHVZhlvz, ".contains(c)).filter(|text| !text.is_empty());
            let length_only =
                !value.is_empty() && value.ends_with(|c: char| c.is_ascii_digit() || c == 'Z' || c == 'z');
            if length_only && !value.contains('A') {
                all.extend(numbers.filter_map(|text| match text.parse::<f64>() {
                    Ok(number) => Some(number),
                    Err(_) if text.contains(['c', '-']) => None, // icons use compact path syntax
                    Err(error) => panic!("{name}{value}: {text}: {error}"),
                }));
            }
        }
    }
    all
}

#[test]
fn coordinates_are_finite_whatever_was_measured() {
    for view in [full(), hostile()] {
        let html = report::html(&view);
        let all = coordinates(&html);
        assert!(all.len() > 1000);
        assert!(all.iter().all(|number| number.abs() <= 1e5));
        for svg in html.split("<svg class=\"plot\"").skip(1) {
            let svg = svg.split("</figcaption>").next().unwrap();
            assert!(!svg.contains("\"NaN") && !svg.contains("inf "), "{svg}");
        }
    }
}

#[test]
fn an_empty_run_has_a_report_too() {
    let view = RunView { evaluation: 0, left_out: Vec::new(), warnings: Vec::new(), ..frame() };
    let html = report::html(&view);
    keep("empty.html", &html);
    assert!(html.contains("has no entries") && html.contains("have not been evaluated"));
    assert_eq!(report::csv(&view).matches("\r\n").count(), 1, "the header row alone");
    let object: serde_json::Value = serde_json::from_str(&report::json(&view)).unwrap();
    assert_eq!(object["verdict"], "measured");
}

/// A reader of RFC 4180, written from its grammar.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the text ends with a whole row");
    rows
}

#[test]
fn the_csv_has_one_row_for_each_judgement_and_all_digits() {
    let view = full();
    let rows = read_csv(&report::csv(&view));
    let names: Vec<&str> = report::csv::COLUMNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows[0], names);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(rows.iter().all(|row| row.len() == names.len()));
    let cell = |row: &[String], name: &str| row[names.iter().position(|one| *one == name).unwrap()].clone();
    let noise = rows.iter().find(|row| cell(row, "measurand") == "idle_noise_send").unwrap();
    assert_eq!(cell(noise, "value"), "-63.9996");
    assert_eq!(cell(noise, "limit_max"), "-64");
    assert_eq!(cell(noise, "verdict"), "fail");
    assert_eq!(cell(noise, "uncertainty"), "0.12");
    let bounds: Vec<String> = rows
        .iter()
        .filter(|row| cell(row, "entry").starts_with("coupling_loss"))
        .map(|row| cell(row, "bound"))
        .collect();
    assert_eq!(bounds, ["at-least", "at-least"]);
    let expected: usize = view.entries.iter().map(|one| one.findings.len().max(1)).sum();
    assert_eq!(rows.len(), expected + 1);
}

#[test]
fn the_csv_survives_quotes_lines_and_formulas() {
    let mut view = hostile();
    "=cmd|' /C calc'!A0\r\nsecond \"line\", end".clone_into(&mut view.entries[0].reason);
    let rows = read_csv(&report::csv(&view));
    let at = report::csv::COLUMNS.iter().position(|(name, _)| *name == "entry_reason").unwrap();
    assert_eq!(rows[1][at], "'=cmd|' /C calc'!A0\r\nsecond \"line\", end");
    let device = report::csv::COLUMNS.iter().position(|(name, _)| *name == "device").unwrap();
    assert_eq!(rows[1][device], HOSTILE);
}

#[test]
fn the_json_holds_what_the_view_holds() {
    for view in [full(), hostile()] {
        let object: serde_json::Value = serde_json::from_str(&report::json(&view)).unwrap();
        assert_eq!(object["format"], "lombard-report");
        assert_eq!(object["version"], 1);
        assert_eq!(object["verdict"], view.verdict().word());
        assert_eq!(object["counts"]["judged"], view.counts().judged);
        let entries = object["entries"].as_array().unwrap();
        assert_eq!(entries.len(), view.entries.len());
        for (json, one) in entries.iter().zip(&view.entries) {
            assert_eq!(json["id"], one.entry.id.text());
            assert_eq!(json["verdict"], one.verdict.word());
            assert_eq!(json["findings"].as_array().unwrap().len(), one.findings.len());
            assert_eq!(json["judgements"].as_array().unwrap().len(), one.judgements.len());
            assert_eq!(json["limits"].as_array().unwrap().len(), one.limits.len());
        }
    }
    let object: serde_json::Value = serde_json::from_str(&report::json(&full())).unwrap();
    assert_eq!(object["entries"][0]["findings"][0]["value"], 13.04);
    assert_eq!(object["entries"][3]["findings"][0]["values"].as_array().unwrap().len(), 3500);
    assert!(object["entries"][3]["findings"][0]["values"][1250].is_null());
}

#[test]
fn several_calls_are_told_together_everywhere() {
    let view = in_several_calls();
    let told = "3 calls: worst 42.10 dB in call 2, median 44.00 dB, spread 3.10 dB";
    let html = report::html(&view).replace('\u{a0}', " ");
    assert_eq!(html.matches(told).count(), 2, "in the table of calls and with the first call");
    for part in ["1 fail, 2 pass", "Echo loss in new calls, call 2 of 3", "WB, volume nominal, call 3 of 3"] {
        assert!(html.contains(part), "{part}");
    }
    let object: serde_json::Value = serde_json::from_str(&report::json(&view)).unwrap();
    let group = &object["calls"][0];
    assert_eq!(group["entries"].as_array().unwrap().len(), 3);
    let figure = &group["figures"][0];
    assert_eq!(figure["text"], told);
    assert_eq!(
        (&figure["worst"], &figure["worst_call"], &figure["judged"]),
        (&42.1.into(), &2.into(), &3.into())
    );
    let rows = read_csv(&report::csv(&view));
    let at = |name: &str| report::csv::COLUMNS.iter().position(|(one, _)| *one == name).unwrap();
    let of_calls: Vec<&Vec<String>> = rows.iter().filter(|row| row[at("calls")] == "3").collect();
    assert_eq!(of_calls.len(), 3);
    for (n, row) in of_calls.iter().enumerate() {
        assert_eq!(row[at("call")], (n + 1).to_string());
        assert_eq!((row[at("calls_worst")].as_str(), row[at("calls_worst_call")].as_str()), ("42.1", "2"));
        assert_eq!((row[at("calls_of")].as_str(), row[at("calls_median")].as_str()), ("value", "44"));
    }
    assert!(
        rows.iter().skip(1).filter(|row| row[at("calls")] == "1").all(|row| row[at("calls_of")].is_empty())
    );
    assert_eq!(report::junit(&view).matches("name=\"echo_loss").count(), 3, "a case for each call");
}

#[test]
fn the_decisive_result_is_the_worst_one() {
    let view = full();
    let noise = report::summary::decisive(&view.entries[2]).unwrap();
    assert_eq!(noise.judgement.unwrap().verdict, Verdict::Fail);
    let echo = report::summary::decisive(&view.entries[4]).unwrap();
    assert_eq!(echo.measurand(), "tclw", "an undecided bound comes before a pass");
}
