//! Which source an environment leads to, and that no two identities share a key.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Asked, CredentialSource, Environment, Keeps, SharedConfig, SourceError, source::identity};

/// A home with AWS files in it.
struct Home(TempDir);

const CONFIG: &str = "\
[profile plain]
region = eu-west-1
[profile admin]
role_arn = arn:aws:iam::111122223333:role/Admin
source_profile = plain
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = View
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.awsapps.com/start
[profile process]
credential_process = /bin/give
[profile role-of-process]
role_arn = arn:aws:iam::111122223333:role/Admin
source_profile = process
[profile ring]
role_arn = arn:aws:iam::111122223333:role/Ring
source_profile = gnir
[profile gnir]
role_arn = arn:aws:iam::111122223333:role/Gnir
source_profile = ring
";

const CREDENTIALS: &str = "\
[plain]
aws_access_key_id = AKIAPLAIN
aws_secret_access_key = plain-secret
";

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write(".aws/config", CONFIG);
        home.write(".aws/credentials", CREDENTIALS);
        home
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let home = self.0.path().to_str().unwrap();
        [("HOME", home)].into_iter().chain(more.iter().copied()).collect()
    }

    fn find(&self, more: &[(&str, &str)], flag: Option<&str>) -> Result<CredentialSource, SourceError> {
        let environment = self.environment(more);
        let config = SharedConfig::load(&environment)?;
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        CredentialSource::find(&environment, &config, flag, now)
    }

    fn asked(&self, more: &[(&str, &str)], flag: Option<&str>) -> Asked {
        match self.find(more, flag).unwrap() {
            CredentialSource::Asked(asked) => asked,
            CredentialSource::Keys { place, .. } => panic!("{place}"),
        }
    }

    fn key(&self, more: &[(&str, &str)], flag: Option<&str>) -> String {
        match self.find(more, flag).unwrap() {
            CredentialSource::Keys { credentials, .. } => credentials.access_key_id().to_owned(),
            CredentialSource::Asked(asked) => panic!("{}", asked.place),
        }
    }

    fn identity(&self, more: &[(&str, &str)], flag: Option<&str>) -> String {
        let environment = self.environment(more);
        let config = SharedConfig::load(&environment).unwrap();
        let files = match self.find(more, flag).unwrap() {
            CredentialSource::Asked(asked) => asked.files,
            CredentialSource::Keys { .. } => Vec::new(),
        };
        identity(&environment, &config, flag, &files).hex()
    }
}

const AMBIENT: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAAMBIENT"),
    ("AWS_SECRET_ACCESS_KEY", "ambient-secret"),
];

#[test]
fn the_environment_beats_aws_profile_and_the_flag_beats_the_environment() {
    let home = Home::new();
    let mut both = AMBIENT.to_vec();
    both.push(("AWS_PROFILE", "plain"));
    assert_eq!(home.key(&both, None), "AKIAAMBIENT");
    assert_eq!(home.key(&both, Some("plain")), "AKIAPLAIN");
    assert_eq!(home.key(&[("AWS_PROFILE", "plain")], None), "AKIAPLAIN");
}

#[test]
fn a_profile_with_more_than_keys_must_be_asked_for() {
    let home = Home::new();
    let keeps = |profile: &str| home.asked(&[], Some(profile)).keeps;
    assert_eq!(keeps("admin"), Keeps::TokenAndCredentials);
    assert_eq!(keeps("sso"), Keeps::TokenAndCredentials);
    assert_eq!(
        keeps("process"),
        Keeps::Nothing,
        "its next answer may be another identity"
    );
    assert_eq!(
        keeps("role-of-process"),
        Keeps::Nothing,
        "and so may the role's session"
    );
    assert_eq!(
        keeps("ring"),
        Keeps::TokenAndCredentials,
        "and a circle is told by whoever asks"
    );
    let file = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";
    let pod = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
    ];
    assert_eq!(home.asked(&pod, None).files, [Path::new(file)]);
    assert_eq!(home.asked(&[], None).keeps, Keeps::Token, "the instance");
    let error = home.find(&AMBIENT, Some("typo")).unwrap_err().to_string();
    assert!(
        error.contains("`typo`") && error.contains("admin, gnir, plain"),
        "{error}"
    );
}

#[test]
fn keys_that_say_that_they_have_expired_are_refused() {
    let home = Home::new();
    let mut expired = AMBIENT.to_vec();
    expired.push(("AWS_SESSION_TOKEN", "session"));
    expired.push(("AWS_CREDENTIAL_EXPIRATION", "2025-12-31T23:59:59+00:00"));
    let error = home.find(&expired, None).unwrap_err();
    assert!(matches!(error, SourceError::Expired { .. }), "{error}");
    expired[3].1 = "2026-01-01T00:10:00Z";
    assert!(home.find(&expired, None).is_ok());
}

#[test]
fn a_broken_file_is_told_with_its_line_and_not_its_content() {
    let home = Home::new();
    home.write(".aws/credentials", "[plain]\naws_secret_access_key\n");
    let error = home.find(&[], Some("plain")).unwrap_err().to_string();
    assert!(error.contains('2') && !error.contains("secret"), "{error}");
}

#[test]
fn whatever_changes_the_identity_changes_the_key() {
    let home = Home::new();
    let mut keys = BTreeSet::new();
    let mut distinct = |key: String, what: &str| assert!(keys.insert(key), "{what}");
    let first = home.identity(&[], Some("sso"));
    assert_eq!(
        first,
        home.identity(&[("LANG", "C"), ("PWD", "/tmp")], Some("sso"))
    );
    distinct(first, "the profile sso");
    distinct(
        home.identity(&[("AWS_PROFILE", "sso")], None),
        "the same by environment",
    );
    distinct(home.identity(&[], Some("admin")), "another profile");
    distinct(home.identity(&AMBIENT, Some("sso")), "keys in the environment");
    let other = [
        ("AWS_ACCESS_KEY_ID", "AKIAAMBIENT"),
        ("AWS_SECRET_ACCESS_KEY", "other"),
    ];
    distinct(home.identity(&other, Some("sso")), "another secret");
    // SHA-1 of `corp`, as the AWS CLI names the file of the session.
    let token = format!(
        ".aws/sso/cache/{}.json",
        hex::encode(<sha1::Sha1 as sha1::Digest>::digest(b"corp"))
    );
    home.write(&token, "{\"accessToken\": \"jane\"}");
    distinct(home.identity(&[], Some("sso")), "a login");
    home.write(&token, "{\"accessToken\": \"john\"}");
    distinct(home.identity(&[], Some("sso")), "another person's login");
    home.write(".aws/config", &CONFIG.replace("role/Admin", "role/Reader"));
    distinct(home.identity(&[], Some("admin")), "another role in the profile");
    home.write(
        ".aws/credentials",
        &CREDENTIALS.replace("plain-secret", "rotated"),
    );
    distinct(home.identity(&[], Some("admin")), "another key below the role");
    let elsewhere = home.0.path().join("elsewhere");
    fs::write(&elsewhere, CONFIG).unwrap();
    let elsewhere = [("AWS_CONFIG_FILE", elsewhere.to_str().unwrap())];
    distinct(home.identity(&elsewhere, Some("admin")), "another file");
}
