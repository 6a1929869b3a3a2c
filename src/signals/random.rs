//! The project's own random numbers: xoshiro256** seeded by SplitMix64, the same on every machine.
//!
//! Public-domain algorithms by D. Blackman and S. Vigna. Nothing here is for secrets.

/// A seeded stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The stream that belongs to `seed`; every seed gives a good state, zero too.
    pub fn new(seed: u64) -> Self {
        let mut x = seed;
        let state = std::array::from_fn(|_| split_mix(&mut x));
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in [0, 1) with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0) // 2^-53
    }

    /// +1 or −1.
    pub fn sign(&mut self) -> f64 {
        if self.bits() >> 63 == 0 { 1.0 } else { -1.0 }
    }

    /// Two independent normal numbers of mean 0 and variance 1 (Box and Muller, with portable functions).
    pub fn normal_pair(&mut self) -> (f64, f64) {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let angle = std::f64::consts::TAU * self.uniform();
        (radius * libm::cos(angle), radius * libm::sin(angle))
    }
}

fn split_mix(x: &mut u64) -> u64 {
    *x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *x;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_published_algorithms() {
        // First outputs for seed 0 of SplitMix64, as printed in many independent libraries.
        let mut x = 0;
        assert_eq!(split_mix(&mut x), 0xE220_A839_7B1D_CDAF);
        assert_eq!(split_mix(&mut x), 0x6E78_9E6A_A1B9_65F4);
        // xoshiro256** from the state 1, 2, 3, 4, as in the test vector of the rand_xoshiro crate.
        let mut random = Random { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(first, [11520, 0, 1509978240, 1215971899390074240]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut random = Random::new(1);
        let x: Vec<f64> = (0..50_000).flat_map(|_| <[f64; 2]>::from(random.normal_pair())).collect();
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| x * x).sum::<f64>() / n;
        let fourth = x.iter().map(|x| x.powi(4)).sum::<f64>() / n;
        // Five standard errors: 1/√n, √2/√n and √96/√n.
        assert!(mean.abs() < 0.016, "{mean}");
        assert!((variance - 1.0).abs() < 0.023, "{variance}");
        assert!((fourth - 3.0).abs() < 0.155, "{fourth}");
    }
}
