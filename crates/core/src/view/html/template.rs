//! What all pages have alike: a template that escapes every value, and how a page's own policy (Content-Security-Policy) names the
//! style and script that it has.

use base64::Engine as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tera::{Context, Tera};

/// Tera escapes in templates whose name ends so.
const NAME: &str = "page.html";

/// A template, or why it is none.
pub(crate) type Template = Result<Tera, String>;

/// Parses a template, with the parts that it includes under their names.
pub(crate) fn template(text: &str, parts: &[(&str, &str)]) -> Template {
    let mut tera = Tera::default();
    let all = parts.iter().copied().chain([(NAME, text)]);
    match tera.add_raw_templates(all) {
        Ok(()) => Ok(tera),
        Err(error) => Err(error.to_string()),
    }
}

/// The page of a template with these values.
pub(crate) fn render(template: &Template, values: impl Serialize) -> Result<String, tera::Error> {
    match template {
        Ok(tera) => tera.render(NAME, &Context::from_serialize(values)?),
        Err(error) => Err(tera::Error::msg(error)),
    }
}

/// A style or script as the policy names it.
pub(crate) fn policy_hash(text: &str) -> String {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!("'sha256-{digest}'")
}
