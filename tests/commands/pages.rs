//! The pages of the book: what a `console` block shows is what its commands print, and links lead somewhere.
//!
//! All blocks of a page are one session of a shell in one folder, which begins empty. `$ ` begins a command; the lines below
//! it are what it prints on stdout and stderr. `[..]` stands for any text within a line. What readers need not see is in HTML
//! comments: `<!-- run: COMMAND -->` runs a command that must succeed, `<!-- file: NAME -->` makes a file of the next code
//! block. `EKSACT_BLESS=1` writes the output anew, and keeps lines with `[..]` that still hold.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::commands::place::{Ended, PROGRAM, Place};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Begins the output of each command.
const MARK: char = '\u{1e}';

/// A piece of a page, in its order.
#[derive(Debug)]
enum Piece {
    /// Anything that is not run, with its line breaks.
    Text(String),
    /// A file that the page shows.
    File { name: String, text: String },
    /// A command that readers do not see.
    Hidden(String),
    /// A command and what the page says that it prints.
    Shown { command: String, output: Vec<String> },
}

fn pieces(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = page.lines().peekable();
    let mut file = None;
    while let Some(line) = lines.next() {
        pieces.push(Piece::Text(line.to_owned()));
        if let Some(command) = comment(line, "run") {
            pieces.push(Piece::Hidden(command.to_owned()));
        } else if let Some(name) = comment(line, "file") {
            file = Some(name.to_owned());
        } else if line == "```console" {
            while let Some(line) = lines.next_if(|line| *line != "```") {
                let mut command = line
                    .strip_prefix("$ ")
                    .unwrap_or_else(|| panic!("output before a command: {line}"))
                    .to_owned();
                while command.ends_with('\\') {
                    command = format!("{command}\n{}", lines.next().unwrap());
                }
                let mut output = Vec::new();
                while let Some(line) = lines.next_if(|line| *line != "```" && !line.starts_with("$ ")) {
                    output.push(line.to_owned());
                }
                pieces.push(Piece::Shown { command, output });
            }
        } else if line.starts_with("```") && line.len() > 3 {
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```") {
                text.push_str(line);
                text.push('\n');
            }
            match file.take() {
                Some(name) => pieces.push(Piece::File { name, text }),
                None => pieces.push(Piece::Text(text.trim_end_matches('\n').to_owned())),
            }
        }
    }
    pieces
}

fn comment<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?
        .strip_prefix(kind)?
        .strip_prefix(": ")?
        .strip_suffix(" -->")
}

/// The script of the whole page. Each command finds the exit code of the one before it in `$?`.
fn script(pieces: &[Piece]) -> String {
    let mut script = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(_) => {}
            Piece::File { name, text } => {
                writeln!(script, "cat > '{name}' <<'PAGE'\n{text}PAGE").unwrap();
            }
            Piece::Hidden(command) => {
                writeln!(
                    script,
                    "{{ {command}\n}} > hidden.log 2>&1 || {{ cat hidden.log; exit 99; }}"
                )
                .unwrap();
            }
            Piece::Shown { command, .. } => {
                writeln!(script, "code=$?; printf '{MARK}'; (exit $code)\n{command}").unwrap();
            }
        }
    }
    script.push_str("exit 0\n");
    script
}

fn run(pieces: &[Piece]) -> Vec<Vec<String>> {
    let place = Place::new();
    let folder = Path::new(PROGRAM).parent().unwrap();
    let ended = Ended::of(
        place
            .bare("/bin/sh")
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("COLUMNS", "120")
            .args(["-c", &format!("exec 2>&1\n{}", script(pieces))])
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let home = place.path("").display().to_string();
    ended
        .stdout
        .replace(home.trim_end_matches('/'), "~")
        .split(MARK)
        .skip(1)
        .map(|output| output.lines().map(|line| line.trim_end().to_owned()).collect())
        .collect()
}

/// Whether a line of the page, which may have `[..]`, is this line.
fn holds(shown: &str, line: &str) -> bool {
    let mut parts = shown.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(part) => part.is_empty() || line.ends_with(part),
    }
}

/// The page with what its commands really print, and how many there are.
fn as_run(page: &str) -> (String, usize) {
    let pieces = pieces(page);
    let mut outputs = run(&pieces).into_iter();
    let mut text = String::new();
    let mut commands = 0;
    for piece in pieces {
        match piece {
            Piece::Text(line) => text.push_str(&line),
            Piece::File { text: file, .. } => text.push_str(file.trim_end_matches('\n')),
            Piece::Hidden(_) => continue,
            Piece::Shown { command, output } => {
                commands += 1;
                write!(text, "$ {command}").unwrap();
                for (number, line) in outputs.next().unwrap().iter().enumerate() {
                    let shown = output.get(number).filter(|shown| holds(shown, line));
                    write!(text, "\n{}", shown.unwrap_or(line)).unwrap();
                }
            }
        }
        text.push('\n');
    }
    (text, commands)
}

/// README.md and the documents, by their paths.
pub(crate) fn documents() -> Vec<PathBuf> {
    let mut found = vec![
        Path::new(ROOT).join("README.md"),
        Path::new(ROOT).join("CONTRIBUTING.md"),
        Path::new(ROOT).join("SECURITY.md"),
    ];
    let mut folders = vec![Path::new(ROOT).join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn pages_show_what_their_commands_print() {
    let mut commands = 0;
    for path in documents() {
        let page = fs::read_to_string(&path).unwrap();
        if !page.contains("\n```console\n") {
            continue;
        }
        let (real, own) = as_run(&page);
        commands += own;
        if env::var_os("EKSACT_BLESS").is_some() {
            fs::write(&path, &real).unwrap();
        } else if real != page {
            let first = page.lines().zip(real.lines()).find(|(said, is)| said != is);
            panic!(
                "{} shows something else than its commands print, first {first:?}\n\
                 EKSACT_BLESS=1 cargo test --test sandbox pages",
                path.display()
            );
        }
    }
    assert!(commands >= 20, "only {commands} commands in console blocks");
}

/// The names that a link to a part of the page can have: headings, as GitHub and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let name: String = heading
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect();
            anchors.insert(name);
        }
    }
    anchors
}

#[test]
fn document_links_lead_somewhere() {
    let mut seen = 0;
    for path in documents() {
        let page = fs::read_to_string(&path).unwrap();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(char::is_whitespace) || link.is_empty() {
                continue;
            }
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let at = format!("{}: {link}", path.display());
            assert!(target.exists(), "{at}: there is no such file");
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{at}: not one of {anchors:?}");
            }
        }
    }
    assert!(seen > 50, "only {seen} links found");
}

/// A page that the summary does not name is in the repository and not in the book.
#[test]
fn book_has_every_page() {
    let summary = fs::read_to_string(Path::new(ROOT).join("docs/SUMMARY.md")).unwrap();
    for path in documents() {
        let Ok(name) = path.strip_prefix(Path::new(ROOT).join("docs")) else {
            continue;
        };
        let name = name.display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "docs/SUMMARY.md does not name {name}"
        );
    }
}

/// Every command line of the README runs, on a sandbox that begins empty, with the README's own file.
#[test]
fn readme_commands_run() {
    let readme = include_str!("../../README.md");
    let place = Place::new();
    let file = readme
        .split_once("```yaml\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    place.write("cluster.yaml", file);
    fs::create_dir(place.path("examples")).unwrap();
    place.write(
        "examples/quickstart.yaml",
        include_str!("../../examples/quickstart.yaml"),
    );
    let folder = Path::new(PROGRAM).parent().unwrap();
    let (mut seen, mut in_code) = (0, false);
    for line in readme.replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let line = line.trim_start_matches("$ ").split(" #").next().unwrap().trim();
        let line = line.replace("cargo run -- ", "eksact ");
        if !in_code || !line.starts_with("eksact ") {
            continue;
        }
        // There is no terminal to answer on: `--yes` is the answer.
        let asks = ["apply", "create", "delete", "restore", "utils"];
        let verb = line.split(' ').nth(1).unwrap();
        let line = if asks.contains(&verb) && !line.contains(" --yes") {
            format!("{line} --yes")
        } else {
            line
        };
        let good: &[i32] = if line.contains("--detailed-exitcode") {
            &[0, 2]
        } else {
            &[0]
        };
        let ended = Ended::of(
            place
                .bare("/bin/sh")
                .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
                .env("EKSACT_SANDBOX", "1")
                .env("KUBECONFIG", "kubeconfig.yaml")
                .args(["-c", &line])
                .output()
                .unwrap(),
        );
        assert!(
            good.contains(&ended.code),
            "{line}\nended with {}\n{}{}",
            ended.code,
            ended.stdout,
            ended.stderr
        );
        seen += 1;
    }
    place.keep_kubeconfigs();
    assert!(seen > 10, "only {seen} command lines in the README");
}
