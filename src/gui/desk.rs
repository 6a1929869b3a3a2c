//! The whole window: its state, the worker that runs the engine beside it, and the one place where intents are done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use egui::{CentralPanel, Context, Frame, Label, Margin, Panel, RichText, Ui};

use super::intent::Intent;
use super::interfaces::Interfaces;
use super::look::{Palette, text_small};
use super::mailbox::{Answer, Lists, Mailbox};
use super::state::{Job, Pane, Shown, State};
use super::{bar, entry, footer, live, problems, table, watch, welcome};
use crate::bench::StopFlag;
use crate::event::Side;
use crate::plan::{Folder, Sources};
use crate::run::{BenchChoice, Engine, Listening, Monitor, RunError, Update};
use crate::terms::Port;

/// The longest time between telemetry and the frame that shows it: more frames would show no more.
const FRAME: Duration = Duration::from_millis(40);
/// How long closing the window waits for a recording to come to its safe state.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(20);

/// A thread that works for the window.
struct Worker {
    thread: JoinHandle<()>,
    stop: StopFlag,
}

/// The whole window.
pub struct Desk {
    engine: Engine,
    runs: PathBuf,
    /// What is watched and listened to.
    monitor: Monitor,
    /// The bench that was monitored last, as it was named.
    monitored: Option<String>,
    /// What is shown.
    pub state: State,
    mailbox: Arc<Mailbox>,
    worker: Option<Worker>,
    lister: Option<JoinHandle<()>>,
    /// Asks for the interfaces: beside the other lists, because a sound server may need seconds.
    asker: Option<JoinHandle<()>>,
}

impl Desk {
    /// A window on an engine; runs are made and looked for below `runs`. Nothing is open.
    pub fn new(engine: Engine, runs: PathBuf) -> Self {
        let (state, mailbox, monitor) = (State::default(), Arc::default(), Monitor::new());
        // The meters show every port; bands and spectrum are made of the one that is watched.
        monitor.watch_all();
        let engine = engine.with_monitor(monitor.clone());
        let monitored = None;
        Self { monitor, monitored, engine, runs, state, mailbox, worker: None, lister: None, asker: None }
    }

    /// Opens a plan or a run: a folder, also one below the folder of runs, is a run; everything else is a plan.
    pub fn open(&mut self, given: &str, ctx: &Context) {
        let run = self.run_folder(Path::new(given));
        if run.is_dir() {
            self.act(Intent::OpenRun(run), ctx);
        } else {
            given.clone_into(&mut self.state.form.plan);
            self.act(Intent::OpenPlan, ctx);
        }
    }

    /// The folder of a run that is given by its path, or by its name below the folder of runs.
    fn run_folder(&self, given: &Path) -> PathBuf {
        let below = self.runs.join(given);
        if !given.is_dir() && below.is_dir() { below } else { given.to_path_buf() }
    }

    /// The flag that stops the recording under way.
    pub fn stop_flag(&self) -> Option<&StopFlag> {
        self.worker.as_ref().map(|worker| &worker.stop)
    }

    /// What the engine and the workers tell arrives here.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Does what a user asks for. What is not possible now is left undone: its button is disabled.
    pub fn act(&mut self, intent: Intent, ctx: &Context) {
        match intent {
            Intent::OpenPlan => self.open_plan(ctx),
            Intent::CheckAgain => self.check_again(ctx),
            Intent::OpenRun(path) => self.open_run(&path, ctx),
            Intent::Start => self.start(ctx),
            Intent::Monitor => self.begin_monitor(ctx),
            Intent::Watch(port, side) => self.watch(Some((port, side))),
            Intent::WatchNone => self.watch(None),
            Intent::ShowPane(pane) => self.state.show_pane(pane),
            Intent::Listen(port) => self.listen(port),
            Intent::Stop => self.stop(),
            Intent::Resume => self.resume(ctx),
            Intent::Select(id) => self.state.select(&id),
            Intent::Step(rows) => self.state.step(rows),
            Intent::Dismiss => self.state.notice = None,
            Intent::HideLive => {
                self.state.hide_live();
                self.forget_watched();
            }
            Intent::Refresh => self.refresh(ctx),
            Intent::ListInterfaces => self.list_interfaces(ctx),
            Intent::Copy(text) => {
                self.state.copied = Some(text.clone());
                ctx.copy_text(text);
            }
        }
    }

    fn open_plan(&mut self, ctx: &Context) {
        let given = self.state.form.plan.trim().to_owned();
        if self.state.may_open().is_err() || given.is_empty() {
            return;
        }
        self.state.job = Some(Job::Opening);
        self.state.notice = None;
        self.state.live = None;
        let (engine, mailbox) = (self.engine.clone(), Arc::clone(&self.mailbox));
        let (overlays, choice) = (self.state.form.overlays.clone(), self.state.form.choice().ok());
        let wake = ctx.clone();
        self.work(ctx, StopFlag::default(), move |_| {
            // Reading is quick, and shown at once; planning and rendering every take needs seconds.
            let read = engine.resolve(&given, &overlays).map(|planned| planned.plan);
            // Where a bench is to record and none is named, there is nothing to check on.
            let checked = if read.is_ok() { choice } else { None };
            let goes_on = checked.is_some();
            mailbox.answer(Answer::Plan { given: given.clone(), on: None, result: read, goes_on });
            if let Some(choice) = checked {
                wake.request_repaint();
                let result = engine.check_on(&given, &overlays, &choice);
                mailbox.answer(Answer::Plan { given, on: Some(choice), result, goes_on: false });
            }
        });
    }

    /// Checks the plan on show again, or the one that could not be used. A run on show stays: Start checks all the same.
    fn check_again(&mut self, ctx: &Context) {
        let is_of_plan = matches!(self.state.shown(), Shown::Plan) || self.state.notice.is_some();
        if is_of_plan {
            self.open_plan(ctx);
        }
    }

    fn open_run(&mut self, path: &Path, ctx: &Context) {
        if self.state.may_open().is_err() || path.as_os_str().is_empty() {
            return;
        }
        self.state.job = Some(Job::Opening);
        self.state.notice = None;
        self.state.live = None;
        self.read_run(self.run_folder(path), ctx);
    }

    fn read_run(&mut self, path: PathBuf, ctx: &Context) {
        let (engine, mailbox) = (self.engine.clone(), Arc::clone(&self.mailbox));
        self.work(ctx, StopFlag::default(), move |_| mailbox.answer(Answer::Run(engine.open(&path))));
    }

    fn start(&mut self, ctx: &Context) {
        if self.state.may_start().is_err() {
            return;
        }
        let Ok(request) = self.state.form.request(&self.runs) else { return };
        self.begin(ctx, move |engine, listener, stop, mailbox| {
            // The file may have changed since it was opened: the table must show what is recorded.
            let result = engine.resolve(&request.plan, &request.overlays).map(|planned| planned.plan);
            let goes_on = result.is_ok();
            mailbox.answer(Answer::Plan { given: request.plan.clone(), on: None, result, goes_on });
            if goes_on {
                mailbox.answer(Answer::Recorded(engine.record(&request, listener, stop)));
            }
        });
    }

    fn resume(&mut self, ctx: &Context) {
        let path = self.state.run_path().map(Path::to_path_buf);
        let (Ok(()), Some(path)) = (self.state.may_resume(), path) else { return };
        self.begin(ctx, move |engine, listener, stop, mailbox| {
            mailbox.answer(Answer::Recorded(engine.resume(&path, listener, stop)));
        });
    }

    /// Runs `record` on a worker, with everything that it tells going to the mailbox.
    fn begin(
        &mut self,
        ctx: &Context,
        record: impl FnOnce(&Engine, &(dyn Fn(Update<'_>) + Sync), &StopFlag, &Mailbox) + Send + 'static,
    ) {
        self.state.begin_recording();
        self.mailbox.begin();
        self.monitored = None;
        self.listening_to(ctx, record);
    }

    /// Runs `job` on a worker that hands on everything that the engine tells.
    fn listening_to(
        &mut self,
        ctx: &Context,
        job: impl FnOnce(&Engine, &(dyn Fn(Update<'_>) + Sync), &StopFlag, &Mailbox) + Send + 'static,
    ) {
        let (engine, mailbox) = (self.engine.clone(), Arc::clone(&self.mailbox));
        let stop = StopFlag::default();
        let wake = ctx.clone();
        self.work(ctx, stop, move |stop| {
            let listener = |update: Update<'_>| {
                mailbox.hear(&update);
                match update {
                    Update::Telemetry(_) => wake.request_repaint_after(FRAME),
                    Update::Event(_) | Update::View(_) => wake.request_repaint(),
                }
            };
            job(&engine, &listener, stop, &mailbox);
        });
    }

    /// Watches the inputs of the bench that the form names, until it is stopped.
    fn begin_monitor(&mut self, ctx: &Context) {
        let (Ok(()), Ok(BenchChoice::Rig(bench))) = (self.state.may_monitor(), self.state.form.choice())
        else {
            return;
        };
        // What was watched elsewhere this bench may not have.
        if self.monitored.replace(bench.clone()).as_ref() != Some(&bench) {
            self.watch(None);
        }
        self.state.begin_monitoring();
        self.mailbox.begin_monitor();
        let monitor = self.monitor.clone();
        self.listening_to(ctx, move |engine, listener, stop, mailbox| {
            mailbox.answer(Answer::Monitored(engine.monitor(&bench, &monitor, listener, stop)));
        });
    }

    /// Shows bands and spectrum of one side of a port, or of none.
    fn watch(&mut self, watched: Option<(Port, Side)>) {
        self.monitor.analyze(watched.iter().map(|(port, _)| port.clone()));
        self.state.watch(watched);
    }

    /// Watches nothing where no meters are shown: what comes next may have no such port.
    fn forget_watched(&mut self) {
        if self.state.live.is_none() {
            self.watch(None);
        }
    }

    /// Listens to a port as the form says, or to none.
    fn listen(&mut self, port: Option<Port>) {
        let interface = Some(self.state.listen_on.trim().to_owned()).filter(|id| !id.is_empty());
        let gain_db = self.state.listen_gain_db;
        self.monitor.listen(port.clone().map(|port| Listening { port, interface, gain_db }));
        if port.is_none() {
            self.mailbox.forget_listening();
        }
        self.state.listening = port;
    }

    fn stop(&mut self) {
        if let (Ok(()), Some(worker)) = (self.state.may_stop(), &self.worker) {
            worker.stop.stop();
            let stopping = true;
            let is_monitor = self.state.is_monitoring();
            self.state.job =
                Some(if is_monitor { Job::Monitoring { stopping } } else { Job::Recording { stopping } });
        }
    }

    fn work(&mut self, ctx: &Context, stop: StopFlag, job: impl FnOnce(&StopFlag) + Send + 'static) {
        let (wake, flag) = (Wake(ctx.clone()), stop.clone());
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            // Wakes the window also when the job panics, so that it can say so.
            let _wake = wake;
            job(&flag);
        });
        match thread {
            Ok(thread) => self.worker = Some(Worker { thread, stop }),
            Err(error) => {
                let error = RunError::Broken(format!("no thread for the engine: {error}"));
                self.mailbox.answer(Answer::Recorded(Err(error)));
            }
        }
    }

    /// Looks for plans, cars, devices and runs beside the window: a long list must not hold it up.
    pub fn refresh(&mut self, ctx: &Context) {
        if self.lister.as_ref().is_some_and(|lister| !lister.is_finished()) {
            return;
        }
        let (engine, mailbox, runs) = (self.engine.clone(), Arc::clone(&self.mailbox), self.runs.clone());
        let plan = self.state.form.plan.trim().to_owned();
        let wake = Wake(ctx.clone());
        let lister = std::thread::Builder::new().name("lists".to_owned()).spawn(move || {
            let _wake = wake;
            let path = Path::new(&plan);
            let sources = engine.sources(path.is_file().then_some(path));
            let (runs, runs_error) = match engine.list(&runs) {
                Ok(runs) => (runs, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            mailbox.answer(Answer::Lists(Lists {
                plans: sources.names(Folder::Plans),
                cars: sources.names(Folder::Cars),
                rigs: sources.names(Folder::Rigs),
                devices: sources.names(Folder::Devices),
                overlays: sources.names(Folder::Limits),
                runs,
                runs_error,
            }));
        });
        // Without a thread the lists stay as they were; a path can be typed all the same.
        self.lister = lister.ok();
    }

    fn list_interfaces(&mut self, ctx: &Context) {
        if self.asker.as_ref().is_some_and(|asker| !asker.is_finished()) {
            return;
        }
        self.state.interfaces = Interfaces::Asked;
        let (engine, mailbox) = (self.engine.clone(), Arc::clone(&self.mailbox));
        let wake = Wake(ctx.clone());
        let asker = std::thread::Builder::new().name("interfaces".to_owned()).spawn(move || {
            let _wake = wake;
            mailbox.answer(Answer::Interfaces(engine.interfaces()));
        });
        match asker {
            Ok(asker) => self.asker = Some(asker),
            Err(error) => self.state.interfaces = Interfaces::Failed(error.to_string()),
        }
    }

    /// Takes in what came since the last frame.
    pub fn hear(&mut self, ctx: &Context) {
        // Whether the worker was over is asked first: what it brought back is then in the mailbox already.
        let over = self.worker.take_if(|worker| worker.thread.is_finished());
        let had_job = self.state.job.is_some();
        let open = self.state.take_in(self.mailbox.fetch());
        if let Some(worker) = over
            && let Err(panic) = worker.thread.join()
        {
            drop(panic);
            let error = RunError::Broken(
                "the program failed while it worked; what was journalled is safe, and the run can be resumed"
                    .to_owned(),
            );
            let is_monitor = self.state.is_monitoring();
            self.mailbox.answer(if is_monitor {
                Answer::Monitored(Err(error))
            } else {
                Answer::Recorded(Err(error))
            });
            ctx.request_repaint();
        }
        let asked = self.asker.take_if(|asker| asker.is_finished());
        if asked.is_some_and(|asker| asker.join().is_err()) {
            self.state.interfaces =
                Interfaces::Failed("the program failed while it looked for them".to_owned());
        }
        if had_job && self.state.job.is_none() && self.state.listening.is_some() {
            // Nobody expects to hear the next recording because he listened to this one.
            self.listen(None);
        }
        if had_job && self.state.job.is_none() {
            self.forget_watched();
            self.refresh(ctx);
        }
        if let Some(path) = open {
            self.state.job = Some(Job::Opening);
            self.read_run(path, ctx);
        }
    }

    /// Draws the window and does what its user asks for.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.hear(&ctx);
        let mut intents = Vec::new();
        let palette = Palette::of(ui);
        let margin = Margin::symmetric(10, 6);
        let frame = Frame::new().inner_margin(margin).fill(palette.paper);
        let raised = Frame::new().inner_margin(margin).fill(palette.sheet);
        Panel::top("bar").frame(raised).show(ui, |ui| bar::show(ui, &mut self.state, &mut intents));
        Panel::bottom("footer").frame(raised).show(ui, |ui| footer::show(ui, &self.state));
        let is_empty = matches!(self.state.shown(), Shown::Nothing);
        if self.state.notice.is_none() && (!is_empty || self.state.watched.is_some()) {
            let right = Panel::right("entry").resizable(true).default_size(424.0).size_range(320.0..=900.0);
            right.frame(frame).show(ui, |ui| {
                watch::heads(ui, &self.state, &mut intents);
                match self.state.pane() {
                    Pane::Entry => entry::show(ui, &self.state),
                    Pane::Port => watch::show(ui, &mut self.state, &mut intents),
                }
            });
        }
        if let Some(live) = &self.state.live {
            let clock_s = self.mailbox.clock_s();
            let panel = Panel::bottom("live").resizable(true).default_size(168.0).size_range(110.0..=400.0);
            panel.frame(frame).show(ui, |ui| live::show(ui, &self.state, live, clock_s, &mut intents));
        }
        let margin = match (&self.state.notice, is_empty) {
            (Some(_), _) => Margin::symmetric(16, 6),
            (None, true) => Margin::symmetric(24, 6),
            // The rows of the table reach from edge to edge.
            (None, false) => Margin { left: 0, right: 0, top: 6, bottom: 0 },
        };
        CentralPanel::default().frame(frame.inner_margin(margin)).show(ui, |ui| {
            if let Some(notice) = &self.state.notice {
                problems::show(ui, notice, &mut intents);
            } else if is_empty {
                welcome::show(ui, &mut self.state, &mut intents);
            } else {
                show_title(ui, &self.state, &palette);
                table::show(ui, &self.state, &mut intents);
                self.state.reveal = false;
            }
        });
        for intent in intents {
            self.act(intent, &ctx);
        }
    }

    /// Ends: stops what is being recorded and waits until it is in its safe state.
    pub fn close(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        worker.stop.stop();
        let step = Duration::from_millis(10);
        let steps = CLOSE_WAIT_MAX.as_millis() / step.as_millis();
        for _ in 0..steps {
            if worker.thread.is_finished() {
                return;
            }
            std::thread::sleep(step);
        }
    }
}

impl eframe::App for Desk {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        Desk::ui(self, ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.close();
    }
}

/// Wakes the window when it goes.
struct Wake(Context);

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.request_repaint();
    }
}

/// The plan or run on show, above the table.
fn show_title(ui: &mut Ui, state: &State, palette: &Palette) {
    let headline = state.headline();
    Frame::new().inner_margin(Margin::symmetric(10, 0)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.add(Label::new(RichText::new(&headline.title).size(18.0)).extend());
            ui.add(Label::new(RichText::new(&headline.basis).color(palette.soft)).truncate());
        });
        ui.add(Label::new(text_small(headline.facts.join(" · ")).color(palette.soft)).truncate());
        for warning in &headline.warnings {
            ui.add(Label::new(text_small(warning).color(palette.warn)).truncate());
        }
    });
    ui.add_space(4.0);
}
