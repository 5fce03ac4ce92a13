//! Properties of edits over random files, judged by the SDK's own parser: what is set is what it reads, and nothing else moves.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::select};

use super::{ProfileEdit, ProfileText, RoleProfile};
use crate::{Environment, SharedConfig, shared_config::in_memory};

const NAMES: [&str; 4] = ["deployer", "default", "dev", "a/b@c"];

/// Lines of a file in every style that readers take, and some that they pass over.
fn line() -> impl Strategy<Value = String> {
    let header = (
        select(NAMES.to_vec()),
        select(vec![
            "[profile {}]",
            "[ profile\t{} ]",
            "[{}]",
            "[profile {}] # mine",
            "[sso-session {}]",
            "[services {}]; x",
        ]),
    );
    let header = header.prop_map(|(name, form)| form.replace("{}", name));
    let property = select(vec![
        "region = eu-west-1",
        "role_arn = arn:aws:iam::111122223333:role/old",
        "ROLE_ARN=arn:aws:iam::111122223333:role/old # comment",
        "role_arn=",
        "role_arn = a#b ; c",
        "source_profile\t=  dev  ",
        "credential_source = Environment",
        "web_identity_token_file=/token",
        "s3 =",
        "x = =",
    ]);
    let other = select(vec![
        "",
        "  ",
        "# role_arn = commented",
        "; x",
        "  role_arn = sub",
        "\tmax = 1",
        "# [profile deployer]",
        "  # goes on",
    ]);
    prop_oneof![
        2 => header,
        4 => property.prop_map(str::to_owned),
        3 => other.prop_map(str::to_owned),
    ]
}

/// A file: with or without a line break at its end, of either kind.
fn file() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(line(), 0..14);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, is_open, is_windows)| {
        let line_break = if is_windows { "\r\n" } else { "\n" };
        let mut text = lines.join(line_break);
        if !is_open && !text.is_empty() {
            text.push_str(line_break);
        }
        text
    })
}

fn wanted(name: &str) -> RoleProfile<'_> {
    RoleProfile {
        name,
        role_arn: "arn:aws:iam::111122223333:role/team/deployer",
        source_profile: "base",
    }
}

/// Everything that the SDK reads: properties by profile.
fn read(files: &SharedConfig) -> BTreeMap<String, BTreeMap<String, String>> {
    const KEYS: [&str; 7] = [
        "region",
        "role_arn",
        "source_profile",
        "credential_source",
        "web_identity_token_file",
        "s3",
        "x",
    ];
    let properties = |name: &str| {
        let profile = files.profile(name).unwrap();
        let get = |key: &str| Some((key.to_owned(), profile.get(key)?.to_owned()));
        KEYS.into_iter().filter_map(get).collect()
    };
    files
        .names()
        .into_iter()
        .map(|name| (name.to_owned(), properties(name)))
        .collect()
}

/// Whether the sections of a profile are spelled in several ways. Which of them counts is then up to the order of a hash map
/// in the SDK (`normalize.rs`), and another one in each run.
fn has_several_spellings(text: &str, name: &str) -> bool {
    let spelling = |line: &str| {
        let (inner, _) = line.strip_prefix('[')?.split_once(']')?;
        let mut words = inner.split_whitespace();
        let is_of_it = words.next() == Some("profile") && words.next() == Some(name);
        is_of_it.then(|| inner.to_owned())
    };
    let spellings: BTreeSet<String> = text.lines().filter_map(spelling).collect();
    spellings.len() > 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is written is what the SDK reads, of this profile; every other profile says what it said.
    #[test]
    fn profile_is_set_as_the_sdk_reads_it(text in file(), name in select(NAMES.to_vec())) {
        // A file that the SDK refuses is refused before it is edited.
        let Ok(before) = in_memory(&text) else { return Ok(()) };
        let wanted = wanted(name);
        let Ok(edited) = ProfileText::read(&text).edited(name, &wanted.edits()) else { return Ok(()) };
        let after = in_memory(&edited).unwrap();
        prop_assert!(wanted.is_in(&after), "{edited:?}");
        let (before, after) = (read(&before), read(&after));
        for (other, properties) in &after {
            if has_several_spellings(&text, other) {
                continue;
            }
            let mut expected = before.get(other).cloned().unwrap_or_default();
            if other == name {
                expected.extend(wanted.properties().map(|(key, value)| (key.to_owned(), value.to_owned())));
                expected.retain(|key, _| !["credential_source", "web_identity_token_file"].contains(&key.as_str()));
            }
            prop_assert_eq!(properties, &expected, "{}", other);
        }
        // Once more changes nothing.
        let again = ProfileText::read(&edited).edited(name, &wanted.edits()).unwrap();
        prop_assert_eq!(again, edited);
    }

    /// What is neither a line of these properties nor the new section is there as it was, in its order.
    #[test]
    fn edit_changes_its_own_lines_only(text in file(), name in select(NAMES.to_vec())) {
        let edits = wanted(name).edits();
        let Ok(edited) = ProfileText::read(&text).edited(name, &edits) else { return Ok(()) };
        let headers = [format!("[profile {name}]"), format!("[{name}]")];
        let is_own = |line: &str| {
            let key = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
            let is_set = edits.iter().any(|edit| match edit {
                ProfileEdit::Set(own, _) | ProfileEdit::Remove(own) => *own == key,
            });
            is_set || line.is_empty() || line.starts_with([' ', '\t']) || headers.iter().any(|header| header == line)
        };
        let others = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !is_own(line)).map(str::to_owned).collect()
        };
        prop_assert_eq!(others(&text), others(&edited));
        if text.contains("\r\n") {
            prop_assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
        }
    }
}

#[test]
fn profile_is_written_where_it_is_or_at_the_end() {
    let edited = |text: &str| {
        let wanted = RoleProfile {
            name: "deployer",
            role_arn: "R",
            source_profile: "S",
        };
        ProfileText::read(text)
            .edited("deployer", &wanted.edits())
            .map_err(|error| error.to_string())
    };
    for (before, after) in [
        ("", "[profile deployer]\nrole_arn = R\nsource_profile = S\n"),
        (
            "[default]\nx=1",
            "[default]\nx=1\n\n[profile deployer]\nrole_arn = R\nsource_profile = S\n",
        ),
        (
            "[default]\r\n",
            "[default]\r\n\r\n[profile deployer]\r\nrole_arn = R\r\nsource_profile = S\r\n",
        ),
        (
            "[profile deployer] ; ours\n# why\nROLE_ARN=old  # note\n  goes on\nregion = x\n\n# next\n[default]\n",
            "[profile deployer] ; ours\n# why\nROLE_ARN=R  # note\nregion = x\nsource_profile = S\n\n# next\n[default]\n",
        ),
        (
            "[profile deployer]\ncredential_source = Environment\nrole_arn = R",
            "[profile deployer]\nrole_arn = R\nsource_profile = S\n",
        ),
    ] {
        assert_eq!(edited(before).as_deref(), Ok(after), "{before:?}");
    }
    assert_eq!(
        edited("[profile deployer]\n[default]\n[profile  deployer]\n"),
        Err("the profile deployer has more than one section, on lines 1 and 3".to_owned())
    );
}

#[test]
fn file_in_memory_is_read_as_one_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let text = "[profile a]\nrole_arn = R\n";
    std::fs::write(&path, text).unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", path.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
    ];
    let environment: Environment = variables.into_iter().collect();
    assert_eq!(
        read(&SharedConfig::load(&environment).unwrap()),
        read(&in_memory(text).unwrap())
    );
}
