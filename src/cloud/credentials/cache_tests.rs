//! What is served from the cache and what is not.

use std::{fs, os::unix::fs::PermissionsExt as _, time::SystemTime};

use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Cache, CacheFault, CacheFolder, Environment, Fingerprint};
use crate::authn::token::{self, Token, TokenRequest};

/// A home of its own, in a folder that the cache has to make.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> CacheFolder {
        CacheFolder::at(self.0.path().join("cache/eksact"))
    }

    fn cache(&self) -> Cache {
        Cache::in_folder(self.folder())
    }

    /// The one file in the cache.
    fn file(&self) -> std::path::PathBuf {
        let mut files = fs::read_dir(self.0.path().join("cache/eksact")).unwrap();
        files.next().unwrap().unwrap().path()
    }
}

fn at(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn key(name: &str) -> Fingerprint {
    Fingerprint::of(name)
}

fn session(ends: Option<Timestamp>) -> Credentials {
    Credentials::new(
        "ASIAEXAMPLE",
        "the-secret",
        Some("the-session".to_owned()),
        ends.map(SystemTime::from),
        "test",
    )
}

fn signed(time: Timestamp, credentials: &Credentials) -> Token {
    let request = TokenRequest {
        cluster: "prod",
        region: "eu-west-1",
        sts_host: "sts.eu-west-1.amazonaws.com",
        time,
    };
    token::sign(&request, credentials).unwrap()
}

#[test]
fn a_token_is_served_until_a_minute_before_its_end_and_never_under_another_key() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    home.cache().keep_token(&key("mine"), &token, at(0));
    let served = |name: &str, now| {
        home.cache()
            .token(&key(name), now)
            .map(|token| token.secret().to_owned())
    };
    assert_eq!(served("mine", at(0)).as_deref(), Some(token.secret()));
    assert_eq!(served("mine", at(13 * 60)).as_deref(), Some(token.secret()));
    assert_eq!(served("mine", at(13 * 60 + 1)), None);
    assert_eq!(served("mine", at(-60)), None, "signed in the future");
    assert_eq!(served("another", at(0)), None);
    // Nor when somebody gives the file the name of another key.
    let other = home
        .folder()
        .entry(&format!("token-{}.json", key("another").hex()));
    fs::rename(home.file(), other).unwrap();
    assert_eq!(served("another", at(0)), None);
}

#[test]
fn a_token_ends_with_its_credentials_in_the_cache_too() {
    let home = Home::new();
    let ends_soon = session(Some(at(5 * 60)));
    home.cache()
        .keep_token(&key("k"), &signed(at(0), &ends_soon), at(0));
    assert!(home.cache().token(&key("k"), at(4 * 60)).is_some());
    assert!(home.cache().token(&key("k"), at(4 * 60 + 1)).is_none());
}

#[test]
fn credentials_of_a_session_are_kept_and_long_term_keys_never() {
    let home = Home::new();
    let keys = Credentials::new("AKIAEXAMPLE", "the-secret", None, None, "test");
    for never in [keys, session(None)] {
        home.cache().keep_credentials(&key("k"), &never, at(0));
        assert!(!home.0.path().join("cache").exists());
    }
    home.cache()
        .keep_credentials(&key("k"), &session(Some(at(3600))), at(0));
    let kept = home.cache().credentials(&key("k"), at(58 * 60)).unwrap();
    assert_eq!(kept.session_token(), Some("the-session"));
    assert_eq!(kept.expiry(), Some(SystemTime::from(at(3600))));
    assert!(home.cache().credentials(&key("k"), at(58 * 60 + 1)).is_none());
    assert!(home.cache().credentials(&key("other"), at(0)).is_none());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.file()), 0o600);
    assert_eq!(mode(home.file().parent().unwrap()), 0o700);
}

#[test]
fn what_others_can_read_or_write_is_not_believed_and_is_replaced() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    for mode in [0o644, 0o620, 0o602] {
        home.cache().keep_token(&key("k"), &token, at(0));
        fs::set_permissions(home.file(), fs::Permissions::from_mode(mode)).unwrap();
        let mut cache = home.cache();
        assert!(cache.token(&key("k"), at(1)).is_none());
        assert!(matches!(cache.take_fault(), Some(CacheFault::NotPrivate { .. })));
        assert!(cache.take_fault().is_none(), "told once");
        cache.keep_token(&key("k"), &token, at(0));
        assert!(
            home.cache().token(&key("k"), at(1)).is_some(),
            "replaced by a private one"
        );
    }
    let folder = home.file().parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut cache = home.cache();
    assert!(cache.token(&key("k"), at(1)).is_none());
    cache.keep_token(&key("fresh"), &token, at(0));
    assert!(matches!(cache.take_fault(), Some(CacheFault::NotPrivate { .. })));
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "nothing is written there"
    );
}

#[test]
fn a_cache_that_cannot_be_made_is_told_once_and_nothing_fails() {
    let home = Home::new();
    fs::write(home.0.path().join("cache"), "a file in its place").unwrap();
    let mut cache = home.cache();
    let token = signed(at(0), &session(None));
    assert!(cache.token(&key("k"), at(0)).is_none());
    assert!(cache.lock(&key("k")).is_none());
    cache.keep_token(&key("k"), &token, at(0));
    assert!(matches!(cache.take_fault(), Some(CacheFault::Unusable { .. })));
    assert!(cache.take_fault().is_none());
}

#[test]
fn an_entry_that_is_broken_is_told_without_its_content() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    home.cache().keep_token(&key("k"), &token, at(0));
    for broken in ["", "{}", "[1]", "{\"key\": \"hush-hush\"", "\u{0}"] {
        fs::write(home.file(), broken).unwrap();
        let mut cache = home.cache();
        assert!(cache.token(&key("k"), at(1)).is_none(), "{broken}");
        let fault = cache.take_fault().unwrap();
        assert!(matches!(fault, CacheFault::Broken { .. }), "{fault}");
        assert!(!fault.to_string().contains("hush"), "{fault}");
    }
}

#[test]
fn one_process_holds_the_lock_and_others_see_what_it_wrote() {
    let home = Home::new();
    let mut first = home.cache();
    let held = first.lock(&key("k")).unwrap();
    let folder = home.folder();
    let name = format!("{}.lock", key("k").hex());
    assert!(folder.lock(&name, std::time::Duration::ZERO).unwrap().is_none());
    first.keep_credentials(&key("k"), &session(Some(at(3600))), at(0));
    drop(held);
    let mut second = home.cache();
    let _held = second.lock(&key("k")).unwrap();
    assert!(second.credentials(&key("k"), at(0)).is_some());
}

#[test]
fn the_folder_is_the_users() {
    let environment = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Environment>();
    let entry = |pairs: &[(&str, &str)]| {
        CacheFolder::of_user(&environment(pairs))
            .map(|folder| folder.entry("x").display().to_string())
            .ok()
    };
    assert_eq!(
        entry(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]).as_deref(),
        Some("/c/eksact/x")
    );
    assert!(
        entry(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")])
            .unwrap()
            .starts_with("/h/")
    );
    assert_eq!(entry(&[("HOME", "")]), None);
}

proptest! {
    /// Whatever stands in the file: it is served only if it could have been made by us and has a minute left.
    #[test]
    fn no_content_is_served_past_its_end(signed_at in -4000i64..4000, lives in -4000i64..4000, asked_at in -4000i64..4000) {
        let home = Home::new();
        let name = format!("token-{}.json", key("k").hex());
        let content = serde_json::json!({
            "key": key("k").hex(), "token": "k8s-aws-v1.x", "signed": at(signed_at), "expires": at(signed_at + lives),
        });
        home.folder().write(&name, content.to_string().as_bytes()).unwrap();
        if let Some(token) = home.cache().token(&key("k"), at(asked_at)) {
            prop_assert!(token.expires() >= at(asked_at + 60));
            prop_assert!(at(asked_at + 5) >= at(signed_at));
            prop_assert!(lives <= 14 * 60);
        }
    }
}
