//! The authentication mode of the cluster, and its identity providers.

use super::{
    case::{Check, case},
    world::{HEAD, cluster},
};

const OF: &str = "--cluster quickstart --region eu-west-1";
const NODE: &str = "arn:aws:iam::111122223333:role/eksctl-quickstart-nodegroup-ng-1-NodeInstanceRole-SANDBOX";

/// A file with one identity provider of this name.
fn provider(name: &str) -> String {
    format!(
        "{HEAD}identityProviders: [{{type: oidc, name: {name}, issuerURL: 'https://okta.example.com', clientID: kubernetes}}]\n"
    )
}

pub(super) fn cases() -> Vec<Check> {
    let forward =
        format!("utils update-authentication-mode {OF} --authentication-mode API_AND_CONFIG_MAP --yes");
    let disassociate = format!("disassociate identityprovider {OF} --name okta");
    vec![
        case(forward.as_str())
            .world(|world| cluster(world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned()))
            .says("--yes alone does not approve it.")
            .instead(format!("{forward} --allow one-way-mode"))
            .leaves("allowed by --allow")
            .check(),
        case("plan -f c.yaml")
            .file("c.yaml", format!("{HEAD}accessConfig: {{authenticationMode: CONFIG_MAP}}\n"))
            .says("Keep it: `authenticationMode: API_AND_CONFIG_MAP`.")
            .replace("c.yaml", "CONFIG_MAP", "API_AND_CONFIG_MAP")
            .check(),
        case("plan -f c.yaml --allow one-way-mode")
            .file("c.yaml", format!("{HEAD}accessConfig: {{authenticationMode: API}}\n"))
            .says("Give each an access entry first, or remove its mapping if it is not needed.")
            .run(format!(
                "aws eks create-access-entry --region eu-west-1 --cluster-name quickstart --principal-arn {NODE} --type EC2_LINUX"
            ))
            .check(),
        case("plan -f c.yaml")
            .file("old.yaml", provider("okta"))
            .file("c.yaml", provider("login"))
            .first("eksact associate identityprovider -f old.yaml --yes")
            .says("Keep its name, or delete it first: ")
            .printed(&[])
            .check(),
        case(disassociate.as_str())
            .file("c.yaml", provider("okta"))
            .first("eksact associate identityprovider -f c.yaml --yes")
            .says("Pass --type oidc.")
            .instead(format!("{disassociate} --type oidc --yes"))
            .check(),
    ]
}
