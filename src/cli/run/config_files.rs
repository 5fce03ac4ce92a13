//! The flags of a command over whole files, and the request that they make.

use std::path::PathBuf;

use clap::Args;
use eksact_identity::service_account::ServiceAccountKey;

use super::{views, wiring::Connection};
use crate::cli::{
    Failure,
    flags::{
        filter::FilterFlags,
        global::GlobalFlags,
        plan::{AgentFlags, DEFAULT_TIMEOUT, PlanFlags, RoleFlags, ThumbprintFlags},
        target::TargetFlags,
    },
    texts::{file, shell},
};
use eksact_core::{
    config::ClusterConfig,
    kinds::{Request, service_account_scope::ServiceAccountScope},
    view::Printer,
};

/// Flags of the commands over a whole file.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "File")]
pub(crate) struct WholeFileFlags {
    /// The ClusterConfig file, or `-` for standard input; and ClusterAccess files beside it (repeatable). For plan and apply also a
    /// folder, a glob, or several ClusterConfigs: each is a cluster of the run
    #[arg(
        short = 'f',
        long = "config-file",
        alias = "file",
        value_name = "PATH",
        required = true
    )]
    pub config_files: Vec<String>,
    /// Also remove what eksctl or eksact created in the cluster and the file no longer has
    #[arg(long)]
    pub prune: bool,
    /// Let --prune remove a protected service account: kube-system/aws-node
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "prune")]
    pub prune_named: Vec<String>,
    #[command(flatten)]
    pub filter: FilterFlags,
    #[command(flatten)]
    pub targets: TargetFlags,
    #[command(flatten)]
    pub roles: RoleFlags,
    #[command(flatten)]
    pub agent: AgentFlags,
    #[command(flatten)]
    pub thumbprint: ThumbprintFlags,
    #[command(flatten)]
    pub plan: PlanFlags,
}

impl WholeFileFlags {
    /// The request for everything in the file, and the way to the world that it is about.
    pub(crate) async fn request(
        &self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<(Request, Connection), Failure> {
        let config = self.config(global, printer)?;
        file::tell_of_provider(std::iter::once(&config), &global.words_of_place(), printer);
        let connection = Connection::open(global, &config, printer).await?;
        Ok((self.request_of(config, printer)?, connection))
    }

    /// The same request where no world is looked at.
    pub(crate) fn request_without_connection(
        &self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Request, Failure> {
        self.request_of(self.config(global, printer)?, printer)
    }

    fn config(&self, global: &GlobalFlags, printer: &Printer) -> Result<ClusterConfig, Failure> {
        // A slip in a glob is told before anything is read.
        self.targets.targets()?;
        let mut config = file::load_all(&self.config_files, global.region.as_deref(), printer)?;
        let beside: Vec<PathBuf> = file::read_beside(&config).collect();
        views::apart(self.plan.views.paths(), &beside)?;
        if self.prune && self.filter.is_given() {
            return Err(Failure::usage(
                "--prune looks at the whole file and cannot be used with --include or --exclude",
            ));
        }
        config.iam.service_accounts = self.filter.choose(config.iam.service_accounts, printer)?;
        Ok(config)
    }

    /// The words that make the plan of these files again, where they are more than one file, `--prune` and `--allow`, which the
    /// request has.
    pub(crate) fn unusual_words(&self, config_files: &[String]) -> Option<String> {
        let Self {
            config_files: _,
            prune,
            prune_named,
            filter,
            targets,
            roles,
            agent,
            thumbprint,
            plan,
        } = self;
        let mut flags: Vec<String> = Vec::new();
        let mut set = |is: bool, flag: &str| {
            if is {
                flags.push(flag.to_owned());
            }
        };
        set(
            roles.override_existing_serviceaccounts,
            "--override-existing-serviceaccounts",
        );
        set(!roles.termination_protection, "--termination-protection=false");
        set(roles.cfn_disable_rollback, "--cfn-disable-rollback");
        set(agent.install_agent, "--install-agent");
        set(thumbprint.check_thumbprint, "--check-thumbprint");
        let timeout = (plan.timeout != DEFAULT_TIMEOUT).then(|| format!("{}s", plan.timeout.as_secs()));
        let broadening = plan.broadening.word().map(str::to_owned);
        let lists = [
            ("--prune-named", prune_named.as_slice()),
            ("--include", filter.include.as_slice()),
            ("--exclude", filter.exclude.as_slice()),
            ("--target", targets.target.as_slice()),
            ("--exclude-target", targets.exclude_target.as_slice()),
            ("--cfn-role-arn", roles.cfn_role_arn.as_slice()),
            ("--thumbprint", thumbprint.thumbprint.as_slice()),
            ("--timeout", timeout.as_slice()),
            ("--allow-broadening", broadening.as_slice()),
        ];
        for (flag, values) in lists {
            flags.extend(values.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        if flags.is_empty() && config_files.len() == 1 {
            return None;
        }
        let mut words = vec!["plan".to_owned()];
        words.extend(
            config_files
                .iter()
                .flat_map(|file| ["-f".to_owned(), file.clone()]),
        );
        words.extend(prune.then(|| "--prune".to_owned()));
        words.extend(
            plan.allow
                .iter()
                .flat_map(|code| ["--allow".to_owned(), code.word().to_owned()]),
        );
        words.extend(flags);
        Some(shell::joined(&words))
    }

    /// The request for a configuration.
    pub(crate) fn request_of(
        &self,
        mut config: ClusterConfig,
        printer: &Printer,
    ) -> Result<Request, Failure> {
        let mut settings = self.plan.settings(&self.roles, &self.thumbprint)?;
        settings.targets = self.targets.targets()?;
        if self.filter.is_given() {
            // The globs choose service accounts, and with them everything that is planned.
            config = config.about_service_accounts();
        }
        let mut request = Request::ensure(config, settings);
        request.settings.prune = self.prune;
        if self.prune && !request.config.iam.lists_service_accounts {
            printer.note(
                "the file has no iam.serviceAccounts, so --prune removes no service account and no role; an \
                 empty list, `serviceAccounts: []`, says that there must be none",
            );
        } else if self.prune {
            let prune_named = self
                .prune_named
                .iter()
                .map(|name| {
                    ServiceAccountKey::parse(name)
                        .ok_or_else(|| Failure::usage(format!("--prune-named {name} is not NAMESPACE/NAME")))
                })
                .collect::<Result<_, _>>()?;
            request.ask(ServiceAccountScope {
                prune_named,
                ..ServiceAccountScope::default()
            });
        }
        self.agent.ask(&mut request);
        Ok(request)
    }
}
