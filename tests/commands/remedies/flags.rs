//! What is wrong with a command line, with eksctl's commands, or with a profile, and written as the help says.

use super::{
    case::{Check, case},
    world::{HEAD, S3, web},
};

const OF: &str = "--cluster quickstart --region eu-west-1";
const WEB: &str = "--cluster quickstart --region eu-west-1 --namespace app --name web";
const KEYS: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n";

pub(super) fn cases() -> Vec<Check> {
    [words(), elsewhere(), profiles()].into_iter().flatten().collect()
}

fn words() -> Vec<Check> {
    let plan = |words: &str| case(format!("plan -f c.yaml{words}")).file("c.yaml", HEAD);
    let create = |words: &str| {
        case(format!("create iamserviceaccount {WEB}{words}"))
            .first(format!("eksact utils associate-iam-oidc-provider {OF} --approve"))
    };
    let bare = || "plan -f c.yaml";
    vec![
        case("get iamserviceaccount").says("Or name a file with -f that says which cluster it is about.").file("c.yaml", HEAD).instead("get iamserviceaccount -f c.yaml").check(),
        create("").says("--no-policies makes a role without any policy.").instead(format!("create iamserviceaccount {WEB} --no-policies")).leaves("will have no policy").check(),
        create(" --attach-policy-arn ''").says("A variable was probably not set: set it, or leave the flag out.").instead(format!("create iamserviceaccount {WEB} --attach-policy-arn {S3}")).check(),
        create(" --attach-policy-arn ''").says("If it is intended: --no-policies").instead(format!("create iamserviceaccount {WEB} --no-policies")).leaves("will have no policy").check(),
        create(&format!(" --attach-policy-arn {S3},,{S3}")).says("or there is an extra comma.").instead(format!("create iamserviceaccount {WEB} --attach-policy-arn {S3}")).check(),
        plan(" --region us-east-1").says("Leave --region out: the file names its region.").instead(bare()).check(),
        plan(" --prune=maybe").says("Write --prune, --prune=true or --prune=false.").instead("plan -f c.yaml --prune=true").check(),
        plan(" --verbose=much").says("-v logs what is done, -vv every call.").instead("plan -f c.yaml -v").check(),
        plan(" \u{2013}\u{2013}prune").says("Write `--prune`.").instead("plan -f c.yaml --prune").check(),
        plan(" ' '").says("the backslash must be the last character of its line.").instead(bare()).check(),
        case("plan -f 'c.yaml '").file("c.yaml", HEAD).says("a backslash at the end of a line must be its last character.").instead(bare()).check(),
        plan("").variable("EKSACT_SANDBOX", " ").says("Unset it, or give it a value.").set("EKSACT_SANDBOX", "1").check(),
        case(format!("create iamidentitymapping {OF} --service-name emr --namespace default")).says("The only service is emr-containers.").instead(format!("create iamidentitymapping {OF} --service-name emr-containers --namespace default")).check(),
        case(format!("update iamserviceaccount {WEB}")).file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").says("Name at least one of --attach-policy-arn").instead(format!("update iamserviceaccount {WEB} --attach-policy-arn arn:aws:iam::aws:policy/AmazonSQSFullAccess")).check(),
        case(format!("update iamserviceaccount {} --attach-policy-arn {S3}", WEB.replace("web", "wbe"))).file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").says("lists what is there; `eksact create iamserviceaccount` makes a new one.").run(format!("eksact get iamserviceaccount {OF}")).instead(format!("update iamserviceaccount {WEB} --attach-policy-arn {S3}")).check(),
        case("plan -f c.yaml --allow-broadening never").file("c.yaml", web("")).says("run again without --allow-broadening never").instead(bare()).check(),
        case("get cluster").says("`aws eks list-clusters` lists those of a region.").printed(&[]).instead(format!("get cluster {OF}")).check(),
        case("diff -f c.yaml").file("c.yaml", HEAD).says("checks a file and shows what it would change.").in_its_place(&[("-f FILE", "-f c.yaml")]).check(),
        case("destroy").file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").says("deletes what a file no longer has.").in_its_place(&[("-f FILE --prune", "-f c.yaml --prune --yes"), ("-f FILE", "-f c.yaml --approve")]).check(),
        plan(" --dry-run").says("Leave it out, and --yes with it").instead(bare()).check(),
        plan(" --cluster quickstart").says("The file says which cluster it is about: leave --cluster out.").instead(bare()).check(),
        case("plan -f c.yaml -n app").file("c.yaml", web("")).says("A file has objects of many namespaces").instead("plan -f c.yaml --include 'app/*'").check(),
        case("plan c.yaml").file("c.yaml", HEAD).says("A file is named with -f: `-f c.yaml`.").instead(bare()).check(),
        case("create -f c.yaml").file("c.yaml", web("")).first(format!("eksact utils associate-iam-oidc-provider {OF} --approve")).says("Name the kind of object").in_its_place(&[("-f c.yaml", "-f c.yaml --yes")]).check(),
        case("restore aws-auth --cluster quickstart --region eu-west-1 --to nothing --yes").says("`--list` shows those that are there").file("c.yaml", format!("{HEAD}iamIdentityMappings:\n- {{arn: 'arn:aws:iam::111122223333:role/dev', username: dev}}\n")).first("eksact apply -f c.yaml --yes").run("eksact restore aws-auth --cluster quickstart --region eu-west-1 --list").instead("restore aws-auth --cluster quickstart --region eu-west-1 --yes").check(),
    ]
}

/// Commands of eksctl's: what is named in their place works.
fn elsewhere() -> Vec<Check> {
    let mapping = (
        "create iamidentitymapping",
        "create iamidentitymapping --cluster quickstart --region eu-west-1 --arn arn:aws:iam::111122223333:role/nodes --username nodes --approve",
    );
    let account = (
        "create iamserviceaccount",
        "create iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess --approve",
    );
    let of = (
        "iam-oidc-provider",
        "iam-oidc-provider --cluster quickstart --region eu-west-1 --approve",
    );
    let with_provider = |command: &str| {
        case(command).first(format!("eksact utils associate-iam-oidc-provider {OF} --approve"))
    };
    vec![
        case("anywhere")
            .says("use `eksctl anywhere`")
            .in_its_place(&[])
            .check(),
        case("info")
            .says("`eksact version` prints the version of eksact.")
            .in_its_place(&[])
            .check(),
        case("mcp").says("Use `eksctl mcp`.").in_its_place(&[]).check(),
        case("create nodegroup")
            .says("where EKS does not map it")
            .in_its_place(&[mapping])
            .check(),
        case("create nodegroup")
            .says("the rest stays with eksctl: `eksctl create nodegroup`")
            .in_its_place(&[])
            .check(),
        with_provider("create addon")
            .says("Its role is made by")
            .in_its_place(&[account])
            .check(),
        case("create iam-oidc-provider")
            .says("Use `eksact associate iam-oidc-provider`.")
            .in_its_place(&[of])
            .check(),
        with_provider("disassociate iam-oidc-provider")
            .says("Use `eksact delete iam-oidc-provider`.")
            .in_its_place(&[of])
            .check(),
        case("get iam-oidc-provider")
            .says("Use `aws iam list-open-id-connect-providers`.")
            .in_its_place(&[])
            .check(),
        case("utils describe-stacks")
            .says("names the stack of each service account")
            .in_its_place(&[("-o json", "--cluster quickstart --region eu-west-1 -o json")])
            .check(),
        case("utils detect-drift")
            .file("c.yaml", HEAD)
            .says("compares the roles with the file")
            .in_its_place(&[("eksact plan", "eksact plan -f c.yaml")])
            .check(),
    ]
}

fn profiles() -> Vec<Check> {
    let token = || {
        case("token -c quickstart --region eu-west-1")
            .real()
            .variable("AWS_CONFIG_FILE", "$PLACEconfig")
            .variable("AWS_SHARED_CREDENTIALS_FILE", "$PLACEcredentials")
            .file("config", "")
            .file("credentials", format!("[work]\n{KEYS}[default]\n{KEYS}"))
    };
    vec![
        token()
            .command("token -c quickstart")
            .says("or set a region in the profile")
            .set("AWS_REGION", "eu-west-1")
            .check(),
        token()
            .command("token -c quickstart")
            .says("or set a region in the profile")
            .instead("token -c quickstart --region eu-west-1")
            .check(),
        token()
            .command("token -c quickstart")
            .says("or set a region in the profile")
            .write("config", "[default]\nregion = eu-west-1\n")
            .check(),
        token()
            .command("get iamserviceaccount --cluster quickstart")
            .variable("AWS_EC2_METADATA_DISABLED", "true")
            .file("credentials", "")
            .says("A profile's region counts as well")
            .write("config", "[profile work]\nregion = eu-west-1\n")
            .set("AWS_PROFILE", "work")
            .leaves("error: ")
            .check(),
        token()
            .command("get iamserviceaccount --cluster quickstart --region eu-west-1 --profile nothing")
            .variable("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .says("Give credentials by --profile, AWS_PROFILE or the other variables of the environment")
            .instead("get iamserviceaccount --cluster quickstart --region eu-west-1 --profile work")
            .leaves("error: ")
            .check(),
        token()
            .command("token -c quickstart --region eu-west-1 --profile nothing")
            .says("Check --profile, AWS_PROFILE")
            .instead("token -c quickstart --region eu-west-1 --profile work")
            .check(),
        token()
            .variable("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "secret")
            .variable("AWS_SESSION_TOKEN", "session").variable("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
            .says("Get new ones, or unset AWS_ACCESS_KEY_ID and the variables that belong to it.")
            .set("AWS_CREDENTIAL_EXPIRATION", "2099-01-01T00:00:00Z")
            .check(),
        token()
            .file(
                "credentials",
                format!("[default]\n{KEYS}aws_session_token = session\nx_security_token_expires = 2020-01-01T00:00:00Z\n"),
            )
            .says("correct or remove `x_security_token_expires` beside them")
            .write("credentials", format!("[default]\n{KEYS}"))
            .check(),
        token()
            .file(
                "credentials",
                "[default]\naws_access_key_id =\naws_secret_access_key = secret\n",
            )
            .says("Complete the profile, or remove the key.")
            .write("credentials", format!("[default]\n{KEYS}"))
            .check(),
        token()
            .file("credentials", "[default\n")
            .says(
                "Correct the file, or name another one with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE.",
            )
            .write("credentials", format!("[default]\n{KEYS}"))
            .check(),
    ]
}
