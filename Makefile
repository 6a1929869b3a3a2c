# Two commands matter: `make demo` shows what the program does, `make test` runs everything that CI runs.

.PHONY: help demo test servers nightly nightly-jack bless accuracy

help:
	@echo "make demo    build the command line, run a quick wideband plan on the virtual car, write a report"
	@echo "make test    everything that CI runs: format, lints, tests, documentation, shipped plans, Windows check"
	@echo "make nightly the tests that take long, in a release build: 200 cars for false alarms and misses, the full plans, 100 clocks that drift"
	@echo "make servers the tests that run a bench on a JACK server and on PulseAudio's echo canceller"
	@echo "make nightly-jack  the quick plan and an hour of sixteen channels on a JACK server: half an hour"
	@echo "make accuracy  write docs/accuracy.md again from its comparisons"
	@echo "make bless   write the generated pages below docs/ again, after looking at why they changed"

demo:
	@sh .ci/install demo
	@bash .ci/demo

test:
	@sh .ci/install test
	@bash .ci/test

nightly:
	@sh .ci/install test
	@cargo test --release --no-default-features --features audio --lib --test main -- --ignored --nocapture

servers:
	@sh .ci/install test
	@cargo test --no-default-features --features jack,pulseaudio --test main -- jack:: pulse:: servers::

nightly-jack:
	@sh .ci/install test
	@cargo test --release --no-default-features --features jack --test main -- --ignored --nocapture jack::

bless:
	@LOMBARD_BLESS=1 cargo test --no-default-features --test main

accuracy:
	@LOMBARD_BLESS=1 cargo test --no-default-features --test main accuracy::
