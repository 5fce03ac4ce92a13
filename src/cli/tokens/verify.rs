//! `eksact verify token`: the checks of the server, one after the other, and the question to STS itself.

use clap::{Args, Subcommand};
use eksact_message::code::Code;
use jiff::Timestamp;

use super::{decode::read_token, signing::Signing};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, place::region_of_profile, signing::SigningFlags},
    run::sandbox::SandboxSigner,
    texts::facts_format::FactsFormat,
};
use eksact_cloud::{
    aws::{ConnectError, token_replay::replay},
    trust::TrustRoots,
};
use eksact_core::{
    diagnosis::{token_facts, token_verdict},
    engine::{Finding, Severity},
    ports::sts::{StsAnswer, StsVerdict},
    view::{Facts, Printer},
};
use eksact_credentials::Environment;
use eksact_identity::{
    authn::{
        token::check_cluster_name,
        token_check::{self, Expectations},
        token_decode::{self, DecodedToken, PresignedToken},
        token_sandbox::{self, SandboxTokenError},
    },
    iam::Partition,
};
use eksact_simulator::{NotACaller, SimulatedCaller};

/// Ask whether something would be believed
#[derive(Debug, Args)]
pub(crate) struct VerifyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Token(Box<VerifyToken>),
}

/// Check a token as the cluster's server would, and ask STS who signed it
#[derive(Debug, Args)]
struct VerifyToken {
    /// The token, or `-` for standard input; without it one is made as `eksact token` makes it
    #[arg(value_name = "TOKEN", conflicts_with = "token")]
    positional_token: Option<String>,
    /// The same
    #[arg(short, long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    signing: SigningFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

impl VerifyCommand {
    /// Without a runtime around it: signing starts one where it needs one.
    pub(crate) fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Token(command) => command.run(global, printer),
        }
    }
}

impl VerifyToken {
    fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        check_cluster_name(&self.signing.cluster).map_err(|error| Failure::usage(error.to_string()))?;
        let environment = Environment::of_process();
        if global.sandbox {
            return self.run_in_sandbox(global, &environment, printer);
        }
        let signing = Signing::new(&self.signing, global, &environment)?;
        let given = self.positional_token.as_deref().or(self.token.as_deref());
        let token = match given {
            Some(given) => read_token(given)?,
            None => signing.accepted_token(global, printer)?.token,
        };
        let region = match signing.named_region() {
            Some(region) => Some(region.to_owned()),
            None => region_of_profile(global.profile.as_deref())?,
        };
        let mut facts = checked(
            &token,
            signing.cluster,
            region.as_deref(),
            Timestamp::now(),
            false,
        )?;
        if !facts.has_errors() {
            ask(&token, signing.cluster, &mut facts, global)?;
        }
        if given.is_none() && !facts.has_errors() {
            facts.find(any_name(signing.cluster));
        }
        self.output.show(&facts, printer)
    }

    /// The same checks, and the word of the simulated STS. No token leaves this process.
    fn run_in_sandbox(
        &self,
        global: &GlobalFlags,
        environment: &Environment,
        printer: &Printer,
    ) -> Result<ExitCode, Failure> {
        let signer = SandboxSigner::new(&self.signing.signer, global, environment)?;
        let cluster = &self.signing.cluster;
        let given = self.positional_token.as_deref().or(self.token.as_deref());
        let token = match given {
            Some(given) => read_token(given)?,
            None => signer.sign(cluster, global)?.secret().to_owned(),
        };
        let mut facts = checked(&token, cluster, Some(&signer.region), Timestamp::now(), true)?;
        match token_sandbox::caller_of(&token, cluster) {
            Ok(_) if facts.has_errors() => {}
            Ok(arn) => {
                let caller: SimulatedCaller = arn
                    .parse()
                    .map_err(|error: NotACaller| Failure::error(error.to_string()))?;
                facts.add("STS", "that of the sandbox accepts it");
                facts.add("ARN", &caller.arn);
                facts.add("account", &caller.account);
                facts.add("user id", &caller.user_id);
            }
            Err(error) => {
                facts.add("STS", "that of the sandbox refuses it");
                facts.find(not_of_the_sandbox(&error, cluster));
            }
        }
        self.output.show(&facts, printer)
    }
}

fn not_of_the_sandbox(error: &SandboxTokenError, cluster: &str) -> Finding {
    let (code, message, help) = match error {
        SandboxTokenError::Signature => (
            Code::TokenCluster,
            error.to_string(),
            remedy!(
                "It was signed for another cluster than `{cluster}` (upper and lower case count), or was changed. Make it with \
                 `eksact token --sandbox --cluster {cluster}`."
            ),
        ),
        SandboxTokenError::Real | SandboxTokenError::Unreadable(_) => (
            Code::NotASandboxToken,
            format!("{error}; nothing of it was sent anywhere"),
            remedy!("Leave out --sandbox to ask AWS about it."),
        ),
    };
    Finding::new(Severity::Error, code, message).with_help(help)
}

/// STS takes every name that a token was made for.
fn any_name(cluster: &str) -> Finding {
    let message = format!(
        "the token was made just now for the name {cluster}; whether there is such a cluster STS cannot know"
    );
    Finding::new(Severity::Note, Code::ClusterUnknown, message).with_help(remedy!(
        "`eksact whoami --cluster {cluster}` asks EKS and the cluster's server."
    ))
}

/// The local checks.
fn checked(
    token: &str,
    cluster: &str,
    region: Option<&str>,
    now: Timestamp,
    is_sandbox: bool,
) -> Result<Facts, Failure> {
    let decoded = token_decode::decode(token)?;
    let DecodedToken::Cluster(presigned) = &decoded else {
        return Err(Failure::error(
            "this is the token of a service account: the API server verifies it itself, by the issuer's keys",
        )
        .with_help(remedy!("`eksact decode token` shows what it says.")));
    };
    let mut facts = Facts::default();
    facts.add("cluster", cluster);
    facts.add("host", &presigned.host);
    facts.add_some("access key", presigned.access_key_id.as_ref());
    facts.add_some("signed at", presigned.signed.map(|time| time.to_string()));
    let server = region.map(|region| Expectations {
        partition: Partition::of_region(region),
        region,
    });
    if server.is_none() {
        facts.add(
            "not checkable",
            "the cluster's partition: neither --region, the environment nor the profile names its region",
        );
    }
    let mut faults = token_check::faults(token, server.as_ref(), now);
    // The sandbox takes its own host; another one is refused with the token.
    faults.retain(|fault| !(is_sandbox && fault.is_about_host()));
    facts.add(
        "local checks",
        if faults.is_empty() { "passed" } else { "failed" },
    );
    for finding in token_facts::findings(presigned, &faults, now) {
        facts.find(finding);
    }
    Ok(facts)
}

/// STS's answer.
fn ask(token: &str, cluster: &str, facts: &mut Facts, global: &GlobalFlags) -> Result<(), Failure> {
    let DecodedToken::Cluster(presigned) = token_decode::decode(token)? else {
        return Ok(());
    };
    global.start_log();
    let roots = TrustRoots::from_environment().map_err(ConnectError::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))?;
    let answer = runtime.block_on(replay(token, &presigned.host, cluster, &roots))?;
    runtime.shutdown_background();
    tell(&answer, &presigned, cluster, facts, Timestamp::now());
    Ok(())
}

fn tell(answer: &StsAnswer, token: &PresignedToken, cluster: &str, facts: &mut Facts, now: Timestamp) {
    match &answer.verdict {
        StsVerdict::Identity(identity) => {
            facts.add("STS", "accepts it");
            facts.add("ARN", &identity.arn);
            facts.add("account", &identity.account);
            facts.add("user id", &identity.user_id);
        }
        verdict @ StsVerdict::Refused { .. } => {
            facts.add("STS", format!("refuses it: {}", token_verdict::code_of(verdict)));
        }
    }
    let refusal = token_verdict::refusal(answer, &token.host, cluster);
    for finding in refusal.into_iter().chain(token_verdict::clock(answer, now)) {
        facts.find(finding);
    }
}
