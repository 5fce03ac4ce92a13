//! What stories did: so that a simulation that tests nothing is seen.

use std::{collections::BTreeMap, fmt};

use eksact_core::ports::CallErrorKind;
use eksact_simulator::Fault;

use crate::{
    history::{Told, What},
    story::{Command, Story},
};

/// Counts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Stories.
    pub stories: u64,
    /// Stories in which nothing was written.
    pub idle: u64,
    /// Runs.
    pub runs: u64,
    /// Plans that a guard refused.
    pub refused: u64,
    /// Steps that succeeded.
    pub done: u64,
    /// Steps that failed.
    pub failed: u64,
    /// Writes that a service carried out.
    pub writes: u64,
    /// What was done by hand.
    pub hands: u64,
    /// Clocks that were off or jumped.
    pub clocks: u64,
    /// Stories whose lists lag, or come in small pages.
    pub lists: u64,
    /// Stories in which IAM or EKS see things late.
    pub late: u64,
    /// Faults that struck, by their name.
    pub struck: BTreeMap<&'static str, u64>,
    /// Steps that were begun, by the kind of their object.
    pub kinds: BTreeMap<String, u64>,
    /// Commands.
    pub commands: BTreeMap<&'static str, u64>,
    /// How often a law had something to say about, by its name.
    pub judged: BTreeMap<&'static str, u64>,
}

fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::CrashBefore => "crash before the effect",
        Fault::CrashAfter => "crash after the effect",
        Fault::ErrorAfter => "lost answer",
        Fault::ErrorBefore(CallErrorKind::Throttled) => "throttled",
        Fault::ErrorBefore(CallErrorKind::Unreachable) => "unreachable",
        Fault::ErrorBefore(CallErrorKind::ServiceFailure) => "failure of the service",
        Fault::ErrorBefore(CallErrorKind::AccessDenied) => "access denied",
        Fault::ErrorBefore(_) => "conflict",
    }
}

fn command(command: &Command) -> &'static str {
    match command {
        Command::Apply(_) => "apply",
        Command::DeleteServiceAccount(_) => "delete iamserviceaccount",
        Command::DeleteMapping(_) => "delete iamidentitymapping",
        Command::DeleteEntry(_) => "delete accessentry",
        Command::DeleteAssociation(_) => "delete podidentityassociation",
        Command::ToAccessEntries(..) => "migrate to access entries",
        Command::ToPodIdentity(_) => "migrate to pod identity",
    }
}

impl Tally {
    /// Adds faults that struck.
    pub fn faults(&mut self, struck: &[Fault]) {
        for fault in struck {
            *self.struck.entry(name(*fault)).or_default() += 1;
        }
    }

    /// Adds what a story did.
    pub fn of(&mut self, told: &Told, story: &Story) {
        self.stories += 1;
        self.runs += story.runs.len() as u64;
        for run in &story.runs {
            *self.commands.entry(command(&run.command)).or_default() += 1;
            self.clocks += u64::from(run.clock != (0, 0));
        }
        let land = &story.land;
        self.lists += u64::from(land.list_lag_milliseconds > 0 || land.page_size.is_some());
        self.late += u64::from(land.iam_lag_milliseconds > 0 || land.eks_lag_milliseconds > 0);
        self.refused += told
            .plans
            .iter()
            .filter(|planned| !planned.plan.may_be_applied())
            .count() as u64;
        let writes = told.effects().count() as u64;
        self.writes += writes;
        self.idle += u64::from(writes == 0);
        for event in &told.events {
            match &event.what {
                What::Begun => {
                    let step = event.step.as_deref().unwrap_or_default();
                    let kind = step.split('/').next().unwrap_or_default();
                    *self.kinds.entry(kind.to_owned()).or_default() += 1;
                }
                What::Ended(None) => self.done += 1,
                What::Ended(Some(_)) => self.failed += 1,
                What::Hand(_) => self.hands += 1,
                _ => {}
            }
        }
    }

    /// Notes that a law had something to judge.
    pub fn judge(&mut self, law: &'static str) {
        *self.judged.entry(law).or_default() += 1;
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.stories += other.stories;
        self.idle += other.idle;
        self.runs += other.runs;
        self.refused += other.refused;
        self.done += other.done;
        self.failed += other.failed;
        self.writes += other.writes;
        self.hands += other.hands;
        self.clocks += other.clocks;
        self.lists += other.lists;
        self.late += other.late;
        for (key, count) in &other.struck {
            *self.struck.entry(key).or_default() += count;
        }
        for (key, count) in &other.kinds {
            *self.kinds.entry(key.clone()).or_default() += count;
        }
        for (key, count) in &other.commands {
            *self.commands.entry(key).or_default() += count;
        }
        for (key, count) in &other.judged {
            *self.judged.entry(key).or_default() += count;
        }
    }
}

fn counts<K: fmt::Display>(of: &BTreeMap<K, u64>) -> String {
    let counts: Vec<String> = of.iter().map(|(key, count)| format!("{key} {count}")).collect();
    counts.join(", ")
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} runs ({} plans refused), {} steps done and {} failed, {} writes; {} stories wrote nothing",
            self.runs, self.refused, self.done, self.failed, self.writes, self.idle
        )?;
        writeln!(f, "  commands: {}", counts(&self.commands))?;
        writeln!(f, "  steps by kind: {}", counts(&self.kinds))?;
        writeln!(
            f,
            "  faults: {}; by hand {}; clocks off or moved {}; stories with late lists or small pages {}, with late roles {}",
            counts(&self.struck),
            self.hands,
            self.clocks,
            self.lists,
            self.late
        )?;
        write!(f, "  judged: {}", counts(&self.judged))
    }
}
