//! What a plan means on a bench, its virtual car unless told otherwise: beside what is resolved, the calls, the takes with their lengths, and the
//! level plan (what is played where, at which level, with how much room to full scale).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::PlanCx;
use crate::entry::EntryId;
use crate::methods::METHODS;
use crate::plan::{self, PlannedEntry, ResolvedPlan};
use crate::run::engine::{BenchChoice, Engine};
use crate::run::noise::{NoisePlay, noise_plays, render_noise};
use crate::run::render::{self, RenderError};
use crate::run::{RunError, preflight};
use crate::take::{Action, EpochKey, EpochSpec, TakeId, TakeSpec};
use crate::terms::Port;
use crate::units::{Db, Quantity, Seconds};

/// A plan with all that it means.
pub struct Explained {
    /// The plan.
    pub plan: ResolvedPlan,
    /// What is recorded on the bench; `None` where neither plan nor caller names one.
    pub recording: Option<Recording>,
}

/// What a plan records on a bench, as far as it is known before the first fact.
pub struct Recording {
    /// The bench.
    pub bench: String,
    /// The calls.
    pub calls: Vec<Call>,
    /// What each entry wants.
    pub entries: BTreeMap<EntryId, EntryRecording>,
}

/// A call.
pub struct Call {
    /// Its identity.
    pub key: EpochKey,
    /// How it is set up.
    pub spec: EpochSpec,
    /// The number of takes, without those of the preamble.
    pub takes: usize,
    /// The length of its takes, preamble included.
    pub audio: Seconds,
    /// What each loudspeaker plays of its background noise; empty without noise, and in a simulated cabin, which has a
    /// field and no loudspeakers.
    pub noise_plays: Vec<NoisePlay>,
}

/// What an entry records.
pub struct EntryRecording {
    /// The call.
    pub call: EpochKey,
    /// Its planned takes.
    pub takes: Vec<PlannedTake>,
    /// How many more its method may ask for.
    pub more_max: usize,
}

/// A take of an entry.
pub struct PlannedTake {
    /// Its identity.
    pub id: TakeId,
    /// What the method calls it.
    pub name: String,
    /// Its length.
    pub duration: Seconds,
    /// What is played.
    pub plays: Vec<Play>,
    /// What is recorded.
    pub records: Vec<Port>,
    /// Other entries that stand on the same recording.
    pub shared_with: Vec<EntryId>,
}

/// A signal as it is played.
pub struct Play {
    /// When, from the start of the take.
    pub at: Seconds,
    /// The port.
    pub port: Port,
    /// The signal.
    pub signal: String,
    /// Its level.
    pub level: Quantity,
    /// From the largest peak of the port's track in this take to full scale.
    pub headroom: Db,
}

impl Recording {
    /// The length of all that is planned.
    pub fn audio(&self) -> Seconds {
        Seconds(self.calls.iter().map(|call| call.audio.0).sum())
    }

    /// The number of takes that are planned, preambles left out.
    pub fn takes(&self) -> usize {
        self.calls.iter().map(|call| call.takes).sum()
    }
}

impl Engine {
    /// Checks a plan as [`Engine::check_on`] does, and says what it means.
    ///
    /// # Errors
    /// Every problem.
    pub fn explain(
        &self,
        plan: &str,
        overlays: &[String],
        choice: &BenchChoice,
    ) -> Result<Explained, RunError> {
        let (plan, held) = self.checked(plan, overlays, choice)?;
        let Some((bench, signals)) = &held else {
            return Ok(Explained { plan, recording: None });
        };
        let entries: Vec<&PlannedEntry> = plan.entries.iter().collect();
        let facts = preflight::assumed_facts(&entries, bench);
        let cx = PlanCx { bench, facts: &facts, signals: signals.library() };
        let schedule = plan::schedule(&entries, METHODS, &cx);
        let mut recording =
            Recording { bench: bench.name.clone(), calls: Vec::new(), entries: BTreeMap::new() };
        let refused = |error: RenderError| RunError::Usage(error.to_string());
        for epoch in &schedule.epochs {
            let noise_plays = match &epoch.spec.noise {
                None => Vec::new(),
                Some(bed) => noise_plays(&render_noise(bed, bench, signals).map_err(refused)?, bench),
            };
            recording.calls.push(Call {
                noise_plays,
                key: epoch.key.clone(),
                spec: epoch.spec.clone(),
                takes: epoch.takes.len(),
                audio: epoch.audio(),
            });
        }
        let plays = |spec: &TakeSpec, id: &TakeId, epoch: &EpochKey| -> Result<Vec<Play>, RunError> {
            let call = render::Call { epoch, bandwidth: plan.bandwidth, from: 0 };
            let rendered = render::render(spec, id, &call, bench, signals).map_err(refused)?;
            Ok(plays_of(spec, &rendered.take.tracks))
        };
        for (id, uses) in &schedule.takes_of {
            let Some(call) = schedule.epoch_of.get(id) else { continue };
            let recorded = schedule.epochs.iter().find(|epoch| epoch.key == *call);
            let sharers = |take: &TakeId| -> Vec<EntryId> {
                let take = recorded.and_then(|epoch| epoch.takes.iter().find(|one| one.id == *take));
                take.map(|one| one.entries.iter().filter(|other| *other != id).cloned().collect())
                    .unwrap_or_default()
            };
            let mut takes = Vec::new();
            for one in uses {
                takes.push(PlannedTake {
                    id: one.id.clone(),
                    name: one.spec.name.clone(),
                    duration: one.spec.seconds(),
                    plays: plays(&one.spec, &one.id, call)?,
                    records: one.spec.record.iter().cloned().collect(),
                    shared_with: sharers(&one.id),
                });
            }
            let method = plan.entry(id).and_then(|entry| crate::methods::method(&entry.entry.method));
            let most = method.map_or(0, |method| method.card().takes_max as usize);
            let more_max = most.saturating_sub(takes.len());
            recording.entries.insert(id.clone(), EntryRecording { call: call.clone(), takes, more_max });
        }
        Ok(Explained { plan, recording: Some(recording) })
    }
}

/// The plays of a take in the order of time.
fn plays_of(spec: &TakeSpec, tracks: &BTreeMap<Port, Arc<[f32]>>) -> Vec<Play> {
    let headroom = |port: &Port| {
        let peak = tracks
            .get(port)
            .into_iter()
            .flat_map(|track| track.iter())
            .fold(0.0f32, |peak, x| peak.max(x.abs()));
        Db(-20.0 * f64::from(peak).log10())
    };
    let plays = spec.cues.iter().filter_map(|cue| match &cue.action {
        Action::Play { port, signal, level } => Some(Play {
            at: Seconds(cue.at as f64 / f64::from(crate::take::RATE)),
            port: port.clone(),
            signal: signal.clone(),
            level: *level,
            headroom: headroom(port),
        }),
        Action::Rig(_) | Action::Loop { .. } => None,
    });
    plays.collect()
}
