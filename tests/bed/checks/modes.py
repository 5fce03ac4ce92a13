"""The authentication mode: its one-way steps, the time they take, how they fail, and the entries that EKS makes at the switch."""

from .world import refused

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def _switch(world, cluster, mode):
    return world.eks.update_cluster_config(name=cluster, accessConfig={"authenticationMode": mode})["update"]


def _mode(world, cluster):
    return world.eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]["authenticationMode"]


def check_the_mode_goes_one_way(world):
    cluster = world.cluster("CONFIG_MAP")

    def wrong(mode, before):
        refused(_switch, "InvalidParameterException", f"Unsupported authentication mode update from {before} to {mode}",
                world=world, cluster=cluster, mode=mode)

    wrong("API", "CONFIG_MAP")
    wrong("CONFIG_MAP", "CONFIG_MAP")
    update = _switch(world, cluster, "API_AND_CONFIG_MAP")
    assert (update["type"], update["status"]) == ("AccessConfigUpdate", "InProgress")
    assert update["params"] == [{"type": "AuthenticationMode", "value": '"API_AND_CONFIG_MAP"'}], update
    assert world.updated(cluster, update)["status"] == "Successful" and _mode(world, cluster) == "API_AND_CONFIG_MAP"
    wrong("CONFIG_MAP", "API_AND_CONFIG_MAP")
    world.updated(cluster, _switch(world, cluster, "API"))
    wrong("API_AND_CONFIG_MAP", "API")
    assert len(world.eks.list_updates(name=cluster)["updateIds"]) == 2
    refused(world.eks.describe_update, "ResourceNotFoundException", "No update found", name=cluster, updateId="no")


def check_one_update_at_a_time(world):
    cluster = world.cluster("CONFIG_MAP")
    world.control("PUT", "seconds", {"cluster_update": 0.5})
    update = _switch(world, cluster, "API_AND_CONFIG_MAP")
    assert world.eks.describe_cluster(name=cluster)["cluster"]["status"] == "UPDATING" and _mode(world, cluster) == "CONFIG_MAP"
    refused(_switch, "ResourceInUseException", f"Cannot AccessConfigUpdate because cluster {cluster} currently has update {update['id']} in progress",
            world=world, cluster=cluster, mode="API")
    refused(world.eks.associate_identity_provider_config, "ResourceInUseException",
            f"Cannot AssociateIdentityProviderConfig because cluster {cluster} currently has update", clusterName=cluster,
            oidc={"identityProviderConfigName": "a", "issuerUrl": "https://a.example", "clientId": "c"})
    world.updated(cluster, update)
    assert world.eks.describe_cluster(name=cluster)["cluster"]["status"] == "ACTIVE"


def check_an_update_can_be_made_to_fail(world):
    cluster = world.cluster("CONFIG_MAP", nextUpdate={"status": "Failed", "errors": [
        {"errorCode": "AccessDenied", "errorMessage": "by the test", "resourceIds": ["x"]}]})
    update = world.updated(cluster, _switch(world, cluster, "API_AND_CONFIG_MAP"))
    assert (update["status"], update["errors"][0]["errorMessage"]) == ("Failed", "by the test") and _mode(world, cluster) == "CONFIG_MAP"
    # The one after it succeeds.
    assert world.updated(cluster, _switch(world, cluster, "API_AND_CONFIG_MAP"))["status"] == "Successful"


def check_eks_makes_entries_of_its_own_at_the_switch(world):
    creator = world.user()[0]
    node, windows, fargate, late = (world.new_role(f"{world.name}-{name}") for name in ("node", "windows", "fargate", "late"))
    cluster = world.cluster("CONFIG_MAP", creator=creator, nodegroups={"a": node, "b": {"nodeRole": windows, "amiType": "WINDOWS_CORE_2022_x86_64"}},
                            fargateProfiles={"fp": fargate}, ownEntriesAfter={"nodegroups": 0.4, "fargateProfiles": None})
    assert world.eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"] == ["fp"]
    profile = world.eks.describe_fargate_profile(clusterName=cluster, fargateProfileName="fp")["fargateProfile"]
    assert profile["podExecutionRoleArn"] == fargate
    world.updated(cluster, _switch(world, cluster, "API_AND_CONFIG_MAP"))

    def entries():
        return world.eks.list_access_entries(clusterName=cluster)["accessEntries"]

    assert entries() == [creator], entries()
    held = world.eks.list_associated_access_policies(clusterName=cluster, principalArn=creator)["associatedAccessPolicies"]
    assert [(one["policyArn"], one["accessScope"]["type"]) for one in held] == [(ADMIN, "cluster")]
    world.until(lambda: len(entries()) == 3, "the entries of the node groups")
    kinds = {arn: world.eks.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"]["type"] for arn in entries()}
    assert kinds == {creator: "STANDARD", node: "EC2_LINUX", windows: "EC2_WINDOWS"}, kinds
    # From then on a node group brings its own, and leaves it behind.
    world.eks.create_nodegroup(clusterName=cluster, nodegroupName="late", nodeRole=late, subnets=["subnet-0a1b2c3d4e5f60718"])
    world.eks.delete_nodegroup(clusterName=cluster, nodegroupName="late")
    assert late in entries()
