"""CloudFormation stacks and the roles they make."""

import re
import time

from .world import BOUNDARY, S3_READ, SQS_FULL, inline, refused, tags, trust


def check_a_stack_makes_the_role_as_cloudformation_does(world):
    stack = world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ], PermissionsBoundary=BOUNDARY),
                         name="eksctl-bench-addon-iamserviceaccount-" + world.name,
                         Tags=[{"Key": "team", "Value": "<platform & co>"}], Capabilities=["CAPABILITY_IAM"])
    assert stack["StackStatus"] == "CREATE_COMPLETE" and stack["Description"] == "IAM role", stack
    assert "StackStatusReason" not in stack and "LastUpdatedTime" not in stack, stack
    name = world.role_name(stack)
    assert re.fullmatch(r"eksctl-bench-addon-iamserviceaccount-[a-z0-9]+-Role1-[A-Za-z0-9]{12}", name) and len(name) <= 64, name
    role = world.role(name)
    assert role["managed"] == [S3_READ]
    assert role["inline"] == {f"{stack['StackName']}-Policy1": inline()}, role["inline"]
    assert role["role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert role["role"]["AssumeRolePolicyDocument"] == trust(world.facts["issuer"], world.facts["account"])
    assert tags(role) == {"team": "<platform & co>", "aws:cloudformation:stack-name": stack["StackName"],
                          "aws:cloudformation:stack-id": stack["StackId"], "aws:cloudformation:logical-id": "Role1"}, tags(role)


def check_a_name_taken_rolls_back_and_the_stack_keeps_its_name(world):
    world.create(world.template(RoleName=world.name), name=f"{world.name}-first")
    stack = world.create(world.template(policy=inline(), RoleName=world.name))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", stack
    reasons = world.failures()
    assert len(reasons) == 1 and f"Role with name {world.name} already exists." in reasons[0], reasons
    events = world.cloudformation.describe_stack_events(StackName=world.name)["StackEvents"]
    assert any("failed to create: [Role1]" in event.get("ResourceStatusReason", "") for event in events)
    refused(world.create, "AlreadyExistsException", "already exists")
    refused(world.update, "ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated", template=world.template())
    refused(world.change_set, "ValidationError", "ROLLBACK_COMPLETE", template=world.template())
    # The first stack's role is untouched, and the name is free again after a delete.
    world.iam.get_role(RoleName=world.name)
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert world.create()["StackStatus"] == "CREATE_COMPLETE"


def check_a_policy_that_does_not_exist_rolls_back(world):
    arn = f"arn:aws:iam::{world.facts['account']}:policy/none"
    stack = world.create(world.template(ManagedPolicyArns=[arn]))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE" and arn in world.failures()[0]
    assert world.create(world.template(PermissionsBoundary=arn), name=f"{world.name}-b")["StackStatus"] == "ROLLBACK_COMPLETE"


def check_an_update_reaches_every_part_of_the_live_role(world):
    world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ], PermissionsBoundary=BOUNDARY),
                 Tags=[{"Key": "old", "Value": "1"}])
    name = world.role_name()
    world.iam.tag_role(RoleName=name, Tags=[{"Key": "foreign", "Value": "kept"}])
    new = trust(world.facts["issuer"], world.facts["account"], "system:serviceaccount:app:other")
    stack = world.update(world.template(policy=inline("s3:ListBucket"), ManagedPolicyArns=[SQS_FULL], AssumeRolePolicyDocument=new,
                                        description="changed"), Tags=[{"Key": "new", "Value": "2"}])
    assert stack["StackStatus"] == "UPDATE_COMPLETE" and stack["Description"] == "changed"
    role = world.role()
    assert world.role_name() == name
    assert role["managed"] == [SQS_FULL] and role["role"]["AssumeRolePolicyDocument"] == new
    assert role["inline"] == {f"{world.name}-Policy1": inline("s3:ListBucket")}
    assert "PermissionsBoundary" not in role["role"], "the boundary that the template dropped is still there"
    assert {"foreign", "new"} <= tags(role).keys() and "old" not in tags(role), tags(role)
    world.update(world.template(PermissionsBoundary=BOUNDARY))
    role = world.role()
    assert role["inline"] == {} and role["managed"] == []
    assert role["role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


def check_drift_under_an_equal_template_stays(world):
    template = world.template(policy=inline(), ManagedPolicyArns=[S3_READ])
    world.create(template)
    name = world.role_name()
    world.iam.detach_role_policy(RoleName=name, PolicyArn=S3_READ)
    world.iam.attach_role_policy(RoleName=name, PolicyArn=SQS_FULL)
    refused(world.update, "ValidationError", "No updates are to be performed.", template=template)
    assert world.role()["managed"] == [SQS_FULL]
    change = world.change_set(template)
    assert change["Status"] == "FAILED" and change["StatusReason"].startswith("The submitted information didn't contain changes."), change


def check_a_description_alone_is_no_update(world):
    world.create()
    refused(world.update, "ValidationError", "No updates", template=world.template(ManagedPolicyArns=[S3_READ], description="other"))
    outputs = {"Role1": {"Value": {"Fn::GetAtt": ["Role1", "Arn"]}}, "More": {"Value": "x"}}
    change = world.change_set(world.template(ManagedPolicyArns=[S3_READ], outputs=outputs))
    assert change["Status"] == "CREATE_COMPLETE" and change["Changes"] == []
    assert len(world.execute()["Outputs"]) == 2


def check_a_changed_role_name_replaces_the_role(world):
    world.create(world.template(policy=inline(), RoleName=f"{world.name}-a", ManagedPolicyArns=[S3_READ]))
    change = world.change_set(world.template(policy=inline(), RoleName=f"{world.name}-b", ManagedPolicyArns=[S3_READ]))
    replaced = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"].get("Replacement") for one in change["Changes"]}
    assert replaced["Role1"] == "True", replaced
    world.execute()
    role = world.role(f"{world.name}-b")
    assert role["managed"] == [S3_READ] and list(role["inline"]) == [f"{world.name}-Policy1"]
    refused(world.iam.get_role, "NoSuchEntity", RoleName=f"{world.name}-a")


def check_an_update_of_a_role_that_is_gone_fails_and_a_delete_succeeds(world):
    stack = world.create()
    name = world.role_name()
    world.iam.detach_role_policy(RoleName=name, PolicyArn=S3_READ)
    world.iam.delete_role(RoleName=name)
    assert world.update(world.template(ManagedPolicyArns=[SQS_FULL]))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot be found" in world.failures()[0]
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def check_a_delete_fails_while_a_foreign_policy_is_attached(world):
    stack = world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ]))
    name = world.role_name()
    world.iam.attach_role_policy(RoleName=name, PolicyArn=SQS_FULL)
    world.cloudformation.delete_stack(StackName=world.name)
    failed = world.settled()
    assert failed["StackStatus"] == "DELETE_FAILED" and "[Role1]" in failed["StackStatusReason"], failed
    assert "must detach all policies first" in world.failures()[0]
    world.iam.detach_role_policy(RoleName=name, PolicyArn=SQS_FULL)
    world.iam.put_role_policy(RoleName=name, PolicyName="foreign", PolicyDocument='{"Version":"2012-10-17","Statement":'
                              '[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}')
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled()["StackStatus"] == "DELETE_FAILED"
    world.iam.delete_role_policy(RoleName=name, PolicyName="foreign")
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    refused(world.iam.get_role, "NoSuchEntity", RoleName=name)


def check_termination_protection_holds(world):
    world.create(EnableTerminationProtection=True)
    assert world.stack()["EnableTerminationProtection"]
    refused(world.cloudformation.delete_stack, "ValidationError", "TerminationProtection is enabled", StackName=world.name)
    world.cloudformation.update_termination_protection(StackName=world.name, EnableTerminationProtection=False)
    world.cloudformation.delete_stack(StackName=world.name)


def check_capabilities_are_asked_for(world):
    refused(world.create, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", Capabilities=[])
    refused(world.create, "InsufficientCapabilitiesException", "[CAPABILITY_NAMED_IAM]", Capabilities=["CAPABILITY_IAM"],
            template=world.template(RoleName=world.name))


def check_a_missing_stack_has_the_known_text(world):
    refused(world.stack, "ValidationError", f"Stack with id {world.name} does not exist")
    refused(world.update, "ValidationError", "does not exist", template=world.template())
    world.cloudformation.delete_stack(StackName=world.name)


def check_a_deleted_stack_stays_readable_by_its_id(world):
    first = world.create()
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(first["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    refused(world.stack, "ValidationError", "does not exist")
    second = world.create()
    assert second["StackId"] != first["StackId"]
    assert world.stack(first["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert world.stack()["StackId"] == second["StackId"]


def check_a_client_request_token_makes_one_operation(world):
    token = f"token-{world.name}"
    first = world.create(ClientRequestToken=token)
    assert world.create(ClientRequestToken=token)["StackId"] == first["StackId"]
    refused(world.create, "TokenAlreadyExistsException", name=f"{world.name}-other", ClientRequestToken=token)
    refused(world.create, "AlreadyExistsException", ClientRequestToken=f"{token}-2")
    events = world.cloudformation.describe_stack_events(StackName=world.name)["StackEvents"]
    assert all(event["ClientRequestToken"] == token for event in events)
    world.cloudformation.delete_stack(StackName=world.name, ClientRequestToken=f"{token}-3")
    world.cloudformation.delete_stack(StackName=world.name, ClientRequestToken=f"{token}-3")


def check_operations_stay_in_progress_for_the_set_time(world):
    world.control("PUT", "seconds", {"create": 0.6, "update": 0.6, "delete": 0.6})
    began = time.monotonic()
    assert world.create(wait=False)["StackStatus"] == "CREATE_IN_PROGRESS"
    refused(world.update, "ValidationError", "is in CREATE_IN_PROGRESS state", template=world.template())
    stack = world.settled()
    assert stack["StackStatus"] == "CREATE_COMPLETE" and time.monotonic() - began >= 0.6
    world.cloudformation.update_stack(StackName=world.name, TemplateBody=world.template(), Capabilities=["CAPABILITY_IAM"])
    assert world.stack()["StackStatus"] == "UPDATE_IN_PROGRESS"
    refused(world.cloudformation.delete_stack, "ValidationError", "cannot be deleted while in status", StackName=world.name)
    assert world.settled()["StackStatus"] == "UPDATE_COMPLETE"
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.stack()["StackStatus"] == "DELETE_IN_PROGRESS"
    refused(world.create, "AlreadyExistsException")
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def check_a_stack_deleted_while_it_is_created_makes_no_role(world):
    world.control("PUT", "seconds", {"create": 0.4})
    stack = world.create(world.template(RoleName=world.name), wait=False)
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    world.control("PUT", "seconds", 0)
    world.create(name=f"{world.name}-later")
    world.until(lambda: time.time() > stack["CreationTime"].timestamp() + 0.8, "the create's time to pass")
    refused(world.iam.get_role, "NoSuchEntity", RoleName=world.name)


def check_listings_come_in_pages_of_100(world):
    for number in range(101):
        world.create(name=f"{world.name}-{number}", wait=False)
    page = world.cloudformation.describe_stacks()
    assert len(page["Stacks"]) == 100 and page["NextToken"]
    every = [stack["StackName"] for page in world.cloudformation.get_paginator("describe_stacks").paginate() for stack in page["Stacks"]]
    assert len(every) == len(set(every)) and sum(name.startswith(world.name) for name in every) == 101


def check_a_stack_can_be_put_into_any_state(world):
    world.create()
    world.control("POST", f"stacks/{world.name}", {"StackStatus": "UPDATE_ROLLBACK_FAILED", "StackStatusReason": "by hand"})
    assert world.stack()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    refused(world.update, "ValidationError", "UPDATE_ROLLBACK_FAILED", template=world.template())
