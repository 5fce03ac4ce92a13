//! What is exported, item by item, and the text that a person would write for it.
//!
//! Each item knows its objects and, once written, its lines: what a plan over the text would change is found in it again.

use std::{fmt::Write as _, ops::RangeInclusive};

use crate::{config::location::SourceLocation, engine::Address};
use eksact_message::harmful::is_harmful;
use eksact_yaml::edit::Value;

/// One thing in the file: an item of a list, or the value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Its name in comments.
    pub name: String,
    /// The objects that it is about.
    pub addresses: Vec<Address>,
    /// What the file says of it.
    pub value: Value,
}

/// What is there and not in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The key of the file in which it would be.
    pub section: &'static str,
    /// What it is.
    pub name: String,
    /// Why the file does not have it.
    pub why: String,
}

/// A key of the file with what it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// The key under which it stands; none for one at the top.
    pub parent: Option<&'static str>,
    /// Its own key.
    pub key: &'static str,
    /// Whether it is a list; else it has one item at most.
    pub is_list: bool,
    /// What is in the file, in order.
    pub items: Vec<Item>,
    /// What is not.
    pub left_out: Vec<LeftOut>,
}

impl Section {
    /// An empty list.
    pub(super) fn list(parent: Option<&'static str>, key: &'static str) -> Self {
        Self {
            parent,
            key,
            is_list: true,
            items: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The value of a key, or none.
    pub(super) fn value(parent: Option<&'static str>, key: &'static str, item: Option<Item>) -> Self {
        Self {
            is_list: false,
            items: item.into_iter().collect(),
            ..Self::list(parent, key)
        }
    }

    /// Says that something is not in the file.
    pub(super) fn leave_out(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            section: self.key,
            name: name.into(),
            why: why.into(),
        });
    }
}

/// Which item of which section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    section: usize,
    item: usize,
}

/// The whole of it: sections of a `ClusterConfig`, and of a `ClusterAccess` where there is anything for one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// Name of the cluster.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// Its Kubernetes version.
    pub version: Option<String>,
    /// The sections, in the order of the file.
    pub config: Vec<Section>,
    /// Those of the `ClusterAccess`.
    pub access: Vec<Section>,
}

/// A text and where each item stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The text.
    pub text: String,
    places: Vec<(Place, RangeInclusive<u32>)>,
    sections: Vec<(usize, u32)>,
}

impl Document {
    fn sections(&self) -> impl Iterator<Item = &Section> {
        self.config.iter().chain(&self.access)
    }

    fn section(&mut self, index: usize) -> Option<&mut Section> {
        self.config.iter_mut().chain(&mut self.access).nth(index)
    }

    /// Everything that is not in the file.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        self.sections()
            .flat_map(|section| &section.left_out)
            .cloned()
            .collect()
    }

    /// The items that this object is of.
    pub(super) fn about(&self, address: &Address) -> Vec<Place> {
        let mut found = Vec::new();
        for (section, one) in self.sections().enumerate() {
            let items = one.items.iter().enumerate();
            let own = items.filter(|(_, item)| item.addresses.contains(address));
            found.extend(own.map(|(item, _)| Place { section, item }));
        }
        found
    }

    /// Every item of a section.
    fn whole(&self, section: usize) -> Vec<Place> {
        let count = self.sections().nth(section).map_or(0, |one| one.items.len());
        (0..count).map(|item| Place { section, item }).collect()
    }

    /// Takes items out of the file and says why. The places are of this moment.
    pub(super) fn leave_out(&mut self, blamed: &[(Place, String)]) {
        let mut blamed: Vec<&(Place, String)> = blamed.iter().collect();
        // From the end, so that the places before stay true; of one item the first reason counts.
        blamed.sort_by_key(|(place, _)| *place);
        blamed.dedup_by_key(|(place, _)| *place);
        for (place, why) in blamed.into_iter().rev() {
            let Some(section) = self.section(place.section) else {
                continue;
            };
            if place.item < section.items.len() {
                let item = section.items.remove(place.item);
                section.leave_out(item.name, why);
            }
        }
        for section in self.config.iter_mut().chain(&mut self.access) {
            section.left_out.sort();
        }
    }

    /// The text.
    pub(super) fn written(&self) -> Written {
        let mut page = Page::default();
        page.comment(
            0,
            &format!(
                "The access to cluster {} in {}, as eksact exported it.",
                self.cluster, self.region
            ),
        );
        if self.sections().any(|section| !section.left_out.is_empty()) {
            page.comment(
                0,
                "The comments name what is there and not in this file. What eksact made of it, --prune would delete.",
            );
        }
        page.lines
            .extend(["apiVersion: eksctl.io/v1alpha5", "kind: ClusterConfig", ""].map(str::to_owned));
        let mut metadata = vec![
            ("name".to_owned(), Value::text(&self.cluster)),
            ("region".to_owned(), Value::text(&self.region)),
        ];
        if let Some(version) = &self.version {
            metadata.push(("version".to_owned(), Value::text(version)));
        }
        page.value("metadata", Value::Mapping(metadata), 0);
        page.sections(&self.config, 0);
        if self.access.iter().any(|section| !section.items.is_empty()) {
            page.lines.extend(
                [
                    "---",
                    "apiVersion: eksact.dev/v1alpha1",
                    "kind: ClusterAccess",
                    "",
                ]
                .map(str::to_owned),
            );
            let metadata = [("name", &self.cluster), ("region", &self.region)];
            page.value(
                "metadata",
                Value::mapping(metadata.map(|(key, text)| (key, Value::text(text)))),
                0,
            );
        }
        page.sections(&self.access, self.config.len());
        let mut text = String::new();
        for line in &page.lines {
            // To a text everything can be written.
            let _ = writeln!(text, "{line}");
        }
        Written {
            text,
            places: page.places,
            sections: page.keys,
        }
    }

    /// What is written at this place of the text: the item, or every item of the section whose key is there.
    pub(super) fn at(&self, written: &Written, location: &SourceLocation) -> Vec<Place> {
        let within = written
            .places
            .iter()
            .filter(|(_, lines)| lines.contains(&location.line));
        let places: Vec<Place> = within.map(|(place, _)| *place).collect();
        if !places.is_empty() {
            return places;
        }
        let key = written
            .sections
            .iter()
            .rev()
            .find(|(_, line)| *line <= location.line);
        key.map(|(section, _)| self.whole(*section)).unwrap_or_default()
    }
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    places: Vec<(Place, RangeInclusive<u32>)>,
    keys: Vec<(usize, u32)>,
}

impl Page {
    /// The number that the next line will have.
    fn next_line(&self) -> u32 {
        u32::try_from(self.lines.len() + 1).unwrap_or(u32::MAX)
    }

    /// A comment. What stands in it was written by others: no character of it ends the line.
    fn comment(&mut self, indent: usize, text: &str) {
        let safe = |c: char| if is_harmful(c) { ' ' } else { c };
        let text: String = text.chars().map(safe).collect();
        self.lines.push(format!("{:indent$}# {}", "", text.trim_end()));
    }

    fn value(&mut self, key: &str, value: Value, indent: usize) {
        self.lines.extend(Value::mapping([(key, value)]).block(indent));
    }

    /// Sections, those of one parent behind each other; `first` is the number of the first of them.
    fn sections(&mut self, sections: &[Section], first: usize) {
        let mut parent = None;
        for (number, section) in sections.iter().enumerate() {
            if section.items.is_empty() && section.left_out.is_empty() {
                continue;
            }
            let is_in_file = !section.items.is_empty();
            let has_parent = |other: &Section| other.parent == section.parent && !other.items.is_empty();
            match section.parent {
                Some(name) if parent != Some(name) => {
                    self.lines.push(String::new());
                    if sections.iter().any(has_parent) {
                        self.keys.push((first + number, self.next_line()));
                        self.lines.push(format!("{name}:"));
                    }
                }
                Some(_) => {}
                None => self.lines.push(String::new()),
            }
            parent = section.parent;
            let indent = if section.parent.is_some() { 2 } else { 0 };
            let comments = if section.parent.is_some() && !sections.iter().any(has_parent) {
                0
            } else {
                indent
            };
            for left_out in &section.left_out {
                self.comment(
                    comments,
                    &format!("{} leaves out {}: {}", section.key, left_out.name, left_out.why),
                );
            }
            if is_in_file {
                self.keys.push((first + number, self.next_line()));
                self.items(section, first + number, indent);
            }
        }
    }

    fn items(&mut self, section: &Section, number: usize, indent: usize) {
        if section.is_list {
            self.lines.push(format!("{:indent$}{}:", "", section.key));
        }
        for (index, item) in section.items.iter().enumerate() {
            let begins = self.next_line();
            if section.is_list {
                let item = Value::Sequence(vec![item.value.clone()]);
                self.lines.extend(item.block(indent + 2));
            } else {
                self.value(section.key, item.value.clone(), indent);
            }
            let place = Place {
                section: number,
                item: index,
            };
            self.places.push((place, begins..=self.next_line() - 1));
        }
    }
}
