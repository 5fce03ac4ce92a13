"""IAM: what ministack's lacks or does otherwise than AWS.

OIDC providers whole, roles escaped and paged, the bulk read with boundaries and pages, and the checks that AWS makes before it attaches
or stores a policy. Limits are the maxima of AWS's quota page where one request can break them; the number of roles is not limited, so
that benchmarks can make many.
"""

import functools
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
# Maxima of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ATTACHED_PER_ROLE = 25
INLINE_TOTAL = 10240
TRUST_POLICY = 8192
THUMBPRINTS = 5
AUDIENCES = 100


def install(state):
    from ministack.services import iam

    handlers = iam._IAM_HANDLERS
    iam._role_xml = lambda name, boundary=True: role_xml(iam, iam._roles[name], full=boundary)
    _oidc(state, iam, handlers)
    handlers["ListRoles"] = lambda p: _list_roles(iam, p)
    handlers["GetAccountAuthorizationDetails"] = lambda p: _authorization_details(iam, p)
    _guarded(iam, handlers)


def _page(iam, p, items):
    """(items of the page, closing XML) or an error answer: how IAM pages every list (MaxItems, Marker, IsTruncated)."""
    try:
        size = int(iam._p(p, "MaxItems") or DEFAULT_PAGE)
        start = int(iam._p(p, "Marker") or 0)
    except ValueError:
        return None, iam._error(400, "ValidationError", "Invalid Marker: parse error")
    if not 1 <= size <= LARGEST_PAGE:
        return None, iam._error(
            400, "ValidationError", f"1 validation error detected: Value '{size}' at 'maxItems' failed to satisfy constraint: "
            f"Member must have value less than or equal to {LARGEST_PAGE}")
    rest = start + size < len(items)
    end = "<IsTruncated>true</IsTruncated>" + f"<Marker>{start + size}</Marker>" if rest else "<IsTruncated>false</IsTruncated>"
    return items[start:start + size], end


def _members(values):
    return "".join(f"<member>{value}</member>" for value in values)


def tags_xml(tags):
    """Values may hold anything: ministack does not escape them."""
    return _members(f"<Key>{escape(tag['Key'])}</Key><Value>{escape(tag['Value'])}</Value>" for tag in tags)


def _boundary_xml(role):
    if not role.get("PermissionsBoundary"):
        return ""
    # The model's enum has one value, and AWS sends this other one.
    return ("<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
            f"<PermissionsBoundaryArn>{escape(role['PermissionsBoundary'])}</PermissionsBoundaryArn></PermissionsBoundary>")


@functools.lru_cache(maxsize=16384)
def _quoted(document):
    """A document as IAM sends it. Kept, because a bulk read quotes the same thousands again and again."""
    return urllib.parse.quote(document or "{}", safe="")


def role_xml(iam, role, full):
    """A `Role`. ListRoles leaves out tags, boundary and last use (API_ListRoles)."""
    description = f"<Description>{escape(role['Description'])}</Description>" if role.get("Description") else ""
    tags = f"<Tags>{tags_xml(role['Tags'])}</Tags>" if full and role.get("Tags") else ""
    return (f"<Path>{role['Path']}</Path><RoleName>{role['RoleName']}</RoleName><RoleId>{role['RoleId']}</RoleId>"
            f"<Arn>{role['Arn']}</Arn><CreateDate>{role['CreateDate']}</CreateDate>"
            f"<AssumeRolePolicyDocument>{_quoted(role.get('AssumeRolePolicyDocument'))}</AssumeRolePolicyDocument>"
            f"{description}<MaxSessionDuration>{role.get('MaxSessionDuration', 3600)}</MaxSessionDuration>"
            + (f"{_boundary_xml(role)}{tags}<RoleLastUsed></RoleLastUsed>" if full else ""))


def _list_roles(iam, p):
    prefix = iam._p(p, "PathPrefix") or "/"
    roles = sorted((role for role in iam._roles.values() if role.get("Path", "/").startswith(prefix)),
                   key=lambda role: role["RoleName"])
    page, end = _page(iam, p, roles)
    if page is None:
        return end
    return iam._xml(200, "ListRolesResponse", "<ListRolesResult><Roles>"
                    + _members(role_xml(iam, role, full=False) for role in page) + f"</Roles>{end}</ListRolesResult>")


# --- The bulk read ---

def _attached(entity):
    return _members(f"<PolicyName>{arn.rsplit('/', 1)[-1]}</PolicyName><PolicyArn>{escape(arn)}</PolicyArn>"
                    for arn in entity.get("AttachedPolicies", []))


def _inline(policies):
    return _members(f"<PolicyName>{escape(name)}</PolicyName><PolicyDocument>{_quoted(document)}</PolicyDocument>"
                    for name, document in (policies or {}).items())


def _role_detail(_iam, role):
    return (f"<Path>{role['Path']}</Path><RoleName>{role['RoleName']}</RoleName><RoleId>{role['RoleId']}</RoleId>"
            f"<Arn>{role['Arn']}</Arn><CreateDate>{role['CreateDate']}</CreateDate>"
            f"<AssumeRolePolicyDocument>{_quoted(role.get('AssumeRolePolicyDocument'))}</AssumeRolePolicyDocument>"
            f"<InstanceProfileList></InstanceProfileList><RolePolicyList>{_inline(role.get('InlinePolicies'))}</RolePolicyList>"
            f"<AttachedManagedPolicies>{_attached(role)}</AttachedManagedPolicies>{_boundary_xml(role)}"
            f"<Tags>{tags_xml(role.get('Tags', []))}</Tags><RoleLastUsed></RoleLastUsed>")


def _user_detail(iam, user):
    groups = _members(group["GroupName"] for group in iam._groups.values() if user["UserName"] in group.get("Users", []))
    return (f"<Path>{user['Path']}</Path><UserName>{user['UserName']}</UserName><UserId>{user['UserId']}</UserId>"
            f"<Arn>{user['Arn']}</Arn><CreateDate>{user['CreateDate']}</CreateDate>"
            f"<UserPolicyList>{_inline(iam._user_inline_policies.get(user['UserName']))}</UserPolicyList><GroupList>{groups}</GroupList>"
            f"<AttachedManagedPolicies>{_attached(user)}</AttachedManagedPolicies><Tags>{tags_xml(user.get('Tags', []))}</Tags>")


def _group_detail(iam, group):
    return (f"<Path>{group['Path']}</Path><GroupName>{group['GroupName']}</GroupName><GroupId>{group['GroupId']}</GroupId>"
            f"<Arn>{group['Arn']}</Arn><CreateDate>{group['CreateDate']}</CreateDate>"
            f"<GroupPolicyList>{_inline(iam._group_inline_policies.get(group['GroupName']))}</GroupPolicyList>"
            f"<AttachedManagedPolicies>{_attached(group)}</AttachedManagedPolicies>")


def _policy_detail(_iam, policy):
    versions = _members(f"<Document>{_quoted(version.get('Document'))}</Document><VersionId>{version['VersionId']}</VersionId>"
                        f"<IsDefaultVersion>{str(bool(version.get('IsDefaultVersion'))).lower()}</IsDefaultVersion>"
                        for version in policy.get("Versions", {}).values())
    return (f"<PolicyName>{policy['PolicyName']}</PolicyName><PolicyId>{policy['PolicyId']}</PolicyId><Arn>{policy['Arn']}</Arn>"
            f"<Path>{policy.get('Path', '/')}</Path><DefaultVersionId>{policy.get('DefaultVersionId', 'v1')}</DefaultVersionId>"
            f"<AttachmentCount>{policy.get('AttachmentCount', 0)}</AttachmentCount>"
            f"<PolicyVersionList>{versions}</PolicyVersionList>")


def _authorization_details(iam, p):
    """GetAccountAuthorizationDetails: one page counts over users, groups, roles and policies together."""
    wanted = {value[0] if isinstance(value, list) else value for key, value in p.items() if key.startswith("Filter.member.")}
    sections = (
        ("UserDetailList", "User", iam._users, _user_detail),
        ("GroupDetailList", "Group", iam._groups, _group_detail),
        ("RoleDetailList", "Role", iam._roles, _role_detail),
        ("Policies", "LocalManagedPolicy", iam._policies, _policy_detail),
    )
    known = {"User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"}
    if wanted - known:
        return iam._error(400, "ValidationError", f"1 validation error detected: Value '{sorted(wanted - known)}' at 'filter' "
                          "failed to satisfy constraint: Member must satisfy enum value set")
    items = [(section, detail, record) for section, kind, store, detail in sections if not wanted or kind in wanted
             for record in store.values()]
    page, end = _page(iam, p, items)
    if page is None:
        return end
    body = "".join(
        f"<{name}>" + _members(detail(iam, record) for section, detail, record in page if section == name) + f"</{name}>"
        for name, _kind, _store, _detail in sections)
    return iam._xml(200, "GetAccountAuthorizationDetailsResponse",
                    f"<GetAccountAuthorizationDetailsResult>{body}{end}</GetAccountAuthorizationDetailsResult>")


# --- What AWS checks before it writes ---

def attachable(iam, arn):
    """Whether a policy of that ARN can be attached. Every AWS managed one counts as existing: their list is not in the bed."""
    return bool(re.fullmatch(r"arn:aws[a-z-]*:iam::aws:policy/.+", arn)) or arn in iam._policies


def not_attachable(arn):
    return f"Policy {arn} does not exist or is not attachable."


def too_large(role, name, document):
    """The text of IAM's refusal if the role's inline policies would grow too large; white space does not count."""
    sizes = {**(role.get("InlinePolicies") or {}), name: document}
    if sum(len(re.sub(r"\s", "", text)) for text in sizes.values()) > INLINE_TOTAL:
        return f"Maximum policy size of {INLINE_TOTAL} bytes exceeded for role {role['RoleName']}"
    return None


def malformed(document):
    """Whether IAM would refuse a document at sight: no JSON object, or one without a statement."""
    try:
        return not json.loads(document).get("Statement")
    except (ValueError, AttributeError):
        return True


def refused_sid(document):
    """The text of IAM's refusal of the statements' ids: letters and digits, each once."""
    statements = json.loads(document)["Statement"]
    sids = [statement.get("Sid") for statement in (statements if isinstance(statements, list) else [statements])]
    sids = [sid for sid in sids if sid]
    if any(not re.fullmatch("[0-9A-Za-z]*", sid) for sid in sids):
        return ("Statement IDs (SID) should be alpha-numeric. Check that your input satisfies the regular expression "
                "[0-9A-Za-z]*")
    return "Statement IDs (SID) in a single policy must be unique." if len(set(sids)) < len(sids) else None


def _guarded(iam, handlers):
    attach, put, delete, trust = (handlers[name] for name in (
        "AttachRolePolicy", "PutRolePolicy", "DeleteRole", "UpdateAssumeRolePolicy"))

    def attach_checked(p):
        role, arn = iam._roles.get(iam._p(p, "RoleName")), iam._p(p, "PolicyArn")
        if role is not None and not attachable(iam, arn):
            return iam._error(404, "NoSuchEntity", not_attachable(arn))
        if role is not None and arn not in role["AttachedPolicies"] and len(role["AttachedPolicies"]) >= ATTACHED_PER_ROLE:
            return iam._error(409, "LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_PER_ROLE}")
        return attach(p)

    def put_checked(p):
        role = iam._roles.get(iam._p(p, "RoleName"))
        refusal = role and too_large(role, iam._p(p, "PolicyName"), iam._p(p, "PolicyDocument"))
        if role is not None and malformed(iam._p(p, "PolicyDocument")):
            return iam._error(400, "MalformedPolicyDocument", "Syntax errors in policy.")
        return iam._error(409, "LimitExceeded", refusal) if refusal else put(p)

    def trust_checked(p):
        if len(iam._p(p, "PolicyDocument")) > TRUST_POLICY:
            return iam._error(409, "LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}")
        if iam._p(p, "RoleName") in iam._roles and malformed(iam._p(p, "PolicyDocument")):
            return iam._error(400, "MalformedPolicyDocument", "Syntax errors in policy.")
        if iam._p(p, "RoleName") in iam._roles and (refusal := refused_sid(iam._p(p, "PolicyDocument"))):
            return iam._error(400, "MalformedPolicyDocument", refusal)
        return trust(p)

    def delete_worded(p):
        status, headers, body = delete(p)
        return status, headers, body.replace(b"must delete all inline policies first", b"must delete policies first")

    handlers.update({"AttachRolePolicy": attach_checked, "PutRolePolicy": put_checked, "DeleteRole": delete_worded,
                     "UpdateAssumeRolePolicy": trust_checked})


# --- OIDC providers ---

def _numbered(iam, p, name):
    values, index = [], 1
    while value := iam._p(p, f"{name}.member.{index}"):
        values.append(value)
        index += 1
    return values


def _oidc(state, iam, handlers):
    providers = iam._oidc_providers

    def done(action):
        return iam._xml(200, f"{action}Response", "")

    def on_provider(change):
        """A handler that finds the provider first."""
        def handler(p):
            arn = iam._p(p, "OpenIDConnectProviderArn")
            provider = providers.get(arn)
            if provider is None:
                return iam._error(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {escape(arn)}")
            return change(p, provider)
        return handler

    def create(p):
        url = iam._p(p, "Url")
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme != "https" or not parsed.hostname:
            return iam._error(400, "ValidationError", "Invalid Open ID Connect Provider URL")
        # AWS keeps neither scheme nor port.
        kept = f"{parsed.hostname}{parsed.path}".rstrip("/")
        arn = f"arn:aws:iam::{state.account}:oidc-provider/{kept}"
        if arn in providers:
            return iam._error(409, "EntityAlreadyExists", f"Provider with url https://{kept} already exists.")
        audiences, thumbprints = _numbered(iam, p, "ClientIDList"), _numbered(iam, p, "ThumbprintList")
        refusal = _thumbprints_refused(iam, thumbprints) or _audiences_refused(iam, audiences)
        if refusal:
            return refusal
        # Without one IAM takes the thumbprint of the top authority itself.
        providers[arn] = {"Url": kept, "Arn": arn, "ClientIDList": audiences, "ThumbprintList": thumbprints or [state.thumbprint],
                          "CreateDate": iam._now(), "Tags": iam._extract_tags(p)}
        tags = f"<Tags>{tags_xml(providers[arn]['Tags'])}</Tags>" if providers[arn]["Tags"] else ""
        return iam._xml(200, "CreateOpenIDConnectProviderResponse", "<CreateOpenIDConnectProviderResult>"
                        f"<OpenIDConnectProviderArn>{arn}</OpenIDConnectProviderArn>{tags}</CreateOpenIDConnectProviderResult>")

    def get(_p, provider):
        return iam._xml(200, "GetOpenIDConnectProviderResponse", "<GetOpenIDConnectProviderResult>"
                        f"<Url>{provider['Url']}</Url><ClientIDList>{_members(map(escape, provider['ClientIDList']))}</ClientIDList>"
                        f"<ThumbprintList>{_members(provider['ThumbprintList'])}</ThumbprintList>"
                        f"<CreateDate>{provider['CreateDate']}</CreateDate><Tags>{tags_xml(provider['Tags'])}</Tags>"
                        "</GetOpenIDConnectProviderResult>")

    def thumbprint(p, provider):
        wanted = _numbered(iam, p, "ThumbprintList")
        refusal = _thumbprints_refused(iam, wanted)
        if refusal:
            return refusal
        provider["ThumbprintList"] = wanted
        return done("UpdateOpenIDConnectProviderThumbprint")

    def add_audience(p, provider):
        audience = iam._p(p, "ClientID")
        if audience not in provider["ClientIDList"]:
            if len(provider["ClientIDList"]) >= AUDIENCES:
                return iam._error(409, "LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES}")
            provider["ClientIDList"].append(audience)
        return done("AddClientIDToOpenIDConnectProvider")

    def remove_audience(p, provider):
        provider["ClientIDList"] = [kept for kept in provider["ClientIDList"] if kept != iam._p(p, "ClientID")]
        return done("RemoveClientIDFromOpenIDConnectProvider")

    def tag(p, provider):
        merged = {tag["Key"]: tag for tag in provider["Tags"] + iam._extract_tags(p)}
        provider["Tags"] = list(merged.values())
        return done("TagOpenIDConnectProvider")

    def untag(p, provider):
        keys = iam._extract_tag_keys(p)
        provider["Tags"] = [kept for kept in provider["Tags"] if kept["Key"] not in keys]
        return done("UntagOpenIDConnectProvider")

    def list_tags(p, provider):
        page, end = _page(iam, p, provider["Tags"])
        if page is None:
            return end
        return iam._xml(200, "ListOpenIDConnectProviderTagsResponse", "<ListOpenIDConnectProviderTagsResult>"
                        f"<Tags>{tags_xml(page)}</Tags>{end}</ListOpenIDConnectProviderTagsResult>")

    def delete(p):
        # Idempotent, says API_DeleteOpenIDConnectProvider.
        providers.pop(iam._p(p, "OpenIDConnectProviderArn"), None)
        return done("DeleteOpenIDConnectProvider")

    handlers.update({
        "CreateOpenIDConnectProvider": create,
        "GetOpenIDConnectProvider": on_provider(get),
        "DeleteOpenIDConnectProvider": delete,
        "UpdateOpenIDConnectProviderThumbprint": on_provider(thumbprint),
        "AddClientIDToOpenIDConnectProvider": on_provider(add_audience),
        "RemoveClientIDFromOpenIDConnectProvider": on_provider(remove_audience),
        "TagOpenIDConnectProvider": on_provider(tag),
        "UntagOpenIDConnectProvider": on_provider(untag),
        "ListOpenIDConnectProviderTags": on_provider(list_tags),
    })


def _thumbprints_refused(iam, thumbprints):
    if len(thumbprints) > THUMBPRINTS:
        return iam._error(400, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    if not all(re.fullmatch(r"[0-9A-Fa-f]{40}", thumbprint) for thumbprint in thumbprints):
        return iam._error(400, "ValidationError", "Thumbprint must be a 40 character hex string")
    return None


def _audiences_refused(iam, audiences):
    if len(audiences) > AUDIENCES:
        return iam._error(409, "LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES}")
    return None
