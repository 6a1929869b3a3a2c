//! What the words of a report mean, in short.

use super::super::markup::Markup;
use super::super::wording;
use crate::terms::LimitClass;
use crate::verdict::{Flag, Verdict};

/// The legend: verdicts, flags, classes of limits, signs of the figures.
pub fn legend(out: &mut Markup) {
    out.raw("<h2 id=\"legend\">How to read this report</h2>\n");
    out.raw("<h4>Verdicts</h4>\n<dl class=\"keys\">");
    for one in Verdict::ALL {
        out.raw("<dt>");
        super::verdict(out, *one);
        out.raw("</dt><dd>").raw(wording::verdict_meaning(*one)).raw("</dd>\n");
    }
    out.raw("</dl>\n<h4>Flags</h4>\n<dl class=\"keys\">");
    for flag in Flag::ALL {
        out.raw("<dt><span class=\"flag\">").raw(flag.word()).raw("</span></dt><dd>");
        out.raw(wording::flag_meaning(*flag)).raw("</dd>\n");
    }
    out.raw("</dl>\n<h4>Classes of limits</h4>\n<dl class=\"keys\">");
    for class in LimitClass::ALL {
        out.raw("<dt><span class=\"class\">").raw(class.word()).raw("</span></dt><dd>");
        out.raw(wording::class_meaning(*class)).raw("</dd>\n");
    }
    out.raw("</dl>\n<h4>Numbers and figures</h4>\n");
    out.raw("<p>The margin is the smallest distance to the limit: positive inside, negative outside. ");
    out.raw("≥ and ≤ mark a bound, not the value itself; two numbers, that it lies between them. ");
    out.raw("In figures the strokes of a limit line point to the forbidden side, and a circle marks the point that decided. ");
    out.raw("Where only a bound is known a line is dotted and its points are hollow; the legend says whether the truth is at least or at most what is drawn. ");
    out.raw("In the pictures of takes gray is what was played and solid what was recorded; the filled bars and the shading are what was analysed. ");
    out.raw("A larger loudness rating is quieter.</p>\n");
}
