//! What is said about files of the wrong shape: one case per kind of mistake, with its whole text.

use insta::assert_snapshot;

use super::{HEAD, report};

#[test]
fn all_errors_come_at_once_in_the_order_of_the_file() {
    assert_snapshot!(report(
        "apiVersion: eksctl.io/v1alpha4\nkind: ClusterConfg\nmetadata:\n  name: prod\n  roleName: x\niam:\n  withOIDC: \"true\"\n  serviceAcounts:\n  - metadata: {name: a}\n"
    ), @r#"
    c.yaml:1:13: error: apiVersion cannot be `eksctl.io/v1alpha4`
        apiVersion: eksctl.io/v1alpha4
                    ^
        help: write `eksctl.io/v1alpha5`; eksact supports no other
    c.yaml:2:7: error: kind cannot be `ClusterConfg`
        kind: ClusterConfg
              ^
        help: write `ClusterConfig`; eksact supports no other
    c.yaml:4:3: error: metadata.region must be set
          name: prod
          ^
        help: write the AWS region of the cluster, such as `region: eu-west-1`
    c.yaml:5:3: error: there is no key `roleName` in metadata
          roleName: x
          ^
        help: `roleName` belongs to iam.serviceAccounts[]
    c.yaml:7:13: error: iam.withOIDC must be true or false, and this is the string `true`
          withOIDC: "true"
                    ^
        help: write it without quotes
    c.yaml:8:3: error: there is no key `serviceAcounts` in iam
          serviceAcounts:
          ^
        help: did you mean `serviceAccounts`?
    "#);
}

#[test]
fn missing_fields_say_what_to_write() {
    assert_snapshot!(report("iam: {withOIDC: true}\n"), @r#"
    c.yaml:1:1: error: apiVersion must be set
        iam: {withOIDC: true}
        ^
        help: write `apiVersion: eksctl.io/v1alpha5`
    c.yaml:1:1: error: kind must be set
        iam: {withOIDC: true}
        ^
        help: write `kind: ClusterConfig`
    c.yaml:1:1: error: metadata must be set
        iam: {withOIDC: true}
        ^
        help: write `metadata:` with the `name` and the `region` of the cluster
    "#);
    assert_snapshot!(report("apiVersion:\nkind: ClusterConfig\nmetadata: {name: ''}\n"), @r#"
    c.yaml:1:1: error: apiVersion must be set
        apiVersion:
        ^
        help: write `apiVersion: eksctl.io/v1alpha5`
    c.yaml:3:11: error: metadata.region must be set
        metadata: {name: ''}
                  ^
        help: write the AWS region of the cluster, such as `region: eu-west-1`
    c.yaml:3:18: error: metadata.name must be set
        metadata: {name: ''}
                         ^
        help: write the name of the EKS cluster
    "#);
}

#[test]
fn empty_files_and_other_roots() {
    assert_snapshot!(report(""), @r#"
    c.yaml:1:1: error: there is no ClusterConfig in this file
        help: begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`
    "#);
    assert_snapshot!(report("# nothing\n"), @r#"
    c.yaml:1:1: error: there is no ClusterConfig in this file
        # nothing
        ^
        help: begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`
    "#);
    assert_snapshot!(report("---\n"), @r#"
    c.yaml:1:1: error: there is no ClusterConfig in this file
        ---
        ^
        help: begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`
    "#);
    assert_snapshot!(report("- a\n- b\n"), @r#"
    c.yaml:1:1: error: the file must be a mapping, and this is a list
        - a
        ^
    "#);
    assert_snapshot!(report("just text"), @r#"
    c.yaml:1:1: error: the file must be a mapping, and this is the string `just text`
        just text
        ^
    "#);
}

#[test]
fn unknown_keys_name_the_nearest_or_where_they_belong() {
    assert_snapshot!(report(&format!("{HEAD}iam:\n  withOidc: true\n  serviceAccounts:\n  - name: x\n    metadata: {{name: a, nmespace: b}}\n    attachPolicyArn: [a]\n    Ref: x\nnodegroups: []\n")), @r#"
    c.yaml:5:3: error: there is no key `withOidc` in iam
          withOidc: true
          ^
        help: did you mean `withOIDC`? Keys are case-sensitive
    c.yaml:7:5: error: there is no key `name` in iam.serviceAccounts[0]
          - name: x
            ^
        help: `name` belongs to iam.serviceAccounts[].metadata
    c.yaml:8:25: error: there is no key `nmespace` in iam.serviceAccounts[0].metadata
            metadata: {name: a, nmespace: b}
                                ^
        help: did you mean `namespace`?
    c.yaml:9:5: error: there is no key `attachPolicyArn` in iam.serviceAccounts[0]
            attachPolicyArn: [a]
            ^
        help: did you mean `attachPolicyARNs`?
    c.yaml:10:5: error: there is no key `Ref` in iam.serviceAccounts[0]
            Ref: x
            ^
        help: this looks like CloudFormation; eksact does not expand it; write the value itself
    c.yaml:11:1: error: there is no key `nodegroups` at the root of the file
        nodegroups: []
        ^
        help: did you mean `nodeGroups`? Keys are case-sensitive
    "#);
}

#[test]
fn key_in_another_case_is_taken_where_eksctl_only_ignores_it() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::000000000000:role/admin\n  username: admin\n  noDuplicateArns: true\n")), @r#"
    c.yaml:7:3: warning: there is no key `noDuplicateArns` in iamIdentityMappings[0]; eksctl ignores it
          noDuplicateArns: true
          ^
        help: did you mean `noDuplicateARNs`? Keys are case-sensitive
    "#);
}

#[test]
fn wrong_types_say_what_is_wanted_and_what_is_there() {
    assert_snapshot!(report(&format!(
        "{HEAD}iam:\n  withOIDC: tRue\n  serviceAccounts:\n  - metadata: {{name: a, labels: [x]}}\n    attachPolicyARNs: arn:aws:iam::aws:policy/A\n    roleOnly: 1\n    roleName: {{Fn::Sub: a}}\n    attachPolicy: none\n  - \n  - [a]\nmanagedNodeGroups:\n- name: ng\n  desiredCapacity: many\n"
    )), @r#"
    c.yaml:5:13: error: iam.withOIDC must be true or false, and this is the string `tRue`
          withOIDC: tRue
                    ^
    c.yaml:7:33: error: iam.serviceAccounts[0].metadata.labels must be a mapping of names to values, and this is a list
          - metadata: {name: a, labels: [x]}
                                        ^
    c.yaml:8:23: error: iam.serviceAccounts[0].attachPolicyARNs must be a list of strings, and this is the string `arn:aws:iam::aws:policy/A`
            attachPolicyARNs: arn:aws:iam::aws:policy/A
                              ^
        help: write a list: `- ` before each item, or `[a, b]`
    c.yaml:9:15: error: iam.serviceAccounts[0].roleOnly must be true or false, and this is the number `1`
            roleOnly: 1
                      ^
    c.yaml:10:15: error: iam.serviceAccounts[0].roleName must be text, and this is a mapping
            roleName: {Fn::Sub: a}
                      ^
        help: eksact does not expand CloudFormation functions; write the value itself
    c.yaml:11:19: error: iam.serviceAccounts[0].attachPolicy must be a mapping, and this is the string `none`
            attachPolicy: none
                          ^
    c.yaml:12:4: error: iam.serviceAccounts[1] must be a mapping, and this is nothing
          -
           ^
    c.yaml:13:5: error: iam.serviceAccounts[2] must be a mapping, and this is a list
          - [a]
            ^
    c.yaml:16:20: error: managedNodeGroups[0].desiredCapacity must be a whole number, and this is the string `many`
          desiredCapacity: many
                           ^
    "#);
    assert_snapshot!(report(&format!("{HEAD}iam:\n  withOIDC: 'yes'\n  serviceAccounts: {{metadata: {{name: a}}}}\n")), @r#"
    c.yaml:5:13: error: iam.withOIDC must be true or false, and this is the string `yes`
          withOIDC: 'yes'
                    ^
        help: write it without quotes
    c.yaml:6:20: error: iam.serviceAccounts must be a list, and this is a mapping
          serviceAccounts: {metadata: {name: a}}
                           ^
        help: write `- ` before each item of the list
    "#);
}

#[test]
fn duplicate_keys_name_both_places() {
    assert_snapshot!(report(&format!("{HEAD}iam:\n  withOIDC: true\n  serviceAccounts: []\n  withOIDC: false\nkind: ClusterConfig\n")), @r#"
    c.yaml:7:3: error: the key `withOIDC` is written twice; the first is on line 5, column 3
          withOIDC: false
          ^
        help: keep one of them
    c.yaml:8:1: error: the key `kind` is written twice; the first is on line 2, column 1
        kind: ClusterConfig
        ^
        help: keep one of them
    "#);
}

#[test]
fn words_outside_their_list() {
    assert_snapshot!(report(&format!("{HEAD}accessConfig: {{authenticationMode: API_AND_CONFIGMAP}}\nmanagedNodeGroups: [{{name: a, amiFamily: AmazonLinux2024, volumeType: GP3}}]\nidentityProviders: [{{type: saml}}]\n")), @r#"
    c.yaml:4:36: error: accessConfig.authenticationMode cannot be `API_AND_CONFIGMAP`
        accessConfig: {authenticationMode: API_AND_CONFIGMAP}
                                           ^
        help: did you mean `API_AND_CONFIG_MAP`?
    c.yaml:5:42: warning: managedNodeGroups[0].amiFamily cannot be `AmazonLinux2024`
        …: [{name: a, amiFamily: AmazonLinux2024, volumeType: GP3}]
                                 ^
        help: did you mean `AmazonLinux2023`?
    c.yaml:6:21: error: identityProviders[0] is invalid: name must be set and non-empty
        identityProviders: [{type: saml}]
                            ^
        help: write it, such as `name: my-provider`
    c.yaml:6:21: error: identityProviders[0] is invalid: clientID must be set and non-empty
        identityProviders: [{type: saml}]
                            ^
        help: write it, such as `clientID: kubernetes`
    c.yaml:6:21: error: identityProviders[0] is invalid: issuerURL must be set and non-empty
        identityProviders: [{type: saml}]
                            ^
        help: write it, such as `issuerURL: https://id.example.com`
    c.yaml:6:28: error: identityProviders[0].type cannot be `saml`
        identityProviders: [{type: saml}]
                                   ^
        help: write `oidc`; eksact supports no other
    "#);
}

#[test]
fn yaml_syntax() {
    assert_snapshot!(report("a: b: c\n"), @r#"
    c.yaml:1:5: error: this is not valid YAML: mapping values are not allowed in this context
        a: b: c
            ^
        help: a string with `: ` in it needs quotes; check the indentation of this line and the one above
    "#);
    assert_snapshot!(report("a:\n\tb: c\n"), @r#"
    c.yaml:2:1: error: this is not valid YAML: a tab indents this line, and YAML allows only spaces there
         b: c
        ^
        help: indent with spaces
    "#);
    assert_snapshot!(report("a: [b\nc: d\n"), @r#"
    c.yaml:1:4: error: this is not valid YAML: the `[` that begins here is not closed, or a `,` is missing before line 2, column 2
        a: [b
           ^
        help: write `[a, b]`
    "#);
    assert_snapshot!(report("a: *nowhere\n"), @r#"
    c.yaml:1:4: error: there is no anchor for this alias in the document above it
        a: *nowhere
           ^
        help: define the anchor with `&name` before the alias `*name`; a string that begins with `*` needs quotes
    "#);
    assert_snapshot!(report("a: &a {b: *a}\n"), @r#"
    c.yaml:1:11: error: this alias is inside the value of its own anchor
        a: &a {b: *a}
                  ^
        help: write the value itself instead of the alias
    "#);
    assert_snapshot!(report("a: 'b\n"), @r#"
    c.yaml:1:4: error: this is not valid YAML: the quote that begins here is not closed
        a: 'b
           ^
        help: close it; within single quotes a `'` is written twice
    "#);
    assert_snapshot!(report("{HEAD: x}: y\n<<: 3\n~: z\n"), @r#"
    c.yaml:1:1: error: a key must be text, and this is a mapping
        {HEAD: x}: y
        ^
        help: put it in quotes if it is meant as a key
    c.yaml:1:1: error: apiVersion must be set
        {HEAD: x}: y
        ^
        help: write `apiVersion: eksctl.io/v1alpha5`
    c.yaml:1:1: error: kind must be set
        {HEAD: x}: y
        ^
        help: write `kind: ClusterConfig`
    c.yaml:1:1: error: metadata must be set
        {HEAD: x}: y
        ^
        help: write `metadata:` with the `name` and the `region` of the cluster
    c.yaml:2:5: error: `<<` merges a mapping or a list of mappings, and this is something else
        <<: 3
            ^
        help: write an alias of a mapping, as in `<<: *defaults`; put `<<` in quotes if it is meant as a key
    c.yaml:3:1: error: a key must be text, and this is nothing
        ~: z
        ^
        help: put it in quotes if it is meant as a key
    "#);
}

#[test]
fn placeholder_that_nothing_expands_is_refused_in_what_is_managed() {
    assert_snapshot!(report(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: ${CLUSTER}\n  region: !Ref AWS::Region\n  tags: {team: \"${TEAM:-x}\"}\niam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: a, annotations: {\"${X}\": b}}\n    attachPolicyARNs: ['arn:aws:iam::${ACCOUNT}:policy/p']\n  - metadata: {name: b}\n    attachPolicy:\n      Version: '2012-10-17'\n      Statement:\n      - Effect: Allow\n        Action: s3:GetObject\n        Resource: ['arn:aws:s3:::b/${aws:username}', 'arn:aws:s3:::${BUCKET}/*', {Fn::Sub: x}]\n"
    ), @r#"
    c.yaml:4:9: error: `${CLUSTER}` is not expanded by eksact
          name: ${CLUSTER}
                ^
        help: fill it in first, for example with envsubst
    c.yaml:5:11: error: the tag `!Ref` is not expanded by eksact
          region: !Ref AWS::Region
                  ^
        help: write the value itself
    c.yaml:6:16: error: `${TEAM:-x}` is not expanded by eksact
          tags: {team: "${TEAM:-x}"}
                       ^
        help: fill it in first, for example with envsubst
    c.yaml:10:39: error: `${X}` is not expanded by eksact
          - metadata: {name: a, annotations: {"${X}": b}}
                                              ^
        help: fill it in first, for example with envsubst
    c.yaml:11:24: error: `${ACCOUNT}` is not expanded by eksact
            attachPolicyARNs: ['arn:aws:iam::${ACCOUNT}:policy/p']
                               ^
        help: fill it in first, for example with envsubst
    c.yaml:18:54: error: `${BUCKET}` is not expanded by eksact
        …3:::b/${aws:username}', 'arn:aws:s3:::${BUCKET}/*', {Fn::Sub: x}]
                                 ^
        help: fill it in first, for example with envsubst; IAM policy variables such as ${aws:username} may stay
    c.yaml:18:83: error: `Fn::Sub` is not expanded by eksact
        …aws:s3:::${BUCKET}/*', {Fn::Sub: x}]
                                 ^
        help: write the value itself; eksact passes policy documents on as they are
    "#);
}

#[test]
fn scripts_in_sections_that_are_not_managed_may_hold_anything() {
    assert_snapshot!(report(&format!("{HEAD}nodeGroups:\n- name: a\n  preBootstrapCommands: ['echo ${{HOME}}']\n  kubeletExtraConfig: {{a: !custom b}}\n")), @"");
}

#[test]
fn documents_are_all_read_and_empty_ones_say_nothing() {
    assert_snapshot!(report(&format!("{HEAD}---\nkind: [\n")), @r#"
    c.yaml:6:1: error: this is not valid YAML: a `[` or `{` above is not closed
        help: write `]` or `}` where it ends
    "#);
    assert_snapshot!(report(&format!("---\n---\n{HEAD}")), @"");
}

#[test]
fn long_lines_and_wide_characters_keep_the_caret() {
    let line = format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a, labels: {{{}: x}}}}, attachPolicyARNs: [], 日本: x}}]}}\n",
        "k".repeat(300)
    );
    assert_snapshot!(report(&line), @r#"
    c.yaml:4:71: error: `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…` cannot be the key of a label
        …ata: {name: a, labels: {kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…
                                 ^
        help: at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, optionally after a `prefix/`
    c.yaml:4:396: warning: the role of `default/a` will have no policy
        … x}}, attachPolicyARNs: [], 日本: x}]}
                                 ^
        help: attach one, unless resources trust the role by name
    c.yaml:4:400: error: there is no key `日本` in iam.serviceAccounts[0]
        …, attachPolicyARNs: [], 日本: x}]}
                                 ^
        help: the keys here are `attachPolicy`, `attachPolicyARNs`, `attachRoleARN`, `metadata`, `permissionsBoundary`, `roleName`, `roleOnly`, `status`, `subjectPattern`, `tags` and `wellKnownPolicies`
    "#);
}

#[test]
fn yaml_that_go_yaml_reads_is_read() {
    for yaml in [
        // From people's files: brackets that close at the first column, and JSON pasted below a key.
        "availabilityZones: [\n  \"eu-west-1a\",\n  \"eu-west-1b\"\n]\n",
        "iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: web, namespace: app}\n    attachPolicy: {\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": [\"s3:GetObject\"],\n      \"Resource\": \"*\"\n    }\n  ]\n}\n",
        "iam:\n  serviceAccounts: [\n  {metadata: {name: a, namespace: b},\n  attachPolicyARNs: [\n'arn:aws:iam::aws:policy/A'\n]\n}]\n  withOIDC: true\n",
        "managedNodeGroups: [{name: a,\nlabels: {\nx: y\n}}]\n",
        "iam: {withOIDC: true,\n\tserviceAccounts: []\n}\n",
        "cloudWatch:\n  clusterLogging:\n    enableTypes: [\"audit\",\n\"api\"]\n",
        "vpc: {\n  cidr: \"10.0.0.0/16\" # ours\n}\n",
    ] {
        assert_snapshot_is_empty(&format!("{HEAD}{yaml}"));
    }
    let whole = format!("{HEAD}iam: {{withOIDC: true}}\n");
    let json = "{\"apiVersion\": \"eksctl.io/v1alpha5\", \"kind\": \"ClusterConfig\",\n\"metadata\": {\"name\": \"prod\", \"region\": \"eu-west-1\"}}";
    let marked = |text: &str| format!("\u{feff}{text}");
    let utf16 = |bytes: fn(u16) -> [u8; 2]| marked(&whole).encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    for bytes in [
        json.as_bytes().to_vec(),
        marked(&whole).into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        whole.replace('\n', "\r\n").into_bytes(),
    ] {
        let loaded = crate::config::load("c.yaml", &bytes).unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.config.metadata.name.value, "prod");
    }
}

fn assert_snapshot_is_empty(yaml: &str) {
    assert_eq!(report(yaml), "", "{yaml}");
}

#[test]
fn yaml_of_copied_text_names_the_characters() {
    assert_snapshot!(report("apiVersion:eksctl.io/v1alpha5\nkind: ClusterConfig\n"), @r#"
    c.yaml:1:11: error: this is not valid YAML: a space is missing after this colon
        apiVersion:eksctl.io/v1alpha5
                  ^
        help: write `key: value`
    "#);
    assert_snapshot!(report("apiVersion:eksctl.io/v1alpha5"), @r#"
    c.yaml:1:1: error: the file must be a mapping, and this is the string `apiVersion:eksctl.io/v1alpha5`
        apiVersion:eksctl.io/v1alpha5
        ^
        help: put a space after the colon of `apiVersion:`
    "#);
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name:prod\n"), @r#"
    c.yaml:4:3: error: metadata must be a mapping, and this is the string `name:prod`
          name:prod
          ^
        help: put a space after the colon of `name:`
    "#);
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\n\u{a0}\u{a0}region: eu-west-1\n"), @r#"
    c.yaml:5:1: error: there is no key `<U+00A0><U+00A0>region` at the root of the file
        ��region: eu-west-1
        ^
        help: there is a no-break space (U+00A0) in it: write a plain space instead
    "#);
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\u{200b}\n  region: eu-west-1\u{a0}\n  tags: {a: \u{201c}b\u{201d}, c: 'it\u{2019}s'}\n"), @r#"
    c.yaml:4:9: error: `prod<U+200B>` cannot be the name of an EKS cluster
          name: prod�
                ^
        help: it has 1 to 100 letters, digits, hyphens and underscores, and begins with a letter or digit
    c.yaml:5:11: error: `eu-west-1<U+00A0>` is not an AWS region
          region: eu-west-1�
                  ^
        help: write `eu-west-1`
    c.yaml:6:13: error: `“b”` cannot be the value of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
          tags: {a: “b”, c: 'it’s'}
                    ^
    c.yaml:6:21: error: `it’s` cannot be the value of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
          tags: {a: “b”, c: 'it’s'}
                            ^
    "#);
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  \u{200b}name: prod\n  region: eu-west-1\n"), @r#"
    c.yaml:4:3: error: there is no key `<U+200B>name` in metadata
          �name: prod
          ^
        help: there is a zero-width space (U+200B) in it: delete it
    "#);
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\n\tregion: eu-west-1\n"), @r#"
    c.yaml:5:1: error: this is not valid YAML: a tab indents this line, and YAML allows only spaces there
         region: eu-west-1
        ^
        help: indent with spaces
    "#);
}
