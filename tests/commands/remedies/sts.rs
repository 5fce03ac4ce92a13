//! Tokens that STS, the sandbox or a cluster's server does not believe, and command lines around them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use super::{
    amazon::{Amazon, Roles, SESSION_KEY, SESSION_TOKEN, State},
    case::{Case, Check, case},
    world::{ACCESS, DEV, HEAD},
};

const OF: &str = "--cluster quickstart --region eu-west-1";
const MADE: &str = "$(eksact token -c quickstart --region eu-west-1)";

pub(super) fn cases() -> Vec<Check> {
    [refusals(), tokens(), words(), clusters()]
        .into_iter()
        .flatten()
        .collect()
}

/// What STS refuses.
fn refusals() -> Vec<Check> {
    let verify = |state: State| {
        let amazon = Amazon::new(state);
        (amazon.case(format!("verify token {OF} {MADE}")), amazon)
    };
    let is_off = |minutes: i64| State {
        clock: SignedDuration::from_mins(minutes),
        ..State::default()
    };
    let right_clock = |(case, amazon): (Case, Amazon), says: &str| {
        let set = amazon.change(|state| state.clock = SignedDuration::ZERO);
        case.says(says).does(set).check()
    };
    let session = |case: Case| {
        case.variable("AWS_ACCESS_KEY_ID", SESSION_KEY)
            .variable("AWS_SESSION_TOKEN", SESSION_TOKEN)
    };
    let disabled = || {
        verify(State {
            disabled: Some("eu-west-1"),
            ..State::default()
        })
    };
    let over = verify(State {
        is_session_over: true,
        ..State::default()
    });
    let throttled = verify(State {
        is_throttled: true,
        ..State::default()
    });
    let unknown = || {
        verify(State::default())
            .0
            .says("Sign in again, and make a new token: ")
    };
    let enable = disabled();
    vec![
        right_clock(
            verify(is_off(10)),
            "Set the clock: STS accepts signatures made within a few minutes",
        ),
        right_clock(verify(is_off(-40)), "set the clock, make a new one."),
        right_clock(
            verify(is_off(40)),
            "Set the clock: STS accepts signatures made within a few minutes",
        ),
        verify(State::default())
            .0
            .command(format!(
                "verify token {OF} $(eksact token -c Quickstart --region eu-west-1)"
            ))
            .says("It was signed for another cluster than `quickstart`")
            .instead(format!("verify token {OF} {MADE}"))
            .check(),
        verify(State::default())
            .0
            .variable("AWS_SECRET_ACCESS_KEY", "another")
            .says("or with a wrong secret key")
            .set(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .check(),
        session(over.0)
            .says("log in or assume the role again, then make a new token.")
            .does(over.1.change(|state| state.is_session_over = false))
            .check(),
        unknown()
            .variable("AWS_ACCESS_KEY_ID", SESSION_KEY)
            .set("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .check(),
        unknown()
            .variable("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .set("AWS_ACCESS_KEY_ID", SESSION_KEY)
            .check(),
        enable
            .0
            .says("Enable STS in this region")
            .does(enable.1.change(|state| state.disabled = None))
            .check(),
        disabled()
            .0
            .says("or make the token for a region where it is: `eksact token --region`.")
            .instead(format!(
                "verify token {OF} $(eksact token -c quickstart --region eu-central-1)"
            ))
            .check(),
        throttled
            .0
            .says("There are too many calls to STS: try again in a minute")
            .does(throttled.1.change(|state| state.is_throttled = false))
            .check(),
    ]
}

/// What is wrong with a token itself.
fn tokens() -> Vec<Check> {
    let amazon = || Amazon::new(State::default());
    let real = |words: &str| amazon().case(format!("verify token {words}"));
    let of_host = |host: &str| {
        let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let url = format!(
            "https://{host}/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
             AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date={date}&X-Amz-Expires=60&\
             X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=0123"
        );
        format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
    };
    let pod = |claims: &str| {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part("{\"alg\":\"RS256\"}"),
            part(claims),
            part("signature")
        )
    };
    let now = Timestamp::now().as_second();
    let right = pod(&format!("{{\"iat\":{now},\"nbf\":{now},\"exp\":{}}}", now + 3600));
    let sandbox = "$(eksact token --sandbox -c quickstart --region eu-west-1)";
    let verified = format!("verify token {OF} {MADE}");
    let decode = |token: &str| case(format!("decode token {token}"));
    vec![
        case(format!(
            "verify token {OF} $(eksact token -c other --region eu-west-1)"
        ))
        .says("Make it with `eksact token --sandbox --cluster quickstart`.")
        .instead(format!(
            "verify token {OF} $(eksact token --sandbox --cluster quickstart)"
        ))
        .check(),
        real(&format!("--sandbox {OF} {MADE}"))
            .says("Leave out --sandbox to ask AWS about it.")
            .instead(verified.clone())
            .check(),
        real(&format!("{OF} {sandbox}"))
            .says("Verify it with --sandbox, or make one without --sandbox and EKSACT_SANDBOX.")
            .instead(format!("verify token --sandbox {OF} {sandbox}"))
            .check(),
        real(&format!("{OF} {sandbox}"))
            .says("Verify it with --sandbox, or make one without --sandbox and EKSACT_SANDBOX.")
            .instead(verified.clone())
            .check(),
        real(&format!("{OF} {}", of_host("sts.cn-north-1.amazonaws.com.cn")))
            .says("Make the token with the cluster's region: `eksact token --region`.")
            .instead(verified.clone())
            .check(),
        real(&format!(
            "{OF} {}",
            of_host("vpce-0abc.sts.eu-west-1.vpce.amazonaws.com")
        ))
        .says("or use `eksact token`, which ignores it.")
        .variable(
            "AWS_ENDPOINT_URL_STS",
            "https://vpce-0abc.sts.eu-west-1.vpce.amazonaws.com",
        )
        .instead(verified.clone())
        .check(),
        real(OF)
            .says("`eksact whoami --cluster quickstart` asks EKS")
            .in_its_place(&[("quickstart", "quickstart --region eu-west-1")])
            .check(),
        case(format!("verify token {OF} {right}"))
            .says("`eksact decode token` shows what it says.")
            .in_its_place(&[(
                "decode token",
                Box::leak(format!("decode token {right}").into_boxed_str()),
            )])
            .check(),
        decode(&pod(&format!("{{\"exp\":{}}}", now - 60)))
            .says("The kubelet renews a projected token in its file; read the file again.")
            .instead(format!("decode token {right}"))
            .check(),
        decode(&pod("{\"exp\":\"tomorrow\"}"))
            .says("Somebody edited the token, or its issuer is wrong: ask for a new one")
            .instead(format!("decode token {right}"))
            .check(),
        decode(&pod(&format!("{{\"nbf\":{}}}", now + 3600)))
            .says("set it, and read the token again.")
            .instead(format!("decode token {right}"))
            .check(),
    ]
}

/// Command lines.
fn words() -> Vec<Check> {
    vec![
        case(format!("whoami --sandbox-caller {DEV}"))
            .real()
            .says("Add --sandbox, or leave --sandbox-caller out and unset EKSACT_SANDBOX_CALLER.")
            .instead(format!("whoami --sandbox --sandbox-caller {DEV}"))
            .check(),
        Amazon::new(State::default())
            .case("whoami --region eu-west-1")
            .variable("EKSACT_SANDBOX_CALLER", DEV)
            .says("Add --sandbox, or leave --sandbox-caller out and unset EKSACT_SANDBOX_CALLER.")
            .set("EKSACT_SANDBOX_CALLER", "")
            .check(),
        case(format!(
            "update-kubeconfig {OF} --kubeconfig kc.yaml --proxy-url 'http://proxy.example:3128 '"
        ))
        .says("Remove it; a backslash at the end of a line must be its last character.")
        .instead(format!(
            "update-kubeconfig {OF} --kubeconfig kc.yaml --proxy-url http://proxy.example:3128"
        ))
        .check(),
        case("decode token")
            .on_terminal()
            .says("Pass it as an argument, or pipe it in: ")
            .instead(format!("decode token {MADE}"))
            .check(),
        case("decode token")
            .on_terminal()
            .says("Pass it as an argument, or pipe it in: ")
            .in_its_place(&[("NAME", "quickstart")])
            .check(),
        case("plan -f 'c.yaml '")
            .file("c.yaml", HEAD)
            .says("Write `c.yaml`; a backslash at the end of a line must be its last character.")
            .instead("plan -f c.yaml")
            .check(),
        case("delete iamserviceaccount -f c.yaml --only-missing")
            .file("c.yaml", HEAD)
            .says("with an empty list, `serviceAccounts: []`, all are deleted.")
            .write(
                "c.yaml",
                format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n"),
            )
            .check(),
    ]
}

/// Clusters that are not there, or refuse somebody who is mapped.
fn clusters() -> Vec<Check> {
    let amazon = || Amazon::new(State::default());
    let stale = Amazon::new(State {
        is_entry_of_another: true,
        ..State::default()
    });
    let strict = amazon();
    let of_account = |account: &str| format!("{HEAD}{ACCESS}account: {{{account}}}\n");
    vec![
        amazon()
            .case("get cluster --cluster quickstart2 --region eu-west-1")
            .says("`aws eks list-clusters` lists what is there.")
            .run("aws eks list-clusters")
            .instead("get cluster --cluster quickstart --region eu-west-1")
            .check(),
        amazon()
            .case("whoami --cluster Quickstart --region eu-west-1")
            .says("Check --cluster (upper and lower case count), --region and --profile; ")
            .printed(&[])
            .instead("whoami --cluster quickstart --region eu-west-1")
            .check(),
        strict
            .case("get accessentry -f c.yaml")
            .file(
                "c.yaml",
                of_account("roleARN: 'arn:aws:iam::111122223333:role/eksact'"),
            )
            .says("Let the caller in by the trust policy of the role")
            .does(strict.change(|state| state.roles = Roles::Everyone))
            .check(),
        amazon()
            .case("get accessentry -f c.yaml")
            .file("c.yaml", of_account("id: '444455556666'"))
            .says("or correct `id`.")
            .replace("c.yaml", "444455556666", "111122223333")
            .check(),
        stale
            .case("whoami --cluster quickstart --region eu-west-1")
            .says("delete the entry and create it again")
            .does(stale.change(|state| state.is_entry_of_another = false))
            .check(),
    ]
}
