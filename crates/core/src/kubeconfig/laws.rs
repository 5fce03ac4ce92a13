//! Laws of the editor over whole files: what the peers wrote, what people write by hand, and many made by chance.

use proptest::prelude::*;

use super::{value::Section, *};

const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/bench";
const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

fn wanted(role: Option<&str>, alias: Option<&str>) -> Wanted {
    Wanted {
        server: "https://new.example".to_owned(),
        ..merge::tests::wanted(role, None, alias)
    }
}

fn updated(text: &str, wanted: &Wanted) -> String {
    let document = Document::read("config", text.as_bytes()).unwrap();
    let merge = merge(document.entries(), wanted).unwrap();
    document.edited(&merge.edits).unwrap()
}

fn removed(text: &str) -> String {
    let document = Document::read("config", text.as_bytes()).unwrap();
    let selection = Selection {
        cluster: "bench".to_owned(),
        ..Selection::default()
    };
    let removal = remove(document.entries(), &selection).unwrap();
    document.edited(&removal.edits).unwrap()
}

#[test]
fn new_file() {
    insta::assert_snapshot!(updated("", &wanted(Some(ROLE), Some("prod"))), @r"
    apiVersion: v1
    clusters:
    - cluster:
        certificate-authority-data: Q0EK
        server: https://new.example
      name: arn:aws:eks:us-west-2:111122223333:cluster/bench
    contexts:
    - context:
        cluster: arn:aws:eks:us-west-2:111122223333:cluster/bench
        user: arn:aws:eks:us-west-2:111122223333:cluster/bench
      name: prod
    current-context: prod
    kind: Config
    users:
    - name: arn:aws:eks:us-west-2:111122223333:cluster/bench
      user:
        exec:
          apiVersion: client.authentication.k8s.io/v1
          args:
          - token
          - --cluster
          - bench
          - --region
          - us-west-2
          - --role-arn
          - arn:aws:iam::111122223333:role/deployer
          command: /bin/eksact
          installHint: Install eksact, or run eksact update-kubeconfig again to say where it is.
          interactiveMode: IfAvailable
          provideClusterInfo: false
    ");
}

#[test]
fn aws_clis_file_keeps_its_contexts_and_its_user() {
    let before = include_str!("../../../../tests/fixtures/kubeconfig/aws-cli-1.46.yaml");
    // The user of the file has a role, so another is made for none.
    let after = updated(before, &wanted(None, None));
    let users = before.find("users:\n").unwrap();
    assert!(after.contains(&before[users..]), "{after}");
    assert!(
        after.contains("name: arn:aws:eks:us-west-2:111122223333:cluster/bench-2\n"),
        "{after}"
    );
    // For the same role it is taken over in place.
    insta::assert_snapshot!(updated(before, &wanted(Some(ROLE), Some("second"))), @r"
    apiVersion: v1
    clusters:
    - cluster:
        certificate-authority-data: Q0EK
        server: https://new.example
      name: arn:aws:eks:us-west-2:111122223333:cluster/bench
    contexts:
    - context:
        cluster: arn:aws:eks:us-west-2:111122223333:cluster/bench
        user: arn:aws:eks:us-west-2:111122223333:cluster/bench
      name: arn:aws:eks:us-west-2:111122223333:cluster/bench
    - context:
        cluster: arn:aws:eks:us-west-2:111122223333:cluster/bench
        user: arn:aws:eks:us-west-2:111122223333:cluster/bench
      name: second
    current-context: second
    kind: Config
    preferences: {}
    users:
    - name: arn:aws:eks:us-west-2:111122223333:cluster/bench
      user:
        exec:
          apiVersion: client.authentication.k8s.io/v1
          args:
          - token
          - --cluster
          - bench
          - --region
          - us-west-2
          - --role-arn
          - arn:aws:iam::111122223333:role/deployer
          command: /bin/eksact
          installHint: Install eksact, or run eksact update-kubeconfig again to say where it is.
          interactiveMode: IfAvailable
    ");
}

#[test]
fn eksctls_file_is_left_as_it_is_and_given_back() {
    let before = include_str!("../../../../tests/fixtures/kubeconfig/eksctl-0.231.yaml");
    let after = updated(before, &wanted(None, None));
    let kept = |text: &str| text.replace("current-context: ceo@bench.us-west-2.eksctl.io\n", "");
    for line in kept(before).lines() {
        assert!(after.contains(line), "{line}");
    }
    let back = removed(&after);
    assert_eq!(kept(&back).replace("current-context: \"\"\n", ""), kept(before));
}

#[test]
fn kubeconfig_keeps_what_people_write_to_the_byte() {
    let before = "# kubeconfig of nina\r\n\
        kind: Config   # yes\r\n\
        users:\r\n\
        # by hand\r\n\
        - {name: 'on', user: {token: \"0123\", x: 12:30:45, 'quoted': \"zo\\xEB\"}}\r\n\
        clusters: []\r\n\
        contexts:\r\n\
        \x20   - name: 'mine'\r\n\
        \x20     context: {cluster: x, user: 'on', extensions: [{name: e, extension: ~}]}\r\n\
        \r\n\
        current-context: mine # today\r\n\
        future-field:\r\n\
        \x20 - &a {b: yes}\r\n\
        \x20 - *a\r\n";
    let wanted = wanted(None, Some("prod"));
    let after = updated(before, &wanted);
    assert_eq!(after.replace("\r\n", "").matches('\n').count(), 0, "{after}");
    insta::assert_snapshot!(after.replace("\r\n", "\n"), @r#"
    # kubeconfig of nina
    kind: Config   # yes
    users:
    # by hand
    - {name: 'on', user: {token: "0123", x: 12:30:45, 'quoted': "zo\xEB"}}
    - name: arn:aws:eks:us-west-2:111122223333:cluster/bench
      user:
        exec:
          apiVersion: client.authentication.k8s.io/v1
          args:
          - token
          - --cluster
          - bench
          - --region
          - us-west-2
          command: /bin/eksact
          installHint: Install eksact, or run eksact update-kubeconfig again to say where it is.
          interactiveMode: IfAvailable
          provideClusterInfo: false
    clusters:
    - cluster:
        certificate-authority-data: Q0EK
        server: https://new.example
      name: arn:aws:eks:us-west-2:111122223333:cluster/bench
    contexts:
        - name: 'mine'
          context: {cluster: x, user: 'on', extensions: [{name: e, extension: ~}]}
        - context:
            cluster: arn:aws:eks:us-west-2:111122223333:cluster/bench
            user: arn:aws:eks:us-west-2:111122223333:cluster/bench
          name: prod

    current-context: prod # today
    future-field:
      - &a {b: yes}
      - *a
    "#);
    let document = Document::read("config", after.as_bytes()).unwrap();
    assert_eq!(merge(document.entries(), &wanted).unwrap().edits, []);
}

#[test]
fn anchors_that_share_something_are_refused_and_it_is_not_changed_twice() {
    let text = format!(
        "clusters:\n- name: {ARN}\n  cluster: &c {{server: https://old}}\n- name: other\n  cluster: *c\n"
    );
    let document = Document::read("config", text.as_bytes()).unwrap();
    let merge = merge(document.entries(), &wanted(None, None)).unwrap();
    let error = document.edited(&merge.edits).unwrap_err().to_string();
    assert!(
        error.starts_with("config: ") && error.contains("shared through an anchor"),
        "{error}"
    );
}

#[test]
fn merge_key_is_not_said_to_lose_what_comes_through_it() {
    let text = format!(
        "x: &c {{proxy-url: http://proxy}}\nclusters:\n- name: {ARN}\n  cluster:\n    <<: *c\n    server: https://old\n"
    );
    let document = Document::read("config", text.as_bytes()).unwrap();
    let mut wanted = wanted(None, None);
    // Set, it wins over what is merged; removed, it would come back.
    wanted.proxy_url = Some("http://new".to_owned());
    let edits = merge(document.entries(), &wanted).unwrap().edits;
    assert!(
        document
            .edited(&edits)
            .unwrap()
            .contains("    proxy-url: http://new\n")
    );
    wanted.proxy_url = Some(String::new());
    let edits = merge(document.entries(), &wanted).unwrap().edits;
    let error = document.edited(&edits).unwrap_err().to_string();
    assert!(error.contains("merge key"), "{error}");
}

#[test]
fn file_in_json_stays_json() {
    let before = r#"{"kind": "Config", "clusters": [{"name": "a", "cluster": {}}], "users": null}"#;
    let after = updated(before, &wanted(Some(ROLE), Some("prod")));
    for text in [&after, &removed(&after)] {
        serde_json::from_str::<serde_json::Value>(text).expect(text);
    }
}

#[test]
fn file_that_ends_within_a_text_is_told_what_it_lacks() {
    let text = format!("kind: Config\nnote: |\n  {ARN}");
    let document = Document::read("config", text.as_bytes()).unwrap();
    let edits = merge(document.entries(), &wanted(None, None)).unwrap().edits;
    let error = document.edited(&edits).unwrap_err().to_string();
    assert!(error.contains("ends without a line break"), "{error}");
}

/// A scalar as somebody may write it.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        Just("'on'".to_owned()),
        Just("\"0123\"".to_owned()),
        Just("\"a # b\"".to_owned()),
        Just("'it''s'".to_owned()),
        Just("~".to_owned()),
        Just("|\n      two\n      lines".to_owned()),
        Just(ARN.to_owned()),
        Just("\"zo\\xEB\"".to_owned()),
    ]
}

/// One entry of a section, block or flow, with comments and fields of its own; sometimes of our name.
fn entry(section: Section) -> impl Strategy<Value = String> {
    let kind = section.entry_key();
    let name = prop_oneof![4 => "[a-z]{1,8}", 1 => Just(ARN.to_owned()), 1 => Just("prod".to_owned())];
    // A namespace that cannot be one is not written.
    let value = match section {
        Section::Contexts => {
            prop_oneof!["[a-z]{1,6}", Just("~".to_owned()), Just("\"0123\"".to_owned())].boxed()
        }
        _ => scalar().boxed(),
    };
    (name, value, any::<bool>(), any::<bool>(), 0..3_usize).prop_map(
        move |(name, value, flow, first, blank)| {
            let key = match section {
                Section::Clusters => "server",
                Section::Contexts => "namespace",
                Section::Users => "token",
            };
            if flow && !value.contains(['\n', '#']) {
                return format!("- {{name: {name}, {kind}: {{{key}: {value}}}}} # flow\n");
            }
            let body = format!("{kind}:\n    {key}: {value}\n    extra: [1, two, on]  # mine\n");
            let name = format!("name: {name}\n");
            let gap = "\n".repeat(blank);
            if first {
                format!("# about\n- {name}  {body}{gap}")
            } else {
                format!("- {body}  {name}{gap}")
            }
        },
    )
}

fn section(section: Section) -> impl Strategy<Value = String> {
    let key = section.key();
    prop_oneof![
        1 => Just(String::new()),
        1 => Just(format!("{key}:\n")),
        1 => Just(format!("{key}: [] # none\n")),
        5 => prop::collection::vec(entry(section), 1..4).prop_map(move |entries| format!("{key}:\n{}", entries.concat())),
    ]
}

/// A kubeconfig as somebody may have it.
fn kubeconfig() -> impl Strategy<Value = String> {
    let parts = (
        section(Section::Clusters),
        section(Section::Contexts),
        section(Section::Users),
        prop_oneof![
            Just(""),
            Just("current-context: prod # now\n"),
            Just("current-context: \"\"\n")
        ],
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(|(clusters, contexts, users, current, crlf, cut)| {
        let mut text = format!(
            "apiVersion: v1\n{users}{current}{clusters}# between\nother: {{a: on}}\n{contexts}kind: Config\n"
        );
        if cut {
            text.pop();
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// An update changes nothing of others, is found done by the next one, and is taken back by a removal.
    #[test]
    fn update_changes_its_own_entries_only(text in kubeconfig(), role in any::<bool>(), alias in any::<bool>()) {
        let Ok(before) = Document::read("config", text.as_bytes()) else { return Ok(()) };
        let mut wanted = wanted(role.then_some(ROLE), alias.then_some("prod"));
        wanted.force = true;
        let merged = merge(before.entries(), &wanted).unwrap();
        let after = before.edited(&merged.edits).unwrap();
        let after = Document::read("config", after.as_bytes()).unwrap();
        let ours = [&merged.cluster.name, &merged.context.name, &merged.user.name];
        for (section, ours) in Section::ALL.into_iter().zip(ours) {
            let others = |document: &Document| -> Vec<_> {
                document.entries().of(section).iter()
                    .filter(|entry| entry.name.as_ref() != Some(ours))
                    .map(|entry| (entry.name.clone(), entry.body.clone()))
                    .collect()
            };
            prop_assert_eq!(others(&before), others(&after));
        }
        prop_assert_eq!(after.entries().current_context.as_ref(), Some(&merged.context.name));
        prop_assert_eq!(merge(after.entries(), &wanted).unwrap().edits, []);
        let selection = Selection { cluster: "bench".to_owned(), ..Selection::default() };
        let removal = remove(after.entries(), &selection).unwrap();
        let rest = after.edited(&removal.edits).unwrap();
        let rest = Document::read("config", rest.as_bytes()).unwrap();
        prop_assert!(rest.entries().find(Section::Contexts, &merged.context.name).is_none());
        prop_assert!(rest.entries().current_context.is_none());
    }

    /// Comments and lines of others are in the new text, in their order.
    #[test]
    fn lines_of_others_are_never_lost(text in kubeconfig()) {
        let text = text.replace(ARN, "another").replace("prod", "test");
        let Ok(before) = Document::read("config", text.as_bytes()) else { return Ok(()) };
        let mut wanted = wanted(None, None);
        wanted.set_current = false;
        let merged = merge(before.entries(), &wanted).unwrap();
        let after = before.edited(&merged.edits).unwrap();
        let mut rest = after.as_str();
        for line in text.lines().filter(|line| !line.ends_with("[] # none")) {
            let Some(at) = rest.find(line) else {
                return Err(TestCaseError::fail(format!("{line:?} is lost in\n{after}")));
            };
            rest = &rest[at + line.len()..];
        }
    }

    /// Whatever it is given, the editor gives an error or a text that it can read; it never panics.
    #[test]
    fn kubeconfig_panics_on_nothing(pieces in prop::collection::vec(prop_oneof![
        kubeconfig(),
        Just("clusters:".to_owned()), Just("\n- ".to_owned()), Just("{".to_owned()), Just("]".to_owned()),
        Just("&a ".to_owned()), Just("*a".to_owned()), Just("<<: *a\n".to_owned()), Just("\t".to_owned()),
        Just("--- \n".to_owned()), Just("!!binary ".to_owned()), Just("\u{feff}".to_owned()), ".{0,8}",
    ], 0..8)) {
        let text = pieces.concat();
        if let Ok(document) = Document::read("config", text.as_bytes())
            && let Ok(merged) = merge(document.entries(), &wanted(None, None))
            && let Ok(after) = document.edited(&merged.edits)
        {
            prop_assert!(Document::read("config", after.as_bytes()).is_ok(), "{}", after);
        }
    }
}
