//! HTML and SVG text that cannot be forged: only literals of this program pass unescaped.

use std::fmt::{self, Display, Write};

/// Markup under construction. Whatever comes from a file goes through [`Markup::text`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Nothing.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Markup written in this program. The lifetime keeps texts from files out.
    pub fn raw(&mut self, literal: &'static str) -> &mut Self {
        self.0.push_str(literal);
        self
    }

    /// A text or number, escaped for element content and quoted attributes.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String cannot fail; an error could only come from `text` itself and ends it early.
        let _ = write!(Escaping(&mut self.0), "{text}");
        self
    }

    /// An element: `open` and `close` are literals, `text` is escaped.
    pub fn element(&mut self, open: &'static str, text: impl Display, close: &'static str) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    /// Other markup.
    pub fn add(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The markup as text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The markup as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(letter),
                // Control characters and the last two of the plane may not stand in HTML or XML; those that turn the
                // direction of writing could make a report read as something else.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                    self.0.push('\u{fffd}');
                }
                letter if letter.is_control() => self.0.push('\u{fffd}'),
                letter => self.0.push(letter),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_open_an_element_or_end_an_attribute() {
        let mut markup = Markup::new();
        markup.element("<p title=\"", "\"><script>alert('x')</script>&\0\u{202e}", "\">");
        assert_eq!(
            markup.as_str(),
            "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\u{fffd}\u{fffd}\">"
        );
    }
}
