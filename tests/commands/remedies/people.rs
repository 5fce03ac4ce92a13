//! What `whoami` and `check irsa` say of callers and of pods, done.

use super::{
    case::{Case, Check, case},
    world::{account, aws_auth, cluster, map_role, role, web},
};

const ARN: &str = "eks.amazonaws.com/role-arn";

pub(super) fn cases() -> Vec<Check> {
    [callers(), pods()].into_iter().flatten().collect()
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
        dev().says("Somebody who may: ").printed(&[("NAME", "dev"), ("GROUP", "system:masters")]).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/team/dev', username: dev, groups: ['system:masters']}\n").says("Map the ARN that the server compares").printed(&[]).check(),
        section("- [\n").says("Correct the text of that section; ").change(|world| {
            aws_auth(world).data.insert("mapRoles".to_owned(), "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n".to_owned());
        }).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: 'system:masters'}\n").says("Put the values in quotes, and groups in a list.").change(|world| {
            aws_auth(world).data.insert("mapRoles".to_owned(), "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n".to_owned());
        }).check(),
        section("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [viewers]}\n").says("Bind it: ").printed(&[("NAME", "viewers")]).check(),
        dev().world(|world| map_role(world, "- {rolearn: 'arn:aws:iam::999988887777:role/dev', username: dev, groups: ['system:masters']}\n")).says("Use credentials of that account, or map the caller").printed(&[]).leaves("warning[").check(),
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
    let restore = |world: &mut eksact::cloud::sandbox::World| {
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
            .says("Correct the annotation, or make the role")
            .change(restore)
            .check(),
        checked()
            .after_first(|world| world.oidc_providers.clear())
            .says("makes it whole.")
            .printed(&[("quickstart", "quickstart --region eu-west-1 --approve")])
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
