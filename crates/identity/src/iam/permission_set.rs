//! The roles that permission sets of IAM Identity Center make in an account.

use super::Arn;

/// The path of these roles begins so; where Identity Center has a region of its own, that follows.
pub const PATH: &str = "/aws-reserved/sso.amazonaws.com/";
/// How the names of these roles begin; the permission set's name and sixteen hex digits follow, with `_` between
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
pub const ROLE_PREFIX: &str = "AWSReservedSSO_";
const SUFFIX_DIGITS: usize = 16;

/// The permission set whose role has this name.
pub fn permission_set_of(role_name: &str) -> Option<&str> {
    let (set, suffix) = role_name.strip_prefix(ROLE_PREFIX)?.rsplit_once('_')?;
    let is_suffix = suffix.len() == SUFFIX_DIGITS && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_suffix && !set.is_empty()).then_some(set)
}

/// The permission set whose role this principal is, by its path and its name; none where the text is no ARN of such a role.
pub fn permission_set_of_principal(arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    let name = arn.role_name()?;
    let path = arn.resource.strip_prefix("role")?.strip_suffix(name)?;
    path.starts_with(PATH)
        .then(|| permission_set_of(name))
        .flatten()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_set_may_hold_underscores() {
        let table = [
            ("AWSReservedSSO_Admin_0123456789abcdef", Some("Admin")),
            ("AWSReservedSSO_View_Only_0123456789abcdef", Some("View_Only")),
            ("AWSReservedSSO_Admin", None),
            ("AWSReservedSSO_Admin_0123", None),
            ("AWSReservedSSO__0123456789abcdef", None),
            ("Admin_0123456789abcdef", None),
        ];
        for (role, expected) in table {
            assert_eq!(permission_set_of(role), expected, "{role}");
            let arn =
                format!("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/{role}");
            assert_eq!(permission_set_of_principal(&arn).as_deref(), expected, "{arn}");
            let arn = format!("arn:aws:iam::111122223333:role/team/{role}");
            assert_eq!(permission_set_of_principal(&arn), None, "{arn}");
        }
    }
}
