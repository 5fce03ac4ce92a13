//! Random data of `aws-auth` from a fixed seed: well-formed in every style, broken by small accidents, and pieces of YAML thrown together.

use std::collections::BTreeMap;

/// Numbers that are the same on every run (xorshift64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.roll(chances) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const ARNS: &[&str] = &[
    "arn:aws:iam::111122223333:role/dev",
    "arn:aws:iam::111122223333:role/DEV",
    "ARN:aws:iam::111122223333:role/dev",
    "arn:aws:iam::111122223333:role/team/dev",
    "arn:aws:iam::111122223333:role/node",
    "arn:aws:iam::444455556666:role/dev",
    "arn:aws-cn:iam::111122223333:role/dev",
    "arn:aws:sts::111122223333:assumed-role/dev/me",
    "arn:aws:iam::111122223333:user/ann",
    "arn:aws:iam::111122223333:user/p/ann",
    "arn:aws:iam::111122223333:user/Ann",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/\u{17f}\u{212a}",
    "arn:aws:iam::111122223333:role/AWSReservedSSO_View_*",
    " arn:aws:iam::111122223333:role/dev ",
    "arn:aws:sts::111122223333:federated-user/bob",
];

#[rustfmt::skip]
const SCALARS: &[&str] = &[
    "admin", "dev:{{SessionName}}", "{{SessionName}}", "aws:{{AccountID}}:x:{{SessionNameRaw}}",
    "{{ SessionName }}", "system:node:{{EC2PrivateDNSName}}", "{{AccessKeyID}}", "system:masters",
    "system:nodes", "123", "0123", "0o17", "0x1F", "0b11", "-0b1", "1_000", "12e3", "1e999", "1.5", ".5",
    ".5_0", "._5", "1.", "+1", "-", "--", "-1", "- 1", "18446744073709551615", "99999999999999999999",
    "-9223372036854775809", "yes", "No", "on", "OFF", "y", "N", "true", "True", "tRue", "~", "null", "Null", "",
    ".inf", "-.INF", ".nan", "2001-12-14", "2001-1-2", "2001-13-14", "2001-12-14T21:59:43.10Z",
    "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43", "2001-12-14 1:2:3", "2001-02-30", "12:30:45", "a: b",
    "a #b", "a#b", "#c", "@x", "`x`", "%x", "&x", "*x", "!x", "!!str 5", "!!int 5", "!!int x", "!!bool yes",
    "!!float 5", "!!float 1.5", "!!null ~", "!!null x", "!!binary aGk=", "!!binary /w==", "!!binary !",
    "!!binary", "!foo bar", "!<tag:yaml.org,2002:str> 7", "!!timestamp 2001-12-14", "!!timestamp x", "!!str",
    "!!merge <<", "! 5", "é", "\u{2028}x", "x\u{85}y", "'it''s'", "\"a\\tb\"", "\"\\x41\\u00e9\\U0001F600\"",
    "\"\\q\"", "\"a\\\n  b\"", "'a\n\n  b'", "\"unended", "'unended", "|\n    text\n    more",
    ">-\n    text\n    more\n\n    end", "|2\n   text", "|+\n    text\n\n", "[]", "{}", "[a]", "{a: b}", "=",
    "<<", "? x", "a\n  b", "\u{feff}x", "111122223333", "'111122223333'",
];

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "- ", "\n", "\n- ", "\n  ", "  ", " ", "\t", ": ", ":", ", ", ",", "[", "]", "{", "}", "'", "\"", "#",
    " # c\n", "&a ", "*a", "*b", "? ", "| ", "|\n", ">\n", "|-2\n", "---\n", "...\n", "--- ", "%YAML 1.1\n",
    "%YAML 1.2\n", "%TAG ! tag:x,2002:\n", "%FOO\n", "<<: *a", "<<: [*a, *a]", "<<: {rolearn: z}", "!", "!!",
    "!!map ", "!!seq ", "!<x> ", "!%41 ", "rolearn: ", "userarn: ", "username: ", "groups: ", "RoleARN: ",
    "Groups: ", "groupſ: ", "sso:\n", "\\", "\r\n", "\r", "\u{85}", "arn:aws:iam::111122223333:role/dev",
    "arn:aws:iam::111122223333:user/ann", "a", "b", "1", "~", "null: x", "1: 2", "18446744073709551615: 1",
    "[a]: b", "{a: b}: c", "? - x\n: y", ".nan: 1", "x: .nan", "true: 1", "''", "\"\"", "``", "\u{feff}", "é",
    "\u{1}", "- - - a", "[a, [b, {c: d}]]", "{a, b}", "[a: b, c]", "[? a]", "{? a : b}", "a:b", "a :b", "-a",
    "?a", ":a", "@", "`",
];

/// A scalar value in some style.
fn scalar(dice: &mut Dice, text: &str) -> String {
    match dice.roll(8) {
        0 | 1 => format!("\"{text}\""),
        2 => format!("'{text}'"),
        _ => text.to_owned(),
    }
}

fn value(dice: &mut Dice) -> String {
    if dice.one_in(12) {
        let text = dice.pick(SCALARS);
        return scalar(dice, text);
    }
    let text = dice.pick(&SCALARS[..10]);
    // Unquoted, these two break the whole section; once in a while is enough.
    if text.starts_with("{{") && !dice.one_in(30) {
        return format!("'{text}'");
    }
    scalar(dice, text)
}

fn listed(items: &[String], before: &str, after: &str) -> String {
    items.iter().flat_map(|item| [before, item, after]).collect()
}

fn groups(dice: &mut Dice, indent: &str) -> String {
    let count = dice.roll(4);
    let items: Vec<String> = (0..count).map(|_| value(dice)).collect();
    match dice.roll(6) {
        0 => format!(" [{}]", items.join(", ")),
        1 => format!(" {}", value(dice)),
        2 => String::new(),
        3 => listed(&items, &format!("\n{indent}  - "), ""),
        _ => listed(&items, &format!("\n{indent}- "), ""),
    }
}

fn sso(dice: &mut Dice, indent: &str) -> String {
    if dice.one_in(4) {
        return format!(" {}", value(dice));
    }
    let account = dice.pick(&[
        "\"111122223333\"",
        "111122223333",
        "'1'",
        "012345678912",
        "\"012345678912\"",
    ]);
    let name = dice.pick(&[
        "View",
        "View Only",
        "A+=,.@-_",
        "''",
        "12",
        "ThisNameIsLongerThanThirtyTwoLetters",
    ]);
    let partition = dice.pick(&["", "aws", "aws-cn", "aws-us-govt", "~"]);
    let partition = if partition.is_empty() {
        String::new()
    } else {
        format!("\n{indent}  partition: {partition}")
    };
    format!("\n{indent}  permissionSetName: {name}\n{indent}  accountID: {account}{partition}")
}

fn entry(dice: &mut Dice, users: bool) -> String {
    let arn_field = match dice.roll(12) {
        0 => dice.pick(&["roleARN", "RoLeArN", "userARN", "roleARM", "USERARN"]),
        1 if users => "rolearn",
        1 => "userarn",
        _ if users => "userarn",
        _ => "rolearn",
    };
    let mut fields = Vec::new();
    let indent = if dice.one_in(6) { "    " } else { "  " };
    if !dice.one_in(12) {
        let arn = dice.pick(ARNS).to_owned();
        let arn = if dice.one_in(20) {
            value(dice)
        } else {
            scalar(dice, &arn)
        };
        fields.push(format!("{arn_field}: {arn}"));
    }
    if !dice.one_in(8) {
        fields.push(format!("username: {}", value(dice)));
    }
    if !dice.one_in(5) {
        fields.push(format!("groups:{}", groups(dice, indent)));
    }
    if dice.one_in(10) {
        fields.push(format!("sso:{}", sso(dice, indent)));
    }
    if dice.one_in(10) {
        fields.push(format!(
            "{}: {}",
            dice.pick(&[
                "note", "userid", "Username", "GROUPS", "groups", "<<", "1", "~", "yes"
            ]),
            value(dice)
        ));
    }
    if dice.one_in(3) {
        let at = dice.roll(fields.len().max(1));
        fields.rotate_left(at);
    }
    if dice.one_in(10) {
        return format!("- {{{}}}\n", fields.join(", "));
    }
    let anchor = dice.pick(&["", "", "", "", "", "", "&a ", "!!map ", "# c\n  "]);
    let gap = " ".repeat(indent.len() - 1);
    format!("-{gap}{anchor}{}\n", fields.join(&format!("\n{indent}")))
}

fn mappings(dice: &mut Dice, users: bool) -> String {
    let mut text = String::new();
    if dice.one_in(6) {
        text.push_str(dice.pick(&[
            "# head\n",
            "---\n",
            "\n",
            "%YAML 1.1\n---\n",
            "\u{feff}",
            "--- # c\n",
            "{}\n---\n",
        ]));
    }
    for _ in 0..dice.roll(5) {
        if dice.one_in(12) {
            text.push_str(dice.pick(&[
                "- \n",
                "- text\n",
                "- 5\n",
                "- []\n",
                "- ~\n",
                "- *a\n",
                "- <<: *a\n  username: z\n",
                "\n",
                "# c\n",
                "- {<<: [*a, *a], username: q}\n",
            ]));
        }
        text.push_str(&entry(dice, users));
    }
    if dice.one_in(12) {
        text.push_str(dice.pick(&["...\n", "---\n- x", "... \n%", "  # c", "\t", " "]));
    }
    text
}

fn accounts(dice: &mut Dice) -> String {
    let items: Vec<String> = (0..dice.roll(4)).map(|_| value(dice)).collect();
    match dice.roll(5) {
        0 => format!("[{}]", items.join(", ")),
        1 => value(dice),
        _ => listed(&items, "- ", "\n"),
    }
}

/// A few small accidents.
fn accident(dice: &mut Dice, text: &str) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(text.len() + 1);
        let upto = (at + 1 + dice.roll(3)).min(text.len());
        match dice.roll(6) {
            0 if at < upto => drop(text.drain(at..upto)),
            1 => {
                let line_start = text[..at].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1);
                if dice.one_in(2) {
                    text.insert(line_start, ' ');
                } else if text.get(line_start) == Some(&' ') {
                    text.remove(line_start);
                }
            }
            2 if at < upto => {
                let copy: Vec<char> = text[at..upto].to_vec();
                drop(text.splice(at..at, copy));
            }
            _ => drop(text.splice(at..at, dice.pick(PIECES).chars())),
        }
    }
    text.into_iter().collect()
}

fn soup(dice: &mut Dice) -> String {
    (0..dice.roll(16)).map(|_| dice.pick(PIECES)).collect()
}

/// One ConfigMap's data.
pub(crate) fn config_map(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    for key in ["mapRoles", "mapUsers", "mapAccounts"] {
        if dice.one_in(5) {
            continue;
        }
        let text = match key {
            "mapAccounts" => accounts(dice),
            key => mappings(dice, key == "mapUsers"),
        };
        let text = match dice.roll(10) {
            0..=1 => accident(dice, &text),
            4 => soup(dice),
            5 if dice.one_in(4) => dice
                .pick(&["", " \n", "\"\"", "''", "``", "[]", "~", "{}", "x", "---"])
                .to_owned(),
            6 if dice.one_in(2) => text.replace('\n', "\r\n"),
            _ => text,
        };
        let key = if dice.one_in(40) {
            key.to_lowercase()
        } else {
            key.to_owned()
        };
        data.insert(key, text);
    }
    data
}

/// Who calls: ARN, account, user id.
pub(crate) const CALLERS: &[(&str, &str, &str)] = &[
    (
        "arn:aws:sts::111122223333:assumed-role/dev/me@example.com",
        "111122223333",
        "AROAX:me@example.com",
    ),
    (
        "arn:aws:sts::111122223333:assumed-role/Dev/{{AccessKeyID}}",
        "111122223333",
        "AROAX:{{AccessKeyID}}",
    ),
    (
        "arn:aws:sts::111122223333:assumed-role/team/dev/x",
        "111122223333",
        "AROAX:x",
    ),
    (
        "arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0",
        "111122223333",
        "AROAX:i-0123456789abcdef0",
    ),
    (
        "arn:aws:sts::111122223333:assumed-role/sk/x",
        "111122223333",
        "AROAX:x",
    ),
    (
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_View_0123/x",
        "111122223333",
        "AROAX:x",
    ),
    (
        "arn:aws-cn:sts::111122223333:assumed-role/dev/x",
        "111122223333",
        "AROAX:x",
    ),
    (
        "arn:aws:sts::444455556666:assumed-role/dev/x",
        "444455556666",
        "AROAX:x:y",
    ),
    ("arn:aws:iam::111122223333:user/ann", "111122223333", "AIDAX"),
    ("arn:aws:iam::111122223333:user/p/ann", "111122223333", "AIDAX"),
    ("arn:aws:iam::111122223333:root", "111122223333", "111122223333"),
    (
        "arn:aws:sts::111122223333:federated-user/bob",
        "111122223333",
        "111122223333:bob",
    ),
    ("arn:aws:iam::111122223333:group/g", "111122223333", "AGPAX"),
];

/// A line of an entry, and how many of the lines below belong to it.
pub(crate) type Line = (String, usize);

/// The lines of one entry, one for each key and each item of a list; the first has the ARN.
pub(crate) fn entry_by_lines(dice: &mut Dice, users: bool) -> Vec<Line> {
    #[rustfmt::skip]
    const VALUES: &[&str] = &[
        "a", "b", "'a'", "admin:{{SessionName}}", "''", "~", "", "1", "yes", "{a: b}", "[a]", "system: masters", "\"b\"",
    ];
    let (own, other) = if users {
        ("userarn", "rolearn")
    } else {
        ("rolearn", "userarn")
    };
    let arn = if users {
        "arn:aws:iam::111122223333:user/ann"
    } else {
        "arn:aws:iam::111122223333:role/dev"
    };
    let mut lines: Vec<Line> = vec![(format!("- {own}: {arn}\n"), 0)];
    for _ in 0..dice.roll(6) {
        if dice.one_in(3) {
            let key = dice.pick(&["groups", "groups", "Groups", "GROUPS", "group"]);
            let items = dice.roll(4);
            lines.push((format!("  {key}:\n"), items));
            for _ in 0..items {
                lines.push((format!("  - {}\n", dice.pick(VALUES)), 0));
            }
        } else {
            let key = dice.pick(&[
                "username",
                "username",
                "Username",
                "user",
                "name",
                "userid",
                "note",
                other,
                "1",
                "usernam\u{17f}",
            ]);
            lines.push((format!("  {key}: {}\n", dice.pick(VALUES)), 0));
        }
    }
    lines
}
