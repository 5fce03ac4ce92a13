//! What an ARN says of a resource's account, and whether its service knows policies of resources.

/// The account in an ARN; none where it has none, as those of S3.
pub fn account_of(resource: Option<&str>) -> Option<&str> {
    let account = resource?.split(':').nth(4)?;
    crate::iam::arn::is_account_id(account).then_some(account)
}

/// Whether this is one action: `s3:GetObject`.
pub fn is_action(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once(':')
        .is_some_and(|(service, name)| is_word(service) && is_word(name))
}

/// Whether the resources of a service can have policies of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// They have none.
    None,
    /// They may have one beside the policies of principals.
    Beside,
    /// They have one that must let everybody in.
    Gate,
}

/// Services whose resources have no policies ("AWS services that work with IAM", column "Resource-based policies"), as of
/// 2026-11. Of every other one it is not known here.
const WITHOUT: [&str; 36] = [
    "access-analyzer",
    "account",
    "acm",
    "application-autoscaling",
    "autoscaling",
    "autoscaling-plans",
    "batch",
    "ce",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "cognito-identity",
    "cognito-idp",
    "config",
    "ec2",
    "ec2messages",
    "ecs",
    "eks",
    "eks-auth",
    "elasticache",
    "elasticloadbalancing",
    "fsx",
    "guardduty",
    "iam",
    "inspector2",
    "organizations",
    "pricing",
    "rds",
    "route53",
    "savingsplans",
    "servicequotas",
    "ssmmessages",
    "support",
    "tag",
    "waf-regional",
    "wafv2",
];

/// Whether what an action is about may have a policy of its own.
pub fn sharing(action: &str) -> Sharing {
    let service = action.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let is_assuming = || {
        let name = action.split(':').nth(1).unwrap_or_default().to_ascii_lowercase();
        name.starts_with("assumerole")
            || ["tagsession", "setsourceidentity", "setcontext"].contains(&name.as_str())
    };
    match service.as_str() {
        "kms" => Sharing::Gate,
        "sts" if is_assuming() => Sharing::Gate,
        "sts" => Sharing::None,
        service if WITHOUT.contains(&service) => Sharing::None,
        _ => Sharing::Beside,
    }
}
