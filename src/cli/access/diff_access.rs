//! `eksact diff-access`: who gains and who loses what in a cluster, between two days or by a file or plan that is not applied yet.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, de::IgnoredAny};

use super::question::read_now;
use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::{flow, saved_plan, wiring::Connection},
    texts::{facts_format::FactsFormat, file},
};
use eksact_core::{
    config::ClusterConfig,
    diagnosis::{
        authorization::{Extent, Picture, access_delta, read_picture, read_snapshot},
        planned_access::{Planned, access_between, access_since, planned_access},
    },
    engine::{AccessDelta, Finding, Severity},
    kinds::{self, Request, request::Settings},
    saved::SavedPlan,
    view::{Printer, errors::error_message},
};

/// Show who gains and who loses what in the cluster: between two snapshots, by a configuration or by a saved plan
///
/// People, groups and service accounts, with the access policies and roles that they are given and the rules of those. A
/// configuration stands for what the cluster would be if it were applied now; a side that is not given is the cluster as it is
/// now. Nothing is changed. Ends with 5 where something could not be compared.
#[derive(Debug, Args)]
pub(crate) struct DiffAccess {
    /// What is before: a file of `eksact snapshot`, or a configuration (with its ClusterAccess files: repeatable)
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    from: Vec<PathBuf>,
    /// What is after: the same, or alone a plan of `eksact plan --out`
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    to: Vec<PathBuf>,
    /// Take configurations as applied with --prune
    #[arg(long, help_heading = None::<&str>)]
    prune: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: FactsFormat,
}

/// What is before, or after.
enum Side {
    /// The cluster as it is now.
    Now,
    /// As it was.
    Snapshot(Box<Picture>),
    /// As it would be once these files are applied.
    Files(Vec<String>),
    /// As it would be once this plan is applied.
    Plan(Box<SavedPlan>),
}

impl DiffAccess {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let delta = self.delta(global, printer).await?;
        for what in &delta.unread {
            printer.warning(&format!("not compared: {what}"));
        }
        let document = serde_json::to_value(&delta)?;
        self.output.show_as(&delta.facts(), |_| document, printer)?;
        Ok(if delta.complete {
            ExitCode::Success
        } else {
            ExitCode::Partial
        })
    }

    async fn delta(&self, global: &GlobalFlags, printer: &Printer) -> Result<AccessDelta, Failure> {
        let is_stdin = |paths: &[PathBuf]| paths.iter().any(|path| path == Path::new("-"));
        if is_stdin(&self.from) && is_stdin(&self.to) {
            return Err(Failure::usage(
                "both --from and --to name standard input, which can be read once",
            ));
        }
        let before = side("--from", &self.from, printer)?;
        let after = side("--to", &self.to, printer)?;
        let has_files = matches!(before, Side::Files(_)) || matches!(after, Side::Files(_));
        if self.prune && !has_files {
            return Err(Failure::usage(
                "--prune has no effect: neither side is a configuration",
            ));
        }
        // One side that is read now needs to be told which cluster, where the other does not say it.
        let needs_cluster = matches!(
            (&before, &after),
            (Side::Snapshot(_), Side::Now) | (Side::Now, Side::Snapshot(_))
        );
        if !needs_cluster && (self.cluster.cluster.is_some() || self.cluster.config_file.is_some()) {
            return Err(Failure::usage(
                "--cluster and --config-file name the cluster that a snapshot is compared with as it is now, and here nothing \
                 else is",
            )
            .with_help(remedy!(
                "Leave it out; a configuration is named with --from or --to."
            )));
        }
        let is_plan = [&before, &after].iter().any(|side| matches!(side, Side::Plan(_)));
        let is_snapshot = [&before, &after]
            .iter()
            .any(|side| matches!(side, Side::Snapshot(_)));
        if is_snapshot && !is_plan {
            printer.note(
                "what roles allow in AWS is not compared with a snapshot: only who may do what in the cluster is",
            );
        }
        match (before, after) {
            (Side::Now, Side::Now) => Err(Failure::usage("nothing is named to compare the cluster with")
                .with_help(remedy!(
                    "Name what is before with --from FILE, or what is after with --to FILE."
                ))),
            (Side::Now, Side::Plan(saved)) => of_plan(&saved, printer),
            (Side::Plan(_), _) | (_, Side::Plan(_)) => Err(plan_alone()),
            (Side::Snapshot(before), Side::Snapshot(after)) => of_pictures(&before, &after),
            (Side::Snapshot(before), Side::Now) => of_pictures(&before, &self.now(global, printer).await?),
            (Side::Now, Side::Snapshot(after)) => of_pictures(&self.now(global, printer).await?, &after),
            (Side::Snapshot(before), Side::Files(to)) => {
                let [to] = self.planned([("--to", &to)], global, printer).await?;
                of_one_cluster(&of_picture(&before), &of_picture(&to.picture_after()))?;
                Ok(access_since(&before, &to))
            }
            (Side::Files(from), Side::Snapshot(after)) => {
                let [from] = self.planned([("--from", &from)], global, printer).await?;
                of_one_cluster(&of_picture(&from.picture_after()), &of_picture(&after))?;
                Ok(access_since(&after, &from).reversed())
            }
            (Side::Now, Side::Files(to)) => {
                let [to] = self.planned([("--to", &to)], global, printer).await?;
                Ok(planned_access(&to.before, &to.after, &to.plan))
            }
            (Side::Files(from), Side::Now) => {
                let [from] = self.planned([("--from", &from)], global, printer).await?;
                Ok(planned_access(&from.before, &from.after, &from.plan).reversed())
            }
            (Side::Files(from), Side::Files(to)) => {
                let sides = [("--from", &from), ("--to", &to)];
                let [from, to] = self.planned(sides, global, printer).await?;
                Ok(access_between(&from, &to))
            }
        }
    }

    async fn now(&self, global: &GlobalFlags, printer: &Printer) -> Result<Picture, Failure> {
        let read = read_now(&self.cluster, Extent::Cluster, global, printer).await?;
        Ok(read.picture)
    }

    /// What each of these configurations would make of their cluster, all over one reading of it.
    async fn planned<const N: usize>(
        &self,
        sides: [(&str, &Vec<String>); N],
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<[Planned; N], Failure> {
        let mut configs: Vec<ClusterConfig> = Vec::new();
        for (_, files) in sides {
            configs.push(file::load_all(files, global.region.as_deref(), printer)?);
        }
        if let [one, other] = &configs[..] {
            let of = |config: &ClusterConfig| {
                let metadata = &config.metadata;
                cluster_words(&metadata.name.value, &metadata.region.value)
            };
            of_one_cluster(&of(one), &of(other))?;
        }
        let Some(first) = configs.first() else {
            return Err(Failure::error("no configuration is named"));
        };
        let connection = Connection::open(global, first, printer).await?;
        let reader = flow::reader(&connection, first, printer).await?;
        // All that is bound to somebody, so that what a group gives is told of the people in it.
        Box::pin(read_picture(&reader, Extent::Cluster)).await;
        let request = |config| {
            let settings = Settings {
                prune: self.prune,
                ..Settings::default()
            };
            Request::ensure(config, settings)
        };
        let requests: Vec<Request> = configs.into_iter().map(request).collect();
        let before = Box::pin(kinds::read_for(&requests, &reader)).await;
        let mut planned = Vec::new();
        for (request, (flag, files)) in requests.iter().zip(sides) {
            let (plan, after) = kinds::plan_with_outcome(request, &before)?;
            for finding in &plan.findings {
                tell(flag, finding, printer);
            }
            let refusals: Vec<&str> = plan
                .findings_of(Severity::Refusal)
                .map(|finding| finding.code.as_str())
                .collect();
            if !refusals.is_empty() {
                printer.warning(&format!(
                    "{flag}: a guard refuses to apply {} as it is ({})",
                    files.join(", "),
                    refusals.join(", ")
                ));
            }
            planned.push(Planned {
                plan,
                before: before.clone(),
                after,
            });
        }
        planned
            .try_into()
            .map_err(|_| Failure::error("internal error: not every configuration was planned"))
    }
}

/// What a plan says of its own, as `plan` does; what is refused stands in one line, because nothing is applied.
fn tell(flag: &str, finding: &Finding, printer: &Printer) {
    let message = format!("{flag}: {}", finding.message);
    match finding.severity {
        Severity::Error => printer.status(&error_message(
            &message,
            finding.help.as_slice(),
            printer.stderr_style(),
        )),
        Severity::Warning => printer.warning(&message),
        _ => {}
    }
}

/// What differs between two readings of one cluster.
fn of_pictures(before: &Picture, after: &Picture) -> Result<AccessDelta, Failure> {
    of_one_cluster(&of_picture(before), &of_picture(after))?;
    Ok(access_delta(before, after))
}

fn of_picture(picture: &Picture) -> String {
    cluster_words(&picture.cluster, &picture.region)
}

fn cluster_words(name: &str, region: &str) -> String {
    format!("cluster {name} in {region}")
}

/// Refuses sides that are of two clusters.
fn of_one_cluster(from: &str, to: &str) -> Result<(), Failure> {
    if from == to {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--from is about {from} and --to about {to}: only what is of one cluster can be compared"
    )))
}

/// A plan with something before it that is not what it was made over.
fn plan_alone() -> Failure {
    Failure::usage(
        "a saved plan knows what it changes, and not all that there is: it can be compared only with what it was made over",
    )
    .with_help(remedy!(
        "Name the plan alone, as --to PLAN; or name the configuration in its place."
    ))
}

/// What a saved plan gives and takes: from what it was made over, to what it makes of it.
fn of_plan(saved: &SavedPlan, printer: &Printer) -> Result<AccessDelta, Failure> {
    let Some(delta) = &saved.plan.access else {
        return Err(Failure::error(
            "--to: the eksact that made the plan did not look at who gains and who loses what",
        ));
    };
    let target = |name: &str| saved.plan.target.get(name).map_or("", String::as_str);
    printer.note(&format!(
        "--to is a plan for cluster {} in {}, from what was there when it was made",
        target("cluster"),
        target("region")
    ));
    Ok(delta.clone())
}

/// What tells the files apart.
#[derive(Deserialize)]
struct Sign {
    /// Of a snapshot.
    format: Option<IgnoredAny>,
    /// Of a plan.
    format_version: Option<IgnoredAny>,
}

/// What a flag names.
fn side(flag: &str, paths: &[PathBuf], printer: &Printer) -> Result<Side, Failure> {
    let names = || {
        paths
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect()
    };
    let mut seen = BTreeSet::new();
    if let Some(path) = paths.iter().find(|path| !seen.insert(*path)) {
        let which = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        return Err(Failure::usage(format!("{which} is named twice with {flag}")));
    }
    let path = match paths {
        [] => return Ok(Side::Now),
        [path] if path == Path::new("-") => return Ok(Side::Files(names())),
        [path] => path,
        several => {
            for path in several.iter().filter(|path| *path != Path::new("-")) {
                if !matches!(side(flag, std::slice::from_ref(path), printer)?, Side::Files(_)) {
                    return Err(Failure::usage(format!(
                        "{flag} {}: it is named several times, and only configurations make one state together",
                        path.display()
                    )));
                }
            }
            return Ok(Side::Files(names()));
        }
    };
    let shown = path.display();
    let bytes = fs_err::read(path)
        .map_err(|error| Failure::error(format!("{flag}: the file could not be read: {error}")))?;
    match serde_json::from_slice::<Sign>(&bytes) {
        Ok(Sign { format: Some(_), .. }) => {
            let (picture, taken_at) = std::str::from_utf8(&bytes)
                .map_err(|error| error.to_string())
                .and_then(|text| read_snapshot(text).map_err(|error| error.to_string()))
                .map_err(|error| Failure::error(format!("{flag} {shown}: {error}")))?;
            printer.note(&format!(
                "{flag} is a snapshot of cluster {} in {}, taken at {taken_at}",
                picture.cluster, picture.region
            ));
            Ok(Side::Snapshot(Box::new(picture)))
        }
        Ok(Sign {
            format_version: Some(_),
            ..
        }) => Ok(Side::Plan(Box::new(saved_plan::load(path, &[])?))),
        _ if saved_plan::is_configuration(&bytes) => Ok(Side::Files(names())),
        _ => Err(Failure::error(format!(
            "{flag} {shown}: it is neither a snapshot, nor a saved plan, nor a configuration"
        ))
        .with_code(ExitCode::Configuration)),
    }
}
