//! The line of `eksact token`, read without clap. kubectl runs it for every call, and to build the commands of clap takes
//! several times as long as to sign a token.
//!
//! What is read here is what clap reads, flag by flag; whatever is not plain (another flag, a value that clap would have to
//! judge, a flag twice, a variable that stands for a flag) is left to clap, which also says what is wrong.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser};

use super::token::{Format, TokenCommand};
use crate::cli::flags::{
    global::{Color, GlobalFlags, PARALLELISM, SANDBOX_FILE},
    place::{cluster_in_token, region},
    signing::{SignerFlags, SigningFlags},
};
use eksact_core::config::is_blank;

/// Variables that stand for flags of the command.
pub(crate) const VARIABLES: [&str; 5] = [
    "EKSACT_PARALLELISM",
    "EKSACT_SANDBOX",
    "EKSACT_SANDBOX_CALLER",
    "EKSACT_SANDBOX_FILE",
    "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID",
];

/// The flags of a plain line, `words` being all of it with the program's name; none where clap has to read it.
pub(crate) fn read(words: &[OsString], is_set: impl Fn(&str) -> bool) -> Option<(GlobalFlags, TokenCommand)> {
    let (verb, flags) = words.get(1..)?.split_first()?;
    if verb != "token" || VARIABLES.iter().any(|variable| is_set(variable)) {
        return None;
    }
    let (mut cluster, mut place, mut profile) = (None, None, None);
    let (mut role_arn, mut external_id, mut session_name) = (None, None, None);
    let (mut forward_session_name, mut use_fips_endpoint, mut use_dualstack_endpoint) = (None, None, None);
    let (mut no_cache, mut cache, mut token_only) = (None, None, None);
    let mut output = None;
    let mut line = Parser::from_args(flags);
    while let Some(flag) = line.next().ok()? {
        match flag {
            Arg::Short('c' | 'i') | Arg::Long("cluster" | "cluster-id" | "cluster-name") => {
                let name = cluster_in_token(&value(&mut line)?).ok()?;
                once(&mut cluster, name)?;
            }
            Arg::Long("region") => {
                let name = region(&value(&mut line)?).ok()?;
                once(&mut place, name)?;
            }
            Arg::Short('p') | Arg::Long("profile") => once(&mut profile, value(&mut line)?)?,
            Arg::Short('r') | Arg::Long("role-arn" | "role") => once(&mut role_arn, value(&mut line)?)?,
            Arg::Short('e') | Arg::Long("external-id") => once(&mut external_id, value(&mut line)?)?,
            Arg::Short('s') | Arg::Long("session-name") => once(&mut session_name, value(&mut line)?)?,
            Arg::Long("forward-session-name") => once(&mut forward_session_name, switch(&mut line)?)?,
            Arg::Long("use-fips-endpoint") => once(&mut use_fips_endpoint, switch(&mut line)?)?,
            Arg::Long("use-dualstack-endpoint") => once(&mut use_dualstack_endpoint, switch(&mut line)?)?,
            Arg::Long("no-cache") => once(&mut no_cache, switch(&mut line)?)?,
            Arg::Long("cache") => once(&mut cache, switch(&mut line)?)?,
            Arg::Long("token-only") => once(&mut token_only, switch(&mut line)?)?,
            Arg::Long("output") => {
                let format = (value(&mut line)? == "json").then_some(Format::Json)?;
                once(&mut output, format)?;
            }
            _ => return None,
        }
    }
    // What clap refuses together.
    if (session_name.is_some() && forward_session_name.is_some()) || (no_cache.is_some() && cache.is_some()) {
        return None;
    }
    let global = GlobalFlags {
        region: place.clone(),
        profile,
        sandbox: false,
        sandbox_file: PathBuf::from(SANDBOX_FILE),
        sandbox_caller: None,
        kubeconfig: None,
        context: None,
        parallelism: PARALLELISM,
        color: Color::default(),
        quiet: false,
        verbose: 0,
        dump_logs: false,
    };
    let signer = SignerFlags {
        region: place,
        role_arn,
        external_id,
        session_name,
        forward_session_name: forward_session_name.is_some(),
        use_fips_endpoint: use_fips_endpoint.is_some(),
        use_dualstack_endpoint: use_dualstack_endpoint.is_some(),
        no_cache: no_cache.is_some(),
        cache: cache.is_some(),
    };
    let signing = SigningFlags {
        cluster: cluster?,
        signer,
    };
    let command = TokenCommand {
        signing,
        token_only: token_only.is_some(),
        output,
    };
    Some((global, command))
}

/// The value of a flag; none where it looks like another flag, or says nothing.
fn value(line: &mut Parser) -> Option<String> {
    let value = line.value().ok()?.into_string().ok()?;
    (!is_blank(&value) && !value.starts_with('-')).then_some(value)
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A switch; none where it has a value of its own.
fn switch(line: &mut Parser) -> Option<()> {
    line.optional_value().is_none().then_some(())
}

#[cfg(test)]
mod tests;
