"""The OIDC identity providers of a cluster."""

from .world import refused


def _oidc(name, **more):
    return {"identityProviderConfigName": name, "issuerUrl": f"https://{name}.example", "clientId": "kubernetes", **more}


def _associated(world, cluster, name, **more):
    return world.updated(cluster, world.eks.associate_identity_provider_config(clusterName=cluster, oidc=_oidc(name, **more))["update"])


def _told(world, cluster, name):
    wanted = {"type": "oidc", "name": name}
    return world.eks.describe_identity_provider_config(clusterName=cluster, identityProviderConfig=wanted)["identityProviderConfig"]["oidc"]


def check_providers_come_and_go_one_at_a_time(world):
    cluster = world.cluster()
    world.control("PUT", "seconds", {"cluster_update": 0.4})
    answer = world.eks.associate_identity_provider_config(clusterName=cluster, oidc=_oidc("one", groupsClaim="groups"), tags={"a": "1"})
    assert answer["update"]["type"] == "AssociateIdentityProviderConfig" and answer["tags"] == {"a": "1"}
    assert _told(world, cluster, "one")["status"] == "CREATING"
    refused(world.eks.associate_identity_provider_config, "ResourceInUseException", "currently has update", clusterName=cluster, oidc=_oidc("two"))
    world.updated(cluster, answer["update"])
    told = _told(world, cluster, "one")
    assert (told["status"], told["usernameClaim"], told["groupsClaim"], told["tags"]) == ("ACTIVE", "sub", "groups", {"a": "1"}), told
    update = world.eks.disassociate_identity_provider_config(
        clusterName=cluster, identityProviderConfig={"type": "oidc", "name": "one"})["update"]
    assert update["type"] == "DisassociateIdentityProviderConfig" and _told(world, cluster, "one")["status"] == "DELETING"
    world.updated(cluster, update)
    refused(_told, "ResourceNotFoundException", world=world, cluster=cluster, name="one")


def check_ten_providers_since_1_32_and_one_before(world):
    new, old = world.cluster(version="1.32"), world.cluster(name=f"{world.name}-old", version="1.31")
    for number in range(10):
        _associated(world, new, f"p{number}")
    assert len(world.eks.list_identity_provider_configs(clusterName=new)["identityProviderConfigs"]) == 10
    refused(world.eks.associate_identity_provider_config, "ResourceLimitExceededException", "limit", clusterName=new, oidc=_oidc("more"))
    _associated(world, old, "one")
    refused(world.eks.associate_identity_provider_config, "ResourceLimitExceededException", "limit", clusterName=old, oidc=_oidc("two"))


def check_providers_are_refused_in_the_words_of_eks(world):
    cluster = world.cluster()

    def wrong(text, code="InvalidParameterException", name="two", **more):
        refused(world.eks.associate_identity_provider_config, code, text, clusterName=cluster, oidc=_oidc(name, **more))

    _associated(world, cluster, "one")
    wrong("IssuerURL must use https:// scheme.", issuerUrl="http://a.example")
    wrong("The prefix system: is reserved for Kubernetes system use", usernamePrefix="system:")
    wrong("already exists", issuerUrl="https://one.example")
    wrong("already exists", code="ResourceInUseException", name="one")


def check_a_provider_whose_update_fails_is_not_there(world):
    cluster = world.cluster(nextUpdate={"status": "Failed", "errors": [{"errorCode": "Unknown", "errorMessage": "by the test"}]})
    assert _associated(world, cluster, "one")["status"] == "Failed"
    assert world.eks.list_identity_provider_configs(clusterName=cluster)["identityProviderConfigs"] == []
