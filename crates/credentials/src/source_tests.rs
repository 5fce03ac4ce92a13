//! Which source an environment leads to, and that no two identities share a key.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    Asked, CredentialSource, Environment, Keeps, SharedConfig, SourceError,
    source::{FIPS, identity, notes, region, shared_config, switch},
};

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
[profile region-only]
region = eu-west-3
use_fips_endpoint = True
[profile of-environment]
role_arn = arn:aws:iam::111122223333:role/Admin
credential_source = Environment
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
fn environment_beats_aws_profile_and_the_flag_beats_the_environment() {
    let home = Home::new();
    let mut both = AMBIENT.to_vec();
    both.push(("AWS_PROFILE", "plain"));
    assert_eq!(home.key(&both, None), "AKIAAMBIENT");
    assert_eq!(home.key(&both, Some("plain")), "AKIAPLAIN");
    assert_eq!(home.key(&[("AWS_PROFILE", "plain")], None), "AKIAPLAIN");
}

#[test]
fn profile_with_more_than_keys_must_be_asked_for() {
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
        error.contains("`typo`") && error.contains("admin, gnir, of-environment, plain"),
        "{error}"
    );
}

/// The SDK would sign with it.
#[test]
fn half_a_pair_of_keys_that_is_empty_is_refused() {
    let home = Home::new();
    let blank = "[blank]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key =\n";
    home.write(".aws/credentials", &format!("{CREDENTIALS}\n{blank}"));
    let error = home.find(&[], Some("blank")).unwrap_err().to_string();
    assert!(
        error.contains("`aws_secret_access_key` of profile `blank` is empty"),
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

    // As saml2aws writes it beside the keys.
    let session = |ends: &str| {
        let more = format!("aws_session_token = session\nx_security_token_expires = {ends}\n");
        home.write(".aws/credentials", &format!("{CREDENTIALS}{more}"));
        home.find(&[], Some("plain"))
    };
    let error = session("2026-01-01T00:59:59+01:00").unwrap_err();
    assert!(matches!(error, SourceError::ProfileExpired { .. }), "{error}");
    match session("2026-01-01T01:05:00+01:00").unwrap() {
        CredentialSource::Keys { credentials, .. } => {
            let ends: Timestamp = "2026-01-01T00:05:00Z".parse().unwrap();
            assert_eq!(credentials.expiry(), Some(ends.into()));
        }
        CredentialSource::Asked(asked) => panic!("{}", asked.place),
    }
}

#[test]
fn broken_file_is_told_with_its_line_and_not_its_content() {
    let home = Home::new();
    home.write(".aws/credentials", "[plain]\naws_secret_access_key\n");
    let error = home.find(&[], Some("plain")).unwrap_err().to_string();
    assert!(
        error.contains(".aws/credentials cannot be used: line 2:") && !error.contains("secret"),
        "{error}"
    );
    // Keys in the environment need no file.
    let environment = home.environment(&AMBIENT);
    assert!(shared_config(&environment, Some("plain")).is_err());
    let config = shared_config(&environment, None).unwrap();
    assert!(
        config.warnings.concat().contains("line 2"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn home_that_cannot_be_looked_into_has_no_files_and_a_file_that_was_named_must_be_there() {
    let home = Home::new();
    let no_folder = home.0.path().join(".aws/config");
    let no_folder = no_folder.to_str().unwrap();
    let environment: Environment = [("HOME", no_folder)].into_iter().collect();
    let config = SharedConfig::load(&environment).unwrap();
    assert_eq!(config.names(), [""; 0]);
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    let named = format!("{no_folder}/config");
    let environment: Environment = [("HOME", no_folder), ("AWS_CONFIG_FILE", named.as_str())]
        .into_iter()
        .collect();
    assert!(SharedConfig::load(&environment).is_err());
    // No home at all.
    let nothing = SharedConfig::load(&Environment::default()).unwrap();
    assert_eq!((nothing.names(), nothing.warnings.len()), (vec![], 0));
}

#[test]
fn source_that_gives_no_credentials_is_passed_over_unless_a_flag_names_it() {
    let home = Home::new();
    let instance = "the role of the EC2 instance";
    let asked = home.asked(&[("AWS_PROFILE", "region-only")], None);
    assert_eq!((asked.place.as_str(), asked.profile), (instance, None));
    let asked = home.asked(&[], Some("region-only"));
    assert_eq!(asked.profile.as_deref(), Some("region-only"));
    // A web identity needs its role.
    let without_role = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")];
    assert_eq!(home.asked(&without_role, None).place, instance);
}

#[test]
fn second_name_of_the_profile_variable_counts_where_the_first_is_not_set() {
    let home = Home::new();
    let second = ("AWS_DEFAULT_PROFILE", "plain");
    assert_eq!(home.key(&[second], None), "AKIAPLAIN");
    let asked = home.asked(&[second, ("AWS_PROFILE", "admin")], None);
    assert_eq!(asked.profile.as_deref(), Some("admin"));
    assert!(home.find(&[("AWS_DEFAULT_PROFILE", "typo")], None).is_err());
}

#[test]
fn profile_brings_its_region_and_its_endpoints() {
    let home = Home::new();
    let environment = home.environment(&[("AWS_DEFAULT_PROFILE", "region-only")]);
    let config = SharedConfig::load(&environment).unwrap();
    assert_eq!(region(&environment, &config, None).as_deref(), Some("eu-west-3"));
    assert_eq!(
        region(&environment, &config, Some("plain")).as_deref(),
        Some("eu-west-1")
    );
    assert!(switch(&environment, Some(&config), None, FIPS));
    assert!(!switch(&environment, Some(&config), Some("plain"), FIPS));
    let against = home.environment(&[("AWS_USE_FIPS_ENDPOINT", "false")]);
    assert!(!switch(&against, Some(&config), Some("region-only"), FIPS));
}

#[test]
fn source_that_is_ignored_is_said() {
    let home = Home::new();
    let said = |more: &[(&str, &str)], flag: Option<&str>| {
        let environment = home.environment(more);
        let config = SharedConfig::load(&environment).unwrap();
        notes(&environment, Some(&config), flag).join(" ")
    };
    let mut both = AMBIENT.to_vec();
    both.push(("AWS_PROFILE", "plain"));
    assert_eq!(
        said(&both, Some("admin")),
        "`--profile admin` is used; AWS_ACCESS_KEY_ID in the environment is ignored"
    );
    assert!(said(&both, None).contains("AWS_PROFILE=plain is ignored"));
    assert!(!said(&both, None).contains("AKIA"));
    assert_eq!(said(&both, Some("of-environment")), "", "they are used");
    assert_eq!(said(&[], Some("admin")), "");
    let names = [("AWS_PROFILE", "plain"), ("AWS_DEFAULT_PROFILE", "admin")];
    assert!(said(&names, None).contains("AWS_DEFAULT_PROFILE=admin"));
}

#[test]
fn key_changes_with_whatever_changes_the_identity() {
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
