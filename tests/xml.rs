//! A small strict reader of XML, for what the program writes: elements, attributes, text. What is not well-formed panics.

/// An element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|one| one.0 == name).map(|one| one.1.as_str())
    }

    /// The value of an attribute that must be there and be a number.
    pub(crate) fn number(&self, name: &str) -> usize {
        let text = self.get(name).unwrap_or_else(|| panic!("<{}> has no {name}", self.name));
        text.parse().unwrap_or_else(|_| panic!("{name} of <{}> is {text}", self.name))
    }

    /// The children of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |one| one.name == name)
    }
}

/// Reads a document: a declaration, then one element.
pub(crate) fn read(text: &str) -> Element {
    for letter in text.chars() {
        let is_allowed =
            matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(is_allowed, "{letter:?} may not stand in XML");
    }
    let text = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let mut rest = text;
    let root = element(&mut rest);
    assert!(rest.trim().is_empty(), "behind the end: {rest}");
    root
}

fn element(rest: &mut &str) -> Element {
    let mut found = Element { name: name(take(rest, "<")), ..Element::default() };
    *rest = &rest[found.name.len()..];
    while rest.starts_with(char::is_whitespace) {
        *rest = rest.trim_start();
        if rest.starts_with(['/', '>']) {
            break;
        }
        let attribute = name(rest);
        *rest = &rest[attribute.len()..];
        take(rest, "=\"");
        let end = rest.find('"').expect("the end of an attribute");
        assert!(found.get(&attribute).is_none(), "{attribute} twice in <{}>", found.name);
        found.attributes.push((attribute, plain(&rest[..end])));
        *rest = &rest[end + 1..];
    }
    if rest.starts_with("/>") {
        take(rest, "/>");
        return found;
    }
    take(rest, ">");
    loop {
        let end = rest.find('<').unwrap_or_else(|| panic!("<{}> does not end", found.name));
        found.text.push_str(&plain(&rest[..end]));
        *rest = &rest[end..];
        if rest.starts_with("</") {
            take(rest, "</");
            take(rest, &found.name);
            take(rest, ">");
            return found;
        }
        found.children.push(element(rest));
    }
}

/// Passes what must come next.
fn take<'r>(rest: &mut &'r str, expected: &str) -> &'r str {
    let shown: String = rest.chars().take(60).collect();
    *rest = rest.strip_prefix(expected).unwrap_or_else(|| panic!("no '{expected}' at: {shown}"));
    rest
}

fn name(text: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    let name: String = text.chars().take_while(|letter| is_name(*letter)).collect();
    assert!(name.starts_with(|letter: char| letter.is_ascii_alphabetic()), "no name: {name:?}");
    name
}

/// Text without its escapes.
fn plain(text: &str) -> String {
    assert!(!text.contains('<') && !text.contains("]]>"), "not escaped: {text}");
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escape, rest) = part.split_once(';').unwrap_or_else(|| panic!("no escape: &{part}"));
        plain.push_str(match escape {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "#39" | "apos" => "'",
            other => panic!("no escape: &{other};"),
        });
        plain.push_str(rest);
    }
    plain
}

#[test]
fn what_is_not_well_formed_is_seen() {
    let document = |body: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    let good = read(&document("<a x=\"1 &lt; 2\">t&amp;<b/><b y=\"\">u</b></a>\n"));
    assert_eq!((good.get("x"), good.text.as_str(), good.all("b").count()), (Some("1 < 2"), "t&", 2));
    for bad in [
        "<a>",
        "<a></b>",
        "<a/><a/>",
        "<a x=1/>",
        "<a x=\"<\"/>",
        "<a>&</a>",
        "<a>&nbsp;</a>",
        "<a x=\"\" x=\"\"/>",
        "<a>\u{1}</a>",
        "<a>\u{ffff}</a>",
        "a",
        "<1/>",
    ] {
        assert!(std::panic::catch_unwind(|| read(&document(bad))).is_err(), "{bad}");
    }
}
