//! What `whoami` and `check irsa` say of callers and of pods, done.

use super::{
    case::{Case, Check, case},
    world::{account, aws_auth, cluster, map_role, role, web},
};

const ARN: &str = "eks.amazonaws.com/role-arn";

pub(super) fn cases() -> Vec<Check> {
    [callers(), near(), pods()].into_iter().flatten().collect()
}

fn callers() -> Vec<Check> {
    let dev = || {
        case(
            "whoami --cluster quickstart --region eu-west-1 --sandbox-caller arn:aws:iam::111122223333:role/dev",
        )
    };
    let section = |text: &'static str| {
        dev().world(move |world| {
            aws_auth(world)
                .data
                .insert("mapRoles".to_owned(), text.to_owned());
        })
    };
    vec![
        dev().says("Someone with the right to do so: ").printed(&[("NAME", "dev"), ("GROUP", "system:masters")]).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/team/dev', username: dev, groups: ['system:masters']}\n").says("Map the ARN that the server compares").printed(&[]).check(),
        section("- [\n").says("In aws-auth: correct the text on that line or the one above").change(|world| {
            aws_auth(world).data.insert("mapRoles".to_owned(), "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n".to_owned());
        }).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: 'system:masters'}\n").says("Put the values in quotes, and groups in a list.").change(|world| {
            aws_auth(world).data.insert("mapRoles".to_owned(), "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n".to_owned());
        }).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [viewers]}\n").says("Bind it: ").printed(&[("NAME", "viewers")]).check(),
        dev().world(|world| map_role(world, "- {rolearn: 'arn:aws:iam::999988887777:role/dev', username: dev, groups: ['system:masters']}\n")).says("Use credentials of that account, or map the caller").printed(&[]).leaves("warning[").check(),
    ]
}

/// Entries that nearly match the caller.
fn near() -> Vec<Check> {
    const RIGHT: &str =
        "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n";
    let dev =
        "whoami --cluster quickstart --region eu-west-1 --sandbox-caller arn:aws:iam::111122223333:role/dev";
    let of = |key: &'static str, text: String| {
        case(dev).world(move |world| {
            aws_auth(world).data.clear();
            aws_auth(world).data.insert(key.to_owned(), text);
        })
    };
    let corrected = |case: Case| {
        case.change(|world| {
            aws_auth(world).data.clear();
            aws_auth(world)
                .data
                .insert("mapRoles".to_owned(), RIGHT.to_owned());
        })
        .check()
    };
    let with = |from: &str, to: &str| of("mapRoles", RIGHT.replace(from, to));
    vec![
        corrected(with("username: dev", "username: dev, sso: {permissionSetName: A, accountID: '111122223333'}").says("Correct the entry; or map the caller, ")),
        corrected(of("maproles", RIGHT.to_owned()).says("Rename the key to `mapRoles`; upper and lower case matter.")),
        with("role/dev", "role/de*").says("Map the caller: ").printed(&[]).check(),
        of("mapRoles", format!("{RIGHT}{}", RIGHT.replace("'system:masters'", ""))).says("Keep one entry for each ARN, with all its groups: ").printed(&[]).check(),
        case("whoami --cluster quickstart --region eu-west-1 --sandbox-caller arn:aws:iam::111122223333:user/ann").world(|world| map_role(world, "- {rolearn: 'arn:aws:iam::111122223333:user/ann', username: ann, groups: ['system:masters']}\n")).says("Move it to mapUsers, as `userarn`; it works where it is.").change(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            section.truncate(section.find("- {rolearn").unwrap());
            aws_auth(world).data.insert("mapUsers".to_owned(), "- {userarn: 'arn:aws:iam::111122223333:user/ann', username: ann, groups: ['system:masters']}\n".to_owned());
        }).check(),
        case("whoami --cluster quickstart --region eu-west-1 --sandbox-caller arn:aws:iam::111122223333:root").says("Sign in as a user or role of IAM").instead("whoami --cluster quickstart --region eu-west-1").check(),
    ]
}

fn pods() -> Vec<Check> {
    let checked = || -> Case {
        case("check irsa app/web --cluster quickstart --region eu-west-1")
            .file("c.yaml", web(""))
            .first("eksact apply -f c.yaml --yes")
    };
    let annotated = |value: &'static str| {
        checked().after_first(move |world| {
            account(world)
                .annotations
                .insert(ARN.to_owned(), value.to_owned());
        })
    };
    let restore = |world: &mut eksact_simulator::World| {
        let arn = role(world).arn.clone();
        account(world).annotations.insert(ARN.to_owned(), arn);
    };
    vec![
        annotated("")
            .says("set it to the role's ARN")
            .change(restore)
            .check(),
        annotated("role/web")
            .says("The webhook puts it into pods as it is, and STS refuses it")
            .change(restore)
            .check(),
        checked()
            .after_first(|world| {
                let arn = format!(" {} ", role(world).arn);
                account(world).annotations.insert(ARN.to_owned(), arn);
            })
            .says("Write it without: ")
            .printed(&[])
            .check(),
        checked()
            .after_first(|world| {
                let arn = account(world).annotations.remove(ARN).unwrap();
                account(world)
                    .annotations
                    .insert("eks.amazonaws.com/role_arn".to_owned(), arn);
            })
            .says("kubectl --namespace app annotate serviceaccount web")
            .printed(&[])
            .check(),
        checked()
            .after_first(|world| {
                account(world).annotations.clear();
            })
            .says("sets it. An annotation of a pod or a deployment does not count.")
            .run("eksact apply -f c.yaml --yes")
            .check(),
        checked()
            .after_first(|world| {
                cluster(world).service_accounts.remove("app/web");
            })
            .says("makes it with its role")
            .run("eksact apply -f c.yaml --yes")
            .check(),
        annotated("arn:aws:iam::111122223333:role/nothing")
            .says("Correct the annotation, or create the role")
            .change(restore)
            .check(),
        checked()
            .after_first(|world| world.oidc_providers.clear())
            .says("completes it.")
            .printed(&[])
            .check(),
        checked()
            .after_first(|world| {
                account(world)
                    .annotations
                    .insert("eks.amazonaws.com/audience".to_owned(), "other".to_owned());
            })
            .says("Remove the annotation eks.amazonaws.com/audience")
            .change(|world| {
                account(world).annotations.remove("eks.amazonaws.com/audience");
            })
            .check(),
    ]
}
