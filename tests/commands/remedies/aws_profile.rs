//! What `update-kubeconfig` says of the AWS profile that it is to write, done.

use serde_json::json;

use super::{
    case::{Case, Check, case},
    kubeconfig::UPDATE,
    world::{DEV, add_role},
};

const BASE: &str = "[profile base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n";

fn profile(name: &str) -> String {
    format!("{UPDATE} --assume-role dev --write-aws-profile {name} --source-profile base")
}

/// The command with a profile for the role `dev`, in this AWS config file.
fn in_file(text: &str) -> Case {
    case(profile("dev"))
        .world(|world| add_role(world, DEV, &json!([])))
        .file("aws", text)
        .variable("AWS_CONFIG_FILE", "$PLACEaws")
        .variable("AWS_SHARED_CREDENTIALS_FILE", "$PLACEcredentials")
}

pub(super) fn cases() -> Vec<Check> {
    let own = "Choose another name with --write-aws-profile, or replace it with --force.";
    let taken = format!("{BASE}[profile dev]\nrole_arn = other\n");
    let twice = format!("{BASE}[profile dev]\n[profile  dev]\n");
    vec![
        in_file(&taken).says(own).instead(profile("mine")).check(),
        in_file(&taken)
            .says(own)
            .instead(format!("{} --force", profile("dev")))
            .check(),
        in_file(&twice)
            .says("Make one section of them, or choose another name with --write-aws-profile.")
            .replace("aws", "[profile  dev]\n", "")
            .check(),
        in_file("")
            .says("`aws configure --profile base` makes one.")
            .write("aws", BASE)
            .check(),
        // The credentials file has the last word.
        in_file(BASE)
            .file("credentials", "[dev]\ncredential_source = Environment\n")
            .command(format!("{} --force", profile("dev")))
            .says("Choose another name with --write-aws-profile.")
            .instead(profile("mine"))
            .check(),
        case(profile("dev"))
            .world(|world| add_role(world, DEV, &json!([])))
            .file("aws", BASE)
            .says("Name a file to write to in AWS_CONFIG_FILE.")
            .set("AWS_CONFIG_FILE", "$PLACEaws")
            .check(),
        case(format!("{UPDATE} --assume-role gone"))
            .says("Write the ARN of a role of another account: --assume-role ARN.")
            .instead(format!(
                "{UPDATE} --assume-role arn:aws:iam::999988887777:role/gone"
            ))
            .check(),
    ]
}
