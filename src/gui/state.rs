//! What the window shows: the fold of updates and answers, with what is derived from it once for each change.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::detail::Detail;
use super::events::{Line, Tone};
use super::form::{self, Form};
use super::headline::Headline;
use super::interfaces::Interfaces;
use super::mailbox::{Answer, LINES_MAX, Lists, Live, Mail};
use super::notice::Notice;
use super::rows::{self, Row};
use crate::entry::EntryId;
use crate::event::Side;
use crate::plan::{PlannedEntry, ResolvedPlan};
use crate::report::{calls, wording};
use crate::run::BenchChoice;
use crate::run::view::{EntryView, RunState, RunView};
use crate::terms::Port;
use crate::verdict::Verdict;

/// An open plan before anything was recorded.
#[derive(Debug, Clone)]
pub struct PlanShown {
    /// How it was asked for.
    pub given: String,
    /// Its title.
    pub title: String,
    /// Recommendation, edition and speech band.
    pub basis: String,
    /// The virtual car that it names.
    pub default_car: Option<String>,
    /// What it was checked on, in words; `None`: it was only read.
    pub checked_on: Option<String>,
    /// Whether it is being checked or recorded.
    pub goes_on: bool,
    entries: Vec<EntryView>,
}

/// What the table shows.
#[derive(Debug, Clone, Default)]
pub enum Shown {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The entries of the open plan: nothing is recorded.
    Plan,
    /// A run.
    Run(Arc<RunView>),
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Reading a plan or a run.
    Opening,
    /// Recording.
    Recording {
        /// Whether a stop was asked for.
        stopping: bool,
    },
    /// Watching the inputs of a bench; nothing is recorded.
    Monitoring {
        /// Whether a stop was asked for.
        stopping: bool,
    },
}

/// What the panel at the right shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The selected entry.
    #[default]
    Entry,
    /// The watched port.
    Port,
}

/// Everything that the window shows.
#[derive(Default)]
pub struct State {
    /// What a user types.
    pub form: Form,
    /// What there is to choose from.
    pub lists: Lists,
    /// The audio interfaces of this machine, as far as somebody asked.
    pub interfaces: Interfaces,
    /// What was put on the clipboard last.
    pub copied: Option<String>,
    /// What a worker is doing.
    pub job: Option<Job>,
    /// Problems or a message, shown until they are put away.
    pub notice: Option<Notice>,
    /// What the recording is doing; `None` when nothing was recorded since the last thing was opened.
    pub live: Option<Live>,
    /// The event log, oldest first.
    pub log: VecDeque<Line>,
    /// The side of a port whose bands and spectrum are shown.
    pub watched: Option<(Port, Side)>,
    /// The port that is listened to.
    pub listening: Option<Port>,
    /// The interface that plays what is listened to; empty: the system's own.
    pub listen_on: String,
    /// The gain of listening, in decibels.
    pub listen_gain_db: f64,
    /// What the panel at the right shows, where it could show both.
    pane: Pane,
    /// Whether the selected row has to be scrolled to; the table puts it back.
    pub reveal: bool,
    /// Whether the selection follows the verdicts as they are made: until a user selects.
    follows: bool,
    plan: Option<PlanShown>,
    shown: Shown,
    rows: Vec<Row>,
    selected: Option<EntryId>,
    detail: Option<Detail>,
    headline: Headline,
}

impl State {
    /// The plan that a start would record.
    pub fn plan(&self) -> Option<&PlanShown> {
        self.plan.as_ref()
    }

    /// What the table shows.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The run on show.
    pub fn run(&self) -> Option<&RunView> {
        match &self.shown {
            Shown::Run(view) => Some(view),
            Shown::Nothing | Shown::Plan => None,
        }
    }

    /// The entries on show, in the order of the plan.
    pub fn entries(&self) -> &[EntryView] {
        match (&self.shown, &self.plan) {
            (Shown::Run(view), _) => &view.entries,
            (Shown::Plan, Some(plan)) => &plan.entries,
            _ => &[],
        }
    }

    /// The rows of the table.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The index of the selected row.
    pub fn selected_row(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row.id == *selected)
    }

    /// Everything about the selected entry.
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_ref()
    }

    /// The verdict of the whole, with its figures.
    pub fn headline(&self) -> &Headline {
        &self.headline
    }

    /// Whether a recording is under way.
    pub fn is_recording(&self) -> bool {
        matches!(self.job, Some(Job::Recording { .. }))
    }

    /// Whether something may be opened now, or why not.
    pub fn may_open(&self) -> Result<(), &'static str> {
        match self.job {
            None => Ok(()),
            Some(Job::Opening) => Err("A plan or a run is being read and checked"),
            Some(Job::Recording { .. }) => Err("A run is being recorded: stop it first"),
            Some(Job::Monitoring { .. }) => Err("A bench is being monitored: stop that first"),
        }
    }

    /// Whether a recording may be started now, or why not.
    pub fn may_start(&self) -> Result<(), &'static str> {
        self.may_open()?;
        match &self.plan {
            None => Err("Open a plan first"),
            Some(plan) if plan.given != self.form.plan.trim() => {
                Err("Another plan is named than the one that is open: open it first")
            }
            Some(plan) => match self.form.request(Path::new(""))?.bench {
                BenchChoice::PlanDefault if plan.default_car.is_none() => {
                    Err("The plan names no car: choose a virtual car or a bench")
                }
                _ => Ok(()),
            },
        }
    }

    /// Whether the recording may be stopped now, or why not.
    pub fn may_stop(&self) -> Result<(), &'static str> {
        match self.job {
            Some(Job::Recording { stopping: false } | Job::Monitoring { stopping: false }) => Ok(()),
            Some(Job::Recording { stopping: true } | Job::Monitoring { stopping: true }) => {
                Err("It is stopping")
            }
            _ => Err("Nothing is being recorded or monitored"),
        }
    }

    /// Whether the bench of the form may be monitored now, or why not.
    pub fn may_monitor(&self) -> Result<(), &'static str> {
        self.may_open()?;
        match self.form.choice()? {
            BenchChoice::Rig(_) => Ok(()),
            BenchChoice::Car(_) | BenchChoice::PlanDefault => {
                Err("A virtual car makes no sound outside of a run: choose a bench to monitor")
            }
        }
    }

    /// Whether a port may be listened to now, or why not.
    pub fn may_listen(&self) -> Result<(), &'static str> {
        match self.job {
            Some(Job::Recording { .. } | Job::Monitoring { .. }) => Ok(()),
            _ => Err("There is something to hear while a run is recorded or a bench is monitored"),
        }
    }

    /// What the panel at the right shows.
    pub fn pane(&self) -> Pane {
        match (&self.watched, &self.detail) {
            (None, _) => Pane::Entry,
            (Some(_), None) => Pane::Port,
            (Some(_), Some(_)) => self.pane,
        }
    }

    /// Lets the panel at the right show an entry or a port.
    pub fn show_pane(&mut self, pane: Pane) {
        self.pane = pane;
    }

    /// Watches a side of a port, or none.
    pub fn watch(&mut self, watched: Option<(Port, Side)>) {
        self.pane = if watched.is_some() { Pane::Port } else { Pane::Entry };
        self.watched = watched;
    }

    /// Whether the shown run may be taken up again, or why not.
    pub fn may_resume(&self) -> Result<(), &'static str> {
        self.may_open()?;
        match self.run().map(|view| view.state) {
            None => Err("Open a run first"),
            Some(RunState::Finished) => Err("The run is complete"),
            Some(RunState::Running) => Err("Another process is recording this run"),
            Some(RunState::Incomplete) => Ok(()),
        }
    }

    /// The folder of the run on show.
    pub fn run_path(&self) -> Option<&Path> {
        self.run().map(|view| view.path.as_path())
    }

    /// Shows an entry, and no other until the next recording.
    pub fn select(&mut self, id: &EntryId) {
        self.pane = Pane::Entry;
        self.follows = false;
        self.selected = Some(id.clone());
        self.derive_detail();
    }

    /// Moves the selection by `rows`, down or up; it stays inside the table.
    pub fn step(&mut self, rows: isize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let to = self.selected_row().map_or(0, |at| at.saturating_add_signed(rows).min(last));
        if let Some(id) = self.rows.get(to).map(|row| row.id.clone()) {
            self.select(&id);
            self.reveal = true;
        }
    }

    /// A recording begins: of the open plan, or of more of the run on show.
    pub fn begin_recording(&mut self) {
        self.job = Some(Job::Recording { stopping: false });
        self.live = Some(Live::default());
        self.log.clear();
        self.notice = None;
        self.follows = true;
    }

    /// A bench is monitored from now on. What is open stays open.
    pub fn begin_monitoring(&mut self) {
        self.job = Some(Job::Monitoring { stopping: false });
        self.live = Some(Live::default());
        self.log.clear();
        self.notice = None;
    }

    /// Whether a bench is being monitored.
    pub fn is_monitoring(&self) -> bool {
        matches!(self.job, Some(Job::Monitoring { .. }))
    }

    /// Whether the live panel may be put away.
    pub fn may_hide_live(&self) -> bool {
        !self.is_recording() && !self.is_monitoring()
    }

    /// Puts away meters and log of a recording that is over.
    pub fn hide_live(&mut self) {
        if self.may_hide_live() {
            self.live = None;
        }
    }

    /// Takes in everything that came since the last frame. Gives a folder that should be opened: after a
    /// failed recording, what is on disk counts.
    pub fn take_in(&mut self, mail: Mail) -> Option<PathBuf> {
        if self.live.is_some() {
            self.live = Some(mail.live);
        }
        if mail.lines_dropped > 0 {
            let text = format!("{} earlier lines are in the journal only", mail.lines_dropped);
            let at_s = mail.lines.front().map_or(0.0, |line| line.at_s);
            self.push_line(Line { at_s, tone: Tone::Plain, text });
        }
        let at_s = mail.lines.back().or(self.log.back()).map_or(0.0, |line| line.at_s);
        for line in mail.lines {
            self.push_line(line);
        }
        if let Some(view) = mail.view {
            let newest = self.log_verdicts(&view, at_s);
            if self.follows && newest.is_some() {
                self.selected = newest;
                self.reveal = true;
            }
            self.show(Shown::Run(view));
        }
        let mut open = None;
        for answer in mail.answers {
            open = self.hear(answer).or(open);
        }
        open
    }

    fn hear(&mut self, answer: Answer) -> Option<PathBuf> {
        match answer {
            Answer::Lists(lists) => self.lists = lists,
            Answer::Interfaces(found) => {
                self.interfaces = match found {
                    Ok(all) => Interfaces::Known(all),
                    Err(error) => Interfaces::Failed(error.to_string()),
                };
            }
            Answer::Plan { given, on, result, goes_on } => {
                if !goes_on {
                    self.job = None;
                }
                match result {
                    Ok(plan) => {
                        self.plan = Some(PlanShown { goes_on, ..plan_shown(given, &plan, on.as_ref()) });
                        self.show(Shown::Plan);
                    }
                    Err(error) => {
                        self.job = None;
                        self.live = None;
                        let car = self.plan.take().and_then(|plan| plan.default_car);
                        let title = match on {
                            None => format!("The plan {given} cannot be used"),
                            // It could be read: what is wrong is what records it, or does not fit it.
                            Some(on) => format!(
                                "The plan {given} cannot be recorded on {}",
                                form::told(&on, car.as_deref())
                            ),
                        };
                        self.notice = Some(Notice::of(&title, &error));
                        self.show(Shown::Nothing);
                    }
                }
            }
            Answer::Run(Ok(view)) => {
                self.job = None;
                self.form.run = view.path.display().to_string();
                self.show(Shown::Run(Arc::new(view)));
            }
            Answer::Run(Err(error)) => {
                self.job = None;
                self.notice = Some(Notice::of("The run cannot be opened", &error));
            }
            Answer::Monitored(ended) => {
                self.job = None;
                if let Err(error) = ended {
                    self.live = None;
                    self.notice = Some(Notice::of("The bench cannot be monitored", &error));
                }
            }
            Answer::Recorded(Ok(view)) => {
                self.job = None;
                self.forget_takes();
                self.form.run = view.path.display().to_string();
                self.show(Shown::Run(Arc::new(view)));
            }
            Answer::Recorded(Err(error)) => {
                self.job = None;
                self.forget_takes();
                self.notice = Some(Notice::of("The run was not recorded", &error));
                return self.run_path().map(Path::to_path_buf);
            }
        }
        None
    }

    /// Nothing is being recorded any more, whatever the last message said.
    fn forget_takes(&mut self) {
        if let Some(live) = &mut self.live {
            live.takes.clear();
        }
    }

    fn push_line(&mut self, line: Line) {
        self.log.push_back(line);
        if self.log.len() > LINES_MAX {
            self.log.pop_front();
        }
    }

    /// A line for each entry whose outcome is new. Gives the last of them that was reached.
    fn log_verdicts(&mut self, view: &RunView, at_s: f64) -> Option<EntryId> {
        let before: BTreeMap<&EntryId, (Verdict, &str)> =
            self.entries().iter().map(|one| (&one.entry.id, (one.verdict, one.reason.as_str()))).collect();
        let (mut lines, mut newest) = (Vec::new(), None);
        for entry in &view.entries {
            let now = (entry.verdict, entry.reason.as_str());
            // An entry that nobody reached yet has no outcome to tell.
            let untold = entry.verdict == Verdict::NotRun && view.state == RunState::Running;
            if before.get(&entry.entry.id) == Some(&now) || untold {
                continue;
            }
            let margin =
                entry.margin.map_or(String::new(), |one| format!(", margin {}", wording::margin(one)));
            let text = format!("{}: {}{margin}", entry.entry.id, wording::verdict(entry.verdict));
            lines.push(Line { at_s, tone: Tone::Strong, text });
            newest = Some(&entry.entry.id).filter(|_| entry.verdict != Verdict::NotRun).or(newest);
        }
        let newest = newest.cloned();
        for line in lines {
            self.push_line(line);
        }
        newest
    }

    fn show(&mut self, shown: Shown) {
        self.shown = shown;
        self.rows = rows::of(self.entries());
        self.headline = match (&self.shown, &self.plan) {
            (Shown::Run(view), _) => Headline::of_run(view),
            (Shown::Plan, Some(plan)) => Headline::of_plan(plan, self.rows.len()),
            _ => Headline::default(),
        };
        if self.selected_row().is_none() {
            self.selected = self.rows.first().map(|row| row.id.clone());
            self.reveal = true;
        }
        self.derive_detail();
    }

    fn derive_detail(&mut self) {
        let selected = self.selected.as_ref();
        let entry = self.entries().iter().find(|one| Some(&one.entry.id) == selected);
        let groups = calls::groups(self.entries());
        self.detail = entry.map(|entry| Detail {
            calls: calls::of(&groups, entry).map(calls::Group::lines).unwrap_or_default(),
            ..Detail::of(entry)
        });
    }
}

fn plan_shown(given: String, plan: &ResolvedPlan, on: Option<&BenchChoice>) -> PlanShown {
    PlanShown {
        given,
        goes_on: false,
        checked_on: on.map(|on| form::told(on, plan.default_car.as_deref())),
        title: plan.title.clone(),
        basis: format!("{} ({}), {}", plan.recommendation, plan.edition, plan.bandwidth),
        default_car: plan.default_car.clone(),
        entries: plan.entries.iter().map(planned).collect(),
    }
}

/// An entry of a plan as the table shows it: with its limits, and nothing measured.
fn planned(planned: &PlannedEntry) -> EntryView {
    EntryView {
        entry: planned.entry.clone(),
        required: !planned.informative,
        verdict: Verdict::NotRun,
        flags: Vec::new(),
        margin: None,
        reason: String::new(),
        findings: Vec::new(),
        judgements: Vec::new(),
        limits: planned.limits.clone(),
        takes: Vec::new(),
        scenes: Vec::new(),
    }
}
