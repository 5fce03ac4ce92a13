//! Every flag of every command is found in the tree of commands: a new one is tried without being listed here.

use clap::{Arg, ArgAction, Command};

use super::*;
use crate::cli::{ExitCode, Refused, command, parse};

/// Every command that can be run, with the words that name it and all its flags, those of every command among them.
fn each_command(test: &mut dyn FnMut(&[&str], &[&Arg], &Command)) {
    fn walk<'a>(
        here: &'a Command,
        words: &[&'a str],
        global: &[&'a Arg],
        test: &mut dyn FnMut(&[&str], &[&Arg], &Command),
    ) {
        let flags: Vec<&Arg> = here.get_arguments().collect();
        if !here.has_subcommands() {
            let own = |flag: &&&Arg| !flags.iter().any(|own| own.get_long() == flag.get_long());
            let global: Vec<&Arg> = global.iter().filter(own).copied().collect();
            test(words, &[flags.as_slice(), &global].concat(), here);
        }
        let above = flags.iter().filter(|flag| flag.is_global_set()).copied();
        let global: Vec<&Arg> = global.iter().copied().chain(above).collect();
        for command in here.get_subcommands() {
            walk(command, &[words, &[command.get_name()]].concat(), &global, test);
        }
    }
    let root = command();
    walk(&root, &["eksact"], &[], test);
}

/// Every way to write a flag: its names and short forms.
fn spellings(flag: &Arg) -> Vec<String> {
    let longs = flag
        .get_long()
        .into_iter()
        .chain(flag.get_all_aliases().unwrap_or_default());
    let shorts = flag
        .get_short()
        .into_iter()
        .chain(flag.get_all_short_aliases().unwrap_or_default());
    longs
        .map(|long| format!("--{long}"))
        .chain(shorts.map(|short| format!("-{short}")))
        .collect()
}

fn line<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<OsString> {
    words.iter().chain(more).map(OsString::from).collect()
}

/// How a line is refused before clap reads it.
fn refusal(root: &Command, line: &[OsString]) -> Failure {
    match read(root, line) {
        Err(failure) => failure,
        Ok(words) => panic!("{line:?}: {words:?}"),
    }
}

#[test]
fn values_that_are_blank_are_refused_for_every_flag_of_every_command() {
    let root = command();
    let (mut commands, mut flags_seen, mut lists) = (0, 0, 0);
    each_command(&mut |words, flags, _| {
        commands += 1;
        for flag in flags.iter().filter(|flag| !flag.is_positional()) {
            if !flag.get_action().takes_values() {
                continue;
            }
            for spelling in spellings(flag) {
                flags_seen += 1;
                for blank in ["", " ", "\t", " \n ", "\u{a0}", "\u{200b}"] {
                    let joined = format!("{spelling}={blank}");
                    let mut lines = vec![line(words, &[&joined])];
                    if !flag.is_require_equals_set() {
                        lines.push(line(words, &[&spelling, blank]));
                        lines.push(line(words, &["--quiet", &spelling, blank, "--color", "never"]));
                    }
                    for line in lines {
                        let failure = refusal(&root, &line);
                        assert_eq!(failure.code, ExitCode::Usage, "{line:?}");
                        let what = if blank.is_empty() { "empty" } else { "blank" };
                        assert_eq!(failure.message, format!("{spelling} is {what}"));
                        assert!(
                            failure.help[0].contains("variable was probably not set"),
                            "{failure:?}"
                        );
                    }
                }
                if flag.get_value_delimiter() == Some(',') {
                    lists += 1;
                    for list in ["a,,b", "a,", ",a", "a, ,b", ","] {
                        let failure = refusal(&root, &line(words, &[&spelling, list]));
                        assert_eq!(failure.message, format!("{spelling} has an empty item: `{list}`"));
                    }
                }
            }
        }
    });
    assert!(
        commands > 20 && flags_seen > 500 && lists > 10,
        "{commands} {flags_seen} {lists}"
    );
}

#[test]
fn arguments_that_are_blank_are_refused_for_every_command() {
    let root = command();
    each_command(&mut |words, _, here| {
        for blank in ["", " ", "\u{a0}"] {
            let failure = refusal(&root, &line(words, &[blank]));
            assert!(failure.message.ends_with("is empty") || failure.message.ends_with("is blank"));
            assert!(failure.help[0].contains("backslash"), "{failure:?}");
            // Where the name of a command is wanted, at the end of the line, and behind `--`.
            refusal(&root, &line(&words[..words.len() - 1], &[blank]));
            refusal(&root, &line(words, &["--quiet", blank]));
            refusal(&root, &line(words, &["--", blank]));
            if here.get_positionals().next().is_some() {
                refusal(&root, &line(words, &["one", blank]));
            }
        }
    });
}

#[test]
fn values_with_a_blank_at_an_end_are_refused() {
    let root = command();
    for (words, message) in [
        (
            vec![
                "eksact",
                "create",
                "iamidentitymapping",
                "--group",
                "system:masters ",
                "--no-duplicate-arns",
            ],
            "--group ends with a blank: `system:masters `",
        ),
        (
            vec!["eksact", "get", "iamserviceaccount", "-cprod "],
            "-c ends with a blank: `prod `",
        ),
        (
            vec!["eksact", "get", "iamserviceaccount", " web"],
            "the argument NAME begins with a blank: ` web`",
        ),
        (
            vec!["eksact", "create", "iamserviceaccount", "--tags", "a=b, c=d"],
            "--tags begins with a blank: ` c=d`",
        ),
        (
            vec!["eksact", "plan", "-f", "cluster.yaml\r"],
            "-f ends with a blank: `cluster.yaml\r`",
        ),
    ] {
        assert_eq!(refusal(&root, &line(&words, &[])).message, message);
    }
    // A value that may be a secret is not repeated.
    for (flag, value) in [
        ("--proxy-url", "http://me:secret@proxy "),
        ("--exec-env", "TOKEN=secret "),
    ] {
        let failure = refusal(&root, &line(&["eksact", "update-kubeconfig", flag, value], &[]));
        assert_eq!(failure.message, format!("{flag} ends with a blank"));
        assert!(!format!("{failure:?}").contains("secret"));
    }
    // What is pasted is trimmed where it is read.
    assert!(parse(&line(&["eksact", "decode", "token", "k8s-aws-v1.abc\n"], &[])).is_ok());
}

#[test]
fn flags_that_begin_with_a_dash_of_a_typesetter_are_told() {
    let root = command();
    for (word, help) in [
        ("\u{2014}cluster", "Write `--cluster`."),
        ("\u{2014}-name=x", "Write `--name=x`."),
        ("\u{2013}approve", "Write `--approve`."),
        ("\u{2013}c", "Write `-c`."),
        ("\u{2212}\u{2212}region", "Write `--region`."),
    ] {
        let failure = refusal(
            &root,
            &line(&["eksact", "get", "iamserviceaccount", word, "x"], &[]),
        );
        assert_eq!(failure.help, [help], "{word}");
    }
}

#[test]
fn values_that_say_something_are_left_as_they_are() {
    for text in [
        "eksact create iamserviceaccount -f - --approve",
        "eksact create iamserviceaccount web --cluster=prod --attach-policy-arn=a,b --labels a=,b=c",
        "eksact get iamserviceaccount -cprod -ojson",
        "eksact plan --config-file=a=b.yaml --timeout 25m0s",
        "eksact whoami -c prod",
    ] {
        let words = line(&text.split(' ').collect::<Vec<_>>(), &[]);
        assert_eq!(read(&command(), &words).unwrap(), {
            // The switch stays, each other word with it.
            words.clone()
        });
        assert!(parse(&words).is_ok(), "{text}");
    }
}

/// Go's spellings (`strconv.ParseBool`), and those of people.
const ON: [&str; 9] = ["1", "t", "T", "true", "True", "TRUE", "yes", "y", "on"];
const OFF: [&str; 9] = ["0", "f", "F", "false", "False", "FALSE", "no", "n", "off"];

#[test]
fn switches_take_a_value_as_gos_flags_do_in_every_command() {
    let (mut seen, mut bools) = (0, 0);
    let root = command();
    each_command(&mut |words, flags, here| {
        for flag in flags
            .iter()
            .filter(|flag| matches!(flag.get_action(), ArgAction::SetTrue))
        {
            for spelling in spellings(flag) {
                seen += 1;
                let read = |more: &[&str]| read(&root, &line(words, more)).unwrap();
                let (on, off) = (line(words, &[&spelling]), line(words, &[]));
                assert_eq!(read(&[&spelling]), on);
                for value in ON {
                    assert_eq!(read(&[&format!("{spelling}={value}")]), on, "{spelling}={value}");
                }
                for value in OFF {
                    assert_eq!(read(&[&format!("{spelling}={value}")]), off, "{spelling}={value}");
                }
                // The last one counts; a word behind a blank is no value.
                let (yes, no) = (format!("{spelling}=true"), format!("{spelling}=false"));
                assert_eq!(read(&[&spelling, &no]), off);
                assert_eq!(
                    read(&[&no, &spelling, &yes]),
                    line(words, &[&yes.replace("=true", "")])
                );
                assert_eq!(read(&[&spelling, "true"]), line(words, &[&spelling, "true"]));
                for value in ["", "maybe", "2", "tru"] {
                    let failure = refusal(&root, &line(words, &[&format!("{spelling}={value}")]));
                    assert!(failure.message.contains(&spelling), "{failure:?}");
                    assert_eq!(failure.code, ExitCode::Usage);
                }
            }
        }
        // Those that are on unless they are switched off take their value behind `=`, and show it.
        for flag in flags {
            let names = flag.get_value_names().unwrap_or_default();
            if names.first().is_some_and(|name| name == "BOOL") {
                assert!(flag.is_require_equals_set(), "{} {flag:?}", here.get_name());
                assert!(flag.get_action().takes_values(), "{} {flag:?}", here.get_name());
                bools += 1;
                for (values, wanted) in [(ON, true), (OFF, false)] {
                    for value in values {
                        let word = format!("--{}={value}", flag.get_long().unwrap());
                        let said = line(words, &[&word]);
                        assert_eq!(read(&root, &said).unwrap(), said);
                        let mut matches = Command::new("x")
                            .arg((*flag).clone())
                            // What a flag of `apply` excludes.
                            .arg(clap::Arg::new("config_files").short('f'))
                            .get_matches_from(["x", &word]);
                        let found = matches.remove_one::<bool>(flag.get_id().as_str());
                        assert_eq!(found, Some(wanted), "{word}");
                    }
                }
            }
        }
    });
    assert!(seen > 100 && bools > 30, "{seen} {bools}");
}

#[test]
fn switches_that_are_off_exclude_and_demand_nothing() {
    for text in [
        "update-kubeconfig --name prod --dry-run=false --diff-only",
        "update-kubeconfig --name prod --diff-only=false",
        "update-kubeconfig --name prod --no-profile=false --exec-profile dev",
        "plan -f c.yaml --prune=false",
        "token -c prod --cache=true --no-cache=false",
        "token -c prod --forward-session-name=f --session-name me",
        "utils write-kubeconfig -c prod --auto-kubeconfig=0 --kubeconfig config",
        "restore aws-auth -c prod --list=false --to aws-auth-1",
        "create iamserviceaccount -c prod --name a --no-policies=false --attach-policy-arn x --approve=true --yes=true",
        "apply -f c.yaml --yes --yes",
        "apply -f c.yaml -y=true -q=false",
    ] {
        let words: Vec<&str> = text.split(' ').collect();
        assert!(parse(&line(&["eksact"], &words)).is_ok(), "{text}");
    }
    for text in [
        "plan -f c.yaml --prune=false --prune-named kube-system/aws-node",
        "update-kubeconfig --name prod --detailed-exitcode --diff-only=false",
        "token -c prod --cache --no-cache=true",
        "create iamserviceaccount -c prod --name a --no-policies --attach-policy-arn x",
        "create iamserviceaccount -c prod --approve true",
    ] {
        let words: Vec<&str> = text.split(' ').collect();
        assert!(
            matches!(parse(&line(&["eksact"], &words)), Err(Refused::Clap(_))),
            "{text}"
        );
    }
}

#[test]
fn levels_are_eksctls() {
    let root = command();
    let (quiet, nothing, log, calls): (&[&str], &[&str], &[&str], &[&str]) =
        (&["--quiet"], &[], &["-v"], &["-vv"]);
    for (level, words) in [
        (0, quiet),
        (1, quiet),
        (2, nothing),
        (3, nothing),
        (4, log),
        (5, calls),
        (9, calls),
    ] {
        for written in [
            format!("-v {level}"),
            format!("-v{level}"),
            format!("-v={level}"),
            format!("--verbose {level}"),
            format!("--verbose={level}"),
        ] {
            for (before, after) in [(written.as_str(), ""), ("", written.as_str())] {
                let text = format!("eksact {before} get iamserviceaccount -c prod {after}");
                let read = read(&root, &line(&text.split_whitespace().collect::<Vec<_>>(), &[])).unwrap();
                let mut wanted = line(&["eksact"], if after.is_empty() { words } else { &[] });
                wanted.extend(line(&["get", "iamserviceaccount", "-c", "prod"], &[]));
                wanted.extend(line(if after.is_empty() { &[] } else { words }, &[]));
                assert_eq!(read, wanted, "{text}");
                assert!(parse(&line(&text.split_whitespace().collect::<Vec<_>>(), &[])).is_ok());
            }
        }
    }
    for written in ["--verbose=debug", "-v=-1", "--verbose=300"] {
        let failure = refusal(
            &root,
            &line(&["eksact", "get", "iamserviceaccount", written], &[]),
        );
        assert!(failure.message.contains("level"), "{failure:?}");
    }
    // eksact's own way, and a word that is no level.
    for text in [
        "eksact -vv get iamserviceaccount web",
        "eksact get iamserviceaccount -v web",
    ] {
        let words = line(&text.split(' ').collect::<Vec<_>>(), &[]);
        assert_eq!(
            read(&root, &words).unwrap().len(),
            if text.contains("-vv") { 6 } else { 5 }
        );
        assert!(parse(&words).is_ok());
    }
}

#[test]
fn commands_of_eksctl_are_answered_by_name() {
    let root = command();
    for text in [
        "create cluster --name x",
        "create nodegroup",
        "create ng",
        "get nodegroups --cluster prod",
        "create addon --name vpc-cni",
        "get addons",
        "delete cluster --name x",
        "create fargateprofile",
        "scale accessentry",
        "scale podidentityassociation",
        "scale identityprovider",
        "scale nodegroup --nodes 3",
        "drain ng",
        "upgrade cluster --name x",
        "enable flux",
        "set labels",
        "unset labels",
        "register cluster",
        "deregister cluster",
        "generate profile",
        "anywhere create cluster",
        "info",
        "mcp",
        "create capability",
        "update auto-mode-config",
        "utils describe-stacks --cluster x",
        "utils update-cluster-logging --enable-types all",
        "utils update-coredns",
        "create iam-oidc-provider",
    ] {
        let words: Vec<&str> = text.split(' ').collect();
        let failure = refusal(&root, &line(&["eksact"], &words));
        assert!(
            failure.message.contains("that eksact does not have"),
            "{failure:?}"
        );
        assert!(failure.message.contains(words[0]), "{failure:?}");
        assert!(!failure.help.is_empty());
    }
    // What is neither eksact's nor eksctl's is clap's to answer.
    for text in ["create podd", "frobnicate", "utils nothing", "get"] {
        let words: Vec<&str> = text.split(' ').collect();
        assert!(
            matches!(parse(&line(&["eksact"], &words)), Err(Refused::Clap(_))),
            "{text}"
        );
    }
}
