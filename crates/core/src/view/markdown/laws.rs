//! Markdown is judged by `pulldown-cmark` with GitHub's extensions, and its HTML by a tokenizer of the HTML standard:
//! whatever the plan's texts are, the blocks are those that the view made, and the texts are text.

use html5gum::{Token, Tokenizer};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::view::{
    hostile::{HOSTILE, plan_of},
    text::{harmless, is_harmful},
};

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

/// What a reader sees of one document.
#[derive(Debug, Default)]
struct Read {
    /// Headings, by their text.
    headings: Vec<String>,
    /// Fences: what is in each.
    fences: Vec<String>,
    /// Code spans.
    codes: Vec<String>,
    /// Summaries of what is folded.
    summaries: Vec<String>,
    /// The comments.
    comments: Vec<String>,
    /// Text outside of code.
    words: String,
    /// Bold words.
    bold: Vec<String>,
    /// Items of lists, at any depth.
    items: usize,
}

/// Reads a document, and refuses everything that the view does not make.
fn read(markdown: &str) -> Read {
    let mut read = Read::default();
    let mut open: Vec<TagEnd> = Vec::new();
    let mut html = String::new();
    let mut text = String::new();
    for event in Parser::new_ext(markdown, options()) {
        match event {
            Event::Start(tag) => {
                assert!(
                    matches!(
                        tag,
                        Tag::Paragraph
                            | Tag::Heading { .. }
                            | Tag::HtmlBlock
                            | Tag::List(None)
                            | Tag::Item
                            | Tag::Strong
                            | Tag::CodeBlock(CodeBlockKind::Fenced(_))
                    ),
                    "{tag:?} in\n{markdown}"
                );
                if let Tag::CodeBlock(CodeBlockKind::Fenced(info)) = &tag {
                    assert_eq!(&**info, "diff");
                }
                if matches!(tag, Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Strong) {
                    text.clear();
                }
                open.push(tag.to_end());
            }
            Event::End(tag) => {
                assert_eq!(open.pop(), Some(tag));
                match tag {
                    TagEnd::Heading(_) => read.headings.push(text.clone()),
                    TagEnd::CodeBlock => read.fences.push(text.clone()),
                    TagEnd::Strong => read.bold.push(text.clone()),
                    TagEnd::Item => read.items += 1,
                    TagEnd::HtmlBlock => html.push('\n'),
                    _ => {}
                }
            }
            Event::Text(words) => {
                if open.last() != Some(&TagEnd::CodeBlock) {
                    read.words.push_str(&words);
                    read.words.push(' ');
                }
                text.push_str(&words);
            }
            Event::Code(words) => {
                read.codes.push(words.to_string());
                text.push_str(&words);
            }
            Event::Html(raw) => html.push_str(&raw),
            Event::SoftBreak => text.push(' '),
            other => panic!("{other:?} in\n{markdown}"),
        }
    }
    assert!(open.is_empty());
    read_html(&html, &mut read);
    read
}

/// The raw HTML, taken together: `details` with a `summary` each, with `code` and `b` in it, and comments.
fn read_html(html: &str, read: &mut Read) {
    let mut open: Vec<String> = Vec::new();
    let mut summary = String::new();
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8(tag.name.0).unwrap();
                assert!(tag.attributes.is_empty(), "{html}");
                let parent = open.last().map(String::as_str);
                assert!(
                    matches!(
                        (parent, name.as_str()),
                        (None, "details") | (Some("details"), "summary") | (Some("summary"), "code" | "b")
                    ),
                    "{name} in {parent:?}"
                );
                if name == "summary" {
                    summary.clear();
                }
                open.push(name);
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8(tag.name.0).unwrap();
                assert_eq!(open.pop().as_ref(), Some(&name));
                if name == "summary" {
                    read.summaries.push(summary.clone());
                }
            }
            Token::String(text) => {
                let text = String::from_utf8(text.value.0).unwrap();
                match open.last().map(String::as_str) {
                    Some("summary" | "code" | "b") => summary.push_str(&text),
                    _ => assert!(text.trim().is_empty(), "{text:?}"),
                }
            }
            Token::Comment(text) => read.comments.push(String::from_utf8(text.value.0).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// The blocks are those of `plan`, and its texts are in them as text.
fn assert_whole(plan: &Plan, markdown: &str) {
    let read = read(markdown);
    let changes = by_risk(plan);
    assert_eq!(read.comments.len(), 1);
    assert!(read.comments[0].starts_with(" eksact:plan:") && markdown.starts_with("<!-- eksact:plan:"));
    assert!(read.comments[0].ends_with(&format!(":{} ", plan.digest())));
    // Every change that is folded: its address in the summary, its lines in the fence, and nothing else.
    let short: Vec<&str> = read
        .summaries
        .iter()
        .map(String::as_str)
        .filter(|summary| summary.ends_with(" without detail"))
        .collect();
    assert!(short.len() <= 1);
    assert_eq!(read.fences.len(), read.summaries.len() - short.len());
    let mut left = changes.iter();
    for (summary, fence) in read.summaries.iter().zip(&read.fences) {
        let change = left
            .find(|change| summary.contains(&*harmless(&change.address.to_string())))
            .unwrap_or_else(|| panic!("{summary} is no change in its order"));
        let lines: Vec<String> = lines_of(change, plan)
            .iter()
            .map(crate::view::plan_lines::Line::in_diff)
            .collect();
        assert_eq!(*fence, format!("{}\n", lines.join("\n")));
        for line in fence.lines() {
            assert!(line.starts_with(['+', '-', '!', ' ', '#']), "{line:?}");
        }
    }
    // Outside of code there is nothing that GitHub makes a link or a notice of.
    for harmful in ["@", "#", "://", "www.", "<", "|", "[", "`", "_", "*", "~", "\\"] {
        assert!(!read.words.contains(harmful), "{harmful} in {:?}", read.words);
    }
    assert!(!markdown.chars().any(|c| c != '\n' && is_harmful(c)));
}

#[test]
fn hostile_plan_of_500_changes_keeps_its_blocks_within_60_000_bytes() {
    let texts: Vec<String> = HOSTILE.iter().map(|text| format!("a{text}b {text}")).collect();
    let plan = plan_of(500, &texts);
    let markdown = plan_markdown(&plan, &plan.digest(), Some("a`b|@team.yaml"), Some(60_000));
    assert!(markdown.len() <= 60_000, "{}", markdown.len());
    assert!(markdown.len() > 50_000, "the room is used: {}", markdown.len());
    assert_whole(&plan, &markdown);
    let read = read(&markdown);
    // Of 500, those without detail are listed or counted.
    let listed: usize = read
        .summaries
        .iter()
        .filter_map(|summary| {
            summary
                .strip_suffix(" changes without detail")?
                .parse::<usize>()
                .ok()
        })
        .sum();
    let words = &read.words;
    let counted = words
        .split(['.', ':', ';'])
        .filter_map(|part| part.trim().strip_suffix(" changes")?.parse::<usize>().ok())
        .sum::<usize>();
    assert_eq!(read.fences.len() + listed + counted, 500, "{words}");
    // What gives more access comes before what does not, and refusals before both.
    let at = |heading: &str| read.headings.iter().position(|one| one == heading);
    assert!(
        at("Refused") < at("Gives more access, or may") && at("Gives more access, or may") < at("Changes")
    );
    // Without a limit everything is there.
    let whole = plan_markdown(&plan, &plan.digest(), None, None);
    assert_whole(&plan, &whole);
    assert_eq!(super::laws::read(&whole).fences.len(), 500);
}

#[test]
fn hostile_text_alone_stays_text() {
    for hostile in HOSTILE {
        for text in [
            hostile.to_owned(),
            format!("{hostile}{hostile}"),
            format!(" {hostile} x"),
            format!("x {hostile}"),
        ] {
            let plan = plan_of(12, &[text]);
            assert_whole(&plan, &plan_markdown(&plan, &plan.digest(), None, None));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn text_never_breaks_out(
        texts in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned), ".{0,6}", "[`~<>!@#| \n-]{0,5}"],
                0..5,
            ).prop_map(|parts| parts.concat()),
            1..5,
        ),
        count in 0..24_usize,
        limit in prop::option::of(LEAST_BYTES..20_000),
    ) {
        let plan = plan_of(count, &texts);
        let markdown = plan_markdown(&plan, &plan.digest(), Some(&texts[0]), limit);
        prop_assert!(limit.is_none_or(|limit| markdown.len() <= limit));
        assert_whole(&plan, &markdown);
    }
}
