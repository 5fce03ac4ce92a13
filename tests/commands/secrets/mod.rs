//! No secret gets out. Secrets that can be told from everything else are planted wherever eksact can come upon one: keys,
//! sessions, tokens, codes, kubeconfigs, proxies, the environment, answers of AWS and of a cluster. Then every command is run
//! with the most that it can log, in the sandbox and against servers that answer, that refuse and quote the whole request, and a
//! proxy that refuses; and what it said and every file that it left are searched.

pub(in crate::commands) mod lines;
pub(in crate::commands) mod network;
mod planted;
mod world;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::commands::{
    place::{Ended, PROGRAM, Place},
    terminal::{TERMINAL, python},
};
use network::{Manner, SESSION_SECRET, SESSION_TOKEN, start};
use planted::{Search, canary, plain_canary};
use world::{CONTEXTS, Planted, Servers, filled, keys, sources};

/// Where secrets of these places may be, of these commands. The reason stands beside each.
struct Exception {
    commands: &'static [&'static str],
    place: Where,
    secrets: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Stdout,
    Stderr,
    /// A kubeconfig that the command was asked to change.
    Kubeconfig,
    /// The AWS config file, in which it was asked to write a profile.
    AwsConfig,
    /// The private cache.
    Cache,
    File,
}

const OF_KUBECONFIG: &[&str] = &[
    "kubeconfig-token",
    "kubeconfig-password",
    "kubeconfig-exec-env",
    "exec-output",
    "kubeconfig-exec-argument",
    "kubeconfig-auth-provider",
];
const WRITERS_OF_KUBECONFIGS: &[&str] = &["update-kubeconfig", "utils write-kubeconfig", "delete kubeconfig"];

const EXCEPTIONS: &[Exception] = &[
    // A token is the URL of a request that is signed with a session: the session's token is a part of it (docs/tokens.md).
    Exception {
        commands: &["token"],
        place: Where::Stdout,
        secrets: &[
            "session-token",
            "file-session-token",
            "process-session-token",
            SESSION_TOKEN,
        ],
    },
    // `--dry-run` prints the whole file, to be redirected (docs/kubeconfig.md).
    Exception {
        commands: WRITERS_OF_KUBECONFIGS,
        place: Where::Stdout,
        secrets: OF_KUBECONFIG,
    },
    // A kubeconfig keeps what is in it, and gets what it was told to get.
    Exception {
        commands: WRITERS_OF_KUBECONFIGS,
        place: Where::Kubeconfig,
        secrets: OF_KUBECONFIG,
    },
    // So does an AWS config file, of which a profile's role and source are changed and nothing else.
    Exception {
        commands: &["update-kubeconfig"],
        place: Where::AwsConfig,
        secrets: &["config-secret-key", "config-session-token", "config-process"],
    },
    // The patch is of the pod as the file has it (docs/pod-credentials.md).
    Exception {
        commands: &["explain pod"],
        place: Where::Stdout,
        secrets: &["pod-env"],
    },
    // Sessions are kept for the next call, in files that nobody else can read (docs/tokens.md, "The cache").
    Exception {
        commands: &["token", "verify token", "whoami"],
        place: Where::Cache,
        secrets: &[SESSION_SECRET, SESSION_TOKEN],
    },
];

/// The commands that do something, as the program names them.
pub(in crate::commands) fn commands() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        if !command.has_subcommands() {
            found.push(words.to_vec());
        }
        for below in command.get_subcommands() {
            walk(below, &[words, &[below.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&eksact::cli::command(), &[], &mut found);
    found
}

/// One run: the words after the command's own, and the environment.
struct Run {
    name: String,
    words: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

/// Every run of one line of a command.
///
/// Every way to sign in and every source of credentials has its turn, by `count`; all of them with every line would take minutes.
fn runs(line: &[String], home: &Path, servers: &Servers, takes_context: bool, count: usize) -> Vec<Run> {
    let endpoint = |server: &str| vec![("AWS_ENDPOINT_URL", format!("http://{server}"))];
    let refuses = sources(home, &servers.refuses);
    let answers = sources(home, &servers.answers);
    let (source, variables) = &answers[count % answers.len()];
    let (other, others) = &refuses[(count + 5) % refuses.len()];
    let context = CONTEXTS[count % CONTEXTS.len()];
    let in_context = if takes_context {
        [
            line,
            &["--kubeconfig", "kube.yaml", "--context", context].map(str::to_owned),
        ]
        .concat()
    } else {
        line.to_vec()
    };
    let run = |name: &str, words: &[String], variables: Vec<Vec<(&'static str, String)>>| Run {
        name: name.to_owned(),
        words: words.to_vec(),
        variables: variables.concat(),
    };
    let sandbox = vec![("EKSACT_SANDBOX", "1".to_owned())];
    let proxy = format!("http://nina:{}@{}", plain_canary("proxy-password"), servers.proxy);
    vec![
        run("sandbox", line, vec![sandbox, keys()]),
        run(
            &format!("answers, context {context}"),
            &in_context,
            vec![endpoint(&servers.answers), keys()],
        ),
        run(
            &format!("answers, {source}"),
            line,
            vec![endpoint(&servers.answers), variables.clone()],
        ),
        run(
            &format!("refuses, {other}"),
            line,
            vec![endpoint(&servers.refuses), others.clone()],
        ),
        run("refuses", line, vec![endpoint(&servers.refuses), keys()]),
        run("proxy", line, vec![vec![("HTTPS_PROXY", proxy)], keys()]),
    ]
}

/// What was found, and which exceptions were met.
#[derive(Default)]
struct Seen {
    faults: Vec<String>,
    met: BTreeSet<usize>,
    runs: usize,
    files: usize,
}

impl Seen {
    fn look(&mut self, search: &Search, command: &str, (place, what): (Where, &str), text: &str) {
        let found = search.found(text, &[]);
        if found.is_empty() {
            return;
        }
        let exception = EXCEPTIONS
            .iter()
            .position(|exception| exception.place == place && exception.commands.contains(&command));
        let allowed: Vec<String> = exception
            .map(|index| EXCEPTIONS[index].secrets)
            .unwrap_or_default()
            .iter()
            .map(|secret| canary(secret))
            .chain(
                // What the line itself gives to a kubeconfig.
                ["exec-env", "other-env", "proxy-url", "other-url", "exec-token"]
                    .iter()
                    .filter(|_| exception.is_some() && WRITERS_OF_KUBECONFIGS.contains(&command))
                    .map(|secret| plain_canary(secret)),
            )
            .collect();
        let left = search.found(text, &allowed);
        if left.is_empty() {
            self.met.extend(exception);
        }
        for left in left {
            self.faults.push(format!("{command}: {what}: {place:?}: {left}"));
        }
    }
}

/// Runs every line of a command, and looks at all that is left.
fn look_at(words: &[String], servers: &Servers, seen: &Mutex<Seen>) {
    let command = words.join(" ");
    let lines = lines::lines(&command)
        .unwrap_or_else(|| panic!("`{command}` is not run here: add its lines to lines.rs"));
    let planted = Planted::new(servers);
    let home = planted.place.path("");
    let sandbox = |line: &[&str]| {
        let ended = planted.place.run(line);
        assert_eq!(ended.code, 0, "{line:?}: {}", ended.stderr);
    };
    sandbox(&["plan", "-f", "cluster.yaml", "--out", "saved.json"]);
    if command != "apply" {
        sandbox(&["apply", "-f", "cluster.yaml", "--yes"]);
        sandbox(&["snapshot", "--cluster", "prod", "--out", "taken.json"]);
    }
    let takes_context = !WRITERS_OF_KUBECONFIGS.contains(&command.as_str());
    let mut codes = BTreeSet::new();
    for (index, line) in lines.iter().copied().chain(["--no-such-flag"]).enumerate() {
        let mut runs = runs(
            &filled(line),
            &home,
            servers,
            takes_context,
            command.len() + index,
        );
        if index > 1 {
            // The same again would find the same.
            runs.truncate(4);
        }
        for run in runs {
            let what = format!("`{line}` ({})", run.name);
            let mut program = planted.place.bare(PROGRAM);
            program
                .args(words)
                .args(&run.words)
                .args(["-vvvv", "--region", "eu-west-1"])
                .envs(run.variables)
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full")
                // Nothing of eksact's, and so in nothing that it says.
                .env("TEAM_TOKEN", canary("environment"));
            let ended = Ended::of(program.output().unwrap());
            codes.insert(ended.code);
            let mut seen = seen.lock().unwrap();
            seen.runs += 1;
            if ended.stderr.contains("panicked") || ended.code < 0 {
                seen.faults.push(format!("{command}: {what}: {}", ended.stderr));
            }
            seen.look(&planted.search, &command, (Where::Stdout, &what), &ended.stdout);
            seen.look(&planted.search, &command, (Where::Stderr, &what), &ended.stderr);
        }
    }
    if !codes.contains(&0) || codes.len() == 1 {
        let fault = format!("`{command}` has to come to its end, and to fail: {codes:?}");
        seen.lock().unwrap().faults.push(fault);
    }
    let mut all = Vec::new();
    files_below(&home, &mut all);
    for path in all {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let before = planted.files.iter().find(|(planted, _)| *planted == path);
        if before.is_some_and(|(_, before)| *before == text) {
            continue;
        }
        let name = path.strip_prefix(&home).unwrap().display().to_string();
        assert!(!name.starts_with("core"), "a core file: {name}");
        let place = match &name {
            name if name.starts_with(".cache/eksact/") => {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{name}");
                Where::Cache
            }
            name if name == "kube.yaml" => Where::Kubeconfig,
            name if name == ".aws/config" => Where::AwsConfig,
            _ => Where::File,
        };
        let mut seen = seen.lock().unwrap();
        seen.files += 1;
        seen.look(&planted.search, &command, (place, &name), &text);
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn secrets_are_in_no_output_of_any_command() {
    let servers = Servers {
        answers: start(Manner::Answers),
        refuses: start(Manner::Refuses),
        proxy: start(Manner::Proxy),
    };
    let commands = commands();
    assert!(commands.len() > 50, "{commands:?}");
    let seen = Mutex::new(Seen::default());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(words) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                    look_at(words, &servers, &seen);
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert!(
        seen.runs > 800 && seen.files > 200,
        "{} {}",
        seen.runs,
        seen.files
    );
    assert!(seen.faults.is_empty(), "{}", seen.faults.join("\n"));
    // An exception that nothing needs would hide the next leak; and the search finds what is there.
    assert_eq!(seen.met.len(), EXCEPTIONS.len(), "{:?}", seen.met);
}

/// Whoever types a code on a terminal sees it there; it is nowhere else, whatever STS says of it.
#[test]
fn mfa_code_is_in_no_output() {
    for manner in [Manner::Answers, Manner::Refuses] {
        let servers = Servers {
            answers: start(Manner::Answers),
            refuses: start(Manner::Refuses),
            proxy: String::new(),
        };
        let server = if manner == Manner::Answers {
            &servers.answers
        } else {
            &servers.refuses
        };
        let planted = Planted::new(&servers);
        let code = plain_canary("code");
        let output = planted
            .place
            .bare(python())
            .args([
                TERMINAL,
                &code,
                PROGRAM,
                "whoami",
                "--region",
                "eu-west-1",
                "--profile",
                "mfa",
                "-vvvv",
            ])
            .env("AWS_ENDPOINT_URL", format!("http://{server}"))
            .env("TERM", "dumb")
            .output()
            .unwrap();
        let ended = Ended::of(output);
        // Once: what the terminal itself shows of the keys.
        let shown = ended.stdout.replacen(&code, "", 1);
        assert!(
            shown.contains("MFA code for arn:aws:iam::111122223333:mfa/nina: "),
            "{shown}"
        );
        assert_eq!(ended.code, i32::from(manner == Manner::Refuses), "{shown}");
        assert_eq!(planted.search.found(&shown, &[]), [""; 0], "{shown}");
    }
}

/// A process that dies leaves no image of its memory, where the machine would keep one.
#[test]
fn dying_process_leaves_no_core_file() {
    let place = Place::new();
    let mut child = place
        .bare("/bin/sh")
        .args([
            "-c",
            &format!("ulimit -c unlimited; exec '{PROGRAM}' decode token -"),
        ])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads its standard input as soon as it is itself.
    while fs::read_to_string(format!("/proc/{}/comm", child.id())).is_ok_and(|name| name.trim() != "eksact")
        || !fs::read_to_string(format!("/proc/{}/wchan", child.id())).is_ok_and(|at| at.contains("pipe"))
    {
        thread::yield_now();
    }
    let killed = Command::new("kill")
        .args(["-ABRT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert!(status.signal().is_some(), "{status}");
    assert!(!status.core_dumped(), "{status}");
}
