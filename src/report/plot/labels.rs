//! Words in a picture that never lie over each other.

use super::super::markup::Markup;
use super::words;

/// The advance of a bold letter.
const LETTER: f64 = 7.4;
/// How far letters reach above and below their line.
const ASCENT: f64 = 10.5;
const DESCENT: f64 = 3.5;
/// How far a label is moved at a time, up or down, and how often.
const STEP: f64 = 15.0;
const STEPS: u32 = 16;

/// What is taken of a picture.
#[derive(Debug)]
pub struct Labels {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Left, top, right, bottom.
    taken: Vec<[f64; 4]>,
}

impl Labels {
    /// A picture without words.
    pub const fn new(left: f64, right: f64, top: f64, bottom: f64) -> Self {
        Self { left, right, top, bottom, taken: Vec::new() }
    }

    /// Takes a rectangle.
    pub fn keep_free(&mut self, left: f64, top: f64, right: f64, bottom: f64) {
        self.taken.push([left, top, right, bottom]);
    }

    /// Where a label of a width stands: at the place that is asked for, or as near above or below as there is room. `x` is its
    /// left end. Where there is no room at all, the place that is asked for.
    fn place(&mut self, x: f64, y: f64, width: f64) -> (f64, f64) {
        let x = x.min(self.right - width).max(self.left);
        let lines = (0..=STEPS).flat_map(|n| [-1.0, 1.0].map(|side| side * f64::from(n) * STEP));
        let free = |y: &f64| {
            let own = [x - 3.0, y - ASCENT, x + width + 3.0, y + DESCENT];
            let is_inside = own[1] >= self.top && own[3] <= self.bottom;
            let is_apart = |other: &[f64; 4]| {
                own[2] <= other[0] || other[2] <= own[0] || own[3] <= other[1] || other[3] <= own[1]
            };
            is_inside && self.taken.iter().all(is_apart)
        };
        let inside = y.min(self.bottom - DESCENT).max(self.top + ASCENT);
        let y = lines.map(|by| inside + by).find(free).unwrap_or(inside);
        self.taken.push([x - 3.0, y - ASCENT, x + width + 3.0, y + DESCENT]);
        (x, y)
    }

    /// How wide a label is, as far as that can be told.
    pub fn width(text: &str) -> f64 {
        text.chars().count() as f64 * LETTER
    }

    /// Writes a label as near to a place as there is room; `anchor` is `start` or `end`.
    pub fn write(
        &mut self,
        out: &mut Markup,
        class: &'static str,
        x: f64,
        y: f64,
        anchor: &'static str,
        text: &str,
    ) {
        let width = Self::width(text);
        let left = if anchor == "end" { x - width } else { x };
        let (placed, y) = self.place(left, y, width);
        // A label whose width is only estimated stays at its own end.
        let x = if anchor == "end" { placed + width } else { placed };
        words(out, class, x, y, anchor, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_lies_over_another_or_outside() {
        let mut labels = Labels::new(0.0, 200.0, 0.0, 100.0);
        labels.keep_free(0.0, 0.0, 10.0, 30.0);
        let mut out = Markup::new();
        for _ in 0..4 {
            labels.write(&mut out, "mark", 190.0, 2.0, "start", "ten digits");
        }
        for (n, one) in labels.taken.iter().enumerate() {
            for other in &labels.taken[..n] {
                let over = |a: usize, b: usize| one[a] < other[b] && other[a] < one[b];
                assert!(!(over(0, 2) && over(1, 3)), "{one:?} {other:?}");
            }
            assert!(one[1] >= 0.0 && one[3] <= 100.0 && one[2] <= 204.0, "{one:?}");
        }
    }
}
