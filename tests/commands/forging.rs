//! Text from elsewhere cannot write to the terminal, nor pass for other text: every command, in every format, over a world in which
//! every free text has what would clear the screen, overwrite a line, turn its direction or hide a part of it; over files of that
//! kind; and against a server whose messages are of that kind.

use std::{collections::BTreeSet, fs, sync::Mutex, thread};

use crate::commands::{
    place::{Ended, Place},
    secrets::{
        commands,
        lines::lines,
        network::{HOSTILE, Manner, start},
    },
};

/// What YAML takes in a plain text.
const INVISIBLE: &str = "\u{202e}\u{2066}\u{200b}\u{ad}\u{e0041}";
/// Whatever has this in its name is made hostile once it is in the world.
const VICTIM: &str = "forged";

const CLUSTER: &str = "
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1, tags: {owner: forged-tag}}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app, labels: {a: forged-label}, annotations: {b: forged-annotation}}
    attachPolicy:
      Version: '2012-10-17'
      Statement: [{Sid: forged, Effect: Allow, Action: 's3:Get*', Resource: 'arn:aws:s3:::forged-bucket/*'}]
    tags: {team: forged-team}
  podIdentityAssociations:
  - {namespace: app, serviceAccountName: worker, permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess'], tags: {t: forged-team}}
accessConfig:
  accessEntries:
  - {principalARN: 'arn:aws:iam::111122223333:role/ops', kubernetesGroups: [forged-operators], kubernetesUsername: forged-ops}
identityProviders:
- {type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: forged-client, groupsPrefix: 'forged:'}
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
metadata: {name: prod}
groups: [{name: forged-developers, bindings: [{clusterRole: view}]}]
identityMappings:
- {arn: 'arn:aws:iam::111122223333:role/dev', username: forged-user, groups: [forged-developers]}
";

/// Controls, and characters that are invisible or change how others are shown; written out here, so that the program's own list is
/// judged too.
fn is_forging(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Every text of the world with the victim's name is hostile now.
fn forge(place: &Place) {
    fn walk(value: &mut serde_json::Value, with: &str) {
        match value {
            serde_json::Value::String(text) => *text = text.replace(VICTIM, &format!("{VICTIM}{with}")),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| walk(item, with)),
            serde_json::Value::Object(fields) => {
                for (name, field) in fields {
                    // A text in YAML.
                    let with = if name == "mapRoles" { INVISIBLE } else { with };
                    walk(field, with);
                }
            }
            _ => {}
        }
    }
    let path = place.path(".eksact-sandbox.json");
    let mut world = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    walk(&mut world, HOSTILE);
    fs::write(path, world.to_string()).unwrap();
}

fn place() -> Place {
    let place = Place::new();
    place.write("cluster.yaml", CLUSTER);
    place.write("other.yaml", &CLUSTER.replace("name: prod", "name: other"));
    place.write("broken.yaml", &format!("apiVersion: x\niam: [{INVISIBLE}\n"));
    place.write(
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \"p\\e[2J\\u202e\", namespace: app}\nspec: {serviceAccountName: reader, containers: [{name: \"c\\e[2J\\u202e\", image: \"i\\a\"}]}\n",
    );
    place.write(
        "kube.yaml",
        &format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: 'c{INVISIBLE}', cluster: {{server: 'https://x{INVISIBLE}'}}}}]\n\
             contexts: [{{name: \"x\\e[2J\\u202e\", context: {{cluster: 'c{INVISIBLE}', user: u}}}}]\nusers: [{{name: u, user: {{exec: {{command: \"y\\e[2J\"}}}}}}]\n"
        ),
    );
    place.write("broken-kube.yaml", &format!("users: [{INVISIBLE}\n"));
    for line in [
        &["plan", "-f", "cluster.yaml", "--out", "saved.json"][..],
        &["apply", "-f", "cluster.yaml", "--yes"],
        &["snapshot", "--cluster", "prod", "--out", "taken.json"],
    ] {
        let ended = place.run(line);
        assert_eq!(ended.code, 0, "{line:?}: {}", ended.stderr);
    }
    forge(&place);
    // A change in each hostile object, and one file in which the hostile texts are.
    place.write(
        "cluster.yaml",
        &CLUSTER.replace("s3:Get*", "s3:*").replace("view", "edit"),
    );
    let in_quotes = "\\e[2J\\a\\r\\u202e\\u2066\\u200b\\xad";
    place.write(
        "forged.yaml",
        &quoted(&CLUSTER.replace(VICTIM, &format!("{VICTIM}{in_quotes}"))),
    );
    place
}

/// The values with escapes in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for piece in text.split_inclusive([',', '}', ']', '\n']) {
        match piece.find(VICTIM) {
            Some(at) if !piece.contains('\'') => {
                let end = piece.rfind([',', '}', ']', '\n']).unwrap_or(piece.len());
                let from = piece[..at].rfind([' ', '[']).map_or(at, |from| from + 1);
                for part in [&piece[..from], "\"", &piece[from..end], "\"", &piece[end..]] {
                    quoted.push_str(part);
                }
            }
            _ => quoted.push_str(piece),
        }
    }
    quoted
}

/// The formats that a command writes for people and machines.
fn formats(words: &[String]) -> Vec<String> {
    let mut command = &eksact::cli::command();
    for word in words {
        command = command.find_subcommand(word).unwrap();
    }
    let output = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some("output"));
    output.map_or_else(Vec::new, |argument| {
        let values = argument.get_possible_values();
        values.iter().map(|value| value.get_name().to_owned()).collect()
    })
}

#[test]
fn text_from_elsewhere_cannot_forge_what_a_terminal_shows() {
    let server = start(Manner::Forges);
    let commands = commands();
    let faults = Mutex::new(BTreeSet::new());
    let hostile = Mutex::new(0);
    let look = |what: &str, ended: &Ended| {
        for (stream, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            // CSV has line ends of its own (RFC 4180), and --dry-run prints the file as it would be (docs/kubeconfig.md).
            let text = text.replace("\r\n", "\n");
            if what.contains("--dry-run") {
                continue;
            }
            if let Some(at) = text.find(is_forging) {
                let from = text.floor_char_boundary(at.saturating_sub(60));
                let to = text.floor_char_boundary(at + 20);
                faults
                    .lock()
                    .unwrap()
                    .insert(format!("{what}: {stream}: {:?}", &text[from..to]));
            }
            // Escaped, one way or the other.
            if text.contains(VICTIM)
                && (text.contains('\u{fffd}') || text.contains("\\u202e") || text.contains("\\u001b"))
            {
                *hostile.lock().unwrap() += 1;
            }
        }
    };
    thread::scope(|scope| {
        for half in 0..2 {
            let (commands, look, server) = (&commands, &look, &server);
            scope.spawn(move || {
                for words in commands.iter().skip(half).step_by(2) {
                    let command = words.join(" ");
                    let place = place();
                    let before = fs::read(place.path(".eksact-sandbox.json")).unwrap();
                    let mut all: Vec<Vec<String>> = Vec::new();
                    for line in lines(&command).unwrap() {
                        let line: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                        let forged = line
                            .iter()
                            .map(|word| word.replace("cluster.yaml", "forged.yaml"))
                            .collect();
                        all.push(forged);
                        if !line.contains(&"-o".to_owned()) {
                            for format in formats(words) {
                                all.push([line.clone(), vec!["-o".to_owned(), format]].concat());
                            }
                        }
                        all.push(line);
                    }
                    all.dedup();
                    for (index, line) in all.iter().enumerate() {
                        let words: Vec<&str> = words.iter().chain(line).map(String::as_str).collect();
                        // Each sees the world as it was forged.
                        fs::write(place.path(".eksact-sandbox.json"), &before).unwrap();
                        look(
                            &words.join(" "),
                            &Ended::of(place.command(&words).output().unwrap()),
                        );
                        if index == 0 {
                            let refused = place
                                .command(&words)
                                .env("EKSACT_SANDBOX", "0")
                                .env("AWS_ENDPOINT_URL", format!("http://{server}"))
                                .env("AWS_REGION", "eu-west-1")
                                .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
                                .env("AWS_SECRET_ACCESS_KEY", "x")
                                .env("AWS_EC2_METADATA_DISABLED", "true")
                                .output()
                                .unwrap();
                            look(&format!("{} (refused)", words.join(" ")), &Ended::of(refused));
                        }
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{}",
        faults.into_iter().collect::<Vec<_>>().join("\n")
    );
    let hostile = hostile.into_inner().unwrap();
    assert!(hostile > 60, "hostile texts came into {hostile} outputs only");
}
