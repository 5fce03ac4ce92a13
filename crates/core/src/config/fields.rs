//! Every type and field of the file formats, read from `data/*.fields`. Checking and the JSON Schema both work from these
//! tables.
//!
//! The table of the ClusterConfig is eksctl 0.231's v1alpha5 schema; that of the ClusterAccess is eksact's own. What a
//! value must be *for eksact to act on it* is validation, not this.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use super::document::DocumentKind;
use super::path::{FieldPath, Segment};

const CLUSTER_CONFIG: [&str; 3] = [
    include_str!("data/identity.fields"),
    include_str!("data/cluster.fields"),
    include_str!("data/nodes.fields"),
];
const CLUSTER_ACCESS: [&str; 1] = [include_str!("data/access.fields")];

/// Types by name.
pub(super) type Types = BTreeMap<String, ObjectType>;
/// Where a field name exists: paths such as `iam.serviceAccounts[].roleName`, shortest first within the file's own order.
pub(super) type Places = BTreeMap<String, Vec<String>>;

/// The types of a kind of document.
pub(super) fn types(kind: DocumentKind) -> &'static Types {
    static OF_CLUSTER_CONFIG: LazyLock<Types> = LazyLock::new(|| parse(&CLUSTER_CONFIG));
    static OF_CLUSTER_ACCESS: LazyLock<Types> = LazyLock::new(|| parse(&CLUSTER_ACCESS));
    match kind {
        DocumentKind::ClusterConfig => &OF_CLUSTER_CONFIG,
        DocumentKind::ClusterAccess => &OF_CLUSTER_ACCESS,
    }
}

/// Where the fields of a kind of document exist.
pub(super) fn places(kind: DocumentKind) -> &'static Places {
    static OF_CLUSTER_CONFIG: LazyLock<Places> = LazyLock::new(|| find_places(DocumentKind::ClusterConfig));
    static OF_CLUSTER_ACCESS: LazyLock<Places> = LazyLock::new(|| find_places(DocumentKind::ClusterAccess));
    match kind {
        DocumentKind::ClusterConfig => &OF_CLUSTER_CONFIG,
        DocumentKind::ClusterAccess => &OF_CLUSTER_ACCESS,
    }
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    Boolean,
    Integer,
    Number,
    /// A mapping whose content eksctl passes on as it is.
    Document,
    /// Node taints: a list of objects, or a mapping from key to `value:effect`.
    Taints,
    List(Box<FieldType>),
    Map(Box<FieldType>),
    Object(String),
}

impl FieldType {
    fn parse(text: &str) -> Self {
        let inner = |open: &str, close: &str| {
            text.strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                .map(|inner| Box::new(Self::parse(inner)))
        };
        if let Some(item) = inner("[", "]") {
            return Self::List(item);
        }
        if let Some(value) = inner("map<", ">") {
            return Self::Map(value);
        }
        match text {
            "string" => Self::Text,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "document" => Self::Document,
            "taints" => Self::Taints,
            other => Self::Object(other.to_owned()),
        }
    }

    /// The object type that the field leads to, through lists and maps.
    fn object(&self) -> Option<&str> {
        match self {
            Self::Object(name) => Some(name),
            Self::List(inner) | Self::Map(inner) => inner.object(),
            _ => None,
        }
    }

    fn brackets(&self) -> &'static str {
        if matches!(self, Self::List(_)) { "[]" } else { "" }
    }
}

/// One field of a type.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of the field list")]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) holds: FieldType,
    pub(super) required: bool,
    /// Whether it must be set where eksact manages the object; elsewhere the same type does without.
    needed: bool,
    /// Of these and itself at least one must be set.
    pub(super) or: Vec<String>,
    /// Whether eksact makes it so. A type with such a field has others that eksact leaves to other tools.
    pub(super) managed: bool,
    /// Whether eksact takes it and does nothing with it, though it stands in what eksact manages.
    ignored: bool,
    /// Whether an empty text is as good as any.
    pub(super) may_be_empty: bool,
    /// The values that it may have; empty when any will do.
    pub(super) allowed: Vec<String>,
    pub(super) default: Option<String>,
    pub(super) description: Option<String>,
}

impl Field {
    /// Whether it cannot be left out where eksact acts on it.
    pub(super) fn must_be_set(&self) -> bool {
        self.required || self.needed
    }

    /// Takes one of the words behind the type. Whether there is such a word; the tests hold the tables to it.
    fn mark(&mut self, word: &str) -> bool {
        let argument = |name: &str| word.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        match word {
            "required" => self.required = true,
            "needed" => self.needed = true,
            "managed" => self.managed = true,
            "ignored" => self.ignored = true,
            "may-be-empty" => self.may_be_empty = true,
            _ => {
                let names = |values: &str| values.split('|').map(str::to_owned).collect();
                if let Some(values) = argument("one-of") {
                    self.allowed = names(values);
                } else if let Some(values) = argument("or") {
                    self.or = names(values);
                } else if let Some(value) = argument("default") {
                    self.default = Some(value.to_owned());
                } else {
                    return false;
                }
            }
        }
        true
    }
}

/// One type: an object with named fields.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectType {
    pub(super) description: Option<String>,
    /// In the order of the data file.
    pub(super) fields: Vec<Field>,
}

impl ObjectType {
    /// Whether eksact manages some of its fields and leaves the others.
    pub(super) fn is_managed_in_part(&self) -> bool {
        self.fields.iter().any(|field| field.managed)
    }

    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Whether eksact acts on what stands at `path`, by the marks: on all of a ClusterAccess, and in a ClusterConfig on what it manages. A
/// key that there is not is meant for what stands around it, unless that is managed in part.
pub(super) fn is_acted_on(kind: DocumentKind, path: &FieldPath) -> bool {
    let root = FieldType::Object(kind.name().to_owned());
    let mut holds = &root;
    for segment in path.segments() {
        holds = match (holds, segment) {
            (FieldType::Object(name), Segment::Key(key)) => {
                let Some(object) = types(kind).get(name) else {
                    return true;
                };
                let in_part = object.is_managed_in_part();
                match object.field(key) {
                    Some(field) if field.ignored || (in_part && !field.managed) => return false,
                    Some(field) => &field.holds,
                    None => return !in_part,
                }
            }
            (FieldType::List(inner), Segment::Index(_)) | (FieldType::Map(inner), Segment::Key(_)) => inner,
            // Below this there are no fields: a document, or what has the wrong shape.
            _ => return true,
        };
    }
    true
}

fn parse(tables: &[&str]) -> Types {
    let mut types = Types::new();
    let mut with = Vec::new();
    for data in tables {
        let mut current = String::new();
        for line in data
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (head, description) = match line.split_once(" -- ") {
                Some((head, description)) => (head, Some(description.to_owned())),
                None => (line, None),
            };
            if head.starts_with(' ') {
                if let Some(field) = parse_field(head, description) {
                    types.entry(current.clone()).or_default().fields.push(field);
                }
            } else {
                let (name, others) = head.split_once(" with ").unwrap_or((head, ""));
                with.extend((!others.is_empty()).then(|| (name.to_owned(), others)));
                name.clone_into(&mut current);
                types.entry(current.clone()).or_default().description = description;
            }
        }
    }
    for (name, others) in with {
        let fields = types.get(others).map(|others| others.fields.clone());
        types
            .entry(name)
            .or_default()
            .fields
            .extend(fields.unwrap_or_default());
    }
    types
}

fn parse_field(head: &str, description: Option<String>) -> Option<Field> {
    let mut words = head.split_whitespace();
    let name = words.next()?.to_owned();
    let holds = FieldType::parse(words.next()?);
    let mut field = Field {
        name,
        holds,
        required: false,
        needed: false,
        or: Vec::new(),
        managed: false,
        ignored: false,
        may_be_empty: false,
        allowed: Vec::new(),
        default: None,
        description,
    };
    for word in words {
        field.mark(word);
    }
    Some(field)
}

fn find_places(kind: DocumentKind) -> Places {
    let mut places = Places::new();
    let mut queue = VecDeque::from([(kind.name().to_owned(), String::new())]);
    // The types are a tree but for sharing; the depth of a path bounds the walk in any case.
    while let Some((type_name, path)) = queue.pop_front() {
        let Some(object) = types(kind)
            .get(&type_name)
            .filter(|_| path.matches('.').count() < 8)
        else {
            continue;
        };
        for field in &object.fields {
            let dot = if path.is_empty() { "" } else { "." };
            let full = format!("{path}{dot}{}", field.name);
            if let Some(next) = field.holds.object() {
                queue.push_back((next.to_owned(), format!("{full}{}", field.holds.brackets())));
            }
            places.entry(field.name.clone()).or_default().push(full);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_whole_format() {
        // 422 fields of eksctl 0.231, and the nine of the OIDC provider a second time beside `type`.
        let types = types(DocumentKind::ClusterConfig);
        assert_eq!(types.len(), 77);
        assert_eq!(
            types.values().map(|object| object.fields.len()).sum::<usize>(),
            422 + 9
        );
    }

    #[test]
    fn words_of_the_tables_are_all_known() {
        for (kind, tables) in [
            (DocumentKind::ClusterConfig, &CLUSTER_CONFIG[..]),
            (DocumentKind::ClusterAccess, &CLUSTER_ACCESS),
        ] {
            let lines = tables.iter().flat_map(|table| table.lines());
            for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let head = line.split_once(" -- ").map_or(line, |(head, _)| head);
                if head.starts_with(' ') {
                    let mut field = parse_field(head, None).unwrap_or_else(|| panic!("no type: {line}"));
                    for word in head.split_whitespace().skip(2) {
                        assert!(field.mark(word), "{word}: {line}");
                    }
                } else if let [_, rest @ ..] = head.split_whitespace().collect::<Vec<_>>().as_slice()
                    && !rest.is_empty()
                {
                    let ["with", other] = rest else {
                        panic!("{line}");
                    };
                    assert!(types(kind).contains_key(*other), "{other}: {line}");
                }
            }
        }
        let mut field = parse_field("a string", None).unwrap();
        for word in ["ignroed", "default", "one-of(a", "with"] {
            assert!(!field.mark(word), "{word}");
        }
    }

    #[test]
    fn types_that_are_named_exist_and_all_types_are_reached() {
        for (kind, apart) in [
            (
                DocumentKind::ClusterConfig,
                &["OIDCIdentityProvider", "NodeGroupTaint"][..],
            ),
            (DocumentKind::ClusterAccess, &[]),
        ] {
            let types = types(kind);
            let mut reached: std::collections::BTreeSet<&str> = apart.iter().copied().collect();
            reached.insert(kind.name());
            for (name, object) in types {
                for field in &object.fields {
                    for other in &field.or {
                        assert!(object.field(other).is_some(), "{name}.{} or {other}", field.name);
                    }
                    if let Some(target) = field.holds.object() {
                        assert!(
                            types.contains_key(target),
                            "{name}.{} has the unknown type {target}",
                            field.name
                        );
                        reached.insert(target);
                    }
                }
            }
            assert_eq!(reached.len(), types.len());
        }
    }

    #[test]
    fn marks_say_what_is_acted_on() {
        for (path, wanted) in [
            ("", true),
            ("kind", true),
            ("nodeGroups", false),
            ("capabilities[].accessPolicies[].policyARN", false),
            ("x-anchors.roleName", false),
            ("metadata.version", true),
            ("metadata.annotations.a", false),
            ("metadata.Name", true),
            ("iam.withOIDC", true),
            ("iam.serviceRoleARN", false),
            ("iam.WithOIDC", false),
            ("iam.serviceAccounts[].attachPolicy.Statement[].Effect", true),
            ("iam.serviceAccounts[].status.roleARN", false),
            ("iam.podIdentityAssociations[].targetRoleARN", true),
            ("identityProviders[].requiredClaims.a", true),
            ("accessConfig.authenticationMode", true),
        ] {
            let told = is_acted_on(DocumentKind::ClusterConfig, &FieldPath::of(path));
            assert_eq!(told, wanted, "{path}");
        }
        assert!(is_acted_on(
            DocumentKind::ClusterAccess,
            &FieldPath::of("groups[].name")
        ));
    }

    #[test]
    fn places_of_a_field_are_where_it_belongs() {
        let places = places(DocumentKind::ClusterConfig);
        assert_eq!(places["withOIDC"], ["iam.withOIDC"]);
        let places = &places["roleName"];
        assert!(
            places.contains(&"iam.serviceAccounts[].roleName".to_owned()),
            "{places:?}"
        );
        assert!(
            places.contains(&"addons[].podIdentityAssociations[].roleName".to_owned()),
            "{places:?}"
        );
    }
}
