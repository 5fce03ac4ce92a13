//! Texts to read: people's files as they are, and the same with seeded accidents.

/// Numbers that are the same on every run (xorshift64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// People's files, each way of writing that was seen in one of them.
pub(crate) const SEEDS: &[&str] = &[
    include_str!("../../examples/access.yaml"),
    include_str!("../../examples/quickstart.yaml"),
    include_str!("../../examples/partition-china.yaml"),
    include_str!("../../examples/service-accounts.yaml"),
    include_str!("../fixtures/eksctl-0.231/cluster.yaml"),
    include_str!("../fixtures/kubeconfig/aws-cli-1.46.yaml"),
    include_str!("../fixtures/kubeconfig/eksctl-0.231.yaml"),
    "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\n  region: us-east-1\navailabilityZones: [\n  \"us-east-1a\",\n  \"us-east-1b\"\n]\n",
    "iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: web, namespace: app}\n    attachPolicy: {\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    { \"Effect\": \"Allow\", \"Action\": [ \"s3:*\" ], \"Resource\": \"*\" }\n  ]\n}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/A', \"arn:aws:iam::aws:policy/B\"]\n",
    "x-defaults: &defaults\n  instanceType: m5.large\n  labels: &labels {team: a, tier: 'b'}\nmanagedNodeGroups:\n- <<: *defaults\n  name: one\n- <<: [*defaults, {volumeSize: 80, amiFamily: X}]\n  name: two\n  labels:\n    <<: *labels\n    tier: z\n- {<<: *defaults, name: three, spot: yes}\n",
    "nodeGroups:\n  - name: a\n    preBootstrapCommands:\n      - |\n        #!/bin/bash\n        echo \"a: b\" > /etc/x\n\n        exit 0\n      - >-\n        one\n        two\n\n        three\n    kubeletExtraConfig:\n        kubeReserved:\n            cpu: \"300m\"\n            memory: 300Mi\n        featureGates: {A: true, B: off}\n    ssh: { allow: false }\n    desiredCapacity: 0x10\n    maxPrice: 0.017\n",
    "metadata:\n  name: 0123\n  version: 1.30\n  tags: {account: 012345678901, 1.30: yes, on: 1_000, empty: , ~: x, 2001-01-01: 1e3, .5: -0b1, 1e999: +18446744073709551615}\n  annotations:\n    ? long key\n    : value\n    ? [a]\n    'it''s': \"tab\\t\\u00e9 \\x41\"\n",
    "apiVersion: v1\r\nkind: Config\r\ncurrent-context: dev\r\nclusters:\r\n- cluster:\r\n    server: https://X.gr7.eu-west-1.eks.amazonaws.com\r\n    certificate-authority-data: Q0EK\r\n  name: dev\r\ncontexts:\r\n- context: {cluster: dev, user: dev}\r\n  name: dev\r\nusers:\r\n- name: dev\r\n  user:\r\n    exec:\r\n      apiVersion: client.authentication.k8s.io/v1beta1\r\n      command: aws\r\n      args: [eks, get-token, --cluster-name, dev]\r\n      env:\r\n      - name: AWS_PROFILE\r\n        value: dev\r\n",
    "%YAML 1.1\n---\nclusters:\n- &c\n  name: a\n  cluster: &body {server: 'https://a', insecure-skip-tls-verify: on}\n- <<: *c\n  name: b\nusers:\n- name: a\n  user: {token: !!str 123, password: !!binary aGVsbG8=}\n...\n---\nanother: document\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"Config\", \"clusters\": [{\"name\": \"a\", \"cluster\": {\"server\": \"https://a:443\"}}], \"preferences\": {}, \"users\": null}\n",
    "iamIdentityMappings:\n  # the admins\n  - arn: arn:aws:iam::000000000000:role/admin\n    groups:\n      - system:masters\n    username: admin # with a comment\n    noDuplicateARNs: true\n  - account: \"000000000000\"\n  - arn: arn:aws:iam::000000000000:role/node\n    username: 'system:node:{{EC2PrivateDNSName}}'\n    groups: [system:bootstrappers,\n      system:nodes]\n",
];

/// What people put into files by accident, and what YAML has for them.
const PIECES: &[&str] = &[
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    ":",
    ": ",
    " :",
    "- ",
    "-",
    "? ",
    "#",
    " #",
    "'",
    "\"",
    "`",
    "@",
    "%",
    "&a ",
    "*a",
    "*defaults",
    "&defaults ",
    "!",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!binary ",
    "!!null ",
    "!Sub ",
    "|",
    ">",
    "|-",
    ">+2",
    "[",
    "]",
    "{",
    "}",
    ",",
    "---",
    "---\n",
    "\n---\n",
    "...\n",
    "<<: *defaults",
    "<<: ",
    "<<",
    "\u{a0}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "\r",
    "\r\n",
    "\\",
    "\\n",
    "\\u00e9",
    "é",
    "日本",
    "😀",
    "“",
    "”",
    "{{",
    "}}",
    "${X}",
    "{% if %}",
    "<!--",
    "=",
    "\u{7f}",
    "~",
    "%TAG ! tag:x:\n",
    "%YAML 1.2\n---\n",
    "key: value\n",
    "- item\n",
];

/// Scalars whose meaning readers of YAML do not agree on.
pub(crate) const SCALARS: &[&str] = &[
    "yes",
    "No",
    "ON",
    "off",
    "y",
    "N",
    "true",
    "TRUE",
    "tRue",
    "null",
    "~",
    "",
    "0",
    "-0",
    "+0",
    "00",
    "012",
    "08",
    "0o14",
    "0x1F",
    "0b11",
    "-0b11",
    "+0x1",
    "1_000",
    "_1",
    "1__0",
    "+5",
    "-7",
    ".5",
    "-.5",
    "+.5",
    "5.",
    "1.30",
    "1e3",
    "1E+3",
    "1e",
    "1e999",
    "-1e999",
    "1e-999",
    ".inf",
    "-.Inf",
    "+.INF",
    ".nan",
    ".NaN",
    "._1",
    ".1_0",
    ".1e5",
    "0.1e",
    "1.2.3",
    "12:30:45",
    "190:20:30.15",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "+18446744073709551615",
    "0xFFFFFFFFFFFFFFFF",
    "0x",
    "0b",
    "0o",
    "0b2",
    "2001-01-01",
    "2001-1-1",
    "2001-02-30",
    "2001-01-01T00:00:00Z",
    "2001-01-01t1:2:3.45+01:00",
    "2001-01-01 00:00:00",
    "2001-01-01 0:0:0.1",
    "0x1p-2",
    "Infinity",
    "NaN",
    "1e5_0",
    "0_8",
    "<<",
    "=",
    "012345678901",
    "111122223333",
    "!!int 3",
    "!!float 3",
    "!!bool yes",
    "!!str yes",
    "!!timestamp 2001-01-01",
    "!!binary aGk=",
    "!!binary @",
    "!!int x",
    "! 5",
    "'yes'",
    "\"012\"",
    "-",
    "--",
    "- ",
    "a: b",
    "a:b",
    "[a, b]",
    "{a: b}",
    "[a: b]",
    "[]",
    "{}",
    "*defaults",
    "&x y",
    "\"\\x00\"",
    "'\u{2028}'",
    "1e400",
    "0.1",
    "123456789012345678901234567890",
    "1234567.8",
    "0.00001",
    "100000000000000000000.0",
];

/// A text with up to four accidents.
pub(crate) fn mutated(dice: &mut Dice) -> String {
    let mut text = SEEDS[dice.roll(SEEDS.len())].to_owned();
    if text.len() > 700 {
        // Some lines of a long file: most accidents need no more, and small texts are more of them.
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let from = dice.roll(lines.len());
        let to = (from + 4 + dice.roll(16)).min(lines.len());
        text = lines[from..to].concat();
    }
    for _ in 0..=dice.roll(4) {
        text = accident(dice, &text);
    }
    text
}

fn accident(dice: &mut Dice, text: &str) -> String {
    let place = |dice: &mut Dice| {
        let mut at = dice.roll(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let line = dice.roll(lines.len());
    match dice.roll(12) {
        0..=2 => {
            let at = place(dice);
            let (before, behind) = text.split_at(at);
            return format!("{before}{}{behind}", dice.pick(PIECES));
        }
        3 => {
            let (one, other) = (place(dice), place(dice));
            let (from, to) = (one.min(other), one.max(other));
            let to = (from..=to.min(from + 6))
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(from);
            return format!("{}{}", &text[..from], &text[to..]);
        }
        // A value of another kind, or a key.
        4..=6 if !lines.is_empty() => {
            let scalar = dice.pick(SCALARS);
            let old = &lines[line];
            let end = if old.ends_with('\n') { "\n" } else { "" };
            lines[line] = match (old.find(": "), dice.roll(4)) {
                (Some(colon), 1..) => format!("{}: {scalar}{end}", &old[..colon]),
                (Some(colon), _) => {
                    let indent = old.len() - old.trim_start_matches([' ', '-']).len();
                    format!("{}{scalar}{}", &old[..indent], &old[colon..])
                }
                (None, _) => {
                    let indent = old.len() - old.trim_start_matches([' ', '-']).len();
                    format!("{}{scalar}{end}", &old[..indent])
                }
            };
        }
        7 if !lines.is_empty() => {
            lines.remove(line);
        }
        8 if !lines.is_empty() => {
            let again = lines[line].clone();
            let to = dice.roll(lines.len() + 1);
            lines.insert(to, again);
        }
        9 if !lines.is_empty() => {
            let depth = dice.roll(5);
            let rest = lines[line].trim_start_matches(' ').to_owned();
            let with = ["", " ", "   ", "\t", "      "][depth];
            lines[line] = format!("{with}{rest}");
        }
        10 if !lines.is_empty() => {
            let kept = lines[line].trim_end_matches(['\r', '\n']).len();
            lines[line].truncate(kept);
        }
        _ => return text[..place(dice)].to_owned(),
    }
    lines.concat()
}

/// Files that are broken in the ways of people's bug reports.
pub(crate) const BROKEN: &[&str] = &[
    "apiVersion:eksctl.io/v1alpha5\nkind: ClusterConfig\n",
    "metadata:\n  name:prod\n  region: eu-west-1\n",
    "metadata:\n\tname: prod\n",
    "metadata:\n  name: prod\n\tregion: eu-west-1\n",
    "metadata:\n  name: prod\n   region: eu-west-1\n",
    "metadata:\n  name: prod\n region: eu-west-1\n",
    "metadata:\n  name: “prod: a”\n",
    "metadata:\n  name:\u{a0}prod\n  region: eu-west-1\n",
    "metadata:\n\u{a0}\u{a0}name: prod\n  region: eu-west-1\n",
    "metadata:\n  \u{200b}name: prod\n",
    "\u{feff}metadata: {name: prod}\n",
    "\u{feff}\u{feff}metadata: {name: prod}\n",
    "a: 1\n\u{feff}b: 2\n",
    "metadata:\n  name: {{ .Values.name }}\n",
    "metadata:\n  name: {{ .Values.name }}-x\n",
    "{% if x %}\na: b\n{% endif %}\n",
    "metadata:\n  name: @prod\n",
    "metadata:\n  name: `prod`\n",
    "metadata:\n  name: %prod\n",
    "policies: [*]\n",
    "action: *\n",
    "action: s3:*\n",
    "a: 'it's'\n",
    "a: \"C:\\Users\"\n",
    "a: [b, c\nd: e\n",
    "a: {b: c\nd: e\n",
    "a: [b, c]]\n",
    "- a\nb: c\n",
    "b: c\n- a\n",
    "key: - item\n",
    "key: value: other\n",
    "key\nother: value\n",
    "a: b\nkey\nc: d\n",
    "a: |\n b\nc\n",
    "a: |\n  b\n c\n",
    "a: >x\n b\n",
    "a: &x\n  <<: *x\n",
    "a: *nowhere\n",
    "a: &a [*a]\n",
    "<<: [1, 2]\n",
    "<<: text\n",
    "a: {b: 1, b: 2}\n",
    "a: {? [x] : y}\n",
    "!!int a: b\n",
    "a: !!int b\n",
    "a: \u{1b}[31m\n",
    "a: \0\n",
    "<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> other\n",
    "a: b\n...\nc: d\n",
    "--- a\n--- b\n",
    "%YAML 1.2\n---\na: b\n",
    "%FOO\na: b\n",
    "a: \"x\n",
    "a: 'x\n---\n",
    "",
    "\n",
    "# nothing\n",
    "---\n",
];
