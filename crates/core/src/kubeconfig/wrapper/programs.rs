//! Programs that run another: what they take before its command, and whose credentials they give it.

/// What a program is to the command that it runs.
pub(super) enum Kind {
    /// Takes a script with `-c`.
    Shell,
    /// `env`.
    Environment,
    /// Changes nothing about credentials.
    Prefix(Prefix),
    /// Gives the command credentials of its own.
    Credentials(Credentials),
}

/// A program in front of a command.
pub(super) struct Prefix {
    /// Verbs, one of which comes first.
    verbs: &'static [&'static str],
    /// Flags that take a value.
    flags: &'static [&'static str],
    /// Arguments before the command.
    arguments: usize,
}

/// A program that gives credentials.
pub(super) struct Credentials {
    /// The verb that comes first.
    verb: Option<&'static str>,
    /// Flags that take a value which says nothing here.
    flags: &'static [&'static str],
    /// Flags for the profile.
    profile: &'static [&'static str],
    /// Flags for the role.
    role: &'static [&'static str],
    /// Flags for the region.
    region: &'static [&'static str],
    /// The flag that is followed by the command.
    exec: &'static [&'static str],
    /// Whether the first argument is the profile.
    is_profile_first: bool,
    /// Whether the command stands behind `--` alone, so that arguments before it are something else.
    needs_dashes: bool,
}

/// What a program was told.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) profile: Option<String>,
    pub(super) role_arn: Option<String>,
    pub(super) region: Option<String>,
    pub(super) command: Vec<String>,
}

const PLAIN: Credentials = Credentials {
    verb: Some("exec"),
    flags: &[],
    profile: &[],
    role: &[],
    region: &[],
    exec: &[],
    is_profile_first: false,
    needs_dashes: false,
};

/// What is known of a program, by its name.
pub(super) fn program(name: &str) -> Option<Kind> {
    let prefix = |verbs, flags, arguments| {
        Some(Kind::Prefix(Prefix {
            verbs,
            flags,
            arguments,
        }))
    };
    let credentials = match name {
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" | "powershell" | "pwsh" => {
            return Some(Kind::Shell);
        }
        "env" => return Some(Kind::Environment),
        "exec" | "command" | "nohup" | "setsid" | "winpty" | "time" | "caffeinate" | "busybox" => {
            return prefix(&[], &[], 0);
        }
        "cmd" => return prefix(&["/c", "/C", "/s", "/S", "/d", "/D"], &[], 0),
        "nice" => return prefix(&[], &["-n", "--adjustment"], 0),
        "timeout" | "gtimeout" => return prefix(&[], &["-k", "--kill-after", "-s", "--signal"], 1),
        "sudo" => return prefix(&[], &["-u", "--user", "-g", "--group", "-p", "--prompt"], 0),
        "wsl" => return prefix(&[], &["-d", "--distribution", "-u", "--user"], 0),
        "asdf" | "mise" | "rtx" => return prefix(&["exec", "x"], &[], 0),
        "pipenv" | "poetry" | "uv" => return prefix(&["run"], &["--with", "--python", "-p"], 0),
        "aws-vault" => Credentials {
            flags: &[
                "-d",
                "--duration",
                "-t",
                "--mfa-token",
                "--backend",
                "--prompt",
                "--keychain",
                "--pass-dir",
                "--pass-cmd",
                "--pass-prefix",
                "--file-dir",
                "--secret-service-collection",
                "-o",
                "--stdout",
            ],
            region: &["--region"],
            is_profile_first: true,
            ..PLAIN
        },
        "aws-okta" => Credentials {
            flags: &[
                "-t",
                "--assume-role-ttl",
                "-a",
                "--session-ttl",
                "-b",
                "--backend",
                "--mfa-provider",
                "--mfa-factor-type",
                "--mfa-duo-device",
            ],
            role: &["-r", "--assume-role-arn"],
            is_profile_first: true,
            ..PLAIN
        },
        "saml2aws" => Credentials {
            flags: &[
                "-a",
                "--idp-account",
                "--idp-provider",
                "--mfa",
                "--mfa-token",
                "-u",
                "--username",
                "--password",
                "--url",
                "--aws-urn",
                "--session-duration",
                "--config",
                "--browser-type",
                "--cache-file",
            ],
            profile: &["--exec-profile", "-p", "--profile"],
            role: &["--role"],
            region: &["-r", "--region"],
            ..PLAIN
        },
        "assume" | "assumego" | "granted" => Credentials {
            verb: None,
            flags: &[
                "-s",
                "--service",
                "-d",
                "--duration",
                "--mfa-token",
                "--sso-start-url",
                "--account-id",
            ],
            region: &["-r", "--region"],
            exec: &["--exec"],
            is_profile_first: true,
            ..PLAIN
        },
        "aws-sso" => Credentials {
            flags: &[
                "-A",
                "--account",
                "-R",
                "--role",
                "-S",
                "--sso",
                "-b",
                "--browser",
                "--config",
                "-L",
                "--level",
            ],
            profile: &["-p", "--profile"],
            role: &["-a", "--arn"],
            ..PLAIN
        },
        "chamber" => Credentials {
            flags: &[
                "-b",
                "--backend",
                "--backend-s3-bucket",
                "-r",
                "--retries",
                "--min-throttle-delay",
                "--strict-value",
            ],
            needs_dashes: true,
            ..PLAIN
        },
        "op" | "doppler" | "infisical" | "teller" => Credentials {
            verb: Some("run"),
            needs_dashes: true,
            ..PLAIN
        },
        "aws2-wrap" => Credentials {
            verb: None,
            profile: &["--profile"],
            exec: &["--exec"],
            ..PLAIN
        },
        "awsudo" => Credentials {
            verb: None,
            profile: &["-u", "--user"],
            ..PLAIN
        },
        "aws-runas" => Credentials {
            verb: None,
            flags: &[
                "-d",
                "--duration",
                "-a",
                "--role-duration",
                "-o",
                "--otp",
                "-M",
                "--mfa-serial",
                "-X",
                "--external-id",
            ],
            is_profile_first: true,
            ..PLAIN
        },
        _ => return None,
    };
    Some(Kind::Credentials(credentials))
}

impl Prefix {
    /// The command behind the program's own words.
    pub(super) fn rest<'w>(&self, arguments: &'w [String]) -> Option<&'w [String]> {
        let (mut at, mut skipped) = (0, 0);
        while let Some(word) = arguments.get(at) {
            let word = word.as_str();
            if word == "--" {
                at += 1;
                break;
            } else if self.flags.contains(&word) {
                at += 1;
            } else if !word.starts_with('-') && !self.verbs.contains(&word) {
                if skipped == self.arguments {
                    break;
                }
                skipped += 1;
            }
            at += 1;
        }
        arguments.get(at..).filter(|rest| !rest.is_empty())
    }
}

impl Credentials {
    /// Takes the program's own words, and gives the command behind them.
    pub(super) fn take(&self, arguments: &[String]) -> Option<Taken> {
        let mut taken = Taken::default();
        let mut words = arguments.iter();
        let mut has_verb = self.verb.is_none();
        while let Some(word) = words.next() {
            let (flag, inline) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => (flag, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value = || inline.clone().or_else(|| words.next().cloned());
            if self.profile.contains(&flag) {
                taken.profile = value();
            } else if self.role.contains(&flag) {
                taken.role_arn = value();
            } else if self.region.contains(&flag) {
                taken.region = value();
            } else if self.exec.contains(&flag) {
                taken.command = match value()?.as_str() {
                    "--" => words.cloned().collect(),
                    first => {
                        let mut command = vec![first.to_owned()];
                        // The profile may come last: `assume --exec "aws …" dev`.
                        let rest: Vec<String> = words.cloned().collect();
                        if self.is_profile_first && taken.profile.is_none() {
                            taken.profile = rest.iter().find(|word| !word.starts_with('-')).cloned();
                        } else {
                            command.extend(rest);
                        }
                        command
                    }
                };
                return Some(taken);
            } else if self.flags.contains(&flag) {
                let _ = value();
            } else if flag == "--" {
                taken.command = words.cloned().collect();
                break;
            } else if flag.starts_with('-') {
                // A switch.
            } else if !has_verb {
                if Some(flag) != self.verb {
                    return None;
                }
                has_verb = true;
            } else if self.is_profile_first && taken.profile.is_none() {
                taken.profile = Some(word.clone());
            } else if !self.needs_dashes {
                taken.command = std::iter::once(word).chain(words).cloned().collect();
                break;
            }
        }
        (!taken.command.is_empty()).then_some(taken)
    }
}
