//! Generated pages: what stands in the repository is what the program would write now.

use std::fs;

use crate::source::root;

/// Holds the generated page at `relative_path` against `text`. With `LOMBARD_BLESS=1` it is written instead.
///
/// # Panics
/// When the page is missing or differs: the message names the first line that does.
pub(crate) fn fresh(relative_path: &str, text: &str) {
    let path = root().join(relative_path);
    if std::env::var_os("LOMBARD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{relative_path} cannot be written: {error}"));
        return;
    }
    // A missing page differs from every text.
    let stored = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if let Some(difference) = first_difference(&stored, text) {
        panic!(
            "{relative_path} is not what would be written now: {difference}; look at why, then `make bless`"
        );
    }
}

/// Where two texts differ first, for the reader; `None` when they don't.
fn first_difference(stored: &str, made: &str) -> Option<String> {
    if stored == made {
        return None;
    }
    let (mut old, mut new) = (stored.lines(), made.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let say = |line: Option<&str>| line.map_or("the end".to_owned(), |line| format!("`{line}`"));
                return Some(format!("line {number} is {}, would be {}", say(old), say(new)));
            }
        }
    }
    Some("the ends of lines differ".to_owned())
}

#[test]
fn a_page_that_differs_is_seen_with_its_line() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(first_difference("a\nb\n", "a\nc\n").unwrap(), "line 2 is `b`, would be `c`");
    assert_eq!(first_difference("", "a\n").unwrap(), "line 1 is the end, would be `a`");
    assert_eq!(first_difference("a", "a\n").unwrap(), "the ends of lines differ");
}
