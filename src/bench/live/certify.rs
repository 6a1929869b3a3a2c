//! From what was heard to the certificate of a take: what is wrong, where and what to do about it; what was checked, and how
//! well.

use super::mouth::{self, Marker};
use super::recorder::{MouthWatch, StreamFacts};
use super::spec::LoopbackSpec;
use super::sync::{self, CORRECTED_MAX_PPM, DRIFT_MAX_FRAMES, Evidence};
use super::watch::{Dead, RoomChange};
use crate::capture::{Certificate, Grade};
use crate::take::{Frame, RATE};
use crate::terms::Port;

/// Breaks that a note spells out.
const SPELLED_MAX: usize = 3;

/// What was heard of a take.
pub(super) struct Heard<'a> {
    pub duration: Frame,
    pub has_loopback: bool,
    pub pair: Option<LoopbackSpec>,
    pub facts: StreamFacts,
    /// What the loopback says; `None` where its code was not found, or where there is none.
    pub evidence: Option<Evidence>,
    /// How many frames later than played the take was heard.
    pub late_frames: f64,
    pub overloaded: Vec<Port>,
    pub dead: Vec<Dead>,
    pub changes: Vec<RoomChange>,
    pub microphone: Option<&'a Port>,
    pub mouth: Option<&'a MouthWatch>,
}

/// A certificate, and how many frames after the take belong to it.
pub(super) struct Certified {
    pub certificate: Certificate,
    pub frames_after: Option<usize>,
}

/// What is wrong, and what is only told.
#[derive(Default)]
struct Words {
    bad: Vec<String>,
    remarks: Vec<String>,
}

impl Heard<'_> {
    /// What the bench states about the recording.
    pub(super) fn certify(self) -> Certified {
        let mut certificate = Certificate {
            overloaded: self.overloaded.clone(),
            dead: self.dead.iter().map(|one| one.port.clone()).collect(),
            drift_uncertainty_ppm: None,
            note: String::new(),
            ..Certificate::by_construction()
        };
        let mut words = Words::default();
        match (&self.evidence, self.has_loopback) {
            (Some(evidence), _) => self.proven(evidence, &mut certificate, &mut words),
            (None, true) => words.bad.push(match self.pair {
                Some(pair) => format!(
                    "the loopback from output {} was not heard on input {}: check the cable and the gains, and that \
                     both interfaces run at one rate",
                    pair.output, pair.input
                ),
                None => "the loopback was not heard".to_owned(),
            }),
            (None, false) => self.unproven(&mut certificate, &mut words),
        }
        self.streams(&mut words);
        self.inputs(&mut words);
        self.fallen(&certificate, &mut words);
        if !words.bad.is_empty() {
            certificate.grade = Grade::Bad;
            certificate.is_drift_corrected = false;
        }
        words.bad.append(&mut words.remarks);
        certificate.note = words.bad.join("; ");
        let apart = (certificate.drift_ppm * 1e-6 * self.duration as f64).ceil().max(0.0) as usize;
        let frames_after = certificate.is_drift_corrected.then_some(apart);
        Certified { certificate, frames_after }
    }

    /// What a loopback proves.
    fn proven(&self, evidence: &Evidence, certificate: &mut Certificate, words: &mut Words) {
        certificate.offset_frames = self.late_frames;
        certificate.rest_frames = evidence.rest_frames;
        certificate.drift_ppm = evidence.drift_ppm;
        certificate.drift_uncertainty_ppm = evidence.drift_uncertainty_ppm;
        certificate.lost_frames = evidence.breaks.iter().map(|one| one.lost).sum();
        certificate.repeated_frames = evidence.breaks.iter().map(|one| one.repeated).sum();
        words.bad.extend(spelled(&evidence.breaks));
        words.remarks.push(format!("loopback heard, {} frames late", certificate.offset_frames));
        let uncertainty_ppm = evidence.drift_uncertainty_ppm.unwrap_or(f64::INFINITY);
        let drift = format!("{:+.2} ppm (±{uncertainty_ppm:.2}, k = 2)", evidence.drift_ppm);
        if !evidence.drifted(self.duration) {
            if evidence.rest_frames.abs() >= 0.05 {
                words.remarks.push(format!("{:.2} frames of that remain", evidence.rest_frames));
            }
            if evidence.drift_ppm != 0.0 {
                words.remarks.push(format!("the capture clock runs {drift} beside the playback clock"));
            }
        } else if evidence.is_correctable(self.duration) {
            certificate.is_drift_corrected = true;
            words.remarks.push(format!(
                "drift corrected: the capture clock runs {drift} beside the playback clock, and the recording is resampled by that \
                 when it is evaluated; use one interface, or lock the two"
            ));
        } else if evidence.drift_ppm.abs() > CORRECTED_MAX_PPM {
            words.bad.push(format!(
                "the capture clock runs {drift} beside the playback clock, more than the {CORRECTED_MAX_PPM} ppm that are corrected: \
                 check the rates of both interfaces, use one interface, or lock the two"
            ));
        } else if evidence.breaks.is_empty() {
            words.bad.push(format!(
                "the capture clock runs {drift} beside the playback clock, up to {:.2} frames beside a straight line, and is not known \
                 well enough to be corrected: use one interface, or lock the two",
                evidence.deviation_frames
            ));
        } else {
            words.bad.push(format!("the capture clock runs {drift} beside the playback clock"));
        }
    }

    /// What is known without a loopback.
    fn unproven(&self, certificate: &mut Certificate, words: &mut Words) {
        certificate.grade = Grade::Weak;
        certificate.lost_frames = self.facts.overflowed;
        words.remarks.push(
            "no loopback pair: nothing proves that no frame was lost, and the delay of the interface is part of every measured delay"
                .to_owned(),
        );
        let found = self.mouth.and_then(|watch| mouth::marker(&watch.mouth, &watch.heard));
        let (Some(marker), Some(port)) = (found, self.microphone) else {
            words.remarks.push(
                "no marker either: no microphone beside the mouth heard enough of what it plays alone"
                    .to_owned(),
            );
            return;
        };
        self.marked(&marker, port, certificate, words);
    }

    fn marked(&self, marker: &Marker, port: &Port, certificate: &mut Certificate, words: &mut Words) {
        let seconds = |frame: Frame| frame as f64 / f64::from(RATE);
        certificate.drift_ppm = marker.drift_ppm;
        certificate.drift_uncertainty_ppm = Some(marker.uncertainty_ppm);
        if let Some((from, to, by)) = marker.jump {
            if by < 0.0 {
                certificate.lost_frames += by.abs().round() as u64;
            } else {
                certificate.repeated_frames += by.round() as u64;
            }
            // A jump is no slope.
            (certificate.drift_ppm, certificate.drift_uncertainty_ppm) = (0.0, None);
            words.bad.push(format!(
                "what the mouth plays arrives {by:+.0} frames later at {port} between {:.2} and {:.2} s: frames of the bench were {}",
                seconds(from),
                seconds(to),
                if by < 0.0 { "lost" } else { "repeated or inserted" }
            ));
            return;
        }
        let drift = format!("{:+.1} ppm (±{:.1}, k = 2)", marker.drift_ppm, marker.uncertainty_ppm);
        let apart = (marker.drift_ppm * 1e-6 * self.duration as f64).abs();
        if marker.drift_ppm.abs() > marker.uncertainty_ppm && apart > DRIFT_MAX_FRAMES {
            words.bad.push(format!(
                "the capture clock runs {drift} beside the playback clock, as the mouth is heard at {port}, and nothing proves it well \
                 enough to be corrected: use one interface, lock the two, or wire a loopback pair"
            ));
            return;
        }
        words.remarks.push(format!(
            "marker: what the mouth plays was found at {port} in {} places from {:.2} to {:.2} s without a jump of {:.1} frames or \
             more, drift {drift}; replaced frames, and losses before, after or made good in between, are not seen",
            marker.count,
            seconds(marker.from),
            seconds(marker.to),
            marker.resolution_frames
        ));
    }

    /// What the streams themselves report.
    fn streams(&self, words: &mut Words) {
        if self.facts.overflowed > 0 {
            words.bad.push(format!(
                "{} frames found no room: the disk or the machine is too slow",
                self.facts.overflowed
            ));
        }
        if self.facts.xruns > 0 {
            let said = format!("the sound system reported {} lost block(s)", self.facts.xruns);
            // With a loopback it is the code that says what was lost.
            if self.has_loopback { words.remarks.push(said) } else { words.bad.push(said) }
        }
    }

    /// What the bench's own inputs did.
    fn inputs(&self, words: &mut Words) {
        if !self.overloaded.is_empty() {
            let names: Vec<&str> = self.overloaded.iter().map(Port::name).collect();
            words.bad.push(format!(
                "the bench's own input was overloaded on {}: turn its gain down",
                names.join(", ")
            ));
        }
        words.bad.extend(self.dead.iter().map(Dead::told));
        words.remarks.extend(self.changes.iter().map(RoomChange::told));
    }

    /// Whether the mouth fell silent, or softer.
    fn fallen(&self, certificate: &Certificate, words: &mut Words) {
        let (Some(watch), Some(port)) = (self.mouth, self.microphone) else { return };
        // With a loopback the time of the recording is that of the take; a recording with gaps says nothing about levels.
        let late = match certificate.grade {
            Grade::Weak => mouth::marker(&watch.mouth, &watch.heard).map(|one| one.offset_frames),
            _ => self.evidence.as_ref().filter(|evidence| evidence.breaks.is_empty()).map(|_| 0.0),
        };
        let Some(late) = late else { return };
        if let Some(fall) = mouth::fall(&watch.mouth, &watch.heard, late.max(0.0) as usize, &watch.silence) {
            words.bad.push(format!(
                "the mouth gets {:.1} dB quieter at {port} from {:.2} s on: its protection or its amplifier has tripped, or something \
                 stands before it; let it cool, check its level, and repeat",
                fall.by_db,
                fall.at as f64 / f64::from(RATE)
            ));
        }
    }
}

/// The first few breaks in words.
fn spelled(breaks: &[sync::Break]) -> Option<String> {
    let words: Vec<String> = breaks.iter().take(SPELLED_MAX).map(ToString::to_string).collect();
    let more = breaks.len().saturating_sub(SPELLED_MAX);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!breaks.is_empty()).then(|| format!("frames of the bench: {}{more}", words.join(", ")))
}
