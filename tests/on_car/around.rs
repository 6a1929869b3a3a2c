//! A bench around another one that changes what is played or what arrives, as a mouth that compresses.

use lombard::bench::{
    Bench, BenchError, CaptureSink, RenderedEpoch, RenderedTake, StopFlag, TelemetrySender,
};
use lombard::capture::Certificate;
use lombard::context::BenchInfo;

type Taken = Result<Certificate, BenchError>;

/// A bench whose takes go through `take`.
struct Around<F> {
    inner: Box<dyn Bench>,
    take: F,
}

impl<F> Bench for Around<F>
where
    F: FnMut(&mut dyn Bench, &RenderedTake, &mut dyn CaptureSink, &StopFlag) -> Taken + Send,
{
    fn info(&self) -> &BenchInfo {
        self.inner.info()
    }

    fn open(&mut self, epoch: &RenderedEpoch, telemetry: &TelemetrySender) -> Result<(), BenchError> {
        self.inner.open(epoch, telemetry)
    }

    fn take(&mut self, take: &RenderedTake, sink: &mut dyn CaptureSink, stop: &StopFlag) -> Taken {
        (self.take)(&mut *self.inner, take, sink, stop)
    }

    fn close(&mut self) -> Result<(), BenchError> {
        self.inner.close()
    }
}

/// The bench with its takes through `take`, which records on the inner one.
pub(crate) fn around(
    inner: Box<dyn Bench>,
    take: impl FnMut(&mut dyn Bench, &RenderedTake, &mut dyn CaptureSink, &StopFlag) -> Taken + Send + 'static,
) -> Box<dyn Bench> {
    Box::new(Around { inner, take })
}
