//! Entries of aws-auth that do not let in whom they are for, or not as is written.

use super::{
    aws_auth::{DEV, ENTRY, entry, fault},
    case::{Check, case},
    world::{ACCESS, HEAD},
};

const ARN: &str = "rolearn: 'arn:aws:iam::111122223333:role/dev'";
const ANN: &str = "userarn: 'arn:aws:iam::111122223333:user/ann'";
const SSO: &str = "rolearn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef'";

pub(super) fn cases() -> Vec<Check> {
    let user = |keys: &str, says: &str, from: &str, to: &str| {
        fault(&format!("  mapUsers: |\n    - {{{ANN}, {keys}}}"), says, from, to)
    };
    let of = |keys: &str, says: &str, from: &str, to: &str| {
        entry(&format!("{{{ARN}, username: dev, {keys}}}"), says, from, to)
    };
    let mut all = vec![
        user(
            "username: '{{SessionName}}', groups: ['system:masters']",
            "write the user's name itself",
            "{{SessionName}}",
            "ann",
        ),
        user(
            "username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:masters']",
            "write the user's name itself",
            "system:node:{{EC2PrivateDNSName}}",
            "ann",
        ),
        entry(
            &format!(
                "{{{SSO}, username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:nodes']}}"
            ),
            "write `{{SessionName}}`, which is the user's name in IAM Identity Center, or another name",
            "system:node:{{EC2PrivateDNSName}}",
            "{{SessionName}}",
        ),
        user(
            "groups: ['system:masters']",
            "write a `username`",
            "groups",
            "username: ann, groups",
        ),
        of(
            "groups: ['  ']",
            "write a name, or remove it",
            ", groups: ['  ']",
            "",
        ),
        of(
            "groups: ['\"\"']",
            "write a name, or remove it",
            "'\"\"'",
            "'system:masters'",
        ),
        of(
            "groups: [[system:masters, ops]]",
            "write groups as a list of strings, and put `yes`, `no`, numbers and `~` in quotes",
            "[[system:masters, ops]]",
            "['system:masters', ops]",
        ),
        entry(
            &format!("{{{ARN}, userarn: 'arn:aws:iam::111122223333:user/ann', username: dev}}"),
            "remove it; the principal that it names needs an entry of its own in mapUsers",
            ", userarn: 'arn:aws:iam::111122223333:user/ann'",
            "",
        ),
        entry(
            "{sso: {permissionSetName: Admin}, username: dev}",
            "write `rolearn` with the role's ARN instead of `sso`, which EKS does not read",
            "sso: {permissionSetName: Admin}",
            SSO,
        ),
        entry(
            &format!(
                "{{{ARN}, sso: {{permissionSetName: Admin, accountID: '111122223333'}}, username: dev}}"
            ),
            "remove `sso`, which EKS does not read",
            "sso: {permissionSetName: Admin, accountID: '111122223333'}, ",
            "",
        ),
        entry(
            "{rolearn: 111122223333, username: dev}",
            "write an ARN after `rolearn`, in quotes",
            "111122223333",
            &format!("'{DEV}'"),
        ),
        entry(
            "{rolearn: , username: dev}",
            "write an ARN after `rolearn`, in quotes",
            "rolearn: ",
            &format!("rolearn: '{DEV}'"),
        ),
    ];
    all.push(
        case("plan -f c.yaml")
            .file(
                "c.yaml",
                format!(
                    "{HEAD}{ACCESS}identityMappings:\n- {{permissionSet: {{name: AdministratorAccess}}, username: \
                     'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:masters']}}\n"
                ),
            )
            .says("write `{{SessionName}}`, which is the user's name in IAM Identity Center, or another name")
            .replace("c.yaml", "system:node:{{EC2PrivateDNSName}}", "{{SessionName}}")
            .check(),
    );
    for line in ["---", "...", "...\n    ---"] {
        let more = ENTRY.replace("dev", "ops");
        all.push(fault(
            &format!("  mapRoles: |\n{ENTRY}    {line}\n{more}"),
            "remove each line with `---` or `...` above it",
            &format!("    {line}\n"),
            "",
        ));
    }
    // Whatever stands in the place of the list, the answer is a list that is right.
    for (written, list) in [
        ("yes", "[\"yes\"]"),
        ("1234", "[\"1234\"]"),
        ("1.5", "[\"1.5\"]"),
        ("system:master", "[\"system:masters\"]"),
        ("{system: masters}", "[\"system:masters\"]"),
        ("{system:masters: }", "[\"system:masters\"]"),
        ("{ops, dev}", "[\"ops\", \"dev\"]"),
        ("{ops: , system: master}", "[\"ops\", \"system:masters\"]"),
        ("{SessionName}", "[\"{{SessionName}}\"]"),
        ("'ops, system:nodes'", "[\"ops\", \"system:nodes\"]"),
    ] {
        all.push(of(
            &format!("groups: {written}"),
            &format!("write a list: `groups: {list}`"),
            &format!("groups: {written}"),
            &format!("groups: {list}"),
        ));
    }
    all
}
