//! What a reader of documents promises: every problem at once, each with its place.

use super::*;

fn problems(text: &str) -> Vec<String> {
    let source = SourceText::new("x.toml", text);
    let result = read(&source, |root| {
        root.need_text("title");
        root.need_quantity("level", &[Unit::Dbm0]);
        for one in root.tables("entry") {
            one.need_text("id");
            one.finish();
        }
        Some(())
    });
    result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let found = problems("titel = 'a'\nlevel = -16\n[[entry]]\nid = 3\n");
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().any(|one| one.starts_with("x.toml:1:1:") && one.contains("did you mean 'title'?")));
    assert!(found.iter().any(|one| one.starts_with("x.toml:1:1:") && one.contains("'title' is missing")));
    assert!(found.iter().any(|one| one.starts_with("x.toml:2:9:") && one.contains("has no unit")));
    assert!(found.iter().any(|one| one.starts_with("x.toml:4:6:") && one.contains("wrong kind")));
}

#[test]
fn the_wrong_plane_is_refused() {
    let found = problems("title = 'a'\nlevel = '-16 dBov'\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("wrong unit"), "{found:?}");
}

#[test]
fn broken_syntax_has_a_place() {
    let found = problems("title = \"a\nlevel = '-16 dBm0'\n");
    assert!(!found.is_empty() && found[0].starts_with("x.toml:1:"), "{found:?}");
}

#[test]
fn a_good_file_has_no_problems() {
    assert!(problems("title = 'a'\nlevel = '-16 dBm0'\n[[entry]]\nid = 'x'\n").is_empty());
}

#[test]
fn slips_are_recognized() {
    assert_eq!(nearest("titel", &["level", "title"]), Some("title"));
    assert_eq!(nearest("zzz", &["level", "title"]), None);
}
