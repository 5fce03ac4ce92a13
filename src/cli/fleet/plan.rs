//! `plan` over many clusters: each is planned by itself, and one report has them all.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    FleetFlags, Member, Refused, announce, end, files, flags,
    plan_folder::PlanFolder,
    problem_of,
    run::{Bound, Stopped, each},
    shown, status_of,
    ways::Ways,
    write_metrics,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output},
    run::{config_files::WholeFileFlags, flow, interrupt::Listener, sandbox, saved_plan, wiring::Connection},
};
use eksact_core::{
    config::ClusterConfig,
    engine::{Severity, drift},
    fleet::{Outcome, Problem, Status},
    kinds::Request,
    saved::SavedPlan,
    view::{Printer, fleet_human::Run},
};
use eksact_message::duration::in_words;

/// What `plan` is asked for over many clusters.
pub(crate) struct PlanMany<'run> {
    pub(crate) whole: &'run WholeFileFlags,
    pub(crate) fleet: &'run FleetFlags,
    pub(crate) detailed: bool,
    pub(crate) drift_only: bool,
    pub(crate) out: Option<&'run Path>,
}

/// A cluster that was looked at.
pub(super) struct Entry<Kept> {
    /// What became of it so far.
    pub(super) outcome: Outcome,
    /// What the run goes on with, where there is a plan.
    pub(super) kept: Option<Kept>,
}

/// Plans every cluster, shows all of them, and ends: nothing is changed.
pub(crate) async fn plan(
    members: Vec<Member>,
    asked: PlanMany<'_>,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    flags::check(asked.whole, global, Vec::<Refused>::new())?;
    files::look_at(&members, asked.whole, asked.fleet, printer)?;
    let flags = &asked.whole.plan;
    let folder = asked.out.map(PlanFolder::check).transpose()?;
    let needs_digest = folder.is_some()
        || flags.views.write_anything()
        || matches!(flags.output, Output::Markdown | Output::Html | Output::Sarif);
    let (_listener, interrupt) = Listener::begin();
    if global.sandbox {
        sandbox::tell(&global.sandbox_file, printer);
    }
    announce("planning", members.len(), asked.fleet.at_once(), printer);
    let ways = Ways::new(global);
    let open = async |config: &ClusterConfig, printer: &Printer| ways.to(config, printer).await;
    let request = |config: ClusterConfig, printer: &Printer| {
        let mut request = asked.whole.request_of(config, printer)?;
        // The same plan has the same digest wherever it is made.
        request.settings.nonce.clear();
        Ok(request)
    };
    // The way to a cluster is needed no more once it is planned, and what was asked for only by the digest.
    let keep = |request: Request, _: Connection| needs_digest.then_some(request);
    let mut entries = plan_all(members, asked.fleet, &interrupt, printer, (open, request, keep)).await;
    refuse_one_cluster_twice(&mut entries, "ClusterConfigs");
    for entry in &mut entries {
        if let Some(mut request) = entry.kept.take().flatten() {
            if let Some(words) = asked.whole.unusual_words(&entry.outcome.files) {
                request.settings.command = words;
            }
            digest_and_save(&mut entry.outcome, &request, folder.as_ref());
        }
        if asked.drift_only
            && !entry.outcome.status.is_failure()
            && let Some(plan) = &entry.outcome.plan
        {
            let (drift, _) = drift::of(plan);
            entry.outcome.status = Status::of_plan(&drift, true);
            entry.outcome.plan = Some(drift);
        }
    }
    tracing::info!(calls = ways.calls(), "AWS calls of the run");
    let outcomes: Vec<Outcome> = entries.into_iter().map(|entry| entry.outcome).collect();
    let run = if asked.drift_only { Run::Drift } else { Run::Plan };
    shown::write_views(&outcomes, run, &flags.views)?;
    write_metrics(&outcomes, asked.fleet)?;
    shown::show(&outcomes, run, flags.output, &flags.views, printer)?;
    if let Some(folder) = &folder {
        folder.tell(&outcomes, global, printer);
    }
    end(&outcomes, asked.detailed)
}

/// Plans every cluster whose files can be used. `open` finds the way to one, `request` makes of its configuration what is asked for,
/// and `keep` says what of both the run goes on with.
pub(super) async fn plan_all<Kept>(
    members: Vec<Member>,
    fleet: &FleetFlags,
    interrupt: &tokio::sync::watch::Receiver<eksact_core::engine::Interrupt>,
    printer: &Printer,
    (open, request, keep): (
        impl AsyncFn(&ClusterConfig, &Printer) -> Result<Connection, Failure>,
        impl Fn(ClusterConfig, &Printer) -> Result<Request, Failure>,
        impl Fn(Request, Connection) -> Kept,
    ),
) -> Vec<Entry<Kept>> {
    let limit = fleet.timeout();
    let mut entries = Vec::new();
    let mut waiting = Vec::new();
    for (number, member) in members.into_iter().enumerate() {
        let (config, problem) = match member.config {
            Ok(config) => (Some(config), None),
            Err(problem) => (None, Some(problem)),
        };
        if let Some(config) = config {
            let label = match &member.cluster {
                Some(cluster) => cluster.to_string(),
                None => String::new(),
            };
            waiting.push((number, label, config));
        }
        entries.push(Entry {
            outcome: Outcome {
                cluster: member.cluster,
                files: member.files,
                status: Status::Invalid,
                plan: None,
                digest: None,
                saved: None,
                run: None,
                problem,
                took: Duration::ZERO,
            },
            kept: None,
        });
    }
    let numbers: Vec<usize> = waiting.iter().map(|(number, ..)| *number).collect();
    let work = async |(_, label, config): (usize, String, ClusterConfig)| {
        let begun = Instant::now();
        let printer = printer.about(&label);
        let planned = async {
            let request = request(config, &printer)?;
            let connection = open(&request.config, &printer).await?;
            let plan = flow::plan_for(&request, &connection, &printer).await?;
            Ok::<_, Failure>((plan, keep(request, connection)))
        };
        (planned.await, begun.elapsed())
    };
    let results = each(waiting, fleet.at_once(), Bound::Dropped(limit), interrupt, work).await;
    for (number, result) in numbers.into_iter().zip(results) {
        let Some(entry) = entries.get_mut(number) else {
            continue;
        };
        match result {
            Ok((Ok((plan, kept)), took)) => {
                entry.outcome.status = Status::of_plan(&plan, false);
                if plan.findings_of(Severity::Error).next().is_some() {
                    entry.outcome.problem = Some(problem_of(flow::could_not_be_planned(&plan)));
                }
                entry.outcome.plan = Some(plan);
                entry.outcome.took = took;
                entry.kept = Some(kept);
            }
            Ok((Err(failure), took)) => {
                entry.outcome.status = status_of(&failure);
                entry.outcome.problem = Some(problem_of(failure));
                entry.outcome.took = took;
            }
            Err(stopped) => stop(&mut entry.outcome, stopped, limit),
        }
    }
    entries
}

/// A cluster whose plan did not come to its end.
fn stop(outcome: &mut Outcome, stopped: Stopped, limit: Duration) {
    let (status, message) = match stopped {
        Stopped::TimedOut => (
            Status::TimedOut,
            format!(
                "its plan took longer than {} and was given up; nothing was changed. --cluster-timeout sets the limit",
                in_words(limit)
            ),
        ),
        Stopped::Interrupted => (
            Status::Interrupted,
            "the run was interrupted before its plan was made; nothing was changed".to_owned(),
        ),
    };
    outcome.status = status;
    outcome.took = if stopped == Stopped::TimedOut {
        limit
    } else {
        Duration::ZERO
    };
    outcome.problem = Some(Problem {
        message,
        help: Vec::new(),
    });
}

/// Two files whose clusters turn out to be one, by what EKS says: neither is applied. `what` they are, in the plural.
pub(super) fn refuse_one_cluster_twice<Kept>(entries: &mut [Entry<Kept>], what: &str) {
    let arn = |entry: &Entry<Kept>| entry.outcome.plan.as_ref()?.target.get("clusterARN").cloned();
    let file = |outcome: &Outcome| outcome.saved.clone().or_else(|| outcome.files.first().cloned());
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries.iter() {
        if let Some(arn) = arn(entry) {
            files.entry(arn).or_default().extend(file(&entry.outcome));
        }
    }
    for entry in entries.iter_mut() {
        let twice = arn(entry).and_then(|arn| Some((files.get(&arn)?, arn)));
        let Some((files, arn)) = twice.filter(|(files, _)| files.len() > 1) else {
            continue;
        };
        entry.kept = None;
        entry.outcome.plan = None;
        entry.outcome.status = Status::Invalid;
        entry.outcome.problem = Some(Problem {
            message: format!(
                "{} {what} are about {arn}: {}. Leave all but one out",
                files.len(),
                files.join(", ")
            ),
            help: Vec::new(),
        });
    }
}

/// What people approve the plan by; into the folder of plans with it, where there is one.
fn digest_and_save(outcome: &mut Outcome, request: &Request, folder: Option<&PlanFolder>) {
    let Some(plan) = &outcome.plan else {
        return;
    };
    let saved = match (folder, &outcome.cluster) {
        (Some(folder), Some(cluster)) => {
            let file = folder.file_of(cluster);
            saved_plan::save(&file, plan, request).map(|saved| (saved, Some(file)))
        }
        _ => SavedPlan::new(plan, request)
            .map(|saved| (saved, None))
            .map_err(|error| Failure::error(error.to_string())),
    };
    match saved {
        Ok((saved, file)) => {
            outcome.digest = Some(saved.digest().to_owned());
            outcome.saved = file.map(|file| file.to_string_lossy().into_owned());
        }
        Err(failure) => {
            outcome.status = Status::Failed;
            outcome.problem = Some(problem_of(failure));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;
    use eksact_core::{
        config,
        engine::Interrupt,
        fleet::{ClusterId, ending},
        kinds::request::Settings,
        view::{ColourChoice, Level},
    };
    use eksact_simulator::{ManualClock, Sandbox, Seed, World};

    const FILE: &str = include_str!("../../../examples/quickstart.yaml");

    fn member(name: &str) -> Member {
        let text = FILE.replace("name: quickstart", &format!("name: {name}"));
        let config = config::load(name, text.as_bytes()).unwrap().config;
        Member {
            cluster: Some(ClusterId::of(&config)),
            files: vec![format!("{name}.yaml")],
            beside: Vec::new(),
            config: Ok(config),
        }
    }

    /// A cluster in an account of its own, by its name: `hanging` never answers.
    async fn open(config: &ClusterConfig, _: &Printer) -> Result<Connection, Failure> {
        let cluster = config.metadata.name.value.clone();
        if cluster == "hanging" {
            std::future::pending::<()>().await;
        }
        let account = (cluster == "elsewhere").then(|| "444455556666".to_owned());
        let seed = Seed {
            cluster,
            region: config.metadata.region.value.clone(),
            account,
        };
        let sandbox = Sandbox::in_memory(World::seeded(&seed), Arc::new(ManualClock::default()));
        Ok(Connection {
            readers: sandbox.readers(),
            writers: sandbox.writers(),
            web_identity: Arc::new(sandbox),
        })
    }

    /// One cluster is broken, one is in another account, one hangs: the others are planned. Time does not pass here by itself.
    #[tokio::test(start_paused = true)]
    async fn clusters_that_fail_hide_no_other() {
        let mut members: Vec<Member> = ["a", "b", "hanging", "c", "elsewhere", "d"].map(member).into();
        members.insert(
            1,
            Member {
                cluster: None,
                files: vec!["broken.yaml".to_owned()],
                beside: Vec::new(),
                config: Err(Problem {
                    message: "broken".to_owned(),
                    help: Vec::new(),
                }),
            },
        );
        let (_sender, interrupt) = watch::channel(Interrupt::None);
        let printer = Printer::new(Level::Quiet, ColourChoice::Never);
        let request = |config, _: &Printer| Ok(Request::ensure(config, Settings::default()));
        let keep = |request: Request, _: Connection| request;
        let fleet = FleetFlags::default();
        let entries = plan_all(members, &fleet, &interrupt, &printer, (open, request, keep)).await;
        let statuses: Vec<(String, Status)> = entries
            .iter()
            .map(|entry| (entry.outcome.label(), entry.outcome.status))
            .collect();
        let wanted = [
            ("eu-west-1/a", Status::Changes),
            ("broken.yaml", Status::Invalid),
            ("eu-west-1/b", Status::Changes),
            ("eu-west-1/hanging", Status::TimedOut),
            ("eu-west-1/c", Status::Changes),
            ("eu-west-1/elsewhere", Status::Changes),
            ("eu-west-1/d", Status::Changes),
        ];
        assert_eq!(statuses, wanted.map(|(label, status)| (label.to_owned(), status)));
        let account =
            |number: usize| entries[number].outcome.plan.as_ref().unwrap().target["account"].clone();
        assert_eq!(
            (account(0), account(5)),
            ("111122223333".to_owned(), "444455556666".to_owned())
        );
        assert_eq!(ending(entries.iter().map(|entry| &entry.outcome)), Status::Failed);
    }

    /// Two files by which EKS finds one cluster: neither is used.
    #[tokio::test(start_paused = true)]
    async fn cluster_under_two_names_is_refused() {
        let other = Member {
            cluster: Some(ClusterId {
                account: Some("111122223333".to_owned()),
                ..member("a").cluster.unwrap()
            }),
            files: vec!["copy.yaml".to_owned()],
            ..member("a")
        };
        let (_sender, interrupt) = watch::channel(Interrupt::None);
        let printer = Printer::new(Level::Quiet, ColourChoice::Never);
        let request = |config, _: &Printer| Ok(Request::ensure(config, Settings::default()));
        let keep = |request: Request, _: Connection| request;
        let members = vec![member("a"), other, member("b")];
        let fleet = FleetFlags::default();
        let mut entries = plan_all(members, &fleet, &interrupt, &printer, (open, request, keep)).await;
        refuse_one_cluster_twice(&mut entries, "ClusterConfigs");
        let statuses: Vec<Status> = entries.iter().map(|entry| entry.outcome.status).collect();
        assert_eq!(statuses, [Status::Invalid, Status::Invalid, Status::Changes]);
        assert!(entries[0].kept.is_none() && entries[2].kept.is_some());
        let message = &entries[1].outcome.problem.as_ref().unwrap().message;
        assert!(message.contains("a.yaml, copy.yaml"), "{message}");
    }
}
