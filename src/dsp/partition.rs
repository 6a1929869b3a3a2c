//! A streaming convolver: uniformly partitioned overlap-save, without latency; single precision for rendering,
//! double for meters.

use super::spectrum::{BlockFft, Complex, FftNum, Zero};

/// Convolves a stream with a long impulse response, block by block.
///
/// The output of a block contains what the same block's input contributes: no latency beyond the
/// block itself. Nothing is allocated after construction.
pub struct BlockConvolver<T: FftNum = f32> {
    block: usize,
    fft: BlockFft<T>,
    /// One spectrum per partition of the response, already divided by the transform's length.
    response: Vec<Vec<Complex<T>>>,
    /// The spectra of the latest blocks, a ring; `newest` is the one of the current block.
    history: Vec<Vec<Complex<T>>>,
    newest: usize,
    /// The last block and the current one, as the transform wants them.
    window: Vec<T>,
    previous: Vec<T>,
    sum: Vec<Complex<T>>,
    time: Vec<T>,
    /// How many blocks of zeros came last.
    zeros: usize,
}

impl<T: FftNum> BlockConvolver<T> {
    /// A convolver at rest for blocks of `block` frames. An empty response gives silence.
    ///
    /// # Panics
    /// If `block` is 0.
    pub fn new(ir: &[T], block: usize) -> Self {
        assert!(block > 0, "a block needs frames");
        let mut fft = BlockFft::new(2 * block);
        let partitions = ir.len().div_ceil(block).max(1);
        let empty = vec![Complex::new(T::zero(), T::zero()); fft.bins()];
        let mut response = vec![empty.clone(); partitions];
        let mut window = vec![T::zero(); 2 * block];
        load_response(&mut response, ir, block, &mut fft, &mut window);
        Self {
            block,
            fft,
            response,
            history: vec![empty.clone(); partitions],
            newest: 0,
            window,
            previous: vec![T::zero(); block],
            sum: empty,
            time: vec![T::zero(); 2 * block],
            zeros: 0,
        }
    }

    /// Frames per block.
    pub fn block(&self) -> usize {
        self.block
    }

    /// The longest response that [`Self::replace`] takes, in frames.
    pub fn capacity(&self) -> usize {
        self.response.len() * self.block
    }

    /// Exchanges the response at once, keeping the input's history: from the next block on the output
    /// is that of the new response, as if it had always been there. Allocates nothing.
    ///
    /// # Panics
    /// If `ir` is longer than [`Self::capacity`].
    pub fn replace(&mut self, ir: &[T]) {
        assert!(ir.len() <= self.capacity(), "the response is longer than the convolver was made for");
        load_response(&mut self.response, ir, self.block, &mut self.fft, &mut self.window);
    }

    /// Back to rest.
    pub fn reset(&mut self) {
        self.history.iter_mut().for_each(|bins| bins.fill(Complex::new(T::zero(), T::zero())));
        self.previous.fill(T::zero());
        self.zeros = 0;
    }

    /// Convolves one block.
    ///
    /// # Panics
    /// If `input` or `output` don't hold one block.
    pub fn process(&mut self, input: &[T], output: &mut [T]) {
        assert!(input.len() == self.block && output.len() == self.block, "not one block");
        // Once every block in the history is zero the output is, and nothing needs to be computed.
        let is_zero = input.iter().all(Zero::is_zero);
        self.zeros = if is_zero { (self.zeros + 1).min(self.history.len() + 2) } else { 0 };
        if self.zeros > self.history.len() + 1 {
            output.fill(T::zero());
            return;
        }
        self.window[..self.block].copy_from_slice(&self.previous);
        self.window[self.block..].copy_from_slice(input);
        self.previous.copy_from_slice(input);

        let partitions = self.history.len();
        self.newest = (self.newest + 1) % partitions;
        self.fft.forward(&mut self.window, &mut self.history[self.newest]);

        self.sum.fill(Complex::new(T::zero(), T::zero()));
        for (age, response) in self.response.iter().enumerate() {
            let bins = &self.history[(self.newest + partitions - age) % partitions];
            for ((sum, x), h) in self.sum.iter_mut().zip(bins).zip(response) {
                *sum = *sum + x * h;
            }
        }
        self.fft.inverse_unscaled(&mut self.sum, &mut self.time);
        output.copy_from_slice(&self.time[self.block..]);
    }
}

fn load_response<T: FftNum>(
    response: &mut [Vec<Complex<T>>],
    ir: &[T],
    block: usize,
    fft: &mut BlockFft<T>,
    window: &mut [T],
) {
    let scale =
        T::one() / T::from_usize(window.len()).expect("lengths are representable as floating-point numbers");
    for (i, bins) in response.iter_mut().enumerate() {
        let from = (i * block).min(ir.len());
        let to = (from + block).min(ir.len());
        window.fill(T::zero());
        window.iter_mut().zip(&ir[from..to]).for_each(|(w, h)| *w = *h * scale);
        fft.forward(window, bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|n| ((n * n * 7 + n * seed) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn stream(convolver: &mut BlockConvolver, input: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0; input.len()];
        let block = convolver.block();
        for (x, y) in input.chunks_exact(block).zip(output.chunks_exact_mut(block)) {
            convolver.process(x, y);
        }
        output
    }

    fn direct(x: &[f32], h: &[f32]) -> Vec<f64> {
        (0..x.len())
            .map(|n| (0..h.len().min(n + 1)).map(|k| f64::from(h[k]) * f64::from(x[n - k])).sum())
            .collect()
    }

    #[test]
    fn the_stream_is_the_convolution_without_delay() {
        for (block, taps) in [(480, 1), (480, 480), (480, 481), (480, 3000), (160, 70), (7, 50)] {
            let (x, h) = (ramp(block * 9, 3), ramp(taps, 5));
            let ours = stream(&mut BlockConvolver::new(&h, block), &x);
            for (n, (a, b)) in ours.iter().zip(direct(&x, &h)).enumerate() {
                // Single precision: 2^-24 times the sum of magnitudes, with room for the transforms.
                assert!(
                    (f64::from(*a) - b).abs() < 1e-6 * (taps as f64 + 10.0),
                    "{block} {taps} {n}: {a} {b}"
                );
            }
        }
    }

    #[test]
    fn pauses_of_any_length_change_nothing() {
        for pause in 0..12 {
            let (h, mut x) = (ramp(2_000, 5), ramp(480 * 4, 3));
            x.extend(vec![0.0; 480 * pause]);
            x.extend(ramp(480 * 3, 7));
            x.extend(vec![0.0; 480 * 8]);
            let ours = stream(&mut BlockConvolver::new(&h, 480), &x);
            for (n, (a, b)) in ours.iter().zip(direct(&x, &h)).enumerate() {
                assert!((f64::from(*a) - b).abs() < 2e-3, "{pause} {n}: {a} {b}");
            }
        }
    }

    #[test]
    fn the_first_frame_comes_out_in_the_same_block() {
        let mut convolver = BlockConvolver::new(&[0.5], 480);
        let mut input = vec![0.0; 480];
        input[0] = 1.0;
        let output = stream(&mut convolver, &input);
        assert!((output[0] - 0.5).abs() < 1e-6 && output[1..].iter().all(|y| y.abs() < 1e-6));
    }

    #[test]
    fn a_replaced_response_acts_as_if_it_had_always_been_there() {
        let (x, first, second) = (ramp(4800, 1), ramp(1000, 2), ramp(700, 4));
        let mut convolver = BlockConvolver::new(&first, 480);
        stream(&mut convolver, &x[..2400]);
        convolver.replace(&second);
        let ours = stream(&mut convolver, &x[2400..]);
        let expected = direct(&x, &second);
        assert!(ours.iter().zip(&expected[2400..]).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-3));
    }

    #[test]
    fn reset_forgets() {
        let mut convolver = BlockConvolver::new(&ramp(1000, 2), 480);
        stream(&mut convolver, &ramp(4800, 1));
        convolver.reset();
        assert!(stream(&mut convolver, &[0.0; 960]).iter().all(|y| *y == 0.0));
    }

    #[test]
    fn an_empty_response_is_silence() {
        let output = stream(&mut BlockConvolver::new(&[], 480), &ramp(960, 1));
        assert!(output.iter().all(|y| *y == 0.0));
    }

    #[test]
    #[should_panic(expected = "not one block")]
    fn half_a_block_is_broken_logic() {
        BlockConvolver::new(&[1.0], 480).process(&[0.0; 240], &mut [0.0; 240]);
    }
}
