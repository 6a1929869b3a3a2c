//! What a bench declares of its codec, held against what the call shows.

use super::waveform::Carried;
use crate::context::NetworkInfo;
use crate::terms::Direction;

/// A codec as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Linear,
    ALaw,
    MuLaw,
    G711,
    G722,
    Amr,
    AmrWb,
    Other,
}

/// A-law gives normal samples 38.0 dB, in 3.1 of 4 kHz 39.1 dB; other laws of 8 bits no more.
const G711_SNR_MAX_DB: f64 = 41.0;
/// The two bits of the upper sub-band of G.722 give normal samples 9.3 dB (Max, 1960); what its adaptation gains on a signal
/// that is not flat is less than the rest.
const G722_UPPER_MAX_DB: f64 = 16.0;
/// The upper sub-band of G.722, when the lower one has so much more: the sum of six bits is 20 dB better than two.
const G722_UPPER_DB: (f64, f64) = (5.0, 13.0);
const G722_SPLIT_DB: f64 = 12.0;
/// Six bits leave 28 dB and more; a terminal whose gain moves leaves less.
const G722_LOWER_MIN_DB: f64 = 22.0;
/// The information that is counted may exceed what a codec was given by so much: signals are not normal.
const RATE_MARGIN: f64 = 1.1;
/// Phasors of a fourth of this length come by chance.
const STEPS_MIN: f64 = 0.5;
/// A share of frames without a change, in percent, that a terminal does not leave by chance.
const SILENCE_MIN: f64 = 5.0;

impl Codec {
    /// What the name of a codec means. `G.722.1` and `G.722.2` are other codecs than G.722.
    fn of(name: &str) -> Self {
        let plain: String =
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        if has(&["G7221"]) {
            Self::Other
        } else if has(&["AMRWB", "G7222"]) {
            Self::AmrWb
        } else if has(&["G722"]) {
            Self::G722
        } else if has(&["PCMA", "G711A", "ALAW"]) {
            Self::ALaw
        } else if has(&["PCMU", "G711U", "ULAW", "MULAW"]) || (has(&["G711"]) && name.contains('µ')) {
            Self::MuLaw
        } else if has(&["G711"]) {
            Self::G711
        } else if has(&["AMR"]) {
            Self::Amr
        } else if has(&["NOCODEC", "LINEAR", "L16", "NONE"]) {
            Self::Linear
        } else {
            Self::Other
        }
    }

    /// Half its sampling rate, beyond which it has nothing, in Hz.
    const fn top_hz(self) -> Option<f64> {
        match self {
            Self::ALaw | Self::MuLaw | Self::G711 | Self::Amr => Some(4_000.0),
            Self::G722 | Self::AmrWb => Some(8_000.0),
            Self::Linear | Self::Other => None,
        }
    }

    /// The bit rate of its fastest mode, in kbit/s.
    const fn rate_max_kbit_s(self) -> Option<f64> {
        match self {
            Self::ALaw | Self::MuLaw | Self::G711 | Self::G722 => Some(64.0),
            Self::Amr => Some(12.2),
            Self::AmrWb => Some(23.85),
            Self::Linear | Self::Other => None,
        }
    }

    const fn may_be_a_law(self) -> bool {
        matches!(self, Self::ALaw | Self::G711)
    }
}

/// The bit rate that a mode states, in kbit/s: `12.65 kbit/s`.
fn rate_of(mode: &str) -> Option<f64> {
    let words: Vec<&str> = mode.split_whitespace().collect();
    words.windows(2).find_map(|pair| {
        let is_rate = ["kbit/s", "kbps", "kb/s"].iter().any(|unit| pair[1].trim_end_matches(',') == *unit);
        if is_rate { pair[0].parse().ok() } else { None }
    })
}

/// What the call shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// Where the band ends, in Hz.
    pub edges: Vec<(Direction, f64)>,
    /// What was carried of the signal, where that can be told.
    pub carried: Vec<(Direction, Carried)>,
    /// How well the whole of send lies on the steps of A-law.
    pub steps: Option<f64>,
    /// The same of the pause alone.
    pub pause_steps: Option<f64>,
    /// Frames of the pause that are zero throughout, in percent.
    pub zero_share: f64,
}

/// What of a declaration is proved, what is declared only, and what is contradicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// For the reader, one after the other.
    pub told: Vec<String>,
    /// Each with its reason.
    pub contradictions: Vec<String>,
}

impl Shown {
    fn on_steps(&self) -> bool {
        self.steps.is_some_and(|steps| steps >= STEPS_MIN)
    }

    fn pause_on_steps(&self) -> bool {
        self.pause_steps.is_some_and(|steps| steps >= STEPS_MIN)
    }

    /// The direction and the two ratios that are the mark of the two sub-bands.
    fn split(&self) -> Option<(Direction, f64, f64)> {
        self.carried.iter().find_map(|(direction, one)| {
            let (lower, upper) = one.split_db?;
            let is_upper = (G722_UPPER_DB.0..=G722_UPPER_DB.1).contains(&upper);
            let is_split = is_upper && lower >= G722_LOWER_MIN_DB && lower >= upper + G722_SPLIT_DB;
            is_split.then_some((*direction, lower, upper))
        })
    }

    fn rate_kbit_s(&self) -> Option<(Direction, f64)> {
        let rates = self.carried.iter().map(|(direction, one)| (*direction, one.rate_kbit_s));
        rates.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Holds a declaration against what is shown.
    pub(super) fn against(&self, network: &NetworkInfo) -> Held {
        let codec = Codec::of(&network.codec);
        let mut contradictions = self.of_codec(codec);
        contradictions.extend(self.of_rate(codec, &network.mode));
        contradictions.extend(self.of_dtx(codec, network.dtx));
        let told =
            vec![self.codec_told(network), self.rate_told(codec, &network.mode), self.dtx_told(network.dtx)];
        Held { told, contradictions }
    }

    fn of_codec(&self, codec: Codec) -> Vec<String> {
        let mut all = Vec::new();
        if self.on_steps() && !codec.may_be_a_law() {
            all.push(format!(
                "quiet samples at the POI lie on the steps of A-law (phasors of {:.2}): the codec is G.711 A-law",
                self.steps.unwrap_or(f64::NAN)
            ));
        }
        if let Some((direction, lower, upper)) = self.split().filter(|_| codec != Codec::G722) {
            all.push(format!(
                "the noise that comes with the signal in {direction} is {upper:.1} dB down above 4 kHz and {lower:.1} dB \
                 below: the codec has the two sub-bands of G.722"
            ));
        }
        for (direction, hz) in &self.edges {
            // Two bins: where an edge is told.
            if codec.top_hz().is_some_and(|top| *hz > top + 100.0) {
                all.push(format!(
                    "{direction} reaches {hz:.0} Hz, and the declared codec nothing beyond {:.0} Hz",
                    codec.top_hz().unwrap_or(f64::NAN)
                ));
            }
        }
        for (direction, one) in &self.carried {
            let is_g711 = matches!(codec, Codec::ALaw | Codec::MuLaw | Codec::G711);
            if is_g711 && one.snr_db > G711_SNR_MAX_DB {
                all.push(format!(
                    "the signal in {direction} stands {:.1} dB above its noise, and eight bits of G.711 leave 39 dB",
                    one.snr_db
                ));
            }
            if codec == Codec::G722 && one.upper_snr_db > G722_UPPER_MAX_DB {
                all.push(format!(
                    "the signal above 4 kHz in {direction} stands {:.1} dB above its noise, and two bits of G.722 leave 9 dB",
                    one.upper_snr_db
                ));
            }
        }
        all
    }

    fn of_rate(&self, codec: Codec, mode: &str) -> Option<String> {
        let declared = rate_of(mode).or(codec.rate_max_kbit_s())?;
        let (direction, rate) = self.rate_kbit_s()?;
        (rate > RATE_MARGIN * declared).then(|| {
            format!("{direction} carries at least {rate:.0} kbit/s of the signal, and the declared mode has {declared} kbit/s")
        })
    }

    fn of_dtx(&self, codec: Codec, dtx: Option<bool>) -> Option<String> {
        match dtx {
            Some(true) if self.pause_on_steps() => {
                Some("the speech pause is coded in the steps of A-law: nothing stops, DTX is off".to_owned())
            }
            Some(false) if codec == Codec::ALaw && self.zero_share > SILENCE_MIN => Some(format!(
                "{:.0} % of the speech pause is zero, which A-law cannot code: sending stops, DTX is on",
                self.zero_share
            )),
            _ => None,
        }
    }

    fn codec_told(&self, network: &NetworkInfo) -> String {
        if self.on_steps() {
            return "codec: G.711 A-law, proved by its steps at the POI".to_owned();
        }
        if let Some((direction, ..)) = self.split() {
            return format!("codec: G.722, proved by the noise of its two sub-bands in {direction}");
        }
        let figures =
            self.carried.iter().map(|(direction, one)| format!("{:.1} dB in {direction}", one.snr_db));
        let figures: Vec<String> = figures.collect();
        let shown = if figures.is_empty() {
            "no periodic signal arrived by which to tell".to_owned()
        } else {
            format!("signal to noise {}", figures.join(", "))
        };
        format!("codec: {}, declared ({shown})", network.codec)
    }

    fn rate_told(&self, codec: Codec, mode: &str) -> String {
        let least = self.rate_kbit_s().map_or(String::new(), |(direction, rate)| {
            format!(", at least {rate:.0} kbit/s of the signal in {direction}")
        });
        let proved =
            if self.on_steps() && codec.may_be_a_law() { "the only one of G.711" } else { "declared" };
        if mode.is_empty() {
            format!("mode: none declared{least}")
        } else {
            format!("mode: {mode}, {proved}{least}")
        }
    }

    fn dtx_told(&self, dtx: Option<bool>) -> String {
        if self.pause_on_steps() {
            return "DTX: off, proved by a pause that is coded".to_owned();
        }
        match dtx {
            Some(true) => "DTX: on, declared".to_owned(),
            Some(false) => "DTX: off, declared".to_owned(),
            None => "DTX: not declared".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Bandwidth;
    use crate::units::Seconds;

    fn network(codec: &str, mode: &str, dtx: Option<bool>) -> NetworkInfo {
        NetworkInfo {
            codec: codec.to_owned(),
            mode: mode.to_owned(),
            dtx,
            bandwidth: Bandwidth::Wb,
            delay_send: Seconds(0.0),
            delay_receive: Seconds(0.0),
        }
    }

    #[test]
    fn names_of_codecs_are_understood() {
        for (name, codec) in [
            ("no codec, band limit only", Codec::Linear),
            ("none, digital wire", Codec::Linear),
            ("G.711 A-law", Codec::ALaw),
            ("PCMA", Codec::ALaw),
            ("G.711 µ-law", Codec::MuLaw),
            ("G.711", Codec::G711),
            ("G.722", Codec::G722),
            ("G.722.1", Codec::Other),
            ("G.722.2", Codec::AmrWb),
            ("AMR-WB", Codec::AmrWb),
            ("AMR", Codec::Amr),
            ("EVS", Codec::Other),
        ] {
            assert_eq!(Codec::of(name), codec, "{name}");
        }
        assert_eq!(rate_of("12.65 kbit/s"), Some(12.65));
        assert_eq!((rate_of(""), rate_of("mode set 7")), (None, None));
    }

    #[test]
    fn each_contradiction_has_its_side_that_is_none() {
        let carried = |snr_db, upper_snr_db, split_db, rate_kbit_s| {
            vec![(Direction::Send, Carried { snr_db, upper_snr_db, split_db, rate_kbit_s })]
        };
        let shown = |carried| Shown { carried, ..Shown::default() };
        let count = |shown: &Shown, codec: &str, mode: &str, dtx| {
            shown.against(&network(codec, mode, dtx)).contradictions.len()
        };
        for (snr_db, wanted) in [(40.0, 0), (42.0, 1)] {
            assert_eq!(count(&shown(carried(snr_db, 0.0, None, 50.0)), "G.711 A-law", "", None), wanted);
        }
        for (upper_db, wanted) in [(12.0, 0), (17.0, 1)] {
            assert_eq!(count(&shown(carried(30.0, upper_db, None, 50.0)), "G.722", "", None), wanted);
        }
        for (rate, wanted) in [(13.0, 0), (14.5, 1)] {
            assert_eq!(count(&shown(carried(9.0, 0.0, None, rate)), "AMR-WB", "12.65 kbit/s", None), wanted);
            assert_eq!(count(&shown(carried(9.0, 0.0, None, rate)), "AMR-WB", "", None), 0);
        }
        for (split, wanted) in [((30.0, 9.0), 1), ((20.0, 9.0), 0), ((30.0, 17.0), 0), ((30.0, 2.0), 0)] {
            assert_eq!(
                count(&shown(carried(30.0, 9.0, Some(split), 40.0)), "EVS", "", None),
                wanted,
                "{split:?}"
            );
            assert_eq!(
                count(&shown(carried(30.0, 9.0, Some(split), 40.0)), "G.722", "", None),
                0,
                "{split:?}"
            );
        }
        for (steps, wanted) in [(0.4, 0), (0.6, 1)] {
            let one = Shown { steps: Some(steps), pause_steps: Some(steps), ..Shown::default() };
            assert_eq!(count(&one, "AMR", "", None), wanted);
            assert_eq!(count(&one, "G.711", "", Some(false)), 0);
            assert_eq!(count(&one, "G.711 A-law", "", Some(true)), wanted);
        }
        for (hz, wanted) in [(4_050.0, 0), (4_150.0, 1)] {
            let one = Shown { edges: vec![(Direction::Receive, hz)], ..Shown::default() };
            assert_eq!((count(&one, "AMR", "", None), count(&one, "EVS", "", None)), (wanted, 0));
        }
        for (zero_share, wanted) in [(4.0, 0), (6.0, 1)] {
            let one = Shown { zero_share, ..Shown::default() };
            assert_eq!(count(&one, "G.711 A-law", "", Some(false)), wanted);
            assert_eq!((count(&one, "EVS", "", Some(false)), count(&one, "G.711 A-law", "", None)), (0, 0));
        }
    }

    #[test]
    fn what_cannot_be_told_is_said_to_be_declared() {
        let nothing = Shown::default().against(&network("EVS", "13.2 kbit/s", Some(false)));
        assert_eq!(nothing.contradictions, Vec::<String>::new());
        let told = nothing.told.join("; ");
        for part in ["codec: EVS, declared", "mode: 13.2 kbit/s, declared", "DTX: off, declared"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
