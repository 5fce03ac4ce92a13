//! What `check aws-auth` finds in a manifest and in a cluster, and edited as the help says.

use eksact_simulator::World;

use super::{
    callers::entry_of,
    case::{Case, Check, case},
};

pub(super) const DEV: &str = "arn:aws:iam::111122223333:role/dev";
pub(super) const ENTRY: &str = "    - {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev}\n";

/// A manifest with these lines under `data`.
fn manifest(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n{data}\n"
    )
}

fn of_file(text: String) -> Case {
    case("check aws-auth --region eu-west-1 --file a.yaml")
        .file("a.yaml", text)
        // Most have no nodes in them, which is not what they are about.
        .leaves("[no-node-role]")
}

/// A fault in `data`; then the one text in place of the other.
pub(super) fn fault(data: &str, says: &str, from: &str, to: &str) -> Check {
    of_file(manifest(data))
        .says(says)
        .replace("a.yaml", from, to)
        .check()
}

/// The same for one entry of `mapRoles`.
pub(super) fn entry(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("  mapRoles: |\n    - {entry}"), says, from, to)
}

/// The same with this ARN.
fn arn(arn: &str, says: &str, to: &str) -> Check {
    entry(&format!("{{rolearn: '{arn}', username: dev}}"), says, arn, to)
}

/// Puts another entry into the live `mapRoles`.
fn map_role(world: &mut World, entry: &str) {
    let cluster = world.clusters.values_mut().next().unwrap();
    let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
    let section = config_map.data.get_mut("mapRoles").unwrap();
    section.push_str(entry);
}

pub(super) fn cases() -> Vec<Check> {
    let live = || case("check aws-auth --cluster quickstart --region eu-west-1");
    let sso = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    vec![
        fault(&format!("  maproles: |\n{ENTRY}"), "rename it to `mapRoles`; upper and lower case matter", "maproles", "mapRoles"),
        fault("  mapAccounts: |\n    - '1234'", "an account id has twelve digits", "1234", "111122223333"),
        entry("{username: dev}", "give it a `rolearn`, or remove it", "{username", &format!("{{rolearn: '{DEV}', username")),
        entry(&format!("{{rolearn: '{DEV}', username: [dev]}}"), "put the value in quotes", "[dev]", "'dev'"),
        fault(&format!("  mapRoles: |\n    - dev\n{ENTRY}"), "write it as the other entries are written", "    - dev\n", "    - {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops}\n"),
        fault(&format!("  mapRoles: |\n{ENTRY}{ENTRY}"), "put the intended values into one entry and remove the other", ENTRY, ""),
        entry("{sso: {permissionSetName: Admin, accountID: '111122223333'}, username: dev}", "name the role's ARN, without its path", "sso: {permissionSetName: Admin, accountID: '111122223333'}", "rolearn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef'"),
        arn("arn:aws:iam::111122223333:role/dev*", "write one entry for each role or user", DEV),
        arn("arn:aws:iam::111122223333:role/team/dev", "write `arn:aws:iam::111122223333:role/dev`", DEV),
        arn("arn:aws:sts::111122223333:assumed-role/dev/ann", "write `arn:aws:iam::111122223333:role/dev`", DEV),
        arn("arn:aws:iam::111122223333:group/devs", "map the users, or a role that the group may assume", DEV),
        arn("arn:aws:iam:eu-west-1:111122223333:role/dev", "leave the region empty", DEV),
        arn("dev", "an ARN looks like arn:aws:iam::111122223333:role/name, without blanks", DEV),
        arn("arn:aws-cn:iam::111122223333:role/dev", "the cluster is in `aws`", DEV),
        case("check aws-auth --file a.yaml").file("a.yaml", manifest(&format!("  mapRoles: |\n{}", ENTRY.replace("arn:aws:", "arn:awz:")))).says("the partitions are ").replace("a.yaml", "arn:awz:", "arn:aws:").check(),
        arn("arn:aws:iam::1111:role/dev", "an account id has twelve digits", DEV),
        fault("  mapRoles: |\n    - {rolearn: 'arn:aws:iam::111122223333:user/ann', username: ann}", "move it to mapUsers, as `userarn`", "mapRoles: |\n    - {rolearn", "mapUsers: |\n    - {userarn"),
        entry(&format!("{{rolearn: '{DEV}', username: 'dev:{{{{Team}}}}'}}"), "the placeholders are ", "{{Team}}", "{{SessionName}}"),
        entry(&format!("{{rolearn: '{DEV}', username: dev, groups: ['system:master']}}"), "write `system:masters`", "system:master", "system:masters"),
        entry(&format!("{{rolearn: '{DEV}', username: {{{{SessionName}}}}}}"), "put strings that begin with `{{` in quotes", "{{SessionName}}", "'{{SessionName}}'"),
        fault(&format!("  mapRoles: |\n    - rolearn: '{DEV}'\n      username: @dev"), "indent with spaces only, and put strings that begin with `@`, `%` or a backtick in quotes", "@dev", "'@dev'"),
        fault(&format!("  mapRoles: |\n    - rolearn: '{DEV}'\n       username: dev"), "the text on that line or the one above", "       username", "      username"),
        of_file("kind: Secret\nmetadata: {name: x}\n".to_owned()).says("prints the live one").run_into("a.yaml").check(),
        of_file(format!("{}---\n{}", manifest(&format!("  mapRoles: |\n{ENTRY}")), manifest(&format!("  mapRoles: |\n{}", ENTRY.replace("dev", "ops"))))).says("put all mappings into one and remove the other").write("a.yaml", manifest(&format!("  mapRoles: |\n{ENTRY}{}", ENTRY.replace("dev", "ops")))).check(),
        fault("  roles: |\n    []", "the server reads these keys of `data`, in this spelling", "roles: |\n    []", &format!("mapRoles: |\n{}", ENTRY.trim_end())),
        fault(&format!("  mapRoles: |\n{ENTRY}  mapRoles: |\n{}", ENTRY.replace("dev", "ops")), "put the intended values into one and remove the other", &format!("{ENTRY}  mapRoles: |\n"), ENTRY),
        fault(&format!("  mapRoles:\n{}", ENTRY.replacen("    -", "  -", 1)), "write `mapRoles: |` and indent the list below it", "mapRoles:\n  -", "mapRoles: |\n    -"),
        live().world(|world| map_role(world, &format!("- {{rolearn: '{DEV}', username: dev, groups: [developers]}}\n"))).says("bind it, or remove it").file("c.yaml", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n- {name: developers, bindings: [{clusterRole: view}]}\n").run("eksact apply -f c.yaml --yes").check(),
        live().world(|world| map_role(world, &format!("- {{rolearn: '{}', username: admin}}\n", "arn:aws:iam::111122223333:role/AWSReservedSSO_AdministratorAccess_0000000000000000"))).says("permission set `AdministratorAccess` has ").change(|world| {
            let now = world.roles.keys().find(|name| name.starts_with("AWSReservedSSO_AdministratorAccess_")).unwrap().clone();
            let cluster = world.clusters.values_mut().next().unwrap();
            let section = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap().data.get_mut("mapRoles").unwrap();
            *section = section.replace("AWSReservedSSO_AdministratorAccess_0000000000000000", &now);
        }).check(),
        live().world({ let arn = sso("AWSReservedSSO_Gone_0000000000000000"); move |world| map_role(world, &format!("- {{rolearn: '{arn}', username: gone}}\n")) }).says("permission set `Gone` has no role in account 111122223333 now").change(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            let section = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap().data.get_mut("mapRoles").unwrap();
            let kept = section.find("- {rolearn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_Gone").unwrap();
            section.truncate(kept);
        }).check(),
        live().world(|world| entry_of(world, DEV, &[])).says("Give it an access policy: ").printed_of(0..1, &[]).check(),
        live().world(|world| {
            world.clusters.values_mut().next().unwrap().cluster.authentication_mode = Some("API".to_owned());
        }).says("then delete what is not read").printed(&[("ARN", "arn:aws:iam::111122223333:user/ann")]).check(),
    ]
}

/// What stands in an entry or a manifest and has no effect.
pub(super) fn unread() -> Vec<Check> {
    let of = |keys: &str, says: &str, from: &str, to: &str| {
        entry(&format!("{{rolearn: '{DEV}', {keys}}}"), says, from, to)
    };
    let head = "metadata: {name: aws-auth, namespace: kube-system}";
    let whole = |from: &str, to: &str| manifest(&format!("  mapRoles: |\n{ENTRY}")).replace(from, to);
    let node = "    - {rolearn: 'arn:aws:iam::111122223333:role/node', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:bootstrappers', 'system:nodes']}\n";
    vec![
        fault(
            &format!(
                "  maproles: |\n{ENTRY}  mapRoles: |\n{}",
                ENTRY.replace("dev", "ops")
            ),
            "move its content to `mapRoles`, and remove it",
            &format!("  maproles: |\n{ENTRY}  mapRoles: |\n"),
            &format!("  mapRoles: |\n{ENTRY}"),
        ),
        fault(
            &format!("  notes: x\n  mapRoles: |\n{ENTRY}"),
            "remove it; it reads mapRoles, mapUsers and mapAccounts",
            "  notes: x\n",
            "",
        ),
        of("usrname: dev", "rename it to `username`", "usrname", "username"),
        of(
            "username: dev, group: 'system:masters'",
            "write `groups: [\"system:masters\"]` instead",
            "group: 'system:masters'",
            "groups: ['system:masters']",
        ),
        of(
            "username: dev, usrname: ops",
            "move its value to `username`, and remove it",
            "username: dev, usrname: ops",
            "username: ops",
        ),
        of(
            "username: dev, note: x",
            "remove it, or comment it out",
            ", note: x",
            "",
        ),
        of(
            "username: dev, groups: ['system:masters', ~]",
            "write the name of the group in quotes, or remove the item",
            ", ~",
            "",
        ),
        of(
            "username: ~, groups: ['system:masters']",
            "write a value after `username:`, or remove the key",
            "~",
            "dev",
        ),
        of(
            "username: dev, groups: []",
            "write a value, or remove it",
            ", groups: []",
            "",
        ),
        of(
            "username: dev, username: ops",
            "put the intended values into one and remove the other",
            "username: dev, ",
            "",
        ),
        of(
            "username: dev, groups: ['system:masters', 'system:masters']",
            "remove it",
            "'system:masters', ",
            "",
        ),
        of(
            "username: dev, groups: ['system:bootstrappers,system:nodes']",
            "write one item for each: `groups: [",
            "'system:bootstrappers,system:nodes'",
            "'system:bootstrappers', 'system:nodes'",
        ),
        of(
            "username: dev, groups: [system: masters]",
            "a blank after a colon makes a mapping; write `",
            "system: masters",
            "'system:masters'",
        ),
        of(
            "username: dev, groups: 'system:masters'",
            "write a list: `groups: [\"system:masters\"]`",
            "'system:masters'",
            "['system:masters']",
        ),
        of("username: 123", "write it in quotes: `\"123\"`", "123}", "'123'}"),
        of(
            "username: {SessionName}",
            "write the placeholder in quotes: ",
            "{SessionName}",
            "'{{SessionName}}'",
        ),
        entry(
            &format!("{{rolearn: '{DEV}'}}"),
            "give it a `username`, and `groups` or a RoleBinding for that user",
            "dev'}",
            "dev', username: dev, groups: ['system:masters']}",
        ),
        entry(
            &format!("{{rolearn: '{DEV}', groups: ['system:masters']}}"),
            "write `username: \"{{SessionName}}\"`, or a name",
            "groups",
            "username: '{{SessionName}}', groups",
        ),
        entry(
            &format!("{{arn: '{DEV}', username: dev}}"),
            "rename `arn` to `rolearn`",
            "arn: ",
            "rolearn: ",
        ),
        fault(
            "  mapRoles: |\n    - {userarn: 'arn:aws:iam::111122223333:user/ann', username: ann}",
            "move the entry to mapUsers: `userarn` is a key of that section",
            "mapRoles",
            "mapUsers",
        ),
        fault(
            &format!("  mapRoles: |\n{ENTRY}"),
            "add the role of the nodes, with username",
            ENTRY,
            &format!("{ENTRY}{node}"),
        ),
        of_file(whole(head, "metadata: {name: aws-auth}"))
            .says("write `namespace: kube-system` under `metadata`")
            .replace("a.yaml", "metadata: {name: aws-auth}", head)
            .check(),
        of_file(whole(head, "metadata: {name: other, namespace: kube-system}"))
            .says("write `name: aws-auth` and `namespace: kube-system` under `metadata`")
            .replace("a.yaml", "metadata: {name: other, namespace: kube-system}", head)
            .check(),
        of_file(whole("data:\n  mapRoles", "data: {}\nmapRoles").replace("\n    - ", "\n  - "))
            .says("move it under `data`, as `mapRoles: |`")
            .write("a.yaml", whole("", ""))
            .check(),
    ]
}
