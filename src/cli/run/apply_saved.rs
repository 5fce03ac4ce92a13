//! Applies a saved plan: what was approved, and nothing else.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use clap::{ArgAction, Args};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    carry_out::{self, Told},
    config_files::WholeFileFlags,
    flow::{self, ApprovalFlags},
    interrupt::Listener,
    saved_plan,
    wiring::Connection,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{
        global::GlobalFlags,
        plan::{DEFAULT_TIMEOUT, Output, PlanFlags},
    },
};
use eksact_core::{
    engine::{Event, Plan, Report},
    guard::broadening,
    kinds::preflight,
    saved::{
        SavedPlan,
        apply::{ApplyError, Begun, Run, Standing, begin},
        compare::Moved,
        lock::{self, Held, LockError, Outcome, Record},
    },
    view::{Printer, plan_json::plan_json, report::Rest, text::harmless},
};

/// Flags about a saved plan.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Saved plan")]
pub(crate) struct SavedPlanFlags {
    /// Apply only the plan with this digest, without asking: an approval that was given elsewhere
    #[arg(long, value_name = "DIGEST", conflicts_with = "config_files", value_parser = digest)]
    pub(crate) expect: Option<String>,
    /// Keep other applies of saved plans off the cluster meanwhile, and remember this one: a Lease in kube-system
    #[arg(
        long,
        value_name = "BOOL",
        conflicts_with = "config_files",
        default_value = "true",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        overrides_with = "lock",
        action = ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    lock: bool,
}

impl SavedPlanFlags {
    /// A run of these flags, which is another than every other.
    pub(crate) fn new_run(&self) -> Run {
        Run {
            id: uuid::Uuid::new_v4().simple().to_string(),
            locks: self.lock,
            now: Timestamp::now,
        }
    }
}

/// `sha256:` and 64 hex digits.
fn digest(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err("it is not `sha256:` and 64 hex digits, as `eksact show PLAN` prints it".to_owned())
    }
}

/// A saved plan to be applied.
pub(crate) struct ApplySaved<'run> {
    pub(crate) file: PathBuf,
    pub(crate) flags: SavedPlanFlags,
    pub(crate) plan: &'run PlanFlags,
    pub(crate) approval: ApprovalFlags,
    pub(crate) global: &'run GlobalFlags,
    pub(crate) printer: &'run Printer,
}

/// Refuses flags that shape a plan: this one has its shape.
pub(crate) fn refuse_flags(whole: &WholeFileFlags) -> Result<(), Failure> {
    let WholeFileFlags {
        config_files: _,
        prune,
        prune_named: _,
        filter,
        roles,
        agent,
        thumbprint,
        targets,
        plan:
            PlanFlags {
                output,
                allow,
                timeout,
                views,
                // It may forbid what the plan does, and never change it.
                broadening: _,
            },
    } = whole;
    views.check(*output)?;
    let is_termination_set = std::env::var_os("EKSACT_TERMINATION_PROTECTION").is_some();
    let given = [
        (*prune, "--prune"),
        (filter.is_given(), "--include and --exclude"),
        (!targets.target.is_empty(), "--target"),
        (!targets.exclude_target.is_empty(), "--exclude-target"),
        (
            roles.override_existing_serviceaccounts,
            "--override-existing-serviceaccounts",
        ),
        (
            !roles.termination_protection && !is_termination_set,
            "--termination-protection",
        ),
        (roles.cfn_role_arn.is_some(), "--cfn-role-arn"),
        (roles.cfn_disable_rollback, "--cfn-disable-rollback"),
        (agent.install_agent, "--install-agent"),
        (thumbprint.thumbprint.is_some(), "--thumbprint"),
        (thumbprint.check_thumbprint, "--check-thumbprint"),
        (!allow.is_empty(), "--allow"),
        (*timeout != DEFAULT_TIMEOUT, "--timeout"),
    ];
    match given.iter().find(|(is_given, _)| *is_given) {
        Some((_, flag)) => Err(Failure::usage(format!(
            "{flag} cannot be used with a saved plan, which is applied as it is: make the plan with it, \
             `eksact plan -f FILE … --out PLAN`"
        ))),
        None => Ok(()),
    }
}

impl ApplySaved<'_> {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let saved = saved_plan::load(&self.file, &self.global.words_of_place())?;
        self.check(&saved)?;
        let connection = Connection::open(self.global, &saved.request.config, self.printer).await?;
        let run = self.flags.new_run();
        let clients = (&connection.readers, &connection.writers);
        let printer = self.printer.clone();
        let notice = move |text: &str| printer.note(text);
        let begun = Box::pin(begin(&saved, clients, &run, notice, async |plan: &Plan| {
            self.approve(plan, &saved)?;
            preflight::check(plan, connection.readers.kubernetes.as_ref()).await?;
            Ok::<(), Failure>(())
        }))
        .await?;
        match begun {
            Begun::Ready {
                plan,
                held,
                left_behind,
            } => {
                if let Some(who) = left_behind {
                    tell_left_behind(&who, self.printer);
                }
                self.carry_out(&plan, &saved, &connection, held).await
            }
            Begun::Otherwise(standing) => self.otherwise(standing, &saved),
        }
    }

    /// What can be said without looking at the cluster.
    fn check(&self, saved: &SavedPlan) -> Result<(), Failure> {
        if let Some(expected) = &self.flags.expect
            && expected != saved.digest()
        {
            return Err(Failure::error(format!(
                "{} is not the plan that was approved; nothing was changed\nits digest is {}\nand approved is {expected}",
                self.file.display(),
                saved.digest()
            ))
            .with_code(ExitCode::NotApproved));
        }
        let region = &saved.request.config.metadata.region.value;
        if let Some(other) = self.global.region.as_ref().filter(|other| *other != region) {
            return Err(Failure::usage(format!(
                "--region {other} is not the region of the plan, {region}"
            ))
            .with_help(remedy!("Leave --region out: the plan names its region.")));
        }
        if !saved.plan.may_be_applied() {
            flow::show_saved(saved, &saved.plan, self.plan, self.printer)?;
            return Err(flow::refused(&saved.plan));
        }
        Ok(())
    }

    fn approve(&self, plan: &Plan, saved: &SavedPlan) -> Result<(), Failure> {
        let rule = saved.request.broadening_rule().and(self.plan.broadening.rule()?);
        let plan = &broadening::when_applied(plan.clone(), &rule, self.flags.expect.is_some());
        let output = self.plan.output;
        let file = flow::file_of(&saved.request);
        self.plan
            .views
            .write(plan, saved.digest(), file, Some(saved.document()))?;
        if output != Output::Json {
            flow::show_saved(saved, plan, self.plan, self.printer)?;
        }
        if !plan.may_be_applied() {
            if output == Output::Json {
                flow::deliver(&plan_json(plan)?, self.printer)?;
            }
            return Err(flow::refused(plan));
        }
        if self.approval.given() || self.flags.expect.is_some() {
            return Ok(());
        }
        if output == Output::Json {
            flow::deliver(saved.document(), self.printer)?;
        }
        let approval = ["--expect".to_owned(), saved.digest().to_owned()];
        if flow::ask(
            flow::QUESTION,
            matches!(output, Output::Json | Output::Ndjson),
            &approval,
        )? {
            return Ok(());
        }
        self.printer.status("Nothing was changed.\n");
        Err(Failure::error("").with_code(ExitCode::NotApproved))
    }

    async fn carry_out(
        &self,
        plan: &Plan,
        saved: &SavedPlan,
        connection: &Connection,
        held: Option<Box<Held>>,
    ) -> Result<ExitCode, Failure> {
        let never = async |_: &Listener| std::future::pending().await;
        let told = Told::by(self.plan.output);
        let (report, events, _) = under_lock(plan, saved, connection, held, told, self.printer, never).await;
        let rest = Rest::NewPlan(Some(saved_plan::made_anew(
            &saved.request,
            &self.file,
            self.global,
        )));
        flow::ended(plan, &report, &events, &rest, self.plan, self.printer)
    }

    /// Ends without carrying anything out.
    fn otherwise(&self, standing: Standing, saved: &SavedPlan) -> Result<ExitCode, Failure> {
        match standing {
            Standing::Ready(_) => Ok(ExitCode::Success),
            Standing::Done(now, record) => {
                self.printer.status(&done(record.as_ref()));
                flow::unchanged(&now, self.plan, self.printer)
            }
            Standing::Moved(objects, record) => {
                Err(moved(&objects, record.as_ref(), saved, (&self.file, self.global)))
            }
            Standing::Refused(now) => {
                flow::show_saved(saved, &now, self.plan, self.printer)?;
                Err(flow::refused(&now))
            }
        }
    }
}

/// Carries a plan out under its lock, which is renewed meanwhile and given back at the end with the record of the apply. `stop` may
/// ask the listener to end it before its end. Tells at last whether the lock was lost, which ended it, too.
pub(crate) async fn under_lock(
    plan: &Plan,
    saved: &SavedPlan,
    connection: &Connection,
    mut held: Option<Box<Held>>,
    told: Told<'_>,
    printer: &Printer,
    stop: impl AsyncFnOnce(&Listener),
) -> (Report, Vec<Event>, bool) {
    let clients = (&connection.readers, &connection.writers);
    if held.is_none() {
        printer.note(
            "nothing keeps another apply apart from this one, and this one is not remembered (--lock=false)",
        );
    }
    let is_lost = Cell::new(false);
    let stop = async |listener: &Listener| {
        let lost = async {
            if let Some(held) = &mut held {
                keep(held, connection, printer).await;
                is_lost.set(listener.lock_lost());
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = lost => {}
            () = stop(listener) => {}
        }
    };
    let (report, events) = carry_out::carry_out(plan, &saved.request, connection, told, printer, stop).await;
    if let Some(held) = held {
        let outcome = if report.succeeded() {
            Outcome::Applied
        } else {
            Outcome::Unfinished
        };
        if let Err(error) = held.give_back(clients, Some(outcome), Timestamp::now()).await {
            printer.warning(&format!(
                "the lock could not be given back, so it ends by itself, and this apply is not remembered: {error}"
            ));
        }
    }
    (report, events, is_lost.get())
}

/// Renews the lock; ends when it is lost.
async fn keep(held: &mut Held, connection: &Connection, printer: &Printer) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(lock::RENEWAL).await;
        let clients = (&connection.readers, &connection.writers);
        match held.renew(clients, Timestamp::now()).await {
            Ok(()) => renewed = Instant::now(),
            Err(error) => {
                let is_over = error == LockError::Moved || renewed.elapsed() > lock::RENEWAL * 5;
                let what = if is_over {
                    "was lost"
                } else {
                    "could not be renewed"
                };
                printer.warning(&format!("the lock {what}: {error}"));
                if is_over {
                    return;
                }
            }
        }
    }
}

/// Says whose lock was taken over.
pub(crate) fn tell_left_behind(who: &str, printer: &Printer) {
    printer.note(&format!(
        "took over the lock of {who}, whose run ended without giving it back"
    ));
}

/// What is said of a plan whose work is done.
pub(crate) fn done(record: Option<&Record>) -> String {
    match record {
        Some(record) => format!("Already applied {}: nothing to do.\n", when(record)),
        None => "Already as the plan would leave it: nothing to do.\n".to_owned(),
    }
}

/// Why nothing is done where something that the plan in `file` relies on has moved.
pub(crate) fn moved(
    moved: &[Moved],
    record: Option<&Record>,
    saved: &SavedPlan,
    (file, global): (&Path, &GlobalFlags),
) -> Failure {
    let mut message = match (record, moved) {
        (Some(record), []) => format!(
            "the plan was applied already {}, and the world is again as it was before; nothing was changed",
            when(record)
        ),
        (Some(record), _) => format!(
            "the plan was applied already {}, and since then objects have changed; nothing was changed",
            when(record)
        ),
        (None, _) => {
            "the live state is no longer what the plan was made from; nothing was changed".to_owned()
        }
    };
    for one in moved.iter().take(LISTED) {
        let about = one
            .address
            .as_ref()
            .map_or_else(String::new, |address| format!("{address}: "));
        message.push_str(&["\n", &harmless(&about), &harmless(&one.how)].concat());
    }
    if let Some(more) = moved.len().checked_sub(LISTED).filter(|more| *more > 0) {
        message.push_str("\nand ");
        message.push_str(&more.to_string());
        message.push_str(" more");
    }
    Failure::error(message)
        .with_help(saved_plan::made_anew(&saved.request, file, global))
        .with_code(ExitCode::Stale)
}

/// How many objects that moved are named.
const LISTED: usize = 20;

/// Who writes leases in kube-system decides what is in a record.
fn when(record: &Record) -> String {
    format!("at {:.0} by {}", record.at, harmless(&record.by))
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let message = format!("{}; nothing was changed", harmless(&error.to_string()));
        match error {
            ApplyError::Call(error) => error.into(),
            ApplyError::Plan(error) => error.into(),
            ApplyError::AnotherStep(_) => Self::error(message),
            ApplyError::OtherAccount { .. } => Self::error(message).with_help(remedy!(
                "Use credentials of the plan's account: --profile, or the variables of AWS."
            )),
            ApplyError::OtherCluster { .. } | ApplyError::NoCluster(_) => {
                Self::error(message).with_code(ExitCode::Stale)
            }
            ApplyError::Lock(LockError::Held { until, .. }) => {
                Self::error(format!("{message}\nits lock ends at {until:.0} unless it renews it")).with_help(remedy!(
                    "Wait until it has ended and run the same command again. If that run is dead, `kubectl -n {} delete lease {}` \
                     ends its lock.",
                    lock::NAMESPACE,
                    lock::NAME
                ))
            }
            ApplyError::Lock(LockError::Unreadable(_)) => Self::error(message).with_help(remedy!(
                "`kubectl -n {} delete lease {}` forgets what was applied.",
                lock::NAMESPACE,
                lock::NAME
            )),
            ApplyError::Lock(_) => Self::error(format!("the lock of the cluster cannot be taken: {message}")).with_help(remedy!(
                "Give the caller the right to get, create and patch leases in the namespace {}, or add --lock=false where \
                 nobody else applies a plan meanwhile.",
                lock::NAMESPACE
            )),
        }
    }
}

#[cfg(test)]
mod tests;
