"""IAM: OIDC providers, the bulk read, paging and limits."""

import json

from .world import BOUNDARY, S3_READ, client, inline, refused, trust


def _provider(world, port="", **arguments):
    host = f"oidc.eks.us-west-2.amazonaws.com{port}"
    arguments.setdefault("ClientIDList", ["sts.amazonaws.com"])
    return world.iam.create_open_id_connect_provider(Url=f"https://{host}/id/{world.name}", **arguments)["OpenIDConnectProviderArn"]


def _details(world, arn):
    return world.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def check_a_provider_loses_scheme_and_port(world):
    arn = _provider(world, port=":443", ThumbprintList=["A" * 40], Tags=[{"Key": "team", "Value": "a & b"}])
    assert arn == f"arn:aws:iam::{world.facts['account']}:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/{world.name}"
    provider = _details(world, arn)
    assert provider["Url"] == f"oidc.eks.us-west-2.amazonaws.com/id/{world.name}", provider["Url"]
    assert provider["ThumbprintList"] == ["A" * 40] and provider["Tags"] == [{"Key": "team", "Value": "a & b"}]
    refused(_provider, "EntityAlreadyExists", "already exists", world=world)
    assert arn in [one["Arn"] for one in world.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]


def check_a_provider_without_thumbprint_gets_the_top_authoritys(world):
    assert _details(world, _provider(world))["ThumbprintList"] == [world.facts["thumbprint"]]
    refused(world.iam.update_open_id_connect_provider_thumbprint, "ValidationError",
            OpenIDConnectProviderArn=_provider_arn(world), ThumbprintList=["g" * 40])


def _provider_arn(world):
    return f"arn:aws:iam::{world.facts['account']}:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/{world.name}"


def check_a_provider_can_be_changed_in_every_part(world):
    arn = _provider(world)
    world.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="vault")
    world.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="vault")
    assert _details(world, arn)["ClientIDList"] == ["sts.amazonaws.com", "vault"]
    world.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    world.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    world.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    world.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    world.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["b"])
    provider = _details(world, arn)
    assert (provider["ClientIDList"], provider["ThumbprintList"]) == (["vault"], ["b" * 40])
    assert world.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    world.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    world.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refused(world.iam.get_open_id_connect_provider, "NoSuchEntity", "not found", OpenIDConnectProviderArn=arn)
    refused(world.iam.tag_open_id_connect_provider, "NoSuchEntity", OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "1"}])


def check_the_bulk_read_says_all_of_a_role_and_comes_in_pages(world):
    world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ], PermissionsBoundary=BOUNDARY),
                 Tags=[{"Key": "team", "Value": "<x>"}])
    pages = list(world.iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["Role"], PaginationConfig={"PageSize": 3}))
    assert len(pages) > 1 and all(page["IsTruncated"] for page in pages[:-1]) and not pages[-1]["IsTruncated"]
    assert all(len(page["RoleDetailList"]) == 3 and not page["UserDetailList"] for page in pages[:-1])
    role = next(one for page in pages for one in page["RoleDetailList"] if one["RoleName"] == world.role_name())
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert role["AssumeRolePolicyDocument"] == trust(world.facts["issuer"], world.facts["account"])
    assert role["RolePolicyList"] == [{"PolicyName": f"{world.name}-Policy1", "PolicyDocument": inline()}]
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": S3_READ}]
    assert {"Key": "team", "Value": "<x>"} in role["Tags"]
    everything = world.iam.get_account_authorization_details(MaxItems=1000)
    assert {user["UserName"] for user in everything["UserDetailList"]} >= {"deployer", "planner", "nobody"}
    refused(world.iam.get_account_authorization_details, "ValidationError", Marker="nonsense")


def check_roles_are_listed_in_pages_without_tags(world):
    world.create(
        world.template(PermissionsBoundary=BOUNDARY), Tags=[{"Key": "team", "Value": "x"}])
    page = world.iam.list_roles(MaxItems=1)
    assert len(page["Roles"]) == 1 and page["IsTruncated"] and page["Marker"]
    every = [role for page in world.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}) for role in page["Roles"]]
    role = next(one for one in every if one["RoleName"] == world.role_name())
    assert "Tags" not in role and "PermissionsBoundary" not in role, role


def check_limits_are_those_of_aws(world):
    world.create(world.template())
    name = world.role_name()
    large = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::{'x' * 900}{n}"}
                                                    for n in range(12)]}
    refused(world.iam.put_role_policy, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded", RoleName=name,
            PolicyName="large", PolicyDocument=json.dumps(large))
    refused(world.iam.attach_role_policy, "NoSuchEntity", "does not exist or is not attachable", RoleName=name,
            PolicyArn=f"arn:aws:iam::{world.facts['account']}:policy/none")
    refused(world.iam.put_role_policy, "MalformedPolicyDocument", RoleName=name, PolicyName="wrong", PolicyDocument="{}")
    stack = world.create(world.template(policy=large), name=f"{world.name}-large")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def check_the_summary_counts(world):
    before = world.iam.get_account_summary()["SummaryMap"]["Roles"]
    world.create()
    assert world.iam.get_account_summary()["SummaryMap"]["Roles"] == before + 1


def check_rights_are_enforced(world):
    planner, nobody = (world.facts["people"][name] for name in ("planner", "nobody"))

    def of(person, service):
        return client(service, person["access_key_id"], person["secret_access_key"])

    assert of(planner, "eks").describe_cluster(name=world.facts["cluster"])["cluster"]["status"] == "ACTIVE"
    of(planner, "cloudformation").describe_stacks()
    of(planner, "iam").get_account_authorization_details(MaxItems=1)
    message = refused(of(planner, "cloudformation").create_stack, "AccessDenied", "cloudformation:CreateStack",
                      StackName=world.name, TemplateBody=world.template())
    assert planner["arn"] in message
    refused(of(nobody, "eks").describe_cluster, "AccessDeniedException", "eks:DescribeCluster", name=world.facts["cluster"])
    root = client("sts", "test", "test").get_caller_identity()["Arn"]
    assert root == f"arn:aws:iam::{world.facts['account']}:root", root
    refused(client("iam", "AKIAIOSFODNN7EXAMPLE", "wrong").get_account_summary, "InvalidClientTokenId")
    refused(client("iam", planner["access_key_id"], "wrong").get_account_summary, "SignatureDoesNotMatch")
