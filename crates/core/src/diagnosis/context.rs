//! As whom kubectl signs in by a context of a kubeconfig: so that `whoami` does not explain another caller than the one that
//! kubectl meets the server with, and names what keeps kubectl from signing in at all.

use super::remedy::quoted;
use crate::{
    engine::{Finding, Severity},
    kubeconfig::{
        Entries, SignIn,
        entries::{OTHER_CREDENTIALS, exec_of},
        exec_entry::{FORMER_NAME, FoundExec},
        value::{Section, Value},
        wrapper::{TokenCall, Unsettled, name_of, token_call},
    },
};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// The versions of the exec protocol that kubectl speaks since 1.24 (client-go, `plugin/pkg/client/auth/exec`).
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];
/// The one that it speaks no more.
const FORMER_VERSION: &str = "client.authentication.k8s.io/v1alpha1";

/// What the caller has asked for with flags and environment.
#[derive(Clone, Copy, Debug)]
pub struct AskedFor<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The id that it goes by in tokens, of a local cluster on an Outpost.
    pub local_id: Option<&'a str>,
    /// Its region.
    pub region: &'a str,
    /// `--profile`.
    pub profile: Option<&'a str>,
    /// The profile that kubectl's plugin would inherit: `AWS_PROFILE`.
    pub inherited_profile: Option<&'a str>,
    /// `--role-arn`.
    pub role_arn: Option<&'a str>,
    /// `--kubeconfig`.
    pub kubeconfig: Option<&'a str>,
}

/// The user of a context that runs a program for its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextUser {
    /// The name of the user's entry.
    name: String,
    /// The name of the context.
    context: String,
    api_version: Option<String>,
    has_interactive_mode: bool,
    exec: FoundExec,
    call: Option<TokenCall>,
}

impl ContextUser {
    /// As whom it signs in, where that can be told.
    pub fn sign_in(&self) -> Option<&SignIn> {
        self.call.as_ref().map(|call| &call.sign_in)
    }
}

/// The user of a context, of files in kubectl's order: each entry counts where it is first. Nothing where something else than a
/// program decides as whom kubectl signs in.
pub fn user_of_context(files: &[Entries], context: Option<&str>) -> Option<ContextUser> {
    let first = |section, name: &str| {
        files
            .iter()
            .find_map(|file| file.find(section, name))
            .map(|(_, entry)| &entry.body)
    };
    let current = || files.iter().find_map(|file| file.current_context.as_deref());
    let context = context.or_else(current)?;
    let name = first(Section::Contexts, context)?.text_at(&["user"])?;
    user_of((context, name), first(Section::Users, name)?)
}

fn user_of((context, name): (&str, &str), body: &Value) -> Option<ContextUser> {
    if OTHER_CREDENTIALS.iter().any(|key| body.get(key).is_some()) {
        return None;
    }
    let exec = exec_of(body)?;
    Some(ContextUser {
        name: name.to_owned(),
        context: context.to_owned(),
        api_version: body.text_at(&["exec", "apiVersion"]).map(str::to_owned),
        has_interactive_mode: body.text_at(&["exec", "interactiveMode"]).is_some(),
        call: token_call(&exec),
        exec,
    })
}

/// What keeps kubectl from signing in by the context, and that it signs in otherwise than was asked for.
pub fn findings(user: &ContextUser, asked: &AskedFor<'_>) -> Vec<Finding> {
    let mut findings = of_exec(user, asked);
    findings.extend(match &user.call {
        Some(call) => difference(call, asked),
        None => Some(unknown(&format!(
            "the kubeconfig's context runs {}, and which identity that uses is not known",
            name_of(&user.exec.command)
        ))),
    });
    findings
}

/// What is wrong with the entry itself.
fn of_exec(user: &ContextUser, asked: &AskedFor<'_>) -> Vec<Finding> {
    let warning = |code: Code, message: String, help: Remedy| {
        Finding::new(Severity::Warning, code, message).with_help(help)
    };
    let name = &user.name;
    let set = |what: &str| {
        format!(
            "`kubectl config{} set-credentials {} {what}`",
            at(asked),
            quoted(name)
        )
    };
    let set_version = set(&format!("--exec-api-version={}", VERSIONS[1]));
    let mut findings = Vec::new();
    match user.api_version.as_deref() {
        Some(version) if VERSIONS.contains(&version) => {
            if version == VERSIONS[0] && !user.has_interactive_mode {
                findings.push(warning(
                    Code::ExecInteractiveMode,
                    format!("the kubeconfig's user {name} has no interactiveMode, which version v1 of the exec protocol demands: kubectl refuses it"),
                    remedy!("Add it: {}", set("--exec-interactive-mode=IfAvailable")),
                ));
            }
        }
        Some(FORMER_VERSION) => findings.push(warning(
            Code::ExecApiVersion,
            format!(
                "the kubeconfig's user {name} uses {FORMER_VERSION}, which kubectl has refused since 1.24"
            ),
            remedy!("Change the version: {set_version}"),
        )),
        version => findings.push(warning(
            Code::ExecApiVersion,
            match version {
                Some(version) => {
                    format!("the kubeconfig's user {name} uses `{version}`, which kubectl does not support")
                }
                None => format!(
                    "the kubeconfig's user {name} has no apiVersion in its exec entry: kubectl refuses it"
                ),
            },
            remedy!("Set the version: {set_version}"),
        )),
    }
    let command = user.exec.command.as_str();
    let is_wrapped = user.call.as_ref().is_some_and(|call| !call.through.is_empty());
    if is_wrapped && command.contains(char::is_whitespace) {
        findings.push(warning(
            Code::ExecCommandLine,
            format!(
                "the kubeconfig's user {name} has a whole command line in `command`: kubectl looks for a program of that name"
            ),
            remedy!(
                "Leave `{}` in `command`, and put the rest into `args`, word by word.",
                command.split_whitespace().next().unwrap_or_default()
            ),
        ));
    }
    let mut words = user
        .exec
        .arguments
        .iter()
        .flat_map(|argument| argument.split_whitespace());
    let is_former = name_of(command) == FORMER_NAME;
    if is_former || (is_wrapped && words.any(|word| name_of(word) == FORMER_NAME)) {
        findings.push(warning(
            Code::ExecFormerName,
            format!(
                "the kubeconfig's user {name} runs {FORMER_NAME}, which has been called \
                 aws-iam-authenticator since 2018 and is not maintained under its former name"
            ),
            match user.sign_in().filter(|_| is_former) {
                Some(sign_in) => remedy!("Let eksact make the tokens: {}", write_anew(user, sign_in, asked)),
                None => remedy!("Write `aws-iam-authenticator` instead."),
            },
        ));
    }
    findings
}

/// ` --kubeconfig FILE`, where one was named.
fn at(asked: &AskedFor<'_>) -> String {
    asked
        .kubeconfig
        .map_or_else(String::new, |path| format!(" --kubeconfig {}", quoted(path)))
}

/// The command that writes the context anew, as the same to the same cluster.
fn write_anew(user: &ContextUser, sign_in: &SignIn, asked: &AskedFor<'_>) -> String {
    let region = sign_in.region.as_deref().unwrap_or(asked.region);
    let mut command = format!(
        "`eksact update-kubeconfig --name {} --region {}{} --alias {} --user-alias {}",
        quoted(&sign_in.cluster),
        quoted(region),
        at(asked),
        quoted(&user.context),
        quoted(&user.name)
    );
    for (flag, value) in [
        ("--exec-profile", &sign_in.profile),
        ("--role-arn", &sign_in.role_arn),
    ] {
        if let Some(value) = value {
            command.push_str(&[" ", flag, " ", &quoted(value)].concat());
        }
    }
    command + " --force`"
}

fn unknown(message: &str) -> Finding {
    Finding::new(Severity::Note, Code::SignInUnknown, message).with_help(remedy!(
        "This report is about the credentials that eksact uses; for those, run `eksact whoami` \
         through the same program."
    ))
}

/// That kubectl signs in otherwise than was asked for, or that it may.
fn difference(call: &TokenCall, asked: &AskedFor<'_>) -> Option<Finding> {
    let sign_in = &call.sign_in;
    let is_cluster_known = !call.unsettled.contains(&Unsettled::Variable("cluster"));
    if is_cluster_known
        && sign_in.cluster != asked.cluster
        && Some(sign_in.cluster.as_str()) != asked.local_id
    {
        let message = format!(
            "the kubeconfig's context signs in to cluster {}, and this command is about {}",
            sign_in.cluster, asked.cluster
        );
        return Some(
            Finding::new(Severity::Warning, Code::OtherCluster, message).with_help(remedy!(
                "Check --kubeconfig, --context and --cluster; upper and lower case count."
            )),
        );
    }
    let through = match call.through.as_slice() {
        [] => String::new(),
        programs => format!(" through {}", programs.join(", ")),
    };
    let has = |wanted: &Option<String>, given: Option<&str>| match wanted {
        Some(wanted) => Some(wanted.as_str()) == given,
        None => given.is_none(),
    };
    let profile = match (&sign_in.profile, asked.profile) {
        (Some(_), None) => asked.inherited_profile,
        (_, flag) => flag,
    };
    let same_region = sign_in
        .region
        .as_deref()
        .is_none_or(|region| region == asked.region);
    if !call.unsettled.is_empty() {
        let by: Vec<String> = call.unsettled.iter().map(of_unsettled).collect();
        return Some(unknown(&format!(
            "the kubeconfig's context signs in{through}; as which identity depends on {}",
            by.join(" and ")
        )));
    }
    if has(&sign_in.profile, profile) && has(&sign_in.role_arn, asked.role_arn) && same_region {
        return None;
    }
    let flags = [
        ("--profile", sign_in.profile.as_deref()),
        ("--role-arn", sign_in.role_arn.as_deref()),
        ("--region", sign_in.region.as_deref()),
    ];
    let (mut words, mut by) = (Vec::new(), Vec::new());
    for (flag, value) in flags {
        let what = flag.trim_start_matches('-').replace("-arn", "");
        match value {
            Some(value) => {
                words.push(format!("{flag} {value}"));
                by.push(format!("{what} {value}"));
            }
            None => by.push(format!("no {what} of its own")),
        }
    }
    let help = if words.is_empty() {
        remedy!("Leave out --profile and --role-arn to see what kubectl gets.")
    } else {
        remedy!(
            "To see what kubectl gets: {}, and no other of these flags.",
            words.join(" ")
        )
    };
    let message = format!(
        "kubectl signs in differently by the kubeconfig's context{through}: {}",
        by.join(", ")
    );
    Some(Finding::new(Severity::Note, Code::OtherSignIn, message).with_help(help))
}

fn of_unsettled(unsettled: &Unsettled) -> String {
    match unsettled {
        Unsettled::Program(name) => format!("what {name} gives it"),
        Unsettled::Variable(field) => format!("the shell's variable for the {field}"),
    }
}

#[cfg(test)]
mod tests;
