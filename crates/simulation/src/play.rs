//! Plays a story: makes its world, lets its runs loose on it at once, and runs every command again once all is quiet.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eksact_core::{
    diagnosis::planned_access::planned_access,
    engine::{
        ExecutionOptions, Interrupt, Plan, Report, Severity, Step, StepDone, StepError, StepRunner, execute,
        executor::Progress,
    },
    kinds::{self, Request, Runner, preflight},
    live::LiveReader,
    ports::CallError,
    saved::{
        SavedPlan,
        apply::{self, ApplyError, Begun},
        lock::Outcome,
    },
};
use eksact_simulator::{Sandbox, TokioClock, World};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    clock::{self, OFF, Seconds},
    hands::Hand,
    history::{History, Planned, STEP, Told, What},
    inhabitants,
    request::request,
    story::{Command, Run, Story},
    tally::Tally,
    world::{BEGINNING, CLUSTER},
};

/// So long everything takes that is not seen at once, and until a change set that waits can be of no run that is at work: the next
/// run deletes it.
const QUIET: Duration = Duration::from_mins(61);
/// A run that takes longer than this, by the clock of the story, hangs.
const LONGEST: Duration = Duration::from_hours(24);

/// A command that was run again when all was quiet.
#[derive(Debug)]
pub struct Again {
    /// Which run's, or none for the one that made the world.
    pub run: Option<usize>,
    /// The plan, and how it ended; none where it was refused or had nothing to do.
    pub plan: Option<(Plan, Option<Report>)>,
    /// The plan right after it.
    pub next: Option<Plan>,
    /// What could not be read, of a world in which everything answers.
    pub unread: Option<CallError>,
}

/// A story that was played.
#[derive(Debug)]
pub struct Played {
    /// What happened from the first run on.
    pub told: Told,
    /// How it went to run everything once before the story, and again after it.
    pub again: Vec<Again>,
    /// Everything of others, before and after.
    pub foreign: (Value, Value),
    /// The world in the end.
    pub end: World,
    /// Where each plan would lead by itself; none where it could not be carried out whole.
    pub goals: Vec<Option<World>>,
    /// Whether it took longer than anything may.
    pub hangs: bool,
    /// What was done.
    pub tally: Tally,
}

/// A runner that keeps when steps begin and end.
struct Watched<'a> {
    runner: Runner,
    run: usize,
    history: &'a History,
}

#[async_trait]
impl StepRunner for Watched<'_> {
    async fn run(&self, step: &Step, operation: &Value, progress: Progress) -> Result<StepDone, StepError> {
        let id = &step.id.0;
        self.history.step(self.run, id, What::Begun);
        let done = STEP
            .scope(id.clone(), self.runner.run(step, operation, progress))
            .await;
        self.history
            .step(self.run, id, What::Ended(done.as_ref().err().cloned()));
        done
    }
}

async fn plan(bed: &Sandbox, request: &Request) -> Result<Plan, CallError> {
    let reader = LiveReader::begin(bed.readers(), CLUSTER).await?;
    let live = Box::pin(kinds::read(request, &reader)).await;
    let (mut plan, after) =
        kinds::plan_with_outcome(request, &live).unwrap_or_else(|error| panic!("{error}"));
    plan.access = Some(planned_access(&live, &after, &plan));
    Ok(plan)
}

fn runner(bed: &Sandbox, request: &Request) -> Runner {
    Runner::new(bed.readers(), bed.writers(), request.settings.timeout).telling_time_by(clock::now)
}

async fn carry_out(plan: &Plan, runner: &dyn StepRunner) -> Report {
    let (_sender, interrupt) = tokio::sync::watch::channel(Interrupt::None);
    execute(plan, runner, ExecutionOptions::default(), &|_| {}, interrupt).await
}

/// Runs a command in a world that is quiet, and looks whether anything is left.
async fn quietly(bed: &Sandbox, number: Option<usize>, run: &Run, nonce: &str) -> Again {
    let mut again = Again {
        run: number,
        plan: None,
        next: None,
        unread: None,
    };
    let bed = bed.another_process();
    // A migration goes in stages: some lines go when what replaces them is there, and nodes must have joined by it first.
    let is_staged = matches!(
        run.command,
        Command::ToAccessEntries(..) | Command::ToPodIdentity(_)
    );
    let looks = if is_staged { 4 } else { 2 };
    for look in 1..=looks {
        let planned = async {
            let request = request(run, nonce, &bed).await?;
            Ok((plan(&bed, &request).await?, request))
        };
        let (planned, request) = match planned.await {
            Ok(planned) => planned,
            Err(error) => {
                again.unread = Some(error);
                return again;
            }
        };
        if look > 1 && (look == looks || !planned.has_changes()) {
            again.next = Some(planned);
            return again;
        }
        if !planned.may_be_applied()
            || preflight::check(&planned, bed.readers().kubernetes.as_ref())
                .await
                .is_err()
        {
            return again;
        }
        let report = if planned.has_changes() {
            Some(carry_out(&planned, &runner(&bed, &request)).await)
        } else {
            None
        };
        tokio::time::sleep(QUIET).await;
        again.plan.get_or_insert((planned, report));
    }
    again
}

/// One run of the story, with all that goes wrong for it.
async fn run_once(number: usize, run: &Run, bed: &Sandbox, history: &History) {
    let first = history.now();
    let Ok(request) = request(run, &format!("run {number}"), bed).await else {
        return;
    };
    let Ok(planned) = plan(bed, &request).await else {
        return;
    };
    let keep = |plan: &Plan, first| {
        history.planned(Planned {
            run: number,
            plan: plan.clone(),
            read: (first, history.now()),
            begun: None,
            report: None,
        })
    };
    let saved = if run.saved {
        SavedPlan::new(&planned, &request).ok()
    } else {
        None
    };
    let kept = keep(&planned, first);
    if !planned.may_be_applied() || !planned.has_changes() {
        return;
    }
    if let Some(between) = &run.between {
        by_hand(&bed.another_process(), history, |world| {
            between.hand(&planned, world)
        });
    }
    let watched = Watched {
        runner: runner(bed, &request),
        run: number,
        history,
    };
    let Some(saved) = saved else {
        if preflight::check(&planned, bed.readers().kubernetes.as_ref())
            .await
            .is_ok()
        {
            history.begin(kept);
            let report = carry_out(&planned, &watched).await;
            if !bed.faults().crashed() {
                history.end(kept, report);
            }
        }
        return;
    };
    let (readers, writers) = (bed.readers(), bed.writers());
    let run = apply::Run {
        id: format!("run {number}"),
        locks: true,
        now: clock::now,
    };
    let begun = apply::begin(
        &saved,
        (&readers, &writers),
        &run,
        |_: &str| {},
        async |_: &Plan| Ok::<(), ApplyError>(()),
    );
    let Ok(Begun::Ready { plan, held, .. }) = begun.await else {
        return;
    };
    let kept = keep(&plan, first);
    history.begin(kept);
    let report = carry_out(&plan, &watched).await;
    let outcome = if report.succeeded() {
        Outcome::Applied
    } else {
        Outcome::Unfinished
    };
    if !bed.faults().crashed() {
        history.end(kept, report);
    }
    if let Some(held) = held {
        // Where the lock cannot be given back it runs out.
        let _ = held
            .give_back((&readers, &writers), Some(outcome), clock::now())
            .await;
    }
}

/// Does what a hand does in the world as it is then, and keeps it, where there is anything to do.
fn by_hand(bed: &Sandbox, history: &History, hand: impl FnOnce(&World) -> Option<Hand>) {
    let edited = bed.edit(|world| {
        history.time(world);
        if let Some(hand) = hand(world).filter(|hand| hand.apply(world)) {
            history.hand(format!("{hand:?}"), world);
        }
    });
    edited.unwrap();
}

/// The process of a run: what goes wrong for it, what is kept of it, and what hands do before its writes.
fn process(
    number: usize,
    run: &Run,
    story: &Story,
    bed: &Sandbox,
    history: &Arc<History>,
    (writes, off): (&Arc<AtomicU32>, &Arc<Seconds>),
) -> Sandbox {
    let process = bed.another_process();
    let faults = process.faults();
    faults.schedule(run.turns);
    faults.slow(Duration::from_millis(u64::from(run.slow)));
    if let Some(size) = story.land.page_size {
        faults.page_by(size);
    }
    for strike in &run.strikes {
        faults.add(strike.rule());
    }
    let kept = Arc::clone(history);
    faults.witness(move |seen| kept.see(number, seen));
    let (kept, others) = (Arc::clone(history), bed.another_process());
    let (writes, off) = (Arc::clone(writes), Arc::clone(off));
    let (meanwhile, jump) = (story.meanwhile.clone(), run.clock.1);
    let is_first = std::sync::atomic::AtomicBool::new(true);
    faults.before_each_write(move |_| {
        if is_first.swap(false, Ordering::Relaxed) {
            off.move_by(jump);
        }
        let nth = writes.fetch_add(1, Ordering::Relaxed) + 1;
        for (_, hand) in meanwhile.iter().filter(|(at, _)| *at == nth) {
            by_hand(&others, &kept, |_| Some(hand.clone()));
        }
    });
    process
}

/// What made the world: the file of before, with nothing in its way.
fn first_run(story: &Story) -> Run {
    Run {
        command: Command::Apply(Box::new(story.before.clone())),
        prune: false,
        force: true,
        allows: true,
        saved: false,
        between: None,
        strikes: Vec::new(),
        turns: 0,
        slow: 0,
        clock: (0, 0),
    }
}

/// Plays a story, on a runtime of its own whose time stands still whenever somebody waits.
pub fn play(story: &Story) -> Played {
    fastrand::seed(7);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(played(story))
}

async fn played(story: &Story) -> Played {
    let start = Timestamp::from_second(BEGINNING).unwrap();
    let time = TokioClock::starting_at(start);
    clock::set(time);
    let world = inhabitants::settle(&story.land).await;
    let bed = Sandbox::in_memory(world, Arc::new(time));
    let mut again = vec![quietly(&bed, None, &first_run(story), "before").await];
    let mut tally = Tally::default();
    bed.edit(|world| {
        for hand in &story.hands {
            tally.hands += u64::from(hand.apply(world));
        }
    })
    .unwrap();
    let begun = bed.world().unwrap();
    let history = History::beginning_with(&begun);
    let writes = Arc::new(AtomicU32::new(0));
    let offs: Vec<Arc<Seconds>> = story
        .runs
        .iter()
        .map(|run| Arc::new(Seconds::new(run.clock.0)))
        .collect();
    let processes: Vec<Sandbox> = story
        .runs
        .iter()
        .zip(&offs)
        .enumerate()
        .map(|(number, (run, off))| process(number, run, story, &bed, &history, (&writes, off)))
        .collect();
    let runs = story.runs.iter().zip(&processes).zip(&offs).enumerate();
    let all = runs.map(|(number, ((run, process), off))| {
        OFF.scope(Arc::clone(off), run_once(number, run, process, &history))
    });
    let hangs = tokio::time::timeout(LONGEST, futures::future::join_all(all))
        .await
        .is_err();
    tokio::time::sleep(QUIET).await;
    let told = history.told();
    for (number, run) in story.runs.iter().enumerate() {
        again.push(quietly(&bed, Some(number), run, &format!("again {number}")).await);
    }
    let end = bed.world().unwrap();
    for process in &processes {
        tally.faults(&process.faults().struck());
    }
    tally.of(&told, story);
    let mut goals = Vec::new();
    for planned in &told.plans {
        goals.push(match planned.begun {
            Some(_) => goal(planned, &told.versions[planned.read.1], time).await,
            None => None,
        });
    }
    Played {
        foreign: (inhabitants::foreign(&begun), inhabitants::foreign(&end)),
        told,
        again,
        end,
        goals,
        hangs,
        tally,
    }
}

/// Where a plan leads in a world that nobody else is in.
async fn goal(planned: &Planned, world: &World, time: TokioClock) -> Option<World> {
    let mut world = world.clone();
    world.list_lag_milliseconds = 0;
    let bed = Sandbox::in_memory(world, Arc::new(time));
    let runner =
        Runner::new(bed.readers(), bed.writers(), Duration::from_mins(25)).telling_time_by(clock::now);
    let report = carry_out(&planned.plan, &runner).await;
    tokio::time::sleep(QUIET).await;
    report.succeeded().then(|| bed.world().unwrap())
}

/// Whether a plan is without errors: everything that was asked for is in it.
pub fn is_whole(plan: &Plan) -> bool {
    plan.findings_of(Severity::Error).next().is_none()
}
