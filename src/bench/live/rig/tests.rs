//! The rig over a pair of virtual ports: answers, silence, noise, hang-ups, and the safe state in every case.

use super::*;

#[test]
fn an_answer_is_a_line_of_its_own() {
    for heard in ["OK\r\n", "AT+VGS=3\r\r\nOK\r\n", "+CSQ: 3\n OK \nmore"] {
        assert!(has_line(heard.as_bytes(), "OK"), "{heard:?}");
    }
    for heard in ["OK", "NOT OK\r\n", "OKAY\r\n", "", "ERROR\r\n"] {
        assert!(!has_line(heard.as_bytes(), "OK"), "{heard:?}");
    }
    assert_eq!(shown(b" \r\n"), "nothing");
    assert_eq!(shown(b"ERROR\r\n\r\nBUSY"), "'ERROR BUSY'");
    assert!(shown(&[b'x'; 10_000]).len() < 200);
}

#[cfg(unix)]
pub(in crate::bench::live) mod over_a_pair {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::JoinHandle;

    use serialport::TTYPort;

    use super::*;
    use crate::bench::live::spec::LineEnd;
    use crate::event::Failure;

    /// What a fake rig answers to a line, with a pause at each `|`; `None`: nothing.
    pub(in crate::bench::live) type Answer = fn(&str) -> Option<&'static str>;

    /// A rig behind a pair of virtual ports.
    pub(in crate::bench::live) struct Fake {
        /// How the bench reaches it.
        pub spec: RigSpec,
        lines: Receiver<String>,
        end: Sender<()>,
        thread: Option<JoinHandle<()>>,
    }

    impl Fake {
        /// A rig that answers so.
        pub fn new(answer: Answer) -> Self {
            let (mut device, port) = TTYPort::pair().expect("a pair of virtual ports");
            let spec = RigSpec {
                port: port.name().expect("a virtual port has a name"),
                baud: 115_200,
                timeout: Duration::from_millis(300),
                line_end: LineEnd::CrLf,
                set_volume: Some("VOLUME {step}".to_owned()),
                call: vec!["HANG UP".to_owned(), "DIAL".to_owned()],
                call_wait: Duration::from_millis(50),
                far_loop: Some(["LOOP {loss}".to_owned(), "LOOP OFF".to_owned()]),
                reflector: Some(["REFLECTOR ON".to_owned(), "REFLECTOR OFF".to_owned()]),
                safe_state: vec!["HANG UP".to_owned(), "VOLUME 0".to_owned()],
                reply: "OK".to_owned(),
            };
            device.set_timeout(Duration::from_millis(10)).expect("a time-out can be set");
            let (heard, lines) = channel();
            let (end, ended) = channel();
            let thread = std::thread::spawn(move || {
                let mut line = Vec::new();
                let mut byte = [0];
                while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    // While nobody has the port open, reading fails at once.
                    if device.read(&mut byte).unwrap_or(0) == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                        continue;
                    }
                    if byte != *b"\n" {
                        line.extend_from_slice(&byte);
                        continue;
                    }
                    let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
                    let text = text.trim_end_matches('\r').to_owned();
                    if let Some(answer) = answer(&text) {
                        for part in answer.split('|') {
                            // A bench that gave up does not listen any more.
                            let _ = device.write_all(part.as_bytes());
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                    heard.send(text).unwrap();
                }
            });
            Self { spec, lines, end, thread: Some(thread) }
        }

        /// The next lines that the rig got.
        pub fn lines(&self, count: usize) -> Vec<String> {
            let wait = Duration::from_secs(5);
            (0..count).map(|_| self.lines.recv_timeout(wait).expect("the rig gets a line")).collect()
        }

        /// Whether it gets nothing more.
        pub fn is_quiet(&self) -> bool {
            self.lines.recv_timeout(Duration::from_millis(100)).is_err()
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            let _ = self.end.send(());
            if let Some(thread) = self.thread.take() {
                drop(thread.join());
            }
        }
    }

    #[test]
    fn an_exchange_works_and_closing_makes_safe_once() {
        let fake = Fake::new(|_| Some("noise\r\nOK\r\n"));
        let mut rig = Rig::open(&fake.spec).unwrap();
        rig.set_volume(7, &StopFlag::default()).unwrap();
        assert_eq!(fake.lines(1), ["VOLUME 7"]);
        rig.close().unwrap();
        assert_eq!(fake.lines(2), ["HANG UP", "VOLUME 0"]);
        rig.close().unwrap();
        drop(rig);
        assert!(fake.is_quiet(), "the safe state is sent once");
        let error = Rig::open(&fake.spec).unwrap().exchange("PING", None);
        assert_eq!(error, Ok(()), "the port can be opened again");
    }

    #[test]
    fn a_call_is_set_up_line_by_line_and_a_loop_is_told_its_loss() {
        let fake = Fake::new(|_| Some("OK\r\n"));
        let mut rig = Rig::open(&fake.spec).unwrap();
        let began = Instant::now();
        rig.call(&StopFlag::default()).unwrap();
        assert!(began.elapsed() >= fake.spec.call_wait);
        rig.set_loop(Some(35.04), &StopFlag::default()).unwrap();
        rig.set_loop(None, &StopFlag::default()).unwrap();
        assert_eq!(fake.lines(4), ["HANG UP", "DIAL", "LOOP 35.0", "LOOP OFF"]);
        let stop = StopFlag::default();
        stop.stop();
        assert_eq!(rig.call(&stop), Err(BenchError::Stopped));
    }

    #[test]
    fn a_call_that_is_not_answered_is_an_error_and_nothing_more_is_dialled() {
        let fake = Fake::new(|line| (line != "HANG UP").then_some("OK\r\n"));
        let mut rig = Rig::open(&fake.spec).unwrap();
        let error = rig.call(&StopFlag::default()).unwrap_err();
        assert!(error.to_string().contains("'HANG UP'"), "{error}");
        rig.set_volume(1, &StopFlag::default()).unwrap();
        assert_eq!(fake.lines(2), ["HANG UP", "VOLUME 1"]);
    }

    #[test]
    fn silence_ends_in_time_with_what_was_heard_and_the_safe_state_is_sent() {
        let fake = Fake::new(|line| if line.starts_with("VOLUME 7") { Some("BUSY\r\n") } else { None });
        let mut rig = Rig::open(&fake.spec).unwrap();
        let began = Instant::now();
        let error = rig.set_volume(7, &StopFlag::default()).unwrap_err();
        let took = began.elapsed();
        assert!(took >= fake.spec.timeout && took < Duration::from_secs(3), "{took:?}");
        assert_eq!(error.failure(), Failure::TryAgain);
        for part in ["'OK'", "'VOLUME 7'", "300 ms", "'BUSY'", "baud"] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
        let error = rig.close().unwrap_err();
        assert_eq!(error.failure(), Failure::AskOperator);
        assert!(error.to_string().contains("safe state") && error.to_string().contains("HANG UP"), "{error}");
        // Every line was sent although the first was not answered.
        assert_eq!(fake.lines(3), ["VOLUME 7", "HANG UP", "VOLUME 0"]);
    }

    #[test]
    fn dropping_after_a_failure_sends_the_safe_state() {
        let fake = Fake::new(|line| (line == "HANG UP" || line == "VOLUME 0").then_some("OK\r\n"));
        let mut rig = Rig::open(&fake.spec).unwrap();
        assert!(rig.set_volume(3, &StopFlag::default()).is_err());
        drop(rig);
        assert_eq!(fake.lines(3), ["VOLUME 3", "HANG UP", "VOLUME 0"]);
    }

    #[test]
    fn a_late_answer_is_not_the_answer_to_the_next_line() {
        let mut fake = Fake::new(|line| (line == "VOLUME 1").then_some("OK\r\n|OK\r\n"));
        // The first answer must be heard on a machine that is busy with something else too.
        fake.spec.timeout = Duration::from_secs(2);
        let mut rig = Rig::open(&fake.spec).unwrap();
        rig.set_volume(1, &StopFlag::default()).unwrap();
        assert_eq!(fake.lines(1), ["VOLUME 1"]);
        // The second OK lies in the buffer by then.
        std::thread::sleep(Duration::from_millis(100));
        assert!(rig.set_volume(2, &StopFlag::default()).is_err());
    }

    #[test]
    fn a_stop_is_seen_within_100_ms() {
        let mut fake = Fake::new(|_| None);
        fake.spec.timeout = Duration::from_secs(10);
        fake.spec.safe_state.clear();
        let mut rig = Rig::open(&fake.spec).unwrap();
        let stop = StopFlag::default();
        let asked = std::thread::spawn({
            let stop = stop.clone();
            move || {
                std::thread::sleep(Duration::from_millis(100));
                stop.stop();
                Instant::now()
            }
        });
        let error = rig.set_volume(1, &stop).unwrap_err();
        let seen = Instant::now();
        assert_eq!(error, BenchError::Stopped);
        assert!(seen - asked.join().unwrap() < Duration::from_millis(100));
    }

    #[test]
    fn an_endless_talker_does_not_hang_the_bench() {
        // 5 000 characters to each line, none of them the answer.
        static NOISE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "x".repeat(5_000));
        let fake = Fake::new(|_| Some(&NOISE));
        let mut rig = Rig::open(&fake.spec).unwrap();
        let began = Instant::now();
        let error = rig.set_volume(1, &StopFlag::default()).unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(3));
        assert!(error.to_string().len() < 500, "{error}");
    }

    #[test]
    fn a_rig_that_nobody_reads_from_does_not_hang_the_bench() {
        let (_device, port) = TTYPort::pair().unwrap();
        let fake = Fake::new(|_| None);
        let mut spec = RigSpec { port: port.name().unwrap(), ..fake.spec.clone() };
        drop(port);
        spec.set_volume = Some(format!("{}{{step}}", "x".repeat(20_000)));
        let began = Instant::now();
        let mut rig = Rig::open(&spec).unwrap();
        assert_eq!(rig.set_volume(1, &StopFlag::default()).unwrap_err().failure(), Failure::TryAgain);
        drop(rig);
        assert!(began.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn a_port_that_is_not_there_is_for_the_operator() {
        let fake = Fake::new(|_| None);
        let spec = RigSpec { port: "/dev/lombard-no-such-port".to_owned(), ..fake.spec.clone() };
        let error = Rig::open(&spec).err().unwrap();
        assert_eq!(error.failure(), Failure::AskOperator);
        assert!(error.to_string().contains("/dev/lombard-no-such-port"), "{error}");
    }
}
