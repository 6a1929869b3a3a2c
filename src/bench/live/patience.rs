//! How long something outside of the program has been silent, told from a standstill of the program itself.

use std::time::{Duration, Instant};

/// What lies between two looks counts for this at most: whoever waits looks more often, so that a longer pause was none of what
/// is waited for. A machine that stands still for seconds must not make an interface dead, or a rig dumb, whose answer has
/// come meanwhile.
const STEP_MAX: Duration = Duration::from_millis(100);

/// Waits for so long and no longer.
pub(super) struct Patience {
    limit: Duration,
    waited: Duration,
    looked: Instant,
}

impl Patience {
    /// Patience that begins now.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, waited: Duration::ZERO, looked: Instant::now() }
    }

    /// Something came, or the program did work of its own: the wait begins anew.
    #[cfg(any(feature = "audio", test))]
    pub(super) fn renew(&mut self) {
        (self.waited, self.looked) = (Duration::ZERO, Instant::now());
    }

    /// Nothing came: whether that has lasted for too long.
    pub(super) fn is_over(&mut self) -> bool {
        self.is_over_at(Instant::now())
    }

    fn is_over_at(&mut self, now: Instant) -> bool {
        self.waited += now.saturating_duration_since(self.looked).min(STEP_MAX);
        self.looked = now;
        self.waited > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_ends_it_and_a_standstill_of_the_program_does_not() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let mut patience = Patience { looked: began, ..Patience::new(Duration::from_secs(2)) };
        assert!(!(1..=40).any(|step| patience.is_over_at(at(50 * step))));
        assert!(patience.is_over_at(at(2_050)), "silent for more than two seconds");
        let mut patience = Patience { looked: began, ..Patience::new(Duration::from_secs(2)) };
        assert!(!patience.is_over_at(at(9_000)), "the first look after a standstill of nine seconds");
        assert!(!(1..=38).any(|step| patience.is_over_at(at(9_000 + 50 * step))));
        assert!(patience.is_over_at(at(9_000 + 50 * 39)));
        patience.renew();
        assert!(!patience.is_over());
    }
}
