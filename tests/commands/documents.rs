//! The documents keep up with the program: the reference is made from it, and every command that they show is one.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use clap::{Arg, Command};
use eksact_message::code::Code;

use crate::commands::{pages, place::Place, rooms};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const INTRODUCTION: &str = "\
# Command reference

Made from the program itself; `EKSACT_BLESS=1 cargo test --test sandbox documents` writes it anew. The same is in
`eksact COMMAND --help`.
";

/// The reference: every command with its options, in the order of the help.
fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    let root = eksact::cli::command();
    text.push_str("\n## Options of every command\n");
    options(&root, &mut text);
    writeln!(
        text,
        "\n## Exit codes\n\n```\n{}\n```",
        eksact::cli::exit_code::TABLE
    )
    .unwrap();
    for command in root.get_subcommands() {
        describe(command, "eksact", &mut text);
    }
    text
}

fn describe(command: &Command, parent: &str, text: &mut String) {
    let path = format!("{parent} {}", command.get_name());
    let mut below = command.get_subcommands().peekable();
    if below.peek().is_some() {
        for command in below {
            describe(command, &path, text);
        }
        return;
    }
    writeln!(text, "\n## {path}\n").unwrap();
    writeln!(text, "{}.", command.get_about().unwrap()).unwrap();
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        writeln!(text, "Also: `{}`.", aliases.join("`, `")).unwrap();
    }
    options(command, text);
}

fn options(command: &Command, text: &mut String) {
    let mut groups: Vec<(&str, Vec<&Arg>)> = Vec::new();
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let heading = argument.get_help_heading().unwrap_or("Arguments");
        match groups.iter_mut().find(|(group, _)| *group == heading) {
            Some((_, arguments)) => arguments.push(argument),
            None if heading == "Arguments" => groups.insert(0, (heading, vec![argument])),
            None => groups.push((heading, vec![argument])),
        }
    }
    for (heading, arguments) in groups {
        writeln!(text, "\n{heading}:\n\n| option | what |\n|---|---|").unwrap();
        for argument in arguments {
            writeln!(text, "| `{}` | {} |", usage(argument), help(argument)).unwrap();
        }
    }
}

/// `-f, --config-file PATH`.
fn usage(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let names = names.join(", ");
    // A switch has a value name, too, that nothing shows.
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .unwrap_or_default()
        .first();
    match value {
        None => names,
        Some(value) if names.is_empty() => value.to_string(),
        Some(value) if argument.is_require_equals_set() => format!("{names}[={value}]"),
        Some(value) => format!("{names} {value}"),
    }
    .replace('|', "\\|")
}

fn help(argument: &Arg) -> String {
    let mut help = argument.get_help().unwrap().to_string();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    let takes_values = argument.get_action().takes_values();
    if takes_values && !values.is_empty() {
        write!(help, " (`{}`)", values.join("`, `")).unwrap();
    }
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if takes_values && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        write!(help, "; default `{}`", defaults.join(" ")).unwrap();
    }
    if let Some(variable) = argument.get_env() {
        write!(help, "; variable `{}`", variable.to_string_lossy()).unwrap();
    }
    help.replace('|', "\\|")
}

#[test]
fn reference_is_that_of_the_program() {
    let path = Path::new(ROOT).join("docs/cli-reference.md");
    let reference = reference();
    if env::var_os("EKSACT_BLESS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/cli-reference.md is not that of this program: EKSACT_BLESS=1 cargo test --test sandbox documents"
    );
}

/// Those that take no value show none.
#[test]
fn reference_shows_a_switch_as_a_switch() {
    let reference = reference();
    for switch in [
        "--approve",
        "-y, --yes",
        "--prune",
        "-q, --quiet",
        "-v, --verbose",
        "--dry-run",
        "--role-only",
    ] {
        assert!(reference.contains(&format!("| `{switch}` |")), "{switch}");
    }
    for switch in [
        "--sandbox",
        "--termination-protection",
        "--set-kubeconfig-context",
    ] {
        assert!(reference.contains(&format!("| `{switch}[=BOOL]` |")), "{switch}");
    }
    let shown = |line: &str| line.split('`').nth(1).map(str::to_owned);
    let values: Vec<String> = reference
        .lines()
        .filter(|line| line.contains("(`true`, `false`)"))
        .filter_map(shown)
        .collect();
    assert!(
        values.iter().all(|value| value.ends_with("[=BOOL]")),
        "{values:?}"
    );
}

/// Every `eksact …` line in a code block of the documents is a command line that the program takes.
#[test]
fn document_commands_are_commands() {
    let mut seen = 0;
    for file in pages::documents() {
        let text = fs::read_to_string(&file).unwrap().replace("\\\n", " ");
        let mut in_code = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if in_code && line.trim_start().trim_start_matches("$ ").starts_with("eksact ") {
                let line = line.trim_start().trim_start_matches("$ ");
                let line = line.split(" #").next().unwrap();
                let line = line.split(['|', '>']).next().unwrap();
                let words = line.split_whitespace().map(|word| word.trim_matches('\''));
                if let Err(error) = eksact::cli::command().try_get_matches_from(words) {
                    let file = file.display();
                    panic!("{file}: {line}\n{error}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} commands found in the documents");
}

/// Every call that eksact can send stands in the policies of `docs/permissions.md`: the calls are read off the adapter's
/// own table of actions.
#[test]
fn permissions_name_every_call() {
    let policies = fs::read_to_string(Path::new(ROOT).join("docs/permissions.md")).unwrap();
    let mut seen = 0;
    let mut files = Vec::new();
    rooms::files(&Path::new(ROOT).join("crates/cloud/src/aws"), &mut files);
    for file in files {
        let source = fs::read_to_string(file).unwrap();
        for line in source.lines().filter(|line| line.contains(": Action = (")) {
            let words: Vec<&str> = line.split('"').collect();
            // Who has a token of a service account may ask this, whoever he is to AWS.
            if words[3] == "AssumeRoleWithWebIdentity" {
                continue;
            }
            let permission = format!("\"{}:{}\"", words[1], words[3]);
            assert!(
                policies.contains(&permission),
                "{permission} is missing in docs/permissions.md"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} actions found in the adapter");
}

/// The plan at the top of the README is what the program says about the example after two changes to it.
#[test]
fn readme_plan_is_a_real_one() {
    let readme = include_str!("../../README.md");
    let shown = readme.split_once("$ eksact plan -f cluster.yaml\n").unwrap().1;
    let shown = shown.split_once("```").unwrap().0;
    let place = Place::new();
    let file = include_str!("../../examples/quickstart.yaml").replace("name: quickstart", "name: prod");
    place.write("cluster.yaml", &file);
    assert_eq!(place.run(&["apply", "-f", "cluster.yaml", "--yes"]).code, 0);
    place.write(
        "cluster.yaml",
        &file.replace("- sqs:GetQueueAttributes\n", "- sqs:*\n"),
    );
    assert_eq!(place.run(&["plan", "-f", "cluster.yaml"]).stdout, shown);
}

/// The page of codes: every code with what it means, by what reports it.
fn codes() -> String {
    let mut text = "\
# Codes

What eksact finds has a code, printed as `error[code]`, `warning[code]`, `note[code]` or `refused[code]`, and given as `code` in JSON.
Codes keep their names and meanings over versions. Made from the program itself; `EKSACT_BLESS=1 cargo test --test sandbox
documents` writes it anew. [Guards](guards.md) are passed with `--allow CODE`.
"
    .to_owned();
    for (area, codes) in Code::BY_AREA {
        writeln!(text, "\n## {area}\n\n| code | meaning |\n|---|---|").unwrap();
        for code in *codes {
            writeln!(text, "| `{code}` | {} |", code.explanation()).unwrap();
        }
    }
    text
}

#[test]
fn codes_page_is_that_of_the_program() {
    let path = Path::new(ROOT).join("docs/codes.md");
    let codes = codes();
    if env::var_os("EKSACT_BLESS").is_some() {
        fs::write(&path, &codes).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == codes,
        "docs/codes.md is not that of this program: EKSACT_BLESS=1 cargo test --test sandbox documents"
    );
}

#[test]
fn guards_are_all_in_their_document() {
    let table = fs::read_to_string(Path::new(ROOT).join("docs/guards.md")).unwrap();
    for guard in eksact_core::guard::Guard::ALL {
        assert!(table.contains(&format!("| `{}` |", guard.code())), "{guard:?}");
    }
}

/// A code that nothing reports is a promise without a use.
#[test]
fn codes_are_all_reported() {
    let mut source = String::new();
    let mut folders = vec![Path::new(ROOT).join("src"), Path::new(ROOT).join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !name.ends_with("tests.rs")
                && name != "samples.rs"
            {
                source.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let used: BTreeSet<&str> = source
        .split("Code::")
        .skip(1)
        .map(|rest| {
            rest.split(|letter: char| !letter.is_alphanumeric())
                .next()
                .unwrap()
        })
        .collect();
    for code in Code::BY_AREA.iter().flat_map(|(_, codes)| *codes) {
        let words = code.as_str().split('-');
        let variant: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        assert!(used.contains(variant.as_str()), "nothing reports {code}");
    }
}
