//! Whose token for which cluster: the look-up of the credentials from the nearest source to the farthest, and the cache on
//! the way. The flags are in `flags::signing`.

mod renewal;

use std::fmt::Write as _;

use aws_credential_types::Credentials;
use jiff::Timestamp;

use super::token::Finished;
use crate::cli::{
    Failure,
    flags::{
        global::GlobalFlags,
        signing::{SignerFlags, SigningFlags},
    },
};
use eksact_cloud::aws::{self, RoleToAssume, SessionName, credentials::Origin};
use eksact_core::{
    config::not_a_region,
    view::{Printer, terminal_question},
};
use eksact_credentials::{
    Cache, CacheLock, CredentialSource, Environment, Fingerprint, Keeps, KeptCredentials, SharedConfig,
    SourceError,
    source::{self, DUAL_STACK, FIPS, identity, keys_in_environment, profile_name},
};
use eksact_identity::authn::{
    sts_endpoint::StsEndpoint,
    token::{self, TokenRequest},
};

/// Variables that lead the AWS SDKs to another endpoint, which the server would refuse in a token.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];

/// A token to be signed.
pub(crate) struct Signing<'a> {
    pub(crate) cluster: &'a str,
    region: Option<String>,
    profile: Option<&'a str>,
    role: Option<RoleToAssume>,
    /// What flags ask for.
    endpoint: StsEndpoint,
    environment: &'a Environment,
    no_cache: bool,
    notes: Vec<String>,
    warnings: Vec<String>,
}

/// Credentials, and what people call the place that they come from.
pub(crate) struct Signer {
    pub(crate) credentials: Credentials,
    pub(crate) place: String,
    pub(crate) region: String,
    /// The shared files, and the profile in use.
    pub(crate) config: SharedConfig,
    pub(crate) profile: String,
    /// Whether they come from the cache.
    pub(crate) kept: bool,
    endpoint: StsEndpoint,
}

/// What flags, environment and files lead to.
struct Settled {
    config: SharedConfig,
    region: String,
    source: CredentialSource,
    endpoint: StsEndpoint,
}

impl<'a> Signing<'a> {
    /// Settles flags and environment; nothing is read or asked yet.
    pub(crate) fn new(
        flags: &'a SigningFlags,
        global: &'a GlobalFlags,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        if flags.cluster.is_empty() {
            return Err(Failure::usage("--cluster is empty"));
        }
        let mut signing = Self::of(&flags.cluster, &flags.signer, global, environment)?;
        if flags.cluster.starts_with("arn:") {
            signing.notes.push(
                "--cluster is an ARN: the server of an EKS cluster accepts tokens for the cluster's name, \
                 its last part"
                    .to_owned(),
            );
        }
        Ok(signing)
    }

    /// The same where there may be no cluster.
    pub(crate) fn of(
        cluster: &'a str,
        flags: &'a SignerFlags,
        global: &'a GlobalFlags,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let mut notes = Vec::new();
        let profile = global.profile.as_deref();
        let warnings = ENDPOINT_VARIABLES
            .iter()
            .filter(|name| environment.get(name).is_some())
            .map(|name| {
                format!("{name} is not used for the token: the server accepts only host names of AWS")
            })
            .collect();
        let role = flags.role(environment, &mut notes)?;
        Ok(Self {
            cluster,
            region: global
                .region
                .clone()
                .or_else(|| flags.region.clone())
                .or_else(|| environment.get("AWS_REGION").map(str::to_owned))
                .or_else(|| environment.get("AWS_DEFAULT_REGION").map(str::to_owned)),
            profile,
            role,
            endpoint: StsEndpoint {
                fips: flags.use_fips_endpoint,
                dual_stack: flags.use_dualstack_endpoint,
            },
            environment,
            no_cache: flags.no_cache,
            notes,
            warnings,
        })
    }

    /// The region, where flags or environment name it.
    pub(crate) fn named_region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The token: signed with keys at hand, from the cache, or with credentials that are asked for.
    pub(crate) fn token(&self, global: &GlobalFlags, printer: &Printer) -> Result<Finished, Failure> {
        let now = Timestamp::now();
        // The nearest case reads no file at all.
        if self.profile.is_none()
            && self.role.is_none()
            && let Some(region) = &self.region
            && let Some(keys) = keys_in_environment(self.environment, now)?
        {
            self.tell(None, printer);
            let region = checked_region(region)?;
            return self
                .signed((region, self.endpoint(None)), &keys, now)
                .map(Finished::from);
        }
        let settled = self.settle(printer)?;
        if self.role.is_none()
            && let CredentialSource::Keys { credentials, .. } = &settled.source
        {
            return self
                .signed((&settled.region, settled.endpoint), credentials, now)
                .map(Finished::from);
        }
        let (mut cache, credentials_key) = self.cache(&settled);
        let token_key = self.token_key(&credentials_key, &settled);
        if let Some(token) = cache.token(&token_key, now) {
            return Ok(Finished {
                token: token.secret().to_owned(),
                expires: token.expires(),
                kept: true,
            });
        }
        let (credentials, kept) = self.session(&mut cache, &credentials_key, &settled, (global, printer))?;
        let time = Timestamp::now();
        let token = self.signed((&settled.region, settled.endpoint), &credentials, time)?;
        cache.keep_token(&token_key, &token, time);
        warn(&mut cache, printer);
        Ok(Finished {
            kept: kept.is_some(),
            ..token.into()
        })
    }

    /// The credentials that a token would be signed with, and where they come from.
    pub(crate) fn signer(&self, global: &GlobalFlags, printer: &Printer) -> Result<Signer, Failure> {
        let settled = self.settle(printer)?;
        if self.role.is_none()
            && let CredentialSource::Keys { credentials, .. } = &settled.source
        {
            let credentials = credentials.clone();
            return Ok(self.signer_with(settled, credentials, None));
        }
        let (mut cache, key) = self.cache(&settled);
        let (credentials, kept) = self.session(&mut cache, &key, &settled, (global, printer))?;
        warn(&mut cache, printer);
        Ok(self.signer_with(settled, credentials, kept.as_ref()))
    }

    /// Signs the token of `cluster` with the signer's credentials.
    pub(crate) fn sign(&self, signer: &Signer, time: Timestamp) -> Result<token::Token, Failure> {
        self.signed((&signer.region, signer.endpoint), &signer.credentials, time)
    }

    fn signed(
        &self,
        (region, endpoint): (&str, StsEndpoint),
        credentials: &Credentials,
        time: Timestamp,
    ) -> Result<token::Token, Failure> {
        let sts_host = endpoint
            .host(region)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let request = TokenRequest {
            cluster: self.cluster,
            region,
            sts_host: &sts_host,
            time,
        };
        token::sign(&request, credentials).map_err(|error| Failure::error(error.to_string()))
    }

    fn signer_with(
        &self,
        settled: Settled,
        credentials: Credentials,
        kept: Option<&KeptCredentials>,
    ) -> Signer {
        let below = match &settled.source {
            CredentialSource::Keys { place, .. } => place,
            CredentialSource::Asked(asked) => &asked.place,
        };
        let mut place = match &self.role {
            Some(role) => format!("role {}, assumed with {below}", role.arn),
            None => below.clone(),
        };
        if let Some(kept) = kept {
            place.push_str(", from the cache");
            if let Some(since) = kept.since {
                let _ = write!(place, " since {since:.0}");
            }
        }
        Signer {
            credentials,
            place,
            region: settled.region,
            config: settled.config,
            profile: profile_name(self.environment, self.profile).to_owned(),
            kept: kept.is_some(),
            endpoint: settled.endpoint,
        }
    }

    /// Reads the files, tells what is to be told, and settles the rest.
    fn settle(&self, printer: &Printer) -> Result<Settled, Failure> {
        let config = source::shared_config(self.environment, self.profile).map_err(SourceError::from)?;
        self.tell(Some(&config), printer);
        self.settled_with(config)
    }

    fn settled_with(&self, config: SharedConfig) -> Result<Settled, Failure> {
        // A profile that is not there is told of before the region that it might have named.
        let source = CredentialSource::find(self.environment, &config, self.profile, Timestamp::now())?;
        let region = self
            .region
            .clone()
            .or_else(|| source::region(self.environment, &config, self.profile))
            .ok_or_else(|| {
                Failure::usage("the region is not known").with_help(
                    remedy!("Give --region, set AWS_REGION, or set a region in the profile: the token names the region's STS."),
                )
            })?;
        checked_region(&region)?;
        Ok(Settled {
            source,
            endpoint: self.endpoint(Some(&config)),
            region,
            config,
        })
    }

    /// The flags, else the environment, else the profile.
    fn endpoint(&self, config: Option<&SharedConfig>) -> StsEndpoint {
        let switch = |which| source::switch(self.environment, config, self.profile, which);
        StsEndpoint {
            fips: self.endpoint.fips || switch(FIPS),
            dual_stack: self.endpoint.dual_stack || switch(DUAL_STACK),
        }
    }

    fn tell(&self, config: Option<&SharedConfig>, printer: &Printer) {
        let of_files = config.map_or(&[][..], |config| &config.warnings);
        for warning in self.warnings.iter().chain(of_files) {
            printer.warning(warning);
        }
        for note in source::notes(self.environment, config, self.profile)
            .iter()
            .chain(&self.notes)
        {
            printer.note(note);
        }
    }

    fn keeps(&self, source: &CredentialSource) -> Keeps {
        match (&self.role, source) {
            // Of a role on top of it nothing either: it is another session if the source is another identity.
            (_, CredentialSource::Asked(asked)) if asked.keeps == Keeps::Nothing => Keeps::Nothing,
            (Some(_), _) => Keeps::TokenAndCredentials,
            (None, CredentialSource::Asked(asked)) => asked.keeps,
            (None, CredentialSource::Keys { .. }) => Keeps::Nothing,
        }
    }

    /// The cache, and the key of the credentials: identity, region and role.
    fn cache(&self, settled: &Settled) -> (Cache, Fingerprint) {
        let Settled {
            config,
            region,
            source,
            ..
        } = settled;
        let files = match source {
            CredentialSource::Asked(asked) => asked.files.as_slice(),
            CredentialSource::Keys { .. } => &[],
        };
        let mut key = identity(self.environment, config, self.profile, files);
        key.add_text(Some(region));
        let role = self.role.as_ref();
        key.add_text(role.map(|role| role.arn.as_str()));
        key.add_text(role.and_then(|role| role.external_id.as_deref()));
        key.add_text(role.map(|role| match &role.session_name {
            SessionName::Named(name) => name.as_str(),
            SessionName::Forwarded { otherwise } => otherwise.as_str(),
        }));
        key.add_text(role.and_then(|role| {
            matches!(role.session_name, SessionName::Forwarded { .. }).then_some("forwarded")
        }));
        let cache = if self.no_cache || self.keeps(source) == Keeps::Nothing {
            Cache::none()
        } else {
            Cache::of_user(self.environment)
        };
        (cache, key)
    }

    fn token_key(&self, credentials_key: &Fingerprint, settled: &Settled) -> Fingerprint {
        let mut key = Fingerprint::of("eksact token 1");
        key.add_fingerprint(credentials_key);
        key.add_text(Some(self.cluster));
        key.add_text(Some(&settled.region));
        key.add(&[
            u8::from(settled.endpoint.fips),
            u8::from(settled.endpoint.dual_stack),
        ]);
        key
    }

    /// Credentials of a session: kept ones, else those that somebody is asked for. Of many processes that want the same
    /// ones, one asks.
    fn session(
        &self,
        cache: &mut Cache,
        key: &Fingerprint,
        settled: &Settled,
        (global, printer): (&GlobalFlags, &Printer),
    ) -> Result<(Credentials, Option<KeptCredentials>), Failure> {
        if self.keeps(&settled.source) != Keeps::TokenAndCredentials {
            return Ok((self.fetch(settled, global)?, None));
        }
        if let Some(kept) = cache.credentials(key, Timestamp::now()) {
            return Ok((kept.credentials.clone(), Some(kept)));
        }
        let lock = lock(cache, key, settled, printer);
        if lock.is_some()
            && let Some(kept) = cache.credentials(key, Timestamp::now())
        {
            return Ok((kept.credentials.clone(), Some(kept)));
        }
        let fetched = self.fetch(settled, global)?;
        cache.keep_credentials(key, &fetched, Timestamp::now());
        warn(cache, printer);
        drop(lock);
        Ok((fetched, None))
    }

    /// Asks for the credentials: the one part of this that needs a runtime, TLS and the SDK.
    fn fetch(&self, settled: &Settled, global: &GlobalFlags) -> Result<Credentials, Failure> {
        let origin = Origin {
            environment: self.environment,
            config: &settled.config,
            flag: self.profile,
            source: &settled.source,
        };
        let fetched = in_small_runtime(
            global,
            aws::credentials::fetch(
                &settled.region,
                origin,
                self.role.as_ref(),
                terminal_question::mfa_code,
            ),
        )?;
        Ok(fetched?)
    }
}

/// Runs one question to AWS.
fn in_small_runtime<T>(global: &GlobalFlags, question: impl Future<Output = T>) -> Result<T, Failure> {
    global.start_log();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))?;
    let answer = runtime.block_on(question);
    runtime.shutdown_background();
    Ok(answer)
}

/// The right to ask for these credentials; none where there is no cache, or the one who asks takes too long.
fn lock(cache: &mut Cache, key: &Fingerprint, settled: &Settled, printer: &Printer) -> Option<CacheLock> {
    let wants_code = matches!(&settled.source, CredentialSource::Asked(asked) if asked.wants_code);
    cache.lock(key, wants_code, &mut || {
        printer.note(if wants_code {
            "another eksact is getting these credentials, perhaps asking for an MFA code: waiting for it"
        } else {
            "another eksact is getting these credentials: waiting for it"
        });
    })
}

/// A region's name, or the error that it is none: before the SDK stumbles over it.
fn checked_region(region: &str) -> Result<&str, Failure> {
    match not_a_region(region) {
        None => Ok(region),
        Some(told) => Err(Failure::usage(told.message(region)).with_help(told.help)),
    }
}

/// Tells the cache's first fault, once.
fn warn(cache: &mut Cache, printer: &Printer) {
    if let Some(fault) = cache.take_fault() {
        printer.warning(&format!("the token cache is not used: {fault}"));
    }
}

impl From<token::Token> for Finished {
    fn from(token: token::Token) -> Self {
        Self {
            token: token.secret().to_owned(),
            expires: token.expires(),
            kept: false,
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let help = match &error {
            SourceError::NoProfile { .. } => {
                remedy!(
                    "Check --profile, AWS_PROFILE and AWS_DEFAULT_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE."
                )
            }
            SourceError::Expired { .. } => {
                remedy!("Get new ones, or unset AWS_ACCESS_KEY_ID and the variables that belong to it.")
            }
            SourceError::ProfileExpired { .. } => {
                remedy!(
                    "Get new ones; if they are new, correct or remove `x_security_token_expires` beside them."
                )
            }
            SourceError::BlankKey { .. } => remedy!("Complete the profile, or remove the key."),
            SourceError::SharedConfig(_) => {
                remedy!(
                    "Correct the file, or name another one with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE."
                )
            }
        };
        Self::error(error.to_string()).with_help(help)
    }
}
