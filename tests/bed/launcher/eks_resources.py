"""`AWS::EKS::AccessEntry` and `AWS::EKS::PodIdentityAssociation`, as CloudFormation's handlers make, change and remove them: by EKS's own calls.

What may change in place and what replaces is the registry schema's. A replacement is created before the old one goes, so a changed `Type`
meets the entry that is still there.
"""

from . import eks
from .calls import Refused
from .roles import failed

ACCESS_ENTRY, ASSOCIATION = "AWS::EKS::AccessEntry", "AWS::EKS::PodIdentityAssociation"
CREATE_ONLY = {ACCESS_ENTRY: ("ClusterName", "PrincipalArn", "Type"), ASSOCIATION: ("ClusterName", "Namespace", "ServiceAccount")}
HANDLER_CODES = {"ResourceInUseException": "AlreadyExists", "ResourceNotFoundException": "NotFound", "AccessDeniedException": "AccessDenied",
                 "ResourceLimitExceededException": "ServiceLimitExceeded"}


def install(state, provisioners):
    provisioners._RESOURCE_HANDLERS[ACCESS_ENTRY] = _handlers(AccessEntry(state))
    provisioners._RESOURCE_HANDLERS[ASSOCIATION] = _handlers(Association(state))
    provisioners._REPLACING_PROPERTIES.update(CREATE_ONLY)
    provisioners._STACK_TAG_PROPERTY.update(dict.fromkeys(CREATE_ONLY, ("Tags", "list")))


def _handlers(kind):
    return {"create": kind.create, "update": kind.update, "delete": kind.delete}


def _tags(properties):
    return {tag["Key"]: str(tag.get("Value", "")) for tag in properties.get("Tags") or []}


def _tagged(body, properties):
    """A body with tags if there are any: an empty map is no request."""
    tags = _tags(properties)
    return {**body, "tags": tags} if tags else body


def _given(body):
    return {name: value for name, value in body.items() if value is not None}


class Kind:
    def __init__(self, state):
        self.state = state

    def call(self, name, place, body=None):
        """One EKS call, its refusal as a resource event shows it."""
        try:
            return eks.invoke(self.state, name, place, body)
        except Refused as refusal:
            raise failed(str(refusal), refusal.status, HANDLER_CODES.get(refusal.code, "InvalidRequest"), service="Eks") from None

    def gone(self, name, place):
        """One EKS call that deletes; what is gone already, with its cluster or without, counts as deleted."""
        try:
            eks.invoke(self.state, name, place)
        except Refused as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise failed(str(refusal), refusal.status, HANDLER_CODES.get(refusal.code, "InvalidRequest"), service="Eks") from None

    def retag(self, arn, old, new):
        """The template's change to the tags; those of others stay."""
        from ministack.services import eks as service

        tags = {key: value for key, value in service._tags.get(arn, {}).items() if key not in _tags(old)} | _tags(new)
        service._tags[arn] = tags
        eks._show_tags(service)


class AccessEntry(Kind):
    def create(self, _logical_id, properties, _stack_name):
        cluster, principal = properties["ClusterName"], properties["PrincipalArn"]
        body = _given({"principalArn": principal, "type": properties.get("Type"), **self._names(properties)})
        entry = self.call("CreateAccessEntry", {"clusterName": cluster}, _tagged(body, properties))["accessEntry"]
        place = {"clusterName": cluster, "principalArn": principal}
        try:
            self._policies(place, {}, properties)
        except ValueError:
            self.gone("DeleteAccessEntry", place)
            raise
        return f"{principal}|{cluster}", {"AccessEntryArn": entry["accessEntryArn"]}

    def update(self, physical_id, old, new, _stack_name):
        place = self._place(physical_id)
        body = _given(self._names(new))
        entry = self.call("UpdateAccessEntry", place, body)["accessEntry"]
        self._policies(place, old, new)
        self.retag(entry["accessEntryArn"], old, new)
        return physical_id, {"AccessEntryArn": entry["accessEntryArn"]}

    def delete(self, physical_id, _properties):
        self.gone("DeleteAccessEntry", self._place(physical_id))

    @staticmethod
    def _place(physical_id):
        principal, _, cluster = physical_id.rpartition("|")
        return {"clusterName": cluster, "principalArn": principal}

    @staticmethod
    def _names(properties):
        return {"username": properties.get("Username"), "kubernetesGroups": properties.get("KubernetesGroups")}

    def _policies(self, place, old, new):
        """Associate what is new or has another scope, take away what the template has no more."""
        before, after = ({one["PolicyArn"]: one["AccessScope"] for one in properties.get("AccessPolicies") or []} for properties in (old, new))
        for policy, scope in after.items():
            if before.get(policy) != scope:
                told = _given({"type": scope.get("Type"), "namespaces": scope.get("Namespaces")})
                self.call("AssociateAccessPolicy", place, {"policyArn": policy, "accessScope": told})
        for policy in before.keys() - after.keys():
            self.gone("DisassociateAccessPolicy", {**place, "policyArn": policy})


class Association(Kind):
    def create(self, _logical_id, properties, _stack_name):
        body = _given({"namespace": properties["Namespace"], "serviceAccount": properties["ServiceAccount"], **self._settings(properties)})
        place = {"clusterName": properties["ClusterName"]}
        association = self.call("CreatePodIdentityAssociation", place, _tagged(body, properties))["association"]
        return association["associationArn"], self._attributes(association)

    def update(self, physical_id, old, new, _stack_name):
        # What the template has no more is cleared, by an empty text.
        settings = {name: self._settings(new)[name] for name in ("targetRoleArn", "policy")}
        body = {**_given(self._settings(new)), **{name: value or "" for name, value in settings.items()}}
        association = self.call("UpdatePodIdentityAssociation", self._place(physical_id), body)["association"]
        self.retag(association["associationArn"], old, new)
        return physical_id, self._attributes(association)

    def delete(self, physical_id, _properties):
        self.gone("DeletePodIdentityAssociation", self._place(physical_id))

    @staticmethod
    def _place(physical_id):
        cluster, identity = physical_id.rsplit("/", 2)[1:]
        return {"clusterName": cluster, "associationId": identity}

    @staticmethod
    def _settings(properties):
        tags_disabled = properties.get("DisableSessionTags")
        return {"roleArn": properties.get("RoleArn"), "targetRoleArn": properties.get("TargetRoleArn"), "policy": properties.get("Policy"),
                "disableSessionTags": str(tags_disabled).lower() == "true" if tags_disabled is not None else None}

    @staticmethod
    def _attributes(association):
        return {"AssociationArn": association["associationArn"], "AssociationId": association["associationId"],
                **({"ExternalId": association["externalId"]} if "externalId" in association else {})}
