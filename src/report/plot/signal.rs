//! A signal on one page: against time, against frequency, and against both.
//!
//! One SVG that stands alone, on white, to be looked at beside a report: the envelope of the samples with who speaks
//! when, levels of third and twenty-fourth octaves, and a spectrogram over the logarithm of frequency.

use std::ops::Range;

use super::path::{self, unit};
use super::png::Indexed;
use super::scale::{Across, Scale, Tick, range_of};
use super::{Band, rectangle, words};
use crate::dsp::bands::{Bands, band_levels};
use crate::dsp::level::mean_square;
use crate::dsp::spectrum::Fft;
use crate::report::markup::Markup;
use crate::report::wording;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 856.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 886.0;
/// Top and bottom of the three panels.
const TIME: (f64, f64) = (126.0, 296.0);
const SPECTRUM: (f64, f64) = (356.0, 546.0);
const SPECTROGRAM: (f64, f64) = (606.0, 816.0);
/// The scale of the spectrogram's colors.
const COLORS_LEFT: f64 = 900.0;
const COLORS_WIDTH: f64 = 12.0;
/// How high the strip is that says who speaks.
const STRIP: f64 = 7.0;

/// Decibels under the highest value that the spectrum shows.
const SPECTRUM_SPAN_DB: f64 = 80.0;
/// Decibels under the highest value that the spectrogram shows.
const COLORS_SPAN_DB: f64 = 75.0;
/// The lowest frequency shown.
const LOWEST_HZ: f64 = 20.0;
/// The lowest frequency of the spectrogram: its window resolves some 35 Hz.
const LOWEST_SEEN_HZ: f64 = 50.0;
/// Points of the spectrogram.
const POINTS: (usize, usize) = (820, 210);
/// Length of its window: a syllable's detail in time and a voice's harmonics in frequency.
const WINDOW_S: f64 = 0.043;
/// Windows that are averaged in a column at most.
const WINDOWS_MAX: usize = 4;
/// Colors from quiet to loud, straight in between: white, and the blues of the house.
const COLORS: [[u8; 3]; 6] =
    [[255, 255, 255], [221, 232, 243], [139, 183, 222], [46, 120, 186], [11, 62, 122], [9, 20, 45]];
/// Steps between them.
const COLOR_COUNT: usize = 64;
/// Letters that a line of the head holds.
const LINE_MAX: usize = 118;
/// Groups of spans that have a color.
const GROUPS: usize = 3;

const STYLE: &str = "\
    text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; font-size: 12px; fill: #55606c; }\
    .name { font-size: 20px; font-weight: 600; fill: #171c22; } .title { font-size: 14px; fill: #171c22; }\
    .caption { font-size: 13px; }\
    .panel { font-weight: 600; fill: #171c22; } path { fill: none; }\
    .grid { stroke: #d5dbe1; stroke-width: 1; } .minor { stroke: #eceff2; } .frame { fill: none; stroke: #8b95a0; }\
    .envelope { fill: #0b559e; stroke: #0b559e; stroke-width: .6; stroke-linejoin: round; }\
    .third { fill: rgba(11, 85, 158, .13); stroke: #0b559e; stroke-width: 1.6; stroke-linejoin: round; }\
    .fine { stroke: #a8481a; stroke-width: 1.1; stroke-linejoin: round; }\
    .g0 { fill: #a8481a; } .g1 { fill: #1a7a72; } .g2 { fill: #5b4699; } .zero { stroke: #8b95a0; stroke-width: .8; }";

/// A signal as it is to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalPicture<'a> {
    /// Its id.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Its level, length, rate.
    pub caption: String,
    /// Samples in ±1 of full scale.
    pub samples: &'a [f64],
    /// Frames per second.
    pub rate: u32,
    /// Named parts in seconds; their groups are what stands before the number: `far`, `double-words`.
    pub spans: Vec<Band>,
}

impl SignalPicture<'_> {
    /// The picture as an SVG file.
    pub fn svg(&self) -> Markup {
        let mut out = Markup::new();
        out.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ").text(WIDTH).raw(" ").text(HEIGHT);
        out.raw("\" width=\"").text(WIDTH).raw("\" height=\"").text(HEIGHT);
        out.raw("\" role=\"img\" aria-label=\"")
            .text(&self.title)
            .raw("\"><style>")
            .raw(STYLE)
            .raw("</style>");
        out.raw("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
        words(&mut out, "name", LEFT, 34.0, "start", &self.name);
        words(&mut out, "title", LEFT, 56.0, "start", &shortened(&self.title, LINE_MAX));
        words(&mut out, "caption", LEFT, 77.0, "start", &shortened(&true_minus(&self.caption), LINE_MAX));
        let seconds = self.samples.len() as f64 / f64::from(self.rate.max(1));
        let time = Scale::new(false, 0.0, seconds, LEFT, RIGHT);
        self.draw_time(&mut out, &time);
        self.draw_spectrum(&mut out);
        self.draw_spectrogram(&mut out, &time);
        out.raw("</svg>");
        out
    }

    fn draw_time(&self, out: &mut Markup, time: &Scale) {
        let peak = self.samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        // Room for the strip.
        let room = if self.spans.is_empty() { 1.1 } else { 1.25 };
        let high = if peak > 0.0 { peak * room } else { 1.0 };
        let up = Scale::new(false, -high, high, TIME.1, TIME.0);
        grid(out, TIME, (time, Some(Across::Time)), &up);
        out.raw("<path class=\"envelope\" d=\"").text(envelope(self.samples, &up)).raw("\"/>");
        let groups = self.draw_strip(out, time);
        frame(out, TIME);
        heading(out, TIME, "Time", "samples, of full scale");
        let mut x = RIGHT;
        for (number, group) in groups.iter().enumerate().rev() {
            words(out, "legend", x, TIME.0 - 12.0, "end", group);
            x -= group.chars().count() as f64 * 6.6 + 17.0;
            out.raw("<rect class=\"").raw(group_class(number)).raw("\" ");
            rectangle(out, x, TIME.0 - 20.0, 10.0, STRIP);
            out.raw("/>");
            x -= 14.0;
        }
    }

    /// Who speaks when, along the top of the samples; the names of the groups.
    fn draw_strip(&self, out: &mut Markup, time: &Scale) -> Vec<String> {
        let group = |name: &str| name.split('-').next().unwrap_or(name).to_owned();
        let mut groups: Vec<String> = Vec::new();
        for span in &self.spans {
            if !groups.contains(&group(&span.name)) && groups.len() < GROUPS {
                groups.push(group(&span.name));
            }
        }
        for span in &self.spans {
            let Some(number) = groups.iter().position(|one| *one == group(&span.name)) else { continue };
            let (Some(from), Some(to)) = (time.place(span.from), time.place(span.to)) else { continue };
            let (from, to) = (from.clamp(LEFT, RIGHT), to.clamp(LEFT, RIGHT));
            if to > from {
                out.raw("<rect class=\"").raw(group_class(number)).raw("\" ");
                rectangle(out, from, TIME.0 + 1.0, to - from, STRIP);
                out.raw("><title>").text(&span.name).raw("</title></rect>");
            }
        }
        groups
    }

    fn draw_spectrum(&self, out: &mut Markup) {
        let across = Scale::new(true, LOWEST_HZ, self.highest_hz(), LEFT, RIGHT);
        let levels = |per_octave: u32| -> Vec<(Range<f64>, f64)> {
            let bands = Bands::per_octave(per_octave, LOWEST_HZ * 1.03, self.highest_hz() / 1.03);
            let powers = band_levels(self.samples, self.rate, &bands);
            let edge = |hz: f64| hz.clamp(LOWEST_HZ, self.highest_hz());
            let one = |(band, power): (&crate::dsp::bands::Band, f64)| {
                (edge(band.lower_hz)..edge(band.upper_hz), 10.0 * power.log10())
            };
            bands.iter().zip(powers).map(one).collect()
        };
        let (thirds, fine) = (levels(3), levels(24));
        let values = thirds.iter().chain(&fine).map(|one| one.1).filter(|db| *db > -300.0);
        let (low, high) = range_of(values, SPECTRUM_SPAN_DB);
        let up = Scale::new(false, low, high, SPECTRUM.1, SPECTRUM.0);
        grid(out, SPECTRUM, (&across, Some(Across::Frequency)), &up);
        clipped(out, SPECTRUM);
        // A band without power stands at the foot, so that bars end there.
        let foot = |db: f64| if db > low { db } else { low - 10.0 };
        let steps: Vec<(f64, f64)> =
            thirds.iter().flat_map(|(hz, db)| [(hz.start, foot(*db)), (hz.end, foot(*db))]).collect();
        let bars = path::pieces(&steps, &across, &up);
        out.raw("<path class=\"third\" d=\"").text(path::area(&bars, SPECTRUM.1 + 2.0)).raw("\"/>");
        let line: Vec<(f64, f64)> =
            fine.iter().map(|(hz, db)| ((hz.start * hz.end).sqrt(), foot(*db))).collect();
        out.raw("<path class=\"fine\" d=\"").text(path::data(&path::pieces(&line, &across, &up))).raw("\"/>");
        out.raw("</svg>");
        frame(out, SPECTRUM);
        heading(out, SPECTRUM, "Spectrum", "level in bands, dBov");
        let y = SPECTRUM.0 - 16.0;
        for (class, text, x) in
            [("third", "third octaves", RIGHT - 250.0), ("fine", "1/24 octaves", RIGHT - 112.0)]
        {
            out.raw("<path class=\"")
                .raw(class)
                .raw("\" d=\"M")
                .text(unit(x))
                .raw(" ")
                .text(unit(y))
                .raw("h22\"/>");
            words(out, "legend", x + 29.0, y + 4.0, "start", text);
        }
    }

    fn draw_spectrogram(&self, out: &mut Markup, time: &Scale) {
        let up = Scale::new(true, LOWEST_SEEN_HZ, self.highest_hz(), SPECTROGRAM.1, SPECTROGRAM.0);
        let densities = self.densities();
        let loudest = densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let high = if loudest > -300.0 { (loudest / 5.0).ceil() * 5.0 } else { 0.0 };
        let low = high - COLORS_SPAN_DB;
        let point = |db: &f64| {
            let part = (db - low) / COLORS_SPAN_DB * (COLOR_COUNT - 1) as f64;
            part.round().clamp(0.0, (COLOR_COUNT - 1) as f64) as u8
        };
        let palette: Vec<[u8; 3]> = (0..COLOR_COUNT).map(color).collect();
        let image = Indexed { width: POINTS.0, palette, points: densities.iter().map(point).collect() };
        picture(out, (LEFT, SPECTROGRAM.0, RIGHT - LEFT, SPECTROGRAM.1 - SPECTROGRAM.0), &image);
        ticks(out, SPECTROGRAM, (time, Some(Across::Time)), (&up, Some(Across::Frequency)));
        frame(out, SPECTROGRAM);
        heading(out, SPECTROGRAM, "Spectrogram", "frequency in Hz; density in dBov/Hz");
        // The colors, with what they mean.
        let ladder: Vec<u8> = (0..COLOR_COUNT as u8).rev().collect();
        let scale = Indexed { width: 1, palette: image.palette, points: ladder };
        picture(out, (COLORS_LEFT, SPECTROGRAM.0, COLORS_WIDTH, SPECTROGRAM.1 - SPECTROGRAM.0), &scale);
        out.raw("<rect class=\"frame\" ");
        rectangle(out, COLORS_LEFT, SPECTROGRAM.0, COLORS_WIDTH, SPECTROGRAM.1 - SPECTROGRAM.0);
        out.raw("/>");
        let colors = Scale::new(false, low, high, SPECTROGRAM.1, SPECTROGRAM.0);
        for Tick { value, label } in colors.ticks(None) {
            if let (Some(y), Some(label)) = (colors.place(value), label) {
                words(out, "tick", COLORS_LEFT + COLORS_WIDTH + 6.0, y + 4.0, "start", &label);
            }
        }
    }

    /// Densities in dB of full scale per hertz, row by row from the highest frequency, −∞ where there is nothing.
    fn densities(&self) -> Vec<f64> {
        let window = ((WINDOW_S * f64::from(self.rate)) as usize).next_power_of_two();
        let shape: Vec<f64> = (0..window)
            .map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * (n as f64 + 0.5) / window as f64).cos())
            .collect();
        let scale = 2.0 / (f64::from(self.rate) * shape.iter().map(|x| x * x).sum::<f64>());
        let bin_hz = f64::from(self.rate) / window as f64;
        let (columns, rows) = POINTS;
        let ratio = self.highest_hz() / LOWEST_SEEN_HZ;
        let edges: Vec<f64> =
            (0..=rows).map(|row| LOWEST_SEEN_HZ * ratio.powf(1.0 - row as f64 / rows as f64)).collect();
        let mut fft = Fft::new();
        let mut densities = vec![f64::NEG_INFINITY; columns * rows];
        for column in 0..columns {
            let power = self.column(column, window, &shape, &mut fft);
            for (row, edge) in edges.windows(2).enumerate() {
                let density = between(&power, edge[1] / bin_hz, edge[0] / bin_hz) * scale;
                densities[row * columns + column] = 10.0 * density.log10();
            }
        }
        densities
    }

    /// The power of each bin in a column: the mean of the windows that fall into it, at least one.
    fn column(&self, column: usize, window: usize, shape: &[f64], fft: &mut Fft<f64>) -> Vec<f64> {
        let width = self.samples.len() as f64 / POINTS.0 as f64;
        let count = ((width / window as f64 * 2.0) as usize).clamp(1, WINDOWS_MAX);
        let mut power = vec![0.0; window / 2 + 1];
        for number in 0..count {
            let middle = (column as f64 + (number as f64 + 0.5) / count as f64) * width;
            // Inside the signal, so that its ends are no clicks; a signal that is shorter stands alone.
            let start = (middle as usize).saturating_sub(window / 2);
            let start = start.min(self.samples.len().saturating_sub(window));
            let sample = |n: usize| self.samples.get(start + n).copied().unwrap_or(0.0);
            let piece: Vec<f64> = shape.iter().enumerate().map(|(n, shape)| shape * sample(n)).collect();
            for (sum, bin) in power.iter_mut().zip(fft.forward(&piece)) {
                *sum += bin.norm_sqr() / count as f64;
            }
        }
        power
    }

    fn highest_hz(&self) -> f64 {
        (f64::from(self.rate) / 2.0).min(20_000.0)
    }

    /// One line of what a picture is of: level, length and rate.
    pub fn facts(level: &str, samples: &[f64], rate: u32) -> String {
        let seconds = samples.len() as f64 / f64::from(rate.max(1));
        let rms = 10.0 * mean_square(samples).log10();
        let peak = 20.0 * samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs())).log10();
        format!(
            "{level}  ·  RMS {} dBov, peak {} dBov  ·  {}  ·  {rate} Hz",
            wording::number(rms, 2),
            wording::number(peak, 2),
            wording::duration(seconds)
        )
    }
}

/// A text that fits into `letters`.
fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(std::iter::once('…')).collect()
}

/// Hyphens before digits as what they are.
fn true_minus(text: &str) -> String {
    let next = text.chars().skip(1).chain(std::iter::once(' '));
    let is_minus = |(letter, next): &(char, char)| *letter == '-' && next.is_ascii_digit();
    text.chars().zip(next).map(|pair| if is_minus(&pair) { '−' } else { pair.0 }).collect()
}

/// The mean of a spectrum between two positions in bins; between bins it is straight.
fn between(power: &[f64], from: f64, to: f64) -> f64 {
    let (first, last) = (from.ceil() as usize, to.floor() as usize);
    let last = last.min(power.len() - 1);
    if last >= first {
        return power[first..=last].iter().sum::<f64>() / (last - first + 1) as f64;
    }
    let middle = f64::midpoint(from, to).min((power.len() - 1) as f64);
    let below = middle as usize;
    let above = (below + 1).min(power.len() - 1);
    power[below] + (power[above] - power[below]) * (middle - below as f64)
}

/// Highest and lowest sample of each column, as an area; a flat line where there is nothing else.
fn envelope(samples: &[f64], up: &Scale) -> String {
    let columns = ((RIGHT - LEFT) as usize) * 2;
    let count = samples.len();
    let mut above = Vec::new();
    let mut below = Vec::new();
    for column in 0..columns.min(count) {
        let columns = columns.min(count);
        let part = &samples
            [column * count / columns..((column + 1) * count / columns).max(column * count / columns + 1)];
        let x = LEFT + (column as f64 + 0.5) / columns as f64 * (RIGHT - LEFT);
        let high = part.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = part.iter().copied().fold(f64::INFINITY, f64::min);
        above.push((x, up.place(high).unwrap_or(0.0)));
        below.push((x, up.place(low).unwrap_or(0.0)));
    }
    below.reverse();
    above.extend(below);
    if above.is_empty() { String::new() } else { path::data(&[above]) + "Z" }
}

/// A color by its number: straight between those that are named.
fn color(number: usize) -> [u8; 3] {
    let at = number as f64 / (COLOR_COUNT - 1) as f64 * (COLORS.len() - 1) as f64;
    let below = (at as usize).min(COLORS.len() - 2);
    let part = at - below as f64;
    std::array::from_fn(|one| {
        let (from, to) = (f64::from(COLORS[below][one]), f64::from(COLORS[below + 1][one]));
        (from + part * (to - from)).round() as u8
    })
}

const fn group_class(number: usize) -> &'static str {
    match number {
        0 => "g0",
        1 => "g1",
        _ => "g2",
    }
}

/// A picture of points at a place (x, y, width, height).
fn picture(out: &mut Markup, (x, y, width, height): (f64, f64, f64, f64), image: &Indexed) {
    out.raw("<image ");
    rectangle(out, x, y, width, height);
    out.raw(" preserveAspectRatio=\"none\" href=\"").text(image.data_address()).raw("\"/>");
}

/// Opens a nested picture that clips what lies outside a panel.
fn clipped(out: &mut Markup, (top, bottom): (f64, f64)) {
    out.raw("<svg ");
    rectangle(out, LEFT, top, RIGHT - LEFT, bottom - top);
    out.raw(" viewBox=\"").text(unit(LEFT)).raw(" ").text(unit(top)).raw(" ");
    out.text(unit(RIGHT - LEFT)).raw(" ").text(unit(bottom - top)).raw("\">");
}

fn frame(out: &mut Markup, (top, bottom): (f64, f64)) {
    out.raw("<rect class=\"frame\" ");
    rectangle(out, LEFT, top, RIGHT - LEFT, bottom - top);
    out.raw("/>");
}

fn heading(out: &mut Markup, (top, _): (f64, f64), name: &'static str, what: &'static str) {
    words(out, "panel", LEFT, top - 12.0, "start", name);
    words(out, "what", LEFT + name.len() as f64 * 7.4 + 12.0, top - 12.0, "start", what);
}

/// Lines and labels of a panel with values upward.
fn grid(out: &mut Markup, panel: (f64, f64), across: (&Scale, Option<Across>), up: &Scale) {
    let (top, bottom) = panel;
    for Tick { value, label } in across.0.ticks(across.1) {
        if let Some(x) = across.0.place(value) {
            let class = if label.is_some() { "grid" } else { "grid minor" };
            out.raw("<path class=\"").raw(class).raw("\" d=\"M").text(unit(x)).raw(" ").text(unit(top));
            out.raw("V").text(unit(bottom)).raw("\"/>");
        }
    }
    for Tick { value, .. } in up.ticks(None) {
        if let Some(y) = up.place(value) {
            out.raw("<path class=\"grid\" d=\"M").text(unit(LEFT)).raw(" ").text(unit(y));
            out.raw("H").text(unit(RIGHT)).raw("\"/>");
        }
    }
    ticks(out, panel, across, (up, None));
}

/// Labels of a panel.
fn ticks(
    out: &mut Markup,
    panel: (f64, f64),
    across: (&Scale, Option<Across>),
    up: (&Scale, Option<Across>),
) {
    for Tick { value, label } in across.0.ticks(across.1) {
        // A label too near to the right end would collide with the name of the axis.
        let place = across.0.place(value).filter(|x| *x < RIGHT - 34.0);
        if let (Some(x), Some(label)) = (place, label) {
            words(out, "tick", x, panel.1 + 18.0, "middle", &label);
        }
    }
    let name = if across.1 == Some(Across::Frequency) { "f / Hz" } else { "t / s" };
    words(out, "axis", RIGHT, panel.1 + 18.0, "end", name);
    for Tick { value, label } in up.0.ticks(up.1) {
        if let (Some(y), Some(label)) = (up.0.place(value), label) {
            words(out, "tick", LEFT - 8.0, y + 4.0, "end", &label);
        }
    }
}

#[cfg(test)]
mod tests;
