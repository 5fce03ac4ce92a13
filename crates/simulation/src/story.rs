//! A story: a world, what eksact made in it, what hands did since, and the runs that are let loose on it at once, each with
//! what goes wrong for it. All of it follows from one number.

use std::fmt;

use eksact_core::ports::CallErrorKind;
use eksact_simulator::{Fault, Matching, Rule};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    between::{self, Between},
    file::{self, File},
    hands::{self, Hand},
    people::{EVERYBODY, GROUPS, PRINCIPALS},
};

/// What the world is like.
#[derive(Clone, Debug)]
pub struct Land {
    /// The authentication mode.
    pub mode: usize,
    /// Lines of aws-auth that people wrote: whose, and which group.
    pub lines: Vec<(usize, usize)>,
    /// Access entries that people made: whose, and which group.
    pub entries: Vec<(usize, usize)>,
    /// Whether somebody else has a role of a name that files use, and a policy.
    pub taken: (bool, bool),
    /// How long CloudFormation works on a stack, in seconds.
    pub stack_seconds: u32,
    /// How long EKS works on an update, in seconds.
    pub update_seconds: u32,
    /// How long a written trust policy is not shown.
    pub iam_lag_milliseconds: u32,
    /// How long EKS does not see a new role or entry.
    pub eks_lag_milliseconds: u32,
    /// How long lists lag behind.
    pub list_lag_milliseconds: u32,
    /// How many items are on a page, where it is not as many as AWS puts there.
    pub page_size: Option<usize>,
}

/// What somebody runs.
#[derive(Clone, Debug)]
pub enum Command {
    /// `apply -f`.
    Apply(Box<File>),
    /// `delete iamserviceaccount`.
    DeleteServiceAccount((usize, usize)),
    /// `delete iamidentitymapping`.
    DeleteMapping(usize),
    /// `delete accessentry`.
    DeleteEntry(usize),
    /// `delete podidentityassociation`.
    DeleteAssociation((usize, usize)),
    /// `utils migrate-to-access-entry`, with the lines removed, and to mode API.
    ToAccessEntries(bool, bool),
    /// `utils migrate-to-pod-identity`, with the annotations removed.
    ToPodIdentity(bool),
}

/// Something that goes wrong for a run.
#[derive(Clone, Debug)]
pub struct Strike {
    /// Whether it may strike any call, or writes alone.
    pub any: bool,
    /// The first call that it strikes, counted from 1.
    pub nth: u32,
    /// How many in a row.
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

impl Strike {
    /// The rule of the simulator.
    pub fn rule(&self) -> Rule {
        Rule {
            matching: if self.any { Matching::All } else { Matching::Writes },
            nth: self.nth,
            times: self.times,
            fault: self.fault,
        }
    }
}

/// One run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Run {
    /// What is run.
    pub command: Command,
    /// `--prune`.
    pub prune: bool,
    /// `--override-existing-serviceaccounts`.
    pub force: bool,
    /// Every guard is allowed.
    pub allows: bool,
    /// The plan is saved first, and then applied under its lock.
    pub saved: bool,
    /// What hands do to its objects after its plan was made.
    pub between: Option<Between>,
    /// What goes wrong.
    pub strikes: Vec<Strike>,
    /// In which order its calls take turns with others, and how long they take.
    pub turns: u64,
    /// How many milliseconds a call or an answer is on its way at most.
    pub slow: u32,
    /// How far the clock of its machine is off, in seconds, and how much further after its first write.
    pub clock: (i32, i32),
}

impl Run {
    /// The run with a file that is an edit of the one of before.
    fn editing(mut self, before: &File) -> Self {
        if let Command::Apply(file) = self.command {
            self.command = Command::Apply(Box::new(file.editing(before)));
        }
        self
    }
}

/// A whole story.
#[derive(Clone, Debug)]
pub struct Story {
    /// The world.
    pub land: Land,
    /// What eksact made before.
    pub before: File,
    /// What hands did since.
    pub hands: Vec<Hand>,
    /// The runs, all at once.
    pub runs: Vec<Run>,
    /// What hands do meanwhile: before which write of all runs.
    pub meanwhile: Vec<(u32, Hand)>,
}

fn land() -> impl Strategy<Value = Land> {
    let whom = || prop::collection::vec((0..PRINCIPALS, 0..GROUPS.len()), 0..3);
    (
        prop_oneof![1 => Just(0usize), 4 => Just(1), 1 => Just(2)],
        whom(),
        whom(),
        (prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
        prop_oneof![3 => Just(0u32), 1 => 1u32..90],
        prop_oneof![1 => Just(0u32), 1 => 1u32..300],
        prop_oneof![2 => Just(0u32), 1 => 1u32..8000],
        prop_oneof![2 => Just(0u32), 1 => 1u32..20_000],
        prop_oneof![3 => Just(0u32), 1 => 1u32..5000],
        prop_oneof![2 => Just(None), 1 => (1usize..4).prop_map(Some)],
    )
        .prop_map(
            |(mode, lines, entries, taken, stack_seconds, update_seconds, iam, eks, list, page_size)| Land {
                mode,
                lines,
                entries,
                taken,
                stack_seconds,
                update_seconds,
                iam_lag_milliseconds: iam,
                eks_lag_milliseconds: eks,
                list_lag_milliseconds: list,
                page_size,
            },
        )
}

fn command() -> impl Strategy<Value = Command> {
    let place = || (0usize..2, 0usize..3);
    prop_oneof![
        16 => file::files().prop_map(|file| Command::Apply(Box::new(file))),
        1 => place().prop_map(Command::DeleteServiceAccount),
        1 => (0..EVERYBODY).prop_map(Command::DeleteMapping),
        1 => (0..EVERYBODY).prop_map(Command::DeleteEntry),
        1 => place().prop_map(Command::DeleteAssociation),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(lines, api)| Command::ToAccessEntries(lines, api)),
        1 => any::<bool>().prop_map(Command::ToPodIdentity),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::CrashBefore),
        2 => Just(Fault::CrashAfter),
        3 => Just(Fault::ErrorAfter),
        1 => Just(Fault::ErrorBefore(CallErrorKind::Throttled)),
        1 => Just(Fault::ErrorBefore(CallErrorKind::Unreachable)),
        1 => Just(Fault::ErrorBefore(CallErrorKind::ServiceFailure)),
        1 => Just(Fault::ErrorBefore(CallErrorKind::AccessDenied)),
        1 => Just(Fault::ErrorBefore(CallErrorKind::Conflict)),
    ]
}

fn strike() -> impl Strategy<Value = Strike> {
    (
        prop::bool::weighted(0.2),
        1u32..12,
        prop_oneof![4 => Just(1u32), 1 => 2u32..6],
        fault(),
    )
        .prop_map(|(any, nth, times, fault)| Strike {
            any,
            nth: if any { nth * 4 } else { nth },
            times,
            fault,
        })
}

fn run() -> impl Strategy<Value = Run> {
    let off = || prop_oneof![2 => Just(0i32), 1 => -7200i32..7200, 1 => Just(864_000)];
    (
        command(),
        prop::bool::weighted(0.4),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.3, between::between()),
        prop::collection::vec(strike(), 0..3),
        any::<u64>(),
        prop_oneof![1 => Just(0u32), 1 => 1u32..3000],
        (off(), off()),
    )
        .prop_map(
            |(command, prune, force, allows, saved, between, strikes, turns, slow, clock)| Run {
                command,
                prune,
                force,
                allows,
                saved,
                between,
                strikes,
                turns,
                slow,
                clock,
            },
        )
}

fn stories() -> impl Strategy<Value = Story> {
    // Half of the files are edits of the one that made the world.
    let run = || (run(), any::<bool>());
    let runs = prop_oneof![
        5 => prop::collection::vec(run(), 1..2),
        5 => prop::collection::vec(run(), 2..5),
    ];
    (
        land(),
        file::files(),
        prop::collection::vec(hands::hands(), 0..5),
        runs,
        prop_oneof![
            3 => Just(Vec::new()),
            2 => prop::collection::vec((1u32..14, hands::hands()), 1..4),
        ],
    )
        .prop_map(|(land, before, hands, runs, meanwhile)| Story {
            runs: runs
                .into_iter()
                .map(|(run, edits)| if edits { run.editing(&before) } else { run })
                .collect(),
            land,
            before,
            hands,
            meanwhile,
        })
}

/// The story of a number, and the ways to a shorter one.
pub fn story_of(seed: u64) -> impl ValueTree<Value = Story> {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(seed.to_le_bytes()) {
        *place = byte;
    }
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    stories().new_tree(&mut runner).unwrap()
}

/// As a developer reads it: the files as their text, the rest as it is.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the world: {:?}", self.land)?;
        writeln!(f, "made before by:\n{}", indented(&self.before.text()))?;
        writeln!(f, "by hand since: {:?}", self.hands)?;
        for (number, run) in self.runs.iter().enumerate() {
            let flags = [
                (run.prune, "--prune"),
                (run.force, "--override-existing-serviceaccounts"),
                (run.allows, "--allow everything"),
                (run.saved, "saved first"),
            ];
            let flags: Vec<&str> = flags
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, flag)| *flag)
                .collect();
            match &run.command {
                Command::Apply(file) => {
                    writeln!(
                        f,
                        "run {number}: apply {}\n{}",
                        flags.join(" "),
                        indented(&file.text())
                    )?;
                }
                other => writeln!(f, "run {number}: {other:?} {}", flags.join(" "))?,
            }
            if let Some(between) = &run.between {
                writeln!(f, "    by hand after its plan: {between:?}")?;
            }
            writeln!(f, "    what goes wrong: {:?}", run.strikes)?;
            writeln!(
                f,
                "    turns {}, up to {} ms for a call, clock {:?}",
                run.turns, run.slow, run.clock
            )?;
        }
        write!(f, "by hand meanwhile: {:?}", self.meanwhile)
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
