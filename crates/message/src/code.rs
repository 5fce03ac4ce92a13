//! The stable codes of everything that eksact finds: `error[unknown-key]`. A code keeps its name and its meaning over
//! versions; `docs/codes.md` is made from this table.

use std::{borrow::Cow, cmp::Ordering, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! codes {
    ($($area:literal { $($name:ident $code:literal $explanation:literal)* })*) => {
        /// A stable code, in kebab case.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(
                #[doc = $explanation]
                $name,
            )*)*
        }

        impl Code {
            /// Every code, by the part of eksact that reports it.
            pub const BY_AREA: &[(&str, &[Self])] = &[$(($area, &[$(Self::$name,)*]),)*];

            /// The code that is printed so.
            fn named(name: &str) -> Option<Self> {
                let mut all = Self::BY_AREA.iter().flat_map(|(_, codes)| *codes).copied();
                all.find(|code| code.as_str() == name)
            }

            /// As it is printed: `unknown-key`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => $code,)*)*
                }
            }

            /// What it reports, in one line of Markdown.
            pub const fn explanation(self) -> &'static str {
                match self {
                    $($(Self::$name => $explanation,)*)*
                }
            }
        }
    };
}

codes! {
    "Guards" {
        OidcProviderInUse "oidc-provider-in-use" "the OIDC provider would be deleted while roles trust it, or while it is not known which do"
        OidcProviderNotMarked "oidc-provider-not-marked" "an OIDC provider would be deleted that does not have this cluster's tag: neither eksctl nor eksact made it"
        KubernetesUnreachable "kubernetes-unreachable" "roles would be created while the cluster's API, which service accounts, mappings and bindings need, does not answer"
        OwnAccessLost "own-access-lost" "the caller would lose its own access, or the right to restore it"
        LastAdminLost "last-admin-lost" "the last principal that may do everything would be removed: in `system:masters`, or by an access entry that is known to let it in"
        NodeRoleLost "node-role-lost" "the mapping of a role under which nodes join would be removed or weakened, and no access entry replaces it"
        AwsAuthSectionDropped "aws-auth-section-dropped" "`aws-auth` would be written while the cluster reads nothing of one of its sections"
        AwsAuthForeignChange "aws-auth-foreign-change" "a write of `aws-auth` would change an entry that the plan does not name; this is a bug in eksact"
        SharedRoleInUse "shared-role-in-use" "a role would be deleted or recreated that service accounts of other clusters share"
        AccessReduced "access-reduced" "a principal would have less access by its access entry than by its line of `aws-auth`, or it is not known of an administrator or of nodes"
        RoleInUse "role-in-use" "a role would be deleted that a pod identity association or a service account still has which the plan leaves as it is, or while it is not known which have it"
        OneWayMode "one-way-mode" "the cluster would go to an authentication mode from which EKS has no way back; asked for each step, and never approved by `--yes` alone"
        AwsAuthInUse "aws-auth-in-use" "the cluster would stop reading `aws-auth` while it lets in principals without an access entry that is known to let them in"
        AccessEntryReplaced "access-entry-replaced" "an access entry would be deleted and made again, because its type cannot be changed"
        AccessBroadened "access-broadened" "the plan gives more access, which `--allow-broadening`, its variable or the file does not permit; `--allow` does not pass it"
    }
    "Files" {
        AccessEntry "access-entry" "an access entry that EKS or eksctl would refuse"
        Account "account" "an account id that is not twelve digits, or an `account` that contradicts itself or another"
        Addon "addon" "an add-on's pod identity associations that eksctl would refuse"
        Annotation "annotation" "the key of an annotation that Kubernetes does not allow"
        Arn "arn" "text that is not the ARN of an IAM policy or role"
        ArnPartition "arn-partition" "an ARN of another partition than the region's"
        AssumableRole "assumable-role" "a role of `roles` that IAM would not take, or that nobody could assume"
        BadKey "bad-key" "a key that is not text"
        BadMerge "bad-merge" "`<<` with something other than a mapping or a list of mappings"
        ClusterConfigNotFirst "cluster-config-not-first" "the ClusterConfig is not the first document, and eksctl reads only that one"
        ClusterName "cluster-name" "a name that no EKS cluster can have"
        ControlCharacter "control-character" "a character that YAML does not allow"
        Duplicate "duplicate" "a service account twice in the list of one shared role"
        DuplicateBinding "duplicate-binding" "a group is bound twice to one role in one place"
        DuplicateGroup "duplicate-group" "a group is described twice"
        DuplicateKey "duplicate-key" "a key twice in one mapping; in a manifest, kubectl silently keeps the last one"
        DuplicateMapping "duplicate-mapping" "two entries map one principal, such as a role by its ARN and by its permission set"
        DuplicateNamespace "duplicate-namespace" "a namespace twice in one list"
        DuplicatePolicy "duplicate-policy" "a policy twice in one list"
        DuplicateRoleName "duplicate-role-name" "two service accounts with one role name"
        DuplicateServiceAccount "duplicate-service-account" "a service account twice"
        DuplicateSharedRole "duplicate-shared-role" "a role twice in `sharedRoles`"
        Empty "empty" "an empty or blank value where eksact acts on it, or a file without a ClusterConfig"
        FileTooLarge "file-too-large" "the file is larger than eksact reads"
        GroupBinding "group-binding" "a binding of a group without a role, with two, or with an empty list of namespaces"
        IamPath "iam-path" "a path of a role or policy that IAM would not take"
        IdentityMapping "identity-mapping" "an identity mapping without a subject, with two, or without effect"
        IdentityProvider "identity-provider" "an identity provider without a field that it needs, with one that EKS refuses, twice, or one more than EKS allows"
        InlinePolicyLimit "inline-policy-limit" "inline policies longer than IAM allows for a role"
        KubernetesName "kubernetes-name" "a name that Kubernetes does not allow"
        Label "label" "the key or value of a label that Kubernetes does not allow"
        ManagedByLabel "managed-by-label" "the label `app.kubernetes.io/managed-by`, which eksact sets itself"
        ManagedPolicy "managed-policy" "a policy of `policies` that IAM would not take: its name, its length, or no document"
        ManagedPolicyLimit "managed-policy-limit" "more managed policies than IAM allows for a role; a warning where the quota may have been raised"
        MappingArn "mapping-arn" "an ARN that the authenticator never matches, such as one with a wildcard or of a session"
        Missing "missing" "a required field is not set"
        NoEffect "no-effect" "a key that has no effect beside another one"
        NoPolicy "no-policy" "a service account without any policy; a warning where the list is explicitly empty"
        NotJson "not-json" "a value that JSON cannot represent"
        NotUtf8 "not-utf8" "the file is not UTF-8 or UTF-16 text"
        OidcDisabled "oidc-disabled" "`iam.serviceAccounts` without `iam.withOIDC: true`"
        OtherDocument "other-document" "a document of a kind that eksact does not know"
        Outposts "outposts" "a setting that EKS does not support on Outposts"
        PermissionSet "permission-set" "a name that no permission set can have"
        Placeholder "placeholder" "`${…}`, `{{…}}` or a tag such as `!Ref`, which nothing expands"
        PodIdentity "pod-identity" "a pod identity association that eksctl or EKS would refuse"
        PolicyFile "policy-file" "the file of a policy document cannot be read, or holds no document"
        PolicyGrammar "policy-grammar" "a policy document that IAM would refuse"
        PolicyRule "policy-rule" "a rule that Kubernetes would refuse, or that matches nothing"
        Region "region" "text that is not an AWS region"
        RoleAnnotation "role-annotation" "the annotation `eks.amazonaws.com/role-arn`, which eksact sets itself"
        RoleArn "role-arn" "text that is not the ARN of an IAM role"
        RoleName "role-name" "a name that no IAM role can have"
        RoleSource "role-source" "a key that cannot be used together with `attachRoleARN`"
        SecondClusterConfig "second-cluster-config" "a second ClusterConfig"
        ServiceName "service-name" "a service that eksctl has no mapping for"
        SharedRole "shared-role" "a shared role without a name, with two, or without service accounts"
        StackNameCollision "stack-name-collision" "two service accounts that would have the same stack name in eksctl"
        SubjectPattern "subject-pattern" "a pattern that matches no service account, not the own one, or every one of the namespace"
        SystemGroup "system-group" "a group below `system:` that Kubernetes does not know"
        Tag "tag" "a tag that AWS or CloudFormation does not allow, or that eksact sets itself"
        TagLimit "tag-limit" "more tags than AWS allows for a stack"
        Template "template" "a placeholder in a user name or group that the authenticator does not fill in"
        TooManyDocuments "too-many-documents" "more documents than eksact reads in one file"
        UnknownKey "unknown-key" "a key that is in no schema; in aws-auth, a key of an entry that the server does not read"
        UnknownName "unknown-name" "`policy:NAME` or `role:NAME` names what no file has"
        WrongType "wrong-type" "a value of another type than the field's; in aws-auth the server treats it as empty"
        WrongValue "wrong-value" "a value that is not one of those allowed"
        YamlAlias "yaml-alias" "an alias without its anchor, or inside it"
        YamlSyntax "yaml-syntax" "text that is not YAML"
        YamlTag "yaml-tag" "a value that does not fit its tag"
        YamlTooDeep "yaml-too-deep" "values nested deeper than eksact reads"
        YamlTooLarge "yaml-too-large" "aliases that expand to more than eksact reads"
    }
    "Plans" {
        AttachedRoleMissing "attached-role-missing" "the attached role does not exist, or its ARN has another path"
        AttachedRoleRefuses "attached-role-refuses" "the trust policy of a role that the file attaches does not let this service account in"
        AttachedRoleTooOpen "attached-role-too-open" "the trust policy of an attached role lets in more service accounts than this one, or asks for no audience"
        AttachedRoleUnknown "attached-role-unknown" "whether the attached role lets the service account in depends on something that is not known"
        AwsAuthImmutable "aws-auth-immutable" "the ConfigMap is `immutable: true`"
        AwsAuthNotEditable "aws-auth-not-editable" "a section cannot be changed entry by entry: the cluster reads nothing of it, or its text shares values by anchors"
        AwsAuthNotRead "aws-auth-not-read" "the cluster reads access entries only (authentication mode API)"
        AwsAuthTooLarge "aws-auth-too-large" "the ConfigMap would be larger than the 1 MiB that the API server accepts, or its annotations than 256 KiB"
        AwsAuthUnreadable "aws-auth-unreadable" "`aws-auth` could not be read"
        AuthenticationMode "authentication-mode" "the cluster cannot go to the wanted authentication mode: EKS has no way back, or the cluster is in one that eksact does not know"
        BootstrapPermissions "bootstrap-permissions" "`bootstrapClusterCreatorAdminPermissions` is decided when a cluster is made, and has no effect on one that exists"
        IdentityProviderReplaced "identity-provider-replaced" "EKS changes an identity provider only by deleting it and making it again: its users are out in between"
        IdentityProviderConflict "identity-provider-conflict" "another identity provider of the cluster has the issuer, or there is no room for one more"
        IdentityProviderMissing "identity-provider-missing" "the cluster has no identity provider of that name"
        OidcProviderMissing "oidc-provider-missing" "the cluster has no provider, and the file or the command does not ask for one"
        NoOidcIssuer "no-oidc-issuer" "the cluster has no issuer"
        BadOidcIssuer "bad-oidc-issuer" "the cluster's issuer is not one that IAM accepts"
        BindingsUnreadable "bindings-unreadable" "bindings could not be read"
        ChangeSetKept "change-set-kept" "a stack has a change set of another run of eksact, which may be about to execute it"
        ChangeSetsUnreadable "change-sets-unreadable" "the change sets of a stack could not be listed, so that one which a run left cannot be found"
        ClusterRoleMissing "cluster-role-missing" "a binding names a `ClusterRole` that does not exist: it grants nothing"
        HeldBack "held-back" "a removal waits, because another change to access in the file cannot be planned"
        IssuerNotPublic "issuer-not-public" "the issuer's certificates lead to no public root: a proxy may be intercepting TLS"
        IssuerUnreachable "issuer-unreachable" "the thumbprint cannot be computed; `--thumbprint HEX` or `--thumbprint iam` needs no connection"
        MigrationBlocked "migration-blocked" "a line of `aws-auth` that no access entry can replace as it is; it keeps the cluster from mode `API`"
        MigrationGroupHeld "migration-group-held" "an access entry that a migration does not finish is in the group of an interrupted one, whose binding is kept"
        MigrationLineWithoutEffect "migration-line-without-effect" "a line of `aws-auth` that lets no one in, for which no access entry is made"
        MigrationVerdict "migration-verdict" "what changes for a principal when an access entry replaces its line of `aws-auth`"
        MigrationSingleAdministrator "migration-single-administrator" "in authentication mode `API` one principal alone, or the caller alone, could do everything"
        NamespaceMissing "namespace-missing" "the namespace of a role or binding does not exist, and no service account of the file creates it"
        NamespaceTerminating "namespace-terminating" "the namespace is being deleted"
        NotDesirable "not-desirable" "no role can be made of what the file says; the message says why"
        NotOurs "not-ours" "the object to delete belongs to someone else and is kept"
        NotPlanned "not-planned" "mappings, bindings or entries were left out: what they need could not be planned, or `--allow kubernetes-unreachable` was given"
        NotPruned "not-pruned" "eksact made mappings, bindings or statements of shared roles that the file does not have; `--prune` removes them"
        NothingToDelete "nothing-to-delete" "the object to delete does not exist"
        NothingToUpdate "nothing-to-update" "the object to update has no role"
        OidcAudienceMissing "oidc-audience-missing" "the provider is missing the audience `sts.amazonaws.com`: no role can be assumed through it"
        OwnRightsUnknown "own-rights-unknown" "bindings or roles could not be read that decide what the caller loses by the plan"
        PermissionSetAccount "permission-set-account" "the role of a permission set is in another account, which cannot be read"
        PermissionSetAmbiguous "permission-set-ambiguous" "a permission set has several roles in the account"
        PermissionSetNotFound "permission-set-not-found" "a permission set has no role in the account"
        PermissionSetUnreadable "permission-set-unreadable" "the role of a permission set could not be searched for"
        PolicyDescription "policy-description" "a policy has another description than the file says: IAM has no call that changes it"
        PolicyInUse "policy-in-use" "a policy was to be removed, or made again, that somebody has whom the plan leaves as it is"
        PolicyMoves "policy-moves" "the file gives a policy another path, which IAM cannot change"
        PolicyNotOurs "policy-not-ours" "a policy of that name exists that no stack of this cluster made"
        PolicyUnreadable "policy-unreadable" "a customer managed policy could not be read, or who has it"
        PruneProtected "prune-protected" "`kube-system/aws-node`, or the mapping of nodes or of EKS itself, is kept"
        RbacNotManaged "rbac-not-managed" "a role or binding of that name exists, and eksact did not make it"
        RoleAttached "role-attached" "a stack that was to be removed is kept: the file still names its role, where a service account has it or people get in by it"
        RoleKept "role-kept" "a stack that was to be removed is kept: its service account names its role and cannot be pointed at the one of the file"
        RoleMoves "role-moves" "the file gives a role another path, which IAM cannot change"
        RoleNameTaken "role-name-taken" "a role of that name exists outside the stack: CloudFormation will refuse to create it"
        RoleNotOurs "role-not-ours" "a role of that name exists that no stack of this cluster made"
        RoleShared "role-shared" "other clusters share a role of this one; their statements are kept"
        RoleUnknown "role-unknown" "the stack has no output `Role1`, so its role cannot be found"
        RoleUnreadable "role-unreadable" "a role could not be read; a denied call names the permission"
        ServiceAccountNotManaged "service-account-not-managed" "the service account exists, and neither eksctl nor eksact made it"
        ServiceAccountTerminating "service-account-terminating" "the service account is being deleted"
        ServiceAccountUnreadable "service-account-unreadable" "a service account could not be read"
        ServiceAccountsUnreadable "service-accounts-unreadable" "the service accounts of the cluster could not be listed"
        SeveralMappings "several-mappings" "`delete iamidentitymapping --arn` names several entries; `--all` deletes them all"
        SharedRoleArn "shared-role-arn" "the role has another ARN, such as another path"
        SharedRoleLastStatement "shared-role-last-statement" "this cluster's statement is the only one of the trust policy, and IAM allows no trust policy without one"
        SharedRoleMissing "shared-role-missing" "there is no such role in the account"
        SharedRoleOtherAccount "shared-role-other-account" "the role is in another account; the message has the statement to add there"
        SharedRoleReserved "shared-role-reserved" "the role belongs to AWS"
        SharedRoleUnreadable "shared-role-unreadable" "the role's trust policy has no readable statements"
        SharedRolesUnreadable "shared-roles-unreadable" "the roles of the account could not be listed, so that statements which the file no longer has cannot be found"
        StackBusy "stack-busy" "CloudFormation was still working on the stack when the time was up"
        StackClaimedTwice "stack-claimed-twice" "two stacks have the tag of one service account; only one of them is removed"
        PodIdentityUnreadable "pod-identity-unreadable" "a pod identity association could not be read, or they could not be listed"
        PodIdentityOwned "pod-identity-owned" "a pod identity association belongs to an add-on, which alone changes it"
        PodIdentityRoleAccount "pod-identity-role-account" "the role of a pod identity association is in another account, which EKS refuses"
        PodIdentityTargetTrust "pod-identity-target-trust" "the trust policy that the target role of an association needs; eksact cannot read it"
        PodIdentityMigrationRefused "pod-identity-migration-refused" "why a service account keeps its annotation and gets no pod identity association"
        PodIdentityMigrationStack "pod-identity-migration-stack" "the stack of a role still has what a migration takes from the role's trust policy"
        PodIdentityRestart "pod-identity-restart" "pods that get their role by the annotation until they are restarted, or of which that is not known"
        PodIdentitySession "pod-identity-session" "what is different in the sessions of pods that get their role by an association"
        PodIdentityAgentMissing "pod-identity-agent-missing" "nothing in the cluster hands the credentials of pod identity associations to pods, or it is not known to run"
        StackNotOurs "stack-not-ours" "a stack of that name exists without the tags of this cluster and service account"
        StackStuck "stack-stuck" "the stack is in a state that only its owner can repair; the message says how"
        StacksUnreadable "stacks-unreadable" "the stacks of the region could not be read"
        TemplateUnreadable "template-unreadable" "a role has to change, and its stack's template is not one that eksctl or eksact writes"
        TrustPolicyLong "trust-policy-long" "the trust policy would be longer than 2,048 characters, and the account's quota could not be read"
        TrustPolicyTooLong "trust-policy-too-long" "the trust policy would be longer than the account's quota, or than any account's"
        TrustedPrincipalMissing "trusted-principal-missing" "the trust policy of a role names somebody who does not exist: IAM takes none such"
        TrustedPrincipalUnknown "trusted-principal-unknown" "whether somebody exists whom a trust policy names could not be read"
        Unreadable "unreadable" "something that the plan needs could not be read"
        UpdateNeedsReplacement "update-needs-replacement" "the role would have to be recreated, and the flags of `update` do not say enough for that"
        AccessEntryMode "access-entry-mode" "the cluster's authentication mode is `CONFIG_MAP`, in which it has no access entries"
        AccessEntriesUnreadable "access-entries-unreadable" "the access entries of the cluster could not be read"
        AccessEntryStack "access-entry-stack" "the access entry belongs to a CloudFormation stack, and is changed only with it"
        AccessPolicyUnknown "access-policy-unknown" "EKS does not offer the access policy in this region"
        LineBlocksApi "line-blocks-api" "no access entry can take the place of the line of aws-auth as things are, which keeps the cluster from mode API"
        LineShadowed "line-shadowed" "the principal of the line of aws-auth has an access entry that gives something else, and only the entry counts"
        NodeEntryType "node-entry-type" "the access entry of a role of nodes is of type STANDARD, with which nodes do not join"
        PrincipalMissing "principal-missing" "the role or user of an access entry does not exist"
        PrincipalPath "principal-path" "the role or user of an access entry has another path, or its name is in other case"
        PrincipalStale "principal-stale" "the role or user of an access entry was made again since, and the new one has no access by it"
        PrincipalUnreadable "principal-unreadable" "the role or user of an access entry could not be read"
        ScopeMatches "scope-matches" "which namespaces a wildcard of an access policy's scope matches today"
        ScopeMatchesNothing "scope-matches-nothing" "no namespace matches the scope of an access policy"
    }
    "aws-auth" {
        SectionDropped "section-dropped" "the server reads nothing of the whole section"
        SectionMisspelt "section-misspelt" "a key such as `maproles`, which the server does not read"
        SectionUnknown "section-unknown" "another key that the server does not read"
        EntryDropped "entry-dropped" "the server ignores the entry: it has no ARN, or an ARN and `sso`"
        DocumentNotRead "document-not-read" "a section with a second YAML document (`---`): the server reads only the first"
        OverriddenKey "overridden-key" "a key twice in one entry, also in other case or by `<<`: only one counts"
        EmptyValue "empty-value" "an empty username or group, or `groups: []`: the same as leaving it out"
        NoUsername "no-username" "an entry without a username: audit logs have no name for it, and aggregated APIs refuse it"
        RepeatedValue "repeated-value" "a group or account twice"
        UnusedKey "unused-key" "a key that EKS does not use, such as `userid`"
        NoDifference "no-difference" "something that does not change how the server reads the entry"
        RoleArnWithPath "role-arn-with-path" "a role's ARN with its path, which never matches; a user's does"
        SessionArn "session-arn" "the ARN of a session instead of the role's"
        GroupArn "group-arn" "the ARN of an IAM group, as which no one calls"
        NotAnArn "not-an-arn" "text that is not the ARN of a role or user"
        ArnWithRegion "arn-with-region" "an ARN with a region, which IAM ARNs do not have"
        WildcardInArn "wildcard-in-arn" "an ARN with a wildcard, which the server does not support"
        WrongPartition "wrong-partition" "an ARN of another partition than the cluster's"
        BadAccount "bad-account" "an account without twelve digits"
        DuplicateOverridden "duplicate-overridden" "an ARN twice: the last one counts, and `mapRoles` before `mapUsers`"
        DuplicateAtRandom "duplicate-at-random" "users whose ARNs differ only in case: the server picks one at random"
        MisspeltSystemGroup "misspelt-system-group" "such as `system:master`"
        UnknownSystemGroup "unknown-system-group" "another group below `system:` that Kubernetes does not know"
        JoinedGroups "joined-groups" "several groups in one string, such as `\"a,b\"`"
        NameWithBlanks "name-with-blanks" "blanks, quotes or commas around a username or group, which are part of it"
        ReservedUsername "reserved-username" "a username below `system:` or `eks:` that is not a node's"
        SsoEntry "sso-entry" "an `sso` entry, which EKS does not read"
        StaleSsoRole "stale-sso-role" "a role of IAM Identity Center that no longer exists"
        UserInMapRoles "user-in-map-roles" "a user in `mapRoles`: it works, and tools look for it elsewhere"
        RoleInMapUsers "role-in-map-users" "a role in `mapUsers`: it works, and tools look for it elsewhere"
        GroupNotBound "group-not-bound" "no binding names the group"
        UnknownPlaceholder "unknown-placeholder" "text that looks like a placeholder and stays in the name, or a placeholder that this caller does not have"
        NoNodeRole "no-node-role" "no role is in `system:nodes`, and no access entry is known to let nodes in"
        ValueNotText "value-not-text" "a section of a manifest that is not a string, such as `mapRoles:` without `\\|`"
        SeveralAwsAuth "several-aws-auth" "a file with more than one aws-auth: the one that is applied last replaces the others"
        NoMappings "no-mappings" "a manifest without any of the three sections"
        UnknownField "unknown-field" "a field that a ConfigMap does not have, such as `mapRoles` beside `data`"
        NoNamespace "no-namespace" "a manifest without a namespace"
        NotAwsAuth "not-aws-auth" "a ConfigMap of another name or namespace"
    }
    "Kubeconfigs" {
        KubeconfigUserBeside "kubeconfig-user-beside" "a user of the desired name signs in with another role or profile; another one was made beside it"
        KubeconfigUserTakenOver "kubeconfig-user-taken-over" "a user that another tool wrote, and that other contexts use, now signs in as the same with eksact"
        KubeconfigUserReplaced "kubeconfig-user-replaced" "`--force` replaces a user that other contexts use too: they sign in differently now"
        KubeconfigAmbientProfile "kubeconfig-ambient-profile" "`AWS_PROFILE` is set and was not written; `--profile` writes it"
        KubeconfigNotOurs "kubeconfig-not-ours" "`delete kubeconfig` kept a context whose user does not run eksact, or signs in to another cluster"
        KubeconfigFurtherFile "kubeconfig-further-file" "`delete kubeconfig` changes one file, and another one has entries of the cluster too"
        KubeconfigCurrentGone "kubeconfig-current-gone" "another file's current context is one that was just removed"
        KubeconfigNoSuchContext "kubeconfig-no-such-context" "`delete kubeconfig --context` names a context that the cluster does not have"
        KubeconfigShadowed "kubeconfig-shadowed" "an earlier file of `KUBECONFIG` has an entry of this name, and kubectl uses that one"
        KubeconfigCurrentElsewhere "kubeconfig-current-elsewhere" "an earlier file of `KUBECONFIG` sets the current context"
        KubeconfigUnreadable "kubeconfig-unreadable" "another file of `KUBECONFIG` cannot be read, so that kubectl reads no file"
        KubeconfigEntryUnusable "kubeconfig-entry-unusable" "kubectl refuses an entry that is kept in the file as it is, such as an `exec` without `apiVersion`"
        KubeconfigOpenToOthers "kubeconfig-open-to-others" "others on this machine may read or change the file"
        KubeconfigInsecureCluster "kubeconfig-insecure-cluster" "the cluster's entry has `insecure-skip-tls-verify`, so that no certificate authority was written"
    }
    "Tokens and callers" {
        TokenTooLong "token-too-long" "more than the 4096 bytes that the server reads"
        TokenHost "token-host" "the token names a host that the server does not accept: an endpoint override, a port, another partition"
        TokenUrl "token-url" "scheme, path, call or parameters of the URL are not those of a token"
        TokenHeaders "token-headers" "the cluster's header is not signed, or others are that STS does not get"
        TokenExpires "token-expires" "`X-Amz-Expires` is missing or out of bounds"
        TokenDate "token-date" "`X-Amz-Date` is missing or not a date"
        TokenRefused "token-refused" "the server refuses the token for another fault in its form, in its own words"
        TokenTime "token-time" "a time in a service account's token is not a number of seconds"
        TokenExpired "token-expired" "signed more than 15 minutes ago; a service account's token has expired"
        Clock "clock" "the clock of the signer or of this machine is wrong"
        TokenCluster "token-cluster" "STS: signed for another cluster name, or with a wrong secret"
        CredentialsExpired "credentials-expired" "STS: the session of the credentials has ended"
        CredentialsUnknown "credentials-unknown" "STS: the key or its session is unknown"
        RegionDisabled "region-disabled" "STS: the region is not enabled in the account"
        StsThrottled "sts-throttled" "STS: too many calls"
        StsRefused "sts-refused" "STS refused, in its own words"
        ClusterUnknown "cluster-unknown" "`verify token` made the token itself: STS accepts any cluster's name then"
        ClusterMissing "cluster-missing" "EKS has no such cluster in this account and region"
        NotMapped "not-mapped" "no access entry and no entry of aws-auth lets the caller in"
        RefusedThoughMapped "refused-though-mapped" "STS accepts the token and a mapping or access entry is for the caller, and the server refuses"
        Refused "refused" "the server refuses, and aws-auth could not be read to say why"
        UserPath "user-path" "an entry is meant for the caller, a user, and has another path"
        OtherAccount "other-account" "the entry is in another account than the caller; in a chain, the role is in another account and cannot be checked from here"
        OtherKind "other-kind" "an entry has the caller's name, and is another kind of principal"
        OtherSsoRole "other-sso-role" "an entry has another role of the caller's permission set"
        PermissionSetName "permission-set-name" "an entry has the permission set's name instead of its role's"
        SessionName "session-name" "an entry has the name of the caller's session"
        SimilarName "similar-name" "an entry has a name similar to the caller's"
        RootArn "root-arn" "an entry has the root user of the caller's account"
        MappedByAccount "mapped-by-account" "only its account (`mapAccounts`) lets the caller in, without groups"
        ShadowedByAccessEntry "shadowed-by-access-entry" "aws-auth maps the caller to another name or other groups than its access entry, and only that counts"
        EntryGivesNothing "entry-gives-nothing" "the access entry grants nothing: it has no access policy, and no binding names its user name or a group"
        MappingGivesNothing "mapping-gives-nothing" "the mapping grants nothing: no binding names its user name or a group"
        OtherCluster "other-cluster" "another cluster: of a second file, of the kubeconfig's context, or of the Kubernetes API"
        OtherSignIn "other-sign-in" "by the kubeconfig's context kubectl uses another profile, role or region than this command"
        SignInUnknown "sign-in-unknown" "the context runs a program that decides which identity signs in"
        ExecApiVersion "exec-api-version" "the context's user has a version of the exec protocol that kubectl refuses, such as `v1alpha1`"
        ExecInteractiveMode "exec-interactive-mode" "the context's user has version `v1` without `interactiveMode`"
        ExecFormerName "exec-former-name" "the context's user runs `heptio-authenticator-aws`"
        ExecCommandLine "exec-command-line" "the context's user has a command with its arguments in `command`"
        SandboxToken "sandbox-token" "a token of the sandbox is verified outside of it"
        NotASandboxToken "not-a-sandbox-token" "another token is verified in the sandbox"
        Root "root" "the caller is the account's root user"
    }
    "Who may do what" {
        NotAuthorized "not-authorized" "somebody whom the cluster lets in may not do what was asked: no binding and no access policy allows it"
        BoundRoleMissing "bound-role-missing" "a binding gives somebody a role that does not exist"
        AuthorizationUnknown "authorization-unknown" "whether somebody may do what was asked depends on what no object shows, or on what could not be read"
    }
    "A service account with a role" {
        ServiceAccountMissing "service-account-missing" "there is no such service account"
        AnnotationMissing "annotation-missing" "the service account has no annotation with its role"
        AnnotationMisspelt "annotation-misspelt" "the annotation has another key than the webhook reads"
        AnnotationEmpty "annotation-empty" "the annotation is empty"
        AnnotationMalformed "annotation-malformed" "the annotation is not the ARN of a role"
        RoleMissing "role-missing" "there is no such role"
        RolePath "role-path" "the role's ARN has another path"
        TrustProvider "trust-provider" "the trust policy names another provider, and not this cluster's"
        TrustPrincipal "trust-principal" "the trust policy names another kind of principal"
        TrustOtherIssuer "trust-other-issuer" "a condition of the trust policy is about another cluster's issuer"
        TrustWildcard "trust-wildcard" "a wildcard under `StringEquals`, where it is a literal character"
        TrustSwapped "trust-swapped" "`sub` is compared with the audience, or `aud` with the subject"
        TrustNamespace "trust-namespace" "a condition accepts another namespace"
        TrustSubject "trust-subject" "a condition accepts another service account"
        TrustAudience "trust-audience" "a condition accepts another audience"
        TrustCondition "trust-condition" "a condition accepts another value"
        TrustAction "trust-action" "the statement allows another action"
        TrustDenied "trust-denied" "a Deny statement keeps the service account out"
        TrustNobody "trust-nobody" "the trust policy lets no one in"
        TrustRefuses "trust-refuses" "the trust policy keeps the service account out for another reason"
        TrustAnyServiceAccount "trust-any-service-account" "the trust policy lets every service account of the cluster in"
        TrustAnyNamespace "trust-any-namespace" "the trust policy lets service accounts of this name in from every namespace"
        TrustAnyAudience "trust-any-audience" "the trust policy asks for no audience"
        TrustAnyProvider "trust-any-provider" "the trust policy lets identities of every provider of the account in"
        OidcThumbprint "oidc-thumbprint" "the provider's thumbprint is none of the issuer's certificates; with a public root IAM does not check it"
        PodIdentityWins "pod-identity-wins" "pods have the role of an EKS Pod Identity association instead"
        StaticKeysWin "static-keys-win" "a pod has access keys in its environment, which SDKs prefer"
        TokenFileMissing "token-file-missing" "a pod has the role and no token file"
        PodsOlderThanAnnotation "pods-older-than-annotation" "pods were created before the annotation had its present value"
        PodsDiffer "pods-differ" "pods that run have other credentials than a pod that is made now would have"
        ContainerCredentials "container-credentials" "a container does not take the role of its service account: the pod has it skipped, or its own variables win"
        WebhookSkipped "webhook-skipped" "a label of the pod keeps the pod identity webhook from looking at it"
        AnnotationIgnored "annotation-ignored" "an annotation has a value that the pod identity webhook does not take as it is"
        PodIdentityPlace "pod-identity-place" "the pod runs where EKS Pod Identity gives no credentials"
        TokenSubject "token-subject" "the token belongs to another service account"
        TokenIssuer "token-issuer" "the token comes from another cluster"
        TokenAudience "token-audience" "the token is for another audience"
        TrustUnknown "trust-unknown" "whether the trust policy lets it in depends on conditions that only the call itself shows; `--try` makes it"
        NotCheckable "not-checkable" "the link could not be read, or cannot be checked from here; `--try` makes the call"
    }
}

// What serde would derive is a tree of comparisons for each kind of input: a hundred kilobytes of the program.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| de::Error::custom(format_args!("unknown code `{name}`")))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    /// Open: a later version may report more.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9-]+$",
            "description": "A stable code; docs/codes.md lists them.",
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Ord for Code {
    /// By name: so findings are ordered in plans.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<str> for Code {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_kebab_case_unique_and_explained() {
        let all: Vec<Code> = Code::BY_AREA
            .iter()
            .flat_map(|(_, codes)| codes.iter().copied())
            .collect();
        for code in &all {
            let is_kebab =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            assert!(code.as_str().chars().all(is_kebab), "{code}");
            assert!(
                !code.explanation().is_empty() && !code.explanation().ends_with('.'),
                "{code}"
            );
        }
        let names: BTreeSet<&str> = all.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }
}
