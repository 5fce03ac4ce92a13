//! The process itself is ended, or nobody reads what it says.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{
    super::bed::until,
    scene::{Fault, Scene, nothing},
    subject::Subject as S,
};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn ended_at_any_time_a_rerun_ends_it() {
    let scene = Scene::start();
    let bed = &scene.bed;
    let mut rows = Vec::new();

    // While a stack is being made.
    let slow = || bed.stacks_take(&json!(2));
    let quick = || bed.stacks_take(&json!(0));
    let stack_is_asked_for = || {
        let writes = bed.writes();
        writes
            .iter()
            .any(|call| call.call == "cloudformation:CreateStack" && call.status == 200)
    };
    for (name, signals, code, says) in [
        (
            "SIGKILL while a stack is made",
            &[Signal::KILL][..],
            -9,
            "create stack",
        ),
        (
            "SIGTERM while a stack is made",
            &[Signal::TERM],
            130,
            "Interrupted",
        ),
        ("Ctrl-C while a stack is made", &[Signal::INT], 130, "Interrupted"),
        ("SIGHUP while a stack is made", &[Signal::HUP], 130, "Interrupted"),
        (
            "Ctrl-C twice while a stack is made",
            &[Signal::INT, Signal::INT],
            130,
            "Interrupted",
        ),
    ] {
        let run = |mut command: Command| {
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            until("the stack to be asked for", stack_is_asked_for);
            let mut stderr = BufReader::new(child.stderr.take().unwrap());
            let mut said = Vec::new();
            for (turn, signal) in signals.iter().enumerate() {
                // Two that come at once are one: the second waits until the first was heard.
                while turn > 0 && !String::from_utf8_lossy(&said).contains("interrupt again") {
                    assert!(stderr.read_until(b'\n', &mut said).unwrap() > 0, "it has ended");
                }
                send(&child, *signal);
            }
            stderr.read_to_end(&mut said).unwrap();
            let output = child.wait_with_output().unwrap();
            Output {
                stderr: said,
                ..output
            }
        };
        let fault = Fault {
            name,
            raise: &slow,
            lift: &quick,
            run: &|command| run(command),
        };
        let mut subjects = vec![(S::Apply, code, 20, says)];
        if matches!(signals[0], Signal::KILL | Signal::TERM) {
            subjects.push((S::CreateAccount, code, 20, says));
        }
        rows.extend(scene.each(&fault, &subjects));
    }

    // While a cluster is read: there is nothing to finish.
    let delay = || {
        bed.control(
            "POST",
            "faults",
            &json!({"service": "eks", "action": "DescribeCluster", "delay": 20, "count": null}),
        );
    };
    let no_delay = || {
        bed.control("DELETE", "faults", &serde_json::Value::Null);
    };
    for (name, signal, code) in [
        ("SIGTERM while it reads", Signal::TERM, -15),
        ("Ctrl-C while it reads", Signal::INT, -2),
        ("SIGHUP while it reads", Signal::HUP, -1),
    ] {
        let run = |mut command: Command| {
            let child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            until("STS to be asked", || {
                bed.calls()
                    .iter()
                    .any(|call| call.call == "sts:GetCallerIdentity")
            });
            send(&child, signal);
            child.wait_with_output().unwrap()
        };
        let fault = Fault {
            name,
            raise: &delay,
            lift: &no_delay,
            run: &|command| run(command),
        };
        rows.extend(scene.each(&fault, &[(S::Plan, code, 10, ""), (S::Apply, code, 10, "")]));
    }

    // Nobody reads, or nothing can be written.
    let mut told =
        |name: &str, run: &(dyn Fn(Command) -> Output + Sync), expected: &[super::scene::Expected<'_>]| {
            let fault = Fault {
                name,
                raise: &nothing,
                lift: &nothing,
                run,
            };
            rows.extend(scene.each(&fault, expected));
        };
    told(
        "the reader of stdout has gone",
        &|mut command| {
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            child.wait_with_output().unwrap()
        },
        &[
            (S::Plan, 0, 20, ""),
            (S::GetMapping, 0, 20, ""),
            (S::Apply, 0, 20, "Applied:"),
        ],
    );
    told(
        "the reader of stderr has gone",
        &|mut command| {
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stderr.take());
            child.wait_with_output().unwrap()
        },
        &[
            (S::Apply, 0, 20, "Plan for bench"),
            (S::CreateMapping, 0, 20, "Plan for bench"),
        ],
    );
    told(
        "stdout is a full disk",
        &|mut command| {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            command.stdout(full).output().unwrap()
        },
        &[
            (S::Plan, 1, 20, "No space left"),
            (S::Apply, 1, 20, "No space left"),
            (S::Token, 1, 20, "No space left"),
            (S::Whoami, 1, 20, "No space left"),
        ],
    );
    told(
        "stdout and stderr are closed",
        &|command| {
            let mut shell = Command::new("/bin/sh");
            shell
                .args(["-c", "exec \"$@\" >&- 2>&-", "sh"])
                .arg(command.get_program())
                .args(command.get_args())
                .env_clear()
                .envs(
                    command
                        .get_envs()
                        .filter_map(|(name, value)| Some((name, value?))),
                )
                .current_dir(command.get_current_dir().unwrap());
            shell.output().unwrap()
        },
        &[(S::Apply, 0, 20, ""), (S::DeleteMapping, 0, 20, "")],
    );
    for (name, how, code) in [
        ("the terminal changes its size all the time", "resize", 0),
        ("the terminal goes away while a stack is made", "hang-up", 130),
    ] {
        let run = |command: Command| {
            let mut on = bed.by("terminal.py", &[how.as_ref()], &command);
            on.env("TERM", "xterm").env_remove("COLUMNS");
            let child = on
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            let mut child = child.unwrap();
            until("the stack to be asked for", stack_is_asked_for);
            drop(child.stdin.take());
            child.wait_with_output().unwrap()
        };
        let fault = Fault {
            name,
            raise: &slow,
            lift: &quick,
            run: &|command| run(command),
        };
        let says = if code == 0 { "Applied:" } else { "" };
        rows.extend(scene.each(&fault, &[(S::Apply, code, 20, says)]));
    }
    scene.check("ending", &rows);
}
