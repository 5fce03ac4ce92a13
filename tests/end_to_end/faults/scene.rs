//! A bed, and runs of commands on it under a fault.

use std::{
    collections::BTreeMap,
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::bed::{Bed, LoggedCall, Ran},
    Ended, Row, World,
    subject::Subject,
    table,
};

/// What is read of a cluster to see whether anything was written.
const LISTS: [&str; 4] = [
    "/api/v1/namespaces",
    "/api/v1/serviceaccounts",
    "/api/v1/configmaps",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
];

pub(super) struct Scene {
    pub(super) bed: Bed,
    number: AtomicU32,
    has_kubernetes: bool,
    /// What was not as it should be: told together, since a table is made in one go.
    wrong: Mutex<Vec<String>>,
}

/// What is done to the surroundings of a command.
pub(super) struct Fault<'f> {
    /// As the table names it.
    pub(super) name: &'f str,
    pub(super) raise: &'f dyn Fn(),
    /// Gives when all is as it was.
    pub(super) lift: &'f dyn Fn(),
    /// Runs the command: what a fault of its own surroundings needs besides.
    pub(super) run: &'f (dyn Fn(Command) -> Output + Sync),
}

/// A run as usual.
pub(super) fn plainly(mut command: Command) -> Output {
    command.output().unwrap()
}

pub(super) fn nothing() {}

/// A command under a fault: how it must end, within how many seconds, and a text of the line that the table shows.
pub(super) type Expected<'e> = (Subject, i32, u64, &'e str);

/// What was there: versions of the objects of Kubernetes, and the AWS calls that changed something.
#[derive(PartialEq, Eq, Debug)]
struct Look {
    objects: BTreeMap<String, String>,
    writes: Vec<LoggedCall>,
}

impl Scene {
    /// A bed in which the cluster has its OIDC provider, and the principals of `aws-auth` their entries.
    pub(super) fn start() -> Self {
        let scene = Self::over(Bed::start(), true);
        scene.bed.run(&Subject::Apply.line(&scene.bed, 0)).ended(0);
        scene
    }

    /// The same without Kubernetes.
    pub(super) fn start_aws() -> Self {
        let scene = Self::over(Bed::start_with(&["--aws-only"]), false);
        scene.bed.run(&Subject::ApplyRole.line(&scene.bed, 0)).ended(0);
        scene
    }

    fn over(bed: Bed, has_kubernetes: bool) -> Self {
        Self {
            bed,
            number: AtomicU32::new(1),
            has_kubernetes,
            wrong: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn claim(&self, is_so: bool, what: &str, row: &str) {
        if !is_so {
            self.wrong.lock().unwrap().push(format!("{what}: {row}"));
        }
    }

    /// Ends with all that was wrong, or compares the rows with the document.
    pub(super) fn check(&self, section: &str, rows: &[Row]) {
        let wrong = self.wrong.lock().unwrap();
        assert!(
            wrong.is_empty(),
            "{} of {} rows:\n{}",
            wrong.len(),
            rows.len(),
            wrong.join("\n\n")
        );
        table::check(section, rows);
    }

    /// Each command under the fault, one after the other.
    pub(super) fn each(&self, fault: &Fault<'_>, expected: &[Expected<'_>]) -> Vec<Row> {
        expected
            .iter()
            .flat_map(|one| self.together(fault, std::slice::from_ref(one)))
            .collect()
    }

    /// Several commands at once under the fault: for those that wait long. None of them may write.
    pub(super) fn together(&self, fault: &Fault<'_>, expected: &[Expected<'_>]) -> Vec<Row> {
        let bed = &self.bed;
        let numbers: Vec<u32> = expected
            .iter()
            .map(|(subject, ..)| {
                let number = self.number.fetch_add(1, Ordering::Relaxed);
                subject.prepare(bed, number);
                number
            })
            .collect();
        bed.forget_calls();
        let before = self.look();
        let run = fault.run;
        (fault.raise)();
        let ran: Vec<(Output, Duration)> = std::thread::scope(|scope| {
            let running: Vec<_> = expected
                .iter()
                .zip(&numbers)
                .map(|((subject, ..), number)| {
                    let mut command = bed.eksact(&subject.line(bed, *number));
                    // A message is one line then.
                    command.env("COLUMNS", "2000");
                    scope.spawn(move || {
                        let begun = Instant::now();
                        (run(command), begun.elapsed())
                    })
                })
                .collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        (fault.lift)();
        let is_untouched = self.look() == before;
        assert!(
            is_untouched || ran.len() == 1,
            "{}: whose write it was is not known",
            fault.name
        );
        let rows = expected.iter().zip(&numbers).zip(ran);
        rows.map(|((&(subject, code, within, says), number), (output, took))| {
            let ended = Ended::of(&output);
            let ran = Ran::from(output);
            let row = format!("{}, {}: {ran}", fault.name, subject.name());
            self.claim(took.as_secs() < within, &format!("it took {took:?}"), &row);
            let expected = if code < 0 {
                Ended::Signal(-code)
            } else {
                Ended::Code(code)
            };
            self.claim(ended == expected, &format!("not {expected}"), &row);
            let world = self.afterwards(subject, &subject.again().line(bed, *number), is_untouched, &row);
            let is_silent = !ran.stderr.contains("nothing was changed");
            self.claim(
                is_silent || is_untouched,
                "it says that nothing was changed",
                &row,
            );
            let is_promised = subject.writes() && ended == Ended::Code(0);
            self.claim(
                !is_promised || world == World::Done,
                "it says that it was done",
                &row,
            );
            self.claim(
                ran.stdout.contains(says) || ran.stderr.contains(says),
                &format!("`{says}` is missing"),
                &row,
            );
            Row {
                fault: fault.name.to_owned(),
                command: subject.name().to_owned(),
                ended,
                within,
                world,
                told: self.line_with(&ran, says),
            }
        })
        .collect()
    }

    /// Runs the command again without the fault, as often as it may take, and says what the world was.
    fn afterwards(&self, subject: Subject, line: &[String], is_untouched: bool, row: &str) -> World {
        if !subject.writes() {
            assert!(is_untouched, "it reads only: {row}");
            return World::Read;
        }
        let before = self.look();
        let again = self.bed.run(line);
        self.claim(again.code == Some(0), &format!("{again}\nof the rerun"), row);
        if self.look() == before {
            self.claim(!is_untouched, &format!("{again}\nnobody did it"), row);
            return World::Done;
        }
        let before = self.look();
        let again = self.bed.run(line);
        let is_over = again.code == Some(0) && self.look() == before;
        self.claim(
            is_over,
            &format!("{again}\nthe second rerun has something to do"),
            row,
        );
        if is_untouched {
            World::Untouched
        } else {
            World::Part
        }
    }

    fn look(&self) -> Look {
        let mut objects = BTreeMap::new();
        for list in LISTS.iter().filter(|_| self.has_kubernetes) {
            let (status, answer) = self.bed.kubernetes("GET", list, &Value::Null);
            assert_eq!(status, 200, "{answer}");
            for item in answer["items"].as_array().unwrap() {
                let metadata = &item["metadata"];
                let name = format!("{list} {} {}", metadata["namespace"], metadata["name"]);
                objects.insert(name, metadata["resourceVersion"].to_string());
            }
        }
        let mut writes = self.bed.writes();
        // What was refused, or cut off before it, changed nothing.
        writes.retain(|call| (200..300).contains(&call.status));
        Look { objects, writes }
    }

    /// The line of the output that has this text, without what differs from run to run.
    pub(super) fn line_with(&self, ran: &Ran, text: &str) -> String {
        let mut lines = ran.stderr.lines().chain(ran.stdout.lines());
        let line = lines.find(|line| line.contains(text)).unwrap_or_default().trim();
        settled(&line.replace(self.bed.home.path().to_str().unwrap(), "~"))
    }
}

/// A line without colours, the time since the beginning, ports, names of passing files and what is in a token.
fn settled(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        plain += &rest[..at];
        rest = rest[at..].split_once('m').map_or("", |(_, behind)| behind);
    }
    plain += rest;
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    if words.get(1) == Some(&"s") && words[0].parse::<f64>().is_ok() {
        words.drain(..2);
    }
    if plain.starts_with("k8s-aws-v1.") {
        words = vec!["k8s-aws-v1.…"];
    }
    let words: Vec<String> = words.into_iter().map(settled_word).collect();
    let line = words.join(" ");
    // What was under way when a run was cut off depends on the moment.
    match line
        .split_once(" unknown; ")
        .and_then(|(_, behind)| behind.split_once(". "))
    {
        Some((_, behind)) if line.starts_with("Interrupted: ") => format!("Interrupted: … {behind}"),
        _ => line,
    }
}

/// A time as AWS's signatures have it: `20261129T225631Z`.
fn is_time(part: &str) -> bool {
    part.len() == 16
        && part.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

/// A digest: long, and nothing but hexadecimal. Ten of its digits are often enough decimal by chance; the number of an account, twelve
/// decimal ones, is none.
fn is_digest(part: &str) -> bool {
    let is_account = part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    part.len() >= 10 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && !is_account
}

fn settled_word(word: &str) -> String {
    let digest = word
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .find(|part| is_digest(part) || is_time(part));
    if let Some(digest) = digest {
        return settled_word(&word.replace(digest, "…"));
    }
    let mut text = String::new();
    let mut rest = word;
    // A port behind an address, and the six letters of a file that was not finished.
    for (mark, put, length) in [
        ("127.0.0.1:", "PORT", 5_usize),
        ("/.tmp", "", 6),
        (".eksact-", "", 6),
        ("/.new-", "", 6),
    ] {
        if let Some(at) = rest.find(mark) {
            let from = at + mark.len();
            let digits = rest[from..]
                .chars()
                .take(length)
                .take_while(char::is_ascii_alphanumeric)
                .count();
            text += &rest[..from];
            text += if put.is_empty() { "XXXXXX" } else { put };
            rest = &rest[from + digits..];
        }
    }
    text + rest
}

#[test]
fn digest_of_decimal_digits_is_left_out_and_an_account_is_not() {
    assert_eq!(
        settled("of kube-system/aws-auth-backup-4822616893, aws-auth-backup-fedcbafedc in 111122223333,"),
        "of kube-system/aws-auth-backup-…, aws-auth-backup-… in 111122223333,"
    );
}
