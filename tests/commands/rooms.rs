//! The rooms of `eksact-core` use each other in one direction only, and so do the modules of the command line. Between crates Cargo
//! keeps that; inside of one, these tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The order that a `lib.rs` or `mod.rs` states.
fn order(lib: &str) -> Vec<&str> {
    let lines = lib.lines().filter(|line| line.contains('→'));
    lines
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The Rust files of a folder and of those below it.
pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that `source` names: in `crate::room::…`, and first in the braces of `use crate::{room::…, other}`.
fn named<'s>(source: &'s str, rooms: &[&'s str]) -> Vec<&'s str> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.extend(rooms.iter().filter(|room| is_word(rest, room)));
            continue;
        };
        let mut depth = 0;
        let mut item = true;
        for (index, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => item = true,
                _ if character.is_whitespace() => {}
                _ => {
                    if item {
                        found.extend(rooms.iter().filter(|room| is_word(&list[index..], room)));
                    }
                    item = false;
                }
            }
        }
    }
    found
}

fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

#[test]
fn rooms_of_core_use_what_comes_after_them_only() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/core/src");
    let lib = fs::read_to_string(core.join("lib.rs")).unwrap();
    let order = order(&lib);
    for room in &order {
        assert!(lib.contains(&format!("pub mod {room};")), "{room}");
    }
    assert_eq!(
        lib.matches("pub mod ").count(),
        order.len(),
        "a room has no place in the order"
    );
    let mut wrong = Vec::new();
    for (place, room) in order.iter().enumerate() {
        let mut all = Vec::new();
        files(&core.join(room), &mut all);
        for file in all {
            let source = fs::read_to_string(&file).unwrap();
            for before in named(&source, &order[..place]) {
                wrong.push(format!("{} uses {before}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The kinds' modules, from the line of each in `kinds()`.
fn kinds(resources: &str) -> Vec<&str> {
    let list = resources.split("fn kinds()").nth(1).unwrap();
    let lines = list.lines().filter_map(|line| line.trim().strip_prefix('&'));
    let mut kinds: Vec<&str> = lines
        .filter_map(|line| line.split_once("::"))
        .map(|(kind, _)| kind)
        .collect();
    kinds.dedup();
    kinds
}

/// The siblings that `source` names behind `path::`: one, or those of the list in braces.
fn named_behind<'s>(source: &'s str, path: &str, siblings: &[&'s str]) -> Vec<&'s str> {
    let of = |text: &'s str| {
        siblings
            .iter()
            .copied()
            .filter(move |sibling| is_word(text, sibling))
    };
    let mut found = Vec::new();
    for (at, _) in source.match_indices(path) {
        let rest = &source[at + path.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.extend(of(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for (index, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => item.clear(),
                _ if character.is_whitespace() => {}
                _ => {
                    if item.is_empty() && depth == 0 {
                        found.extend(of(&list[index..]));
                    }
                    item.push(character);
                }
            }
        }
    }
    found
}

/// What a kind has to know of another's object it asks live state and the draft, by address.
#[test]
fn kinds_do_not_name_each_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/core/src/kinds");
    let source = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let kinds = kinds(&source);
    assert!(kinds.len() > 5 && kinds.contains(&"rbac"), "{kinds:?}");
    assert_eq!(named_siblings(&folder, "kinds::", &kinds), [""; 0]);
}

/// What a module of `folder`, which is called `room`, names of the others.
pub(super) fn named_siblings(folder: &Path, room: &str, modules: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for module in modules {
        let others: Vec<&str> = modules.iter().copied().filter(|other| other != module).collect();
        for file in files_of(folder, module) {
            wrong.extend(named_in(&file, folder, room, &others));
        }
    }
    wrong
}

/// The Rust files of a module of `folder`: its one, or those of its folder.
fn files_of(folder: &Path, module: &str) -> Vec<PathBuf> {
    let single = folder.join(format!("{module}.rs"));
    let mut all = Vec::new();
    if folder.join(module).is_dir() {
        files(&folder.join(module), &mut all);
    }
    all.extend(single.exists().then_some(single));
    all
}

/// What a file somewhere below `folder` names of the modules in it: behind `room`, or behind as many `super::` as lead there.
fn named_in(file: &Path, folder: &Path, room: &str, modules: &[&str]) -> Vec<String> {
    let source = fs::read_to_string(file).unwrap();
    let depth = file.strip_prefix(folder).unwrap().components().count();
    let depth = if file.ends_with("mod.rs") {
        depth - 1
    } else {
        depth
    };
    [room, &"super::".repeat(depth)]
        .into_iter()
        .flat_map(|path| named_behind(&source, path, modules))
        .map(|module| format!("{} uses {module}", file.display()))
        .collect()
}

/// The modules of the command line use each other in the one order that its `mod.rs` states.
#[test]
fn rooms_of_the_command_line_use_what_comes_after_them_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let source = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let order = order(&source);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let rooms: BTreeSet<String> = entries.map(stem).filter(|room| room != "mod").collect();
    assert_eq!(
        order
            .iter()
            .map(|room| (*room).to_owned())
            .collect::<BTreeSet<_>>(),
        rooms
    );
    let mut wrong = Vec::new();
    for (place, room) in order.iter().enumerate() {
        for file in files_of(&folder, room) {
            wrong.extend(named_in(&file, &folder, "cli::", &order[..place]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A kind is in one place: what it needs elsewhere is the list of docs/architecture.md, "Adding a kind, step by step".
#[test]
fn kind_is_named_where_architecture_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let steps = page.split("## Adding a kind, step by step").nth(1).unwrap();
    let steps = steps.split("`kind_is_named_where").next().unwrap();
    let is_own = |path: &str| path.contains("identity_provider");
    let told: BTreeSet<&str> = steps
        .split('`')
        .filter(|word| word.starts_with("crates/") || word.starts_with("src/"))
        .filter(|path| !is_own(path))
        .collect();
    let mut all = vec![root.join("crates/core/src/config/data/identity.fields")];
    // The stories are tests.
    let crates = [
        "cloud",
        "core",
        "credentials",
        "identity",
        "message",
        "simulator",
        "yaml",
    ];
    for folder in crates
        .map(|name| format!("crates/{name}/src"))
        .iter()
        .map(String::as_str)
        .chain(["src"])
    {
        files(&root.join(folder), &mut all);
    }
    let names_it = |file: &PathBuf| {
        let source = fs::read_to_string(file).unwrap();
        let shipped = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let words = shipped.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-');
        // In all ways of writing it: of Rust, of YAML, of codes and of commands.
        words
            .map(|word| word.replace(['-', '_'], "").to_lowercase())
            .any(|word| word.starts_with("identityprovider"))
    };
    let relative = |file: &PathBuf| file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let is_test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    // All nouns of eksctl, whether eksact has them or not.
    let is_of_eksctl = |path: &str| path == "src/cli/words/elsewhere.rs";
    let found: BTreeSet<String> = all
        .iter()
        .filter(|file| names_it(file))
        .map(relative)
        .filter(|path| !is_own(path) && !is_test(path) && !is_of_eksctl(path))
        .collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), told);
    assert_eq!(told.len(), 11, "eight, a reason, the export, and who gains");
}

#[test]
fn kinds_are_found_in_every_form_of_import() {
    let siblings = ["iam_role", "namespace"];
    for (source, wanted) in [
        ("use crate::kinds::iam_role::ARN;", vec!["iam_role"]),
        (
            "use crate::{\n    kinds::{\n        Request, namespace::{self, x},\n        request::iam_role,\n    },\n};",
            vec!["namespace"],
        ),
        ("kinds::namespaces::x(); kinds::request::namespace", vec![]),
    ] {
        assert_eq!(named_behind(source, "kinds::", &siblings), wanted, "{source}");
    }
}

#[test]
fn rooms_are_found_in_every_form_of_import() {
    let rooms = ["view", "engine", "config"];
    for (source, wanted) in [
        ("use crate::view::Style;", vec!["view"]),
        (
            "use crate::{\n    config::{a, view},\n    engine::Plan,\n};",
            vec!["config", "engine"],
        ),
        (
            "let x = crate::engine::Plan::default(); crate::viewer::y();",
            vec!["engine"],
        ),
    ] {
        assert_eq!(named(source, &rooms), wanted, "{source}");
    }
}

/// Who offers something. The compiler takes every public item for used. The simulator offers tests what the program needs not.
const OFFERING: [&str; 6] = ["message", "yaml", "identity", "credentials", "core", "cloud"];
/// By these the judges of our answers say a request with everything that is known of it, and a test of that is all they are for.
const FOR_JUDGES: [&str; 2] = ["with_values", "and_no_other"];

/// Whether the file is compiled for tests alone: the `mod` line of it, or of a folder that it is in, follows `#[cfg(test)]`.
fn is_for_tests(file: &Path, root: &Path) -> bool {
    let mut module = file.with_extension("");
    if module.ends_with("mod") {
        module.pop();
    }
    while module.starts_with(root) && module != *root {
        let name = module.file_name().unwrap().to_str().unwrap().to_owned();
        module.pop();
        let beside = ["mod.rs", "lib.rs", "main.rs"].map(|name| module.join(name));
        let says_so = beside
            .into_iter()
            .chain([module.with_extension("rs")])
            .filter_map(|file| fs::read_to_string(file).ok())
            .any(|source| marks_as_test(&source, &name));
        if says_so {
            return true;
        }
    }
    false
}

fn marks_as_test(source: &str, module: &str) -> bool {
    let mut is_marked = false;
    for line in source.lines().map(str::trim) {
        let declared = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
        if is_marked && declared.is_some_and(|(_, name)| name == module) {
            return true;
        }
        // Other attributes may stand between.
        is_marked = line == "#[cfg(test)]" || is_marked && line.starts_with('#');
    }
    false
}

#[test]
fn files_of_tests_are_known_by_their_mod_line() {
    for (source, wanted) in [
        ("#[cfg(test)]\nmod world;\n", true),
        ("#[cfg(test)]\n#[allow(dead_code)]\npub(crate) mod world;\n", true),
        ("mod world;\n", false),
        ("#[cfg(test)]\nmod other;\nmod world;\n", false),
        ("#[cfg(test)]\nmod world_of_others;\n", false),
    ] {
        assert_eq!(marks_as_test(source, "world"), wanted, "{source}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut all = Vec::new();
    files(&root, &mut all);
    let marked = all.iter().filter(|file| is_for_tests(file, &root));
    assert!(marked.count() > 0);
}

/// The sources below a folder without their tests and comments.
fn product(folder: &Path) -> String {
    let mut all = Vec::new();
    files(folder, &mut all);
    let mut product = String::new();
    for file in all {
        let name = file.file_name().unwrap().to_str().unwrap();
        let is_test = name.ends_with("tests.rs") || name == "laws.rs";
        if is_test || is_for_tests(&file, folder) || file.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            product.push_str(line);
            product.push('\n');
        }
    }
    product
}

/// The name of the public item that a line begins.
fn offered(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    for before in [
        "const fn ",
        "async fn ",
        "fn ",
        "struct ",
        "enum ",
        "const ",
        "type ",
        "trait ",
    ] {
        if let Some(item) = rest.strip_prefix(before) {
            return item
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .next();
        }
    }
    None
}

#[test]
fn public_items_are_used_by_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own: Vec<String> = OFFERING
        .iter()
        .map(|name| product(&root.join("crates").join(name).join("src")))
        .collect();
    let others =
        ["src", "crates/simulator/src", "crates/simulation/src"].map(|folder| product(&root.join(folder)));
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for text in own.iter().chain(&others) {
        for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            *words.entry(word).or_default() += 1;
        }
    }
    let mut seen = 0;
    let mut unused = Vec::new();
    for item in own.iter().flat_map(|text| text.lines()).filter_map(offered) {
        seen += 1;
        if words[item] == 1 && !FOR_JUDGES.contains(&item) {
            unused.push(item);
        }
    }
    assert!(unused.is_empty(), "nothing but tests uses {unused:?}");
    assert!(seen > 800, "{seen}");
}
