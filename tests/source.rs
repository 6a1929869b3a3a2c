//! Reads the project's own source as tokens, for the tests that hold its shape.
//!
//! Not a parser of Rust: just enough to tell code from comments and strings, to follow paths
//! through `use` groups, and to know which lines only exist in test builds.

use std::fs;
use std::path::{Path, PathBuf};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, keyword or number.
    Word,
    /// The text of a string literal.
    Text,
    /// `::`, or one character of punctuation.
    Mark,
}

/// One token of a source file. Comments leave none.
#[derive(Debug, Clone)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text; of a string what stands between the quotes.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
    /// Stands below `#[cfg(test)]`.
    pub in_test: bool,
    /// How many `mod x {` blocks of this file surround it.
    pub inline_depth: usize,
}

/// One source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path from the project's root, with `/`.
    pub path: String,
    /// The text as it stands.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// A path found in the code, root first: `["crate", "units", "Db"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The segments as written, groups written out.
    pub segments: Vec<String>,
    /// The line of the first segment.
    pub line: usize,
    /// Stands below `#[cfg(test)]`.
    pub in_test: bool,
    /// How many `mod x {` blocks of this file surround it.
    pub inline_depth: usize,
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` whose name ends with one of `endings`, by path; hidden folders are left out.
pub fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The path from the project's root, with `/` on every system.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Every Rust file below `folder` of the project.
pub fn rust_files(folder: &str) -> Vec<Source> {
    files_below(&root().join(folder), &[".rs"])
        .into_iter()
        .map(|path| {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Source::new(&relative(&path), &text)
        })
        .collect()
}

impl Source {
    /// The source of a path from the project's root.
    pub fn new(path: &str, text: &str) -> Self {
        let whole_file = path.ends_with("/tests.rs") || path.contains("/tests/");
        let mut tokens = tokenize(text);
        mark_tests(&mut tokens, whole_file);
        mark_inline_modules(&mut tokens);
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The module: `["bench", "car", "cabin"]` for `src/bench/car/cabin.rs`, `["main"]` for `src/main.rs`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.trim_end_matches("/mod").split('/').map(str::to_owned).collect()
    }

    /// Every path in the code with at least one `::`, and every plain `use x;`.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let starts = self.tokens[at].kind == Kind::Word
                && !self.is_mark(at.wrapping_sub(1), "::")
                && (self.is_mark(at + 1, "::") || self.is_word(at.wrapping_sub(1), "use"));
            at = if starts { self.path_tree(at, &[], &mut found) } else { at + 1 };
        }
        found
    }

    /// Follows a path from `at`, into its groups; gives the index after it.
    fn path_tree(&self, mut at: usize, prefix: &[String], found: &mut Vec<Reference>) -> usize {
        let mut segments = prefix.to_vec();
        let first = at;
        loop {
            if self.is_mark(at, "{") {
                at += 1;
                while at < self.tokens.len() && !self.is_mark(at, "}") {
                    at = if self.is_mark(at, ",") { at + 1 } else { self.path_tree(at, &segments, found) };
                }
                return at + 1;
            }
            let Some(token) = self.tokens.get(at) else { break };
            if token.kind == Kind::Word || token.text == "*" {
                segments.push(token.text.clone());
                at += 1;
            } else {
                at += usize::from(at == first); // `::<`, or something odd: never stand still
                break;
            }
            if self.is_mark(at, "::") {
                at += 1;
            } else {
                if self.is_word(at, "as") {
                    at += 2;
                }
                break;
            }
        }
        let token = &self.tokens[first];
        found.push(Reference {
            segments,
            line: token.line,
            in_test: token.in_test,
            inline_depth: token.inline_depth,
        });
        at
    }

    /// Whether token `at` is this mark.
    pub fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark && token.text == mark)
    }

    /// Whether token `at` is this word.
    pub fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word && token.text == word)
    }
}

/// Cuts a text into tokens.
fn tokenize(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let kind_and_text = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
                None
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                at = block_comment_end(&chars, at);
                None
            }
            '"' => {
                at = string_end(&chars, at);
                Some((Kind::Text, start + 1..at - 1))
            }
            'r' | 'b' if raw_string_hashes(&chars, at).is_some() => {
                let (opening, hashes) = raw_string_hashes(&chars, at).unwrap_or_default();
                at = raw_string_end(&chars, opening, hashes);
                Some((Kind::Text, opening + 1..at - 1 - hashes))
            }
            '\'' => {
                at = char_or_lifetime_end(&chars, at);
                None
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                    at += 1;
                }
                Some((Kind::Word, start..at))
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                at += 2;
                Some((Kind::Mark, start..at))
            }
            space if space.is_whitespace() => {
                at += 1;
                None
            }
            _ => {
                at += 1;
                Some((Kind::Mark, start..at))
            }
        };
        if let Some((kind, range)) = kind_and_text {
            let text = chars[range].iter().collect();
            tokens.push(Token { kind, text, line, in_test: false, inline_depth: 0 });
        }
        line += chars[start..at.min(chars.len())].iter().filter(|letter| **letter == '\n').count();
    }
    tokens
}

/// The index after a block comment; they nest.
fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The index after a string literal whose opening quote stands at `start`.
fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The index of the opening quote and the number of hashes, if a raw string starts at `at`.
fn raw_string_hashes(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let mut quote = at + usize::from(chars[at] == 'b');
    if chars.get(quote) != Some(&'r') {
        return None;
    }
    quote += 1;
    let hashes = chars[quote.min(chars.len())..].iter().take_while(|letter| **letter == '#').count();
    (chars.get(quote + hashes) == Some(&'"')).then_some((quote + hashes, hashes))
}

/// The index after a raw string.
fn raw_string_end(chars: &[char], opening: usize, hashes: usize) -> usize {
    let mut at = opening + 1;
    while at < chars.len() {
        let closed =
            chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closed {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

/// The index after a character literal or a lifetime.
fn char_or_lifetime_end(chars: &[char], start: usize) -> usize {
    if chars.get(start + 1) == Some(&'\\') {
        let mut at = start + 3;
        while at < chars.len() && chars[at] != '\'' {
            at += 1;
        }
        return at + 1;
    }
    if chars.get(start + 2) == Some(&'\'') { start + 3 } else { start + 1 }
}

/// Marks what stands below `#[cfg(test)]`: the item that the attribute belongs to, to its end.
fn mark_tests(tokens: &mut [Token], whole_file: bool) {
    let mut at = 0;
    while at < tokens.len() {
        let attribute: String = tokens[at..].iter().take(6).map(|token| token.text.as_str()).collect();
        if !attribute.starts_with("#[cfg(test") && !attribute.starts_with("#[cfg(all(test") {
            tokens[at].in_test = whole_file;
            at += 1;
            continue;
        }
        let mut depth = 0i32;
        let mut opened = false;
        while at < tokens.len() {
            tokens[at].in_test = true;
            if tokens[at].kind == Kind::Mark {
                match tokens[at].text.as_str() {
                    "{" => (depth, opened) = (depth + 1, true),
                    "}" => depth -= 1,
                    _ => {}
                }
            }
            let ends = depth == 0 && (opened || (tokens[at].kind == Kind::Mark && tokens[at].text == ";"));
            at += 1;
            if ends {
                break;
            }
        }
    }
}

/// Counts the `mod x {` blocks around each token.
fn mark_inline_modules(tokens: &mut [Token]) {
    let mut depth = 0usize;
    let mut modules: Vec<usize> = Vec::new();
    for at in 0..tokens.len() {
        let is_word = |i: usize, word: &str| tokens[i].kind == Kind::Word && tokens[i].text == word;
        let opens_module = at >= 2 && is_word(at - 2, "mod");
        let mark = (tokens[at].kind == Kind::Mark).then_some(tokens[at].text.as_str());
        if mark == Some("{") {
            depth += 1;
            if opens_module {
                modules.push(depth);
            }
        } else if mark == Some("}") {
            if modules.last() == Some(&depth) {
                modules.pop();
            }
            depth = depth.saturating_sub(1);
        }
        tokens[at].inline_depth = modules.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::new("src/x.rs", text).references().iter().map(|found| found.segments.join("::")).collect()
    }

    #[test]
    fn paths_are_followed_through_groups() {
        assert_eq!(
            paths("use crate::a::{b, c::{D, E as F}, self};\nfn f() { crate::g::h::<u8>(std::x!()) }"),
            ["crate::a::b", "crate::a::c::D", "crate::a::c::E", "crate::a::self", "crate::g::h", "std::x"]
        );
        assert_eq!(paths("use cpal;\nuse cpal as c;"), ["cpal", "cpal"]);
    }

    #[test]
    fn comments_and_strings_hold_no_paths() {
        let text = r##"// crate::a
/* crate::b /* crate::c */ */
/// [`crate::d`]
const S: &str = "crate::e \" crate::f"; const R: &str = r#"crate::g " crate::h"#;
const C: char = '"'; const D: char = '\''; fn f<'a>(x: &'a str) { crate::i::j() }"##;
        assert_eq!(paths(text), ["crate::i::j"]);
    }

    #[test]
    fn lines_and_test_modules_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use super::b;\n}\nfn c() { d::e() }\n";
        let references = Source::new("src/x.rs", text).references();
        let seen: Vec<_> =
            references.iter().map(|found| (found.line, found.in_test, found.inline_depth)).collect();
        assert_eq!(seen, [(4, true, 1), (6, false, 0)]);
    }

    #[test]
    fn modules_have_the_name_of_their_file() {
        assert_eq!(Source::new("src/bench/car/cabin.rs", "").module(), ["bench", "car", "cabin"]);
        assert_eq!(Source::new("src/lib.rs", "").module(), ["lib"]);
    }
}
