//! The page is judged by a tokenizer of the HTML standard: whatever the plan's texts are, no tag, attribute or script comes of
//! them, and they are on the page as text.

use std::collections::BTreeSet;

use html5gum::{Token, Tokenizer};
use proptest::prelude::*;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::fleet::{Outcome, Status};
use crate::view::{
    fleet_human::Run,
    hostile::{HOSTILE, plan_of},
    samples,
    text::is_harmful,
};

const TAGS: [&str; 40] = [
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "footer", "h1", "h2",
    "h4", "p", "ul", "li", "strong", "code", "pre", "span", "fieldset", "legend", "label", "input",
    "article", "details", "summary", "div", "b", "ol", "em", "br", "h3", "table", "thead", "tbody", "tr",
    "th", "td", "a",
];
const ATTRIBUTES: [&str; 17] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "type",
    "id",
    "checked",
    "open",
    "tabindex",
    "role",
    "aria-label",
    "title",
    "value",
    "scope",
    "href",
];

/// The text of the page outside of its style sheet; what is no part of the template fails.
fn text_of(page: &str) -> String {
    let mut text = String::new();
    let mut is_style = false;
    let mut open: Vec<String> = Vec::new();
    for token in Tokenizer::new(page) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8(tag.name.0).unwrap();
                assert!(TAGS.contains(&name.as_str()), "{name}");
                for (attribute, value) in &tag.attributes {
                    let attribute = std::str::from_utf8(attribute).unwrap();
                    let value = std::str::from_utf8(&value.value).unwrap();
                    assert!(ATTRIBUTES.contains(&attribute), "{attribute}");
                    let known = |value: &str| {
                        value
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || " -_".contains(c))
                    };
                    assert!(
                        known(value) || ["content", "aria-label", "href"].contains(&attribute),
                        "{attribute}={value}"
                    );
                    // A link leads to a section of the page and nowhere else.
                    let place = value.strip_prefix("#cluster-").map(str::parse::<usize>);
                    assert!(attribute != "href" || matches!(place, Some(Ok(_))), "{value}");
                }
                is_style = name == "style";
                if !["meta", "input"].contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => {
                is_style = false;
                assert_eq!(open.pop(), Some(String::from_utf8(tag.name.0).unwrap()));
            }
            Token::String(words) if !is_style => text.push_str(std::str::from_utf8(&words.value).unwrap()),
            Token::String(_) | Token::Doctype(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    text
}

fn assert_text(plan: &Plan, page: &str) {
    let text = text_of(page);
    for change in &plan.changes {
        assert!(
            text.contains(&*harmless(&change.address.to_string())),
            "{}",
            change.address
        );
        for line in lines_of(change, plan) {
            assert!(text.contains(&line.text), "{}", line.text);
        }
    }
    for finding in &plan.findings {
        assert!(text.contains(&*harmless(&finding.message)));
    }
    assert_alone(page);
}

/// It runs nothing, and what a terminal or a reader would obey is in no text.
fn assert_alone(page: &str) {
    assert_eq!(page.matches("<script").count(), 0);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(!page.chars().any(|c| c != '\n' && is_harmful(c)));
}

/// The page of many clusters, with a section for each but the unchanged one.
fn assert_fleet(fleet: &[Outcome], run: Run) -> String {
    let page = fleet_html(fleet, run, "0.1.0").unwrap();
    let text = text_of(&page);
    for outcome in fleet {
        assert!(text.contains(&*harmless(&outcome.label())), "{}", outcome.label());
        for change in outcome.plan.iter().flat_map(|plan| &plan.changes) {
            assert!(
                text.contains(&*harmless(&change.address.to_string())),
                "{}",
                change.address
            );
        }
        for line in outcome.problem.iter().flat_map(|problem| problem.message.lines()) {
            assert!(text.contains(&*harmless(line)), "{line}");
        }
    }
    assert_alone(&page);
    page
}

#[test]
fn many_clusters_are_a_table_and_a_section_for_each_that_matters() {
    let page = assert_fleet(&samples::fleet(), Run::Plan);
    assert_eq!(page.matches("<tr>").count(), 1 + 4);
    assert_eq!(page.matches("<section class=\"cluster\"").count(), 3);
    for number in [1, 3, 4] {
        assert!(page.contains(&format!("<a href=\"#cluster-{number}\">")));
        assert!(page.contains(&format!("id=\"cluster-{number}\"")));
    }
    assert!(!page.contains("#cluster-2\""), "nothing is to be seen of it");
    // One filter, over the changes of all.
    assert_eq!(page.matches("id=\"show-all\"").count(), 1);
    let two = [samples::fleet(), samples::fleet()].concat();
    let count = samples::plan().changes.len();
    assert!(assert_fleet(&two, Run::Plan).contains(&format!("all ({})", 2 * count)));
    let applied = assert_fleet(&samples::fleet_applied(), Run::Apply);
    assert!(applied.contains("Given up in flight"), "the report of its apply");
    // Nothing changes anywhere: no filter, no section.
    let quiet = assert_fleet(&samples::fleet()[1..2], Run::Plan);
    assert!(!quiet.contains("<fieldset>") && !quiet.contains("<section"));
}

#[test]
fn page_has_no_script_and_names_nothing_to_load() {
    let page = plan_html(&samples::plan(), &samples::plan().digest(), Some("cluster.yaml")).unwrap();
    assert_text(&samples::plan(), &page);
    for outside in [
        "http:",
        "https:",
        "src=",
        "href=",
        "url(",
        "@import",
        "<link",
        "<script",
        "javascript:",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    assert!(page.contains(&format!(
        "content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\""
    )));
}

/// A class, an id or a tag that only one of the two knows does nothing.
#[test]
fn style_sheet_and_the_template_know_the_same_filters() {
    let ids: BTreeSet<String> = filters(&samples::plan().changes.iter().collect::<Vec<_>>())
        .iter()
        .filter(|filter| filter.id != "all")
        .map(|filter| format!("#show-{}:checked", filter.id))
        .collect();
    for id in &ids {
        assert!(STYLE.contains(id.as_str()), "{id}");
    }
    assert_eq!(STYLE.matches(":checked) .change").count(), ids.len());
}

#[test]
fn hostile_text_stays_text() {
    for hostile in HOSTILE {
        for text in [hostile.to_owned(), format!("{hostile}\"'>{hostile}")] {
            let plan = plan_of(12, &[text]);
            assert_text(&plan, &plan_html(&plan, &plan.digest(), None).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn text_never_becomes_a_tag(
        texts in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned), ".{0,6}", "[<>&\"'/=a-c -]{0,8}"],
                0..5,
            ).prop_map(|parts| parts.concat()),
            1..5,
        ),
        count in 0..24_usize,
    ) {
        let plan = plan_of(count, &texts);
        assert_text(&plan, &plan_html(&plan, &plan.digest(), Some(&texts[0])).unwrap());
        let mut fleet = samples::fleet_applied();
        fleet.push(Outcome { plan: Some(plan), status: Status::Changes, run: None, ..fleet[0].clone() });
        for (outcome, text) in fleet.iter_mut().zip(texts.iter().cycle()) {
            outcome.files = vec![text.clone()];
            outcome.digest = Some(text.clone());
            if let Some(problem) = &mut outcome.problem {
                problem.message.clone_from(text);
            }
        }
        assert_fleet(&fleet, Run::Apply);
    }
}
