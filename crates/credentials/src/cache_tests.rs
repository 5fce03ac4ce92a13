//! What is served from the cache and what is not.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Cache, CacheFault, CacheFolder, Environment, Fingerprint, cache_folder::Patience};
use eksact_identity::authn::token::{self, Token, TokenRequest};

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
fn token_is_served_until_a_minute_before_its_end_and_never_under_another_key() {
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
fn token_ends_with_its_credentials_in_the_cache_too() {
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
    assert_eq!(kept.since, Some(at(0)));
    let kept = kept.credentials;
    assert_eq!(kept.session_token(), Some("the-session"));
    assert_eq!(kept.expiry(), Some(SystemTime::from(at(3600))));
    assert!(home.cache().credentials(&key("k"), at(58 * 60 + 1)).is_none());
    assert!(home.cache().credentials(&key("other"), at(0)).is_none());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.file()), 0o600);
    assert_eq!(mode(home.file().parent().unwrap()), 0o700);
}

#[test]
fn cache_that_others_can_read_or_write_is_not_believed_and_is_replaced() {
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
fn cache_that_cannot_be_made_is_told_once_and_nothing_fails() {
    let home = Home::new();
    fs::write(home.0.path().join("cache"), "a file in its place").unwrap();
    let mut cache = home.cache();
    let token = signed(at(0), &session(None));
    assert!(cache.token(&key("k"), at(0)).is_none());
    assert!(cache.lock(&key("k"), false, &mut || {}).is_none());
    cache.keep_token(&key("k"), &token, at(0));
    assert!(matches!(cache.take_fault(), Some(CacheFault::Unusable { .. })));
    assert!(cache.take_fault().is_none());
}

#[test]
fn entry_that_is_broken_is_told_without_its_content() {
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
fn lock_is_held_by_one_process_and_others_see_what_it_wrote() {
    let home = Home::new();
    let mut first = home.cache();
    let held = first.lock(&key("k"), false, &mut || {}).unwrap();
    let folder = home.folder();
    let name = format!("{}.lock", key("k").hex());
    let mut told = 0;
    let mut patience = Patience {
        limit: Duration::from_millis(50),
        silent: Duration::ZERO,
        tell: &mut || told += 1,
    };
    assert!(folder.lock(&name, &mut patience).unwrap().is_none());
    assert_eq!(told, 1, "whoever waits is told why, once");
    first.keep_credentials(&key("k"), &session(Some(at(3600))), at(0));
    drop(held);
    let mut second = home.cache();
    let _held = second.lock(&key("k"), false, &mut || {}).unwrap();
    assert!(second.credentials(&key("k"), at(0)).is_some());
}

#[test]
fn pipe_or_a_link_in_the_place_of_an_entry_holds_nobody() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    home.cache().keep_token(&key("k"), &token, at(0));
    let entry = home.file();
    let lock = home.folder().entry(&format!("{}.lock", key("k").hex()));
    for path in [&entry, &lock] {
        let _ = fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    // Without the fix both wait for ever for somebody at the other end.
    let mut cache = home.cache();
    assert!(cache.token(&key("k"), at(1)).is_none());
    assert!(matches!(cache.take_fault(), Some(CacheFault::NotPrivate { .. })));
    assert!(cache.lock(&key("k"), false, &mut || {}).is_none());
    assert!(matches!(cache.take_fault(), Some(CacheFault::NotPrivate { .. })));
    home.cache().keep_token(&key("k"), &token, at(0));
    assert!(
        home.cache().token(&key("k"), at(1)).is_some(),
        "the pipe was replaced"
    );

    let elsewhere = home.0.path().join("elsewhere");
    fs::rename(&entry, &elsewhere).unwrap();
    symlink(&elsewhere, &entry).unwrap();
    assert!(
        home.cache().token(&key("k"), at(1)).is_none(),
        "a link is not followed"
    );
}

#[test]
fn files_that_are_old_are_removed_only_if_our_own() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    let write = |name: &str| {
        let path = home.folder().entry(name);
        fs::write(&path, "text").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let old = SystemTime::now() - Duration::from_hours(72);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        path
    };
    home.cache().keep_token(&key("k"), &token, at(0));
    let hex = |name: &str| key(name).hex();
    let ours = [
        format!("token-{}.json", hex("old")),
        format!("credentials-{}.json", hex("old")),
        format!("{}.lock", hex("old")),
        ".new-a1B2c3".to_owned(),
    ]
    .map(|name| write(&name));
    let foreign = ["main.rs", "token-notes.json", ".new-york", "Cargo.lock"].map(write);
    let mut cache = home.cache();
    let held = cache.lock(&key("held"), false, &mut || {}).unwrap();
    let held_path = write(&format!("{}.lock", hex("held")));
    cache.keep_token(&key("fresh"), &token, at(0));
    assert!(cache.token(&key("k"), at(1)).is_some());
    assert!(ours.iter().all(|path| !path.exists()), "{ours:?}");
    assert!(foreign.iter().all(|path| path.exists()), "{foreign:?}");
    assert!(held_path.exists(), "a lock stays while somebody holds it");
    drop(held);
    // A process that another test starts right now holds the lock too, until it is a program of its own.
    let begun = Instant::now();
    while held_path.exists() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "nobody holds it any more"
        );
        cache.keep_token(&key("fresh"), &token, at(0));
    }
}

#[test]
fn lock_that_was_removed_under_its_holder_is_not_the_lock() {
    let home = Home::new();
    let first = home.cache().lock(&key("k"), false, &mut || {}).unwrap();
    fs::remove_file(home.file()).unwrap();
    let second = home.cache().lock(&key("k"), false, &mut || {}).unwrap();
    drop(first);
    let name = format!("{}.lock", key("k").hex());
    let mut patience = Patience {
        limit: Duration::ZERO,
        silent: Duration::ZERO,
        tell: &mut || {},
    };
    assert!(home.folder().lock(&name, &mut patience).unwrap().is_none());
    drop(second);
}

#[test]
fn credentials_that_aws_no_longer_takes_are_forgotten_with_all_tokens() {
    let home = Home::new();
    let token = signed(at(0), &session(None));
    let ends = session(Some(at(3600)));
    let mut cache = home.cache();
    for name in ["refused", "other"] {
        cache.keep_credentials(&key(name), &ends, at(0));
        cache.keep_token(&key(name), &token, at(0));
    }
    cache.forget(&key("refused"));
    assert!(cache.credentials(&key("refused"), at(1)).is_none());
    assert!(cache.credentials(&key("other"), at(1)).is_some());
    assert!(cache.token(&key("refused"), at(1)).is_none());
    assert!(cache.token(&key("other"), at(1)).is_none());
    assert!(cache.take_fault().is_none());
}

#[test]
fn folder_is_the_users() {
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
    fn cache_serves_nothing_past_its_end(signed_at in -4000i64..4000, lives in -4000i64..4000, asked_at in -4000i64..4000) {
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
