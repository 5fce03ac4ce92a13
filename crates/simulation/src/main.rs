//! Plays stories by their numbers, and says which of them broke a law.
//!
//! `cargo run -p eksact-simulation --release -- --seeds 10000`
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a developer is told goes straight to the terminal"
)]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use eksact_simulation::{
    laws::LAWS,
    shorter::{outcome_of, shortest},
    tally::Tally,
};

/// How many failing stories are told; more say nothing new.
const TOLD: usize = 5;

/// Plays random stories of runs, faults and hands, and checks what must hold in each
#[derive(Parser)]
struct Arguments {
    /// How many stories
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One story alone, with all that it breaks
    #[arg(long)]
    seed: Option<u64>,
    /// Tell failing stories as they are, and do not look for a shorter one
    #[arg(long)]
    no_shrink: bool,
    /// End with the first story that breaks a law
    #[arg(long)]
    until_broken: bool,
    /// On how many threads
    #[arg(long)]
    threads: Option<usize>,
}

thread_local! {
    static PLAYING: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

fn repeat(seed: u64) -> String {
    format!("cargo run -p eksact-simulation --release -- --seed {seed}")
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (from, seeds) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.from, arguments.seeds),
    };
    // In a build in which a panic ends the process it must still be known which story did it.
    let before = std::panic::take_hook();
    let is_quiet = AtomicBool::new(cfg!(panic = "unwind"));
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(seed) = PLAYING.get()
            && !is_quiet.load(Ordering::Relaxed)
        {
            eprintln!("story {seed} panicked; to repeat it: {}", repeat(seed));
        }
        if PLAYING.get().is_none() || !is_quiet.load(Ordering::Relaxed) {
            before(panic);
        }
    }));
    let threads = arguments
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
        .unwrap_or(1);
    let begun = Instant::now();
    let next = AtomicU64::new(from);
    let is_broken = AtomicBool::new(false);
    let (tally, failed) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - from >= seeds || arguments.until_broken && is_broken.load(Ordering::Relaxed) {
                        return;
                    }
                    PLAYING.set(Some(seed));
                    let outcome = outcome_of(seed);
                    tally
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .add(&outcome.tally);
                    if !outcome.violations.is_empty() {
                        is_broken.store(true, Ordering::Relaxed);
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push((seed, outcome.violations));
                    }
                }
            });
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|(seed, _)| *seed);
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stories = tally.stories;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = stories as f64 / took;
    println!(
        "{stories} stories in {took:.1} s, {rate:.1} a second; {} broke a law",
        failed.len()
    );
    println!("{tally}");
    for (law, _) in LAWS {
        let broken = failed
            .iter()
            .filter(|(_, violations)| violations.iter().any(|violation| violation.law == law));
        let seeds: Vec<String> = broken.map(|(seed, _)| seed.to_string()).collect();
        if !seeds.is_empty() {
            println!("  {law}: broken by {} ({})", seeds.len(), seeds.join(" "));
        }
    }
    for (seed, violations) in failed.iter().take(TOLD) {
        println!("\nstory {seed}; to repeat it: {}", repeat(*seed));
        for violation in violations.iter().take(5) {
            println!("  {violation}");
        }
        let Some(first) = violations.first().filter(|_| !arguments.no_shrink) else {
            continue;
        };
        let (story, violations) = shortest(*seed, first.law);
        println!("shortest story that breaks `{}`:\n{story}", first.law);
        for violation in violations.iter().take(3) {
            println!("  {violation}");
        }
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
