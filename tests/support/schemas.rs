//! Whatever a command writes for machines while these tests run is held against its schema in `docs/schemas/`, strictly: a
//! field that the schema does not name is a fault.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::Value;

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every schema of an output.
pub(crate) const KINDS: &[&str] = &[
    "plan",
    "apply",
    "apply-ndjson",
    "saved-plan",
    "fleet",
    "can-i",
    "check-access",
    "check-aws-auth",
    "check-irsa",
    "decode-token",
    "diff-access",
    "explain",
    "explain-access",
    "explain-pod",
    "get-accessentry",
    "get-cluster",
    "get-iamidentitymapping",
    "get-iamserviceaccount",
    "get-identityprovider",
    "get-podidentityassociation",
    "map",
    "permissions",
    "restore-aws-auth",
    "snapshot",
    "verify-token",
    "version",
    "who-can",
    "whoami",
];

/// The schema, with every object closed that names its properties, itself or in its alternatives.
fn strict(kind: &str) -> Validator {
    const PARTS: [&str; 3] = ["anyOf", "oneOf", "allOf"];
    fn close(schema: &mut Value, is_part: bool) {
        if let Some(object) = schema.as_object_mut() {
            let names = ["properties"]
                .iter()
                .chain(&PARTS)
                .any(|key| object.contains_key(*key));
            if names && !is_part && !object.contains_key("additionalProperties") {
                object.insert("unevaluatedProperties".to_owned(), false.into());
            }
            for (key, value) in object.iter_mut() {
                match value.as_array_mut().filter(|_| PARTS.contains(&key.as_str())) {
                    Some(parts) => parts.iter_mut().for_each(|part| close(part, true)),
                    None => close(value, false),
                }
            }
        } else if let Some(list) = schema.as_array_mut() {
            for value in list {
                close(value, false);
            }
        }
    }
    let text = fs::read_to_string(Path::new(ROOT).join(format!("docs/schemas/{kind}.json"))).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    close(&mut schema, false);
    jsonschema::validator_for(&schema).unwrap()
}

static VALIDATORS: LazyLock<Mutex<BTreeMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

fn validator(kind: &str) -> &'static Validator {
    let mut all = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(kind.to_owned())
        .or_insert_with(|| Box::leak(Box::new(strict(kind))))
}

/// What is wrong with `value` by the schema of `kind`.
pub(crate) fn faults(kind: &str, value: &Value) -> Vec<String> {
    validator(kind)
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The value of `-o` or `--output`.
fn format<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "-o" | "--output" => return words.next().copied(),
            "-ojson" => return Some("json"),
            word => {
                if let Some(value) = word
                    .strip_prefix("--output=")
                    .or_else(|| word.strip_prefix("-o="))
                {
                    return Some(value);
                }
            }
        }
    }
    None
}

/// The schema by which the JSON of a command goes: that of its words, else of a plan or an apply.
fn kind_of(arguments: &[&str], value: &Value) -> String {
    let words: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|word| !word.starts_with('-'))
        .take(2)
        .collect();
    let names = [
        words.join("-").to_lowercase(),
        words
            .first()
            .map_or_else(String::new, |word| (*word).to_lowercase()),
    ];
    let singular = |name: &str| match name {
        "get-clusters" => "get-cluster".to_owned(),
        "get-iamserviceaccounts" => "get-iamserviceaccount".to_owned(),
        "get-iamidentitymappings" => "get-iamidentitymapping".to_owned(),
        "get-accessentries" | "get-accessentrys" => "get-accessentry".to_owned(),
        "get-podidentityassociations" => "get-podidentityassociation".to_owned(),
        "get-identityproviders" => "get-identityprovider".to_owned(),
        name => name.to_owned(),
    };
    for name in names.iter().map(|name| singular(name)) {
        let is_list = name != "restore-aws-auth" || arguments.contains(&"--list");
        if is_list && name != "plan" && name != "apply" && KINDS.contains(&name.as_str()) {
            return name;
        }
    }
    if value.get("clusters").is_some() {
        "fleet"
    } else if value.get("report").is_some() {
        "apply"
    } else if value.get("request").is_some() {
        "saved-plan"
    } else {
        "plan"
    }
    .to_owned()
}

/// Holds what a command wrote for machines against its schema: on stdout, where that is JSON or the same as YAML, and into files
/// in `folder`, which were `before` when it began. A command that failed before it had anything to say wrote nothing.
pub(crate) fn hold(arguments: &[&str], folder: &Path, before: &Files, stdout: &str) {
    hold_files(arguments, folder, before);
    match format(arguments) {
        Some("yaml") if !stdout.trim().is_empty() => {
            let value: Value = serde_saphyr::from_str(stdout)
                .unwrap_or_else(|error| panic!("{arguments:?} wrote no YAML: {error}\n{stdout}"));
            let kind = kind_of(arguments, &value);
            let faults = faults(&kind, &value);
            assert!(faults.is_empty(), "{arguments:?} by {kind}: {faults:#?}");
        }
        Some("json") if !stdout.trim().is_empty() && arguments.first() != Some(&"token") => {
            let value: Value = serde_json::from_str(stdout)
                .unwrap_or_else(|error| panic!("{arguments:?} wrote no JSON: {error}\n{stdout}"));
            let kind = kind_of(arguments, &value);
            let faults = faults(&kind, &value);
            assert!(faults.is_empty(), "{arguments:?} by {kind}: {faults:#?}");
        }
        Some("ndjson") => {
            for line in stdout.lines() {
                let value: Value = serde_json::from_str(line).unwrap();
                let faults = faults("apply-ndjson", &value);
                assert!(faults.is_empty(), "{arguments:?}: {faults:#?}\n{line}");
            }
        }
        _ => {}
    }
}

/// The values of a flag with a long name.
fn values<'a>(arguments: &[&'a str], flag: &str) -> Vec<&'a str> {
    let behind = arguments
        .windows(2)
        .filter(|pair| pair[0] == flag)
        .map(|pair| pair[1]);
    let joined = arguments
        .iter()
        .filter_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
    behind.chain(joined).collect()
}

/// Documents in files, by the words that name them.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The files that a command writes documents into for machines, as far as they are there: before it runs, for [`hold`].
pub(crate) fn files(arguments: &[&str], folder: &Path) -> Files {
    let mut named = values(arguments, "--json-into");
    named.extend(values(arguments, "--out"));
    if arguments.contains(&"snapshot") {
        named.extend(values(arguments, "-o"));
    }
    named
        .into_iter()
        .filter_map(|file| {
            let path = folder.join(file);
            // A device or a pipe is no document, and may never come to its end.
            let bytes = path.is_file().then(|| fs::read(&path).ok())??;
            Some((file.to_owned(), bytes))
        })
        .collect()
}

/// Holds the documents that a command wrote into files. What is no JSON must have been there before, and kept as it was.
fn hold_files(arguments: &[&str], folder: &Path, before: &Files) {
    for (file, bytes) in files(arguments, folder) {
        let value = match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => value,
            Err(_) if before.get(&file) == Some(&bytes) => continue,
            Err(error) => panic!(
                "{arguments:?} wrote no JSON into {file}: {error}\n{}",
                String::from_utf8_lossy(&bytes)
            ),
        };
        let kind = if arguments.contains(&"snapshot") {
            "snapshot".to_owned()
        } else {
            kind_of(&[], &value)
        };
        let faults = faults(&kind, &value);
        assert!(
            faults.is_empty(),
            "{file} of {arguments:?} by {kind}: {faults:#?}"
        );
    }
}
