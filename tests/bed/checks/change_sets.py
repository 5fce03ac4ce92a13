"""Change sets: what they show, when they are ready, what they change."""

from .world import S3_READ, SQS_FULL, inline, refused, tags


def _changed(change):
    return {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in change["Changes"]}


def check_tags_alone_are_a_change(world):
    world.create(Tags=[{"Key": "a", "Value": "1"}])
    change = world.change_set(Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    assert _changed(change)["Role1"]["Scope"] == ["Tags"] and _changed(change)["Role1"]["Replacement"] == "False"
    stack = world.execute()
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {tag["Key"]: tag["Value"] for tag in stack["Tags"]} == {"a": "2", "b": "3"}
    role = tags(world.role())
    assert (role["a"], role["b"]) == ("2", "3"), role


def check_a_template_with_its_description_changes_both(world):
    world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ]))
    change = world.change_set(world.template(policy=inline("s3:ListBucket"), ManagedPolicyArns=[SQS_FULL], description="new words"),
                              Description="why")
    assert change["Description"] == "why" and set(_changed(change)) == {"Role1", "Policy1"}
    stack = world.execute()
    assert stack["Description"] == "new words"
    role = world.role()
    assert role["managed"] == [SQS_FULL] and role["inline"][f"{world.name}-Policy1"] == inline("s3:ListBucket")
    assert world.cloudformation.get_template(StackName=world.name)["TemplateBody"]["Description"] == "new words"


def check_it_tells_what_is_made_anew(world):
    world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ]))
    role = world.role_name()
    changed = _changed(world.change_set(world.template(policy=inline(), ManagedPolicyArns=[SQS_FULL])))
    assert set(changed) == {"Role1"}, changed
    assert changed["Role1"]["Action"] == "Modify" and changed["Role1"]["Replacement"] == "False"
    assert changed["Role1"]["PhysicalResourceId"] == role and changed["Role1"]["ResourceType"] == "AWS::IAM::Role"
    for name, properties in (("named", {"RoleName": f"{world.name}-own"}), ("moved", {"Path": "/own/"})):
        template = world.template(policy=inline(), ManagedPolicyArns=[S3_READ], **properties)
        changed = _changed(world.change_set(template, name=name))
        assert changed["Role1"]["Replacement"] == "True", (name, changed)
        assert (changed["Policy1"]["Action"], changed["Policy1"]["Replacement"]) == ("Modify", "False"), (name, changed)
    changed = _changed(world.change_set(world.template(ManagedPolicyArns=[S3_READ]), name="less"))
    assert set(changed) == {"Policy1"} and changed["Policy1"]["Action"] == "Remove" and "Replacement" not in changed["Policy1"]
    world.change_set(world.template(ManagedPolicyArns=[S3_READ]), name="execute")
    world.execute(name="execute")
    changed = _changed(world.change_set(world.template(policy=inline(), ManagedPolicyArns=[S3_READ]), name="more"))
    assert changed["Policy1"]["Action"] == "Add" and "PhysicalResourceId" not in changed["Policy1"], changed


def check_a_change_set_takes_its_time(world):
    world.create()
    world.control("PUT", "seconds", {"change_set": 0.5})
    world.change_set(world.template(), wait=False)
    described = world.cloudformation.describe_change_set(StackName=world.name, ChangeSetName="change")
    assert described["Status"] == "CREATE_IN_PROGRESS" and described["ExecutionStatus"] == "UNAVAILABLE"
    refused(world.cloudformation.execute_change_set, "InvalidChangeSetStatus", StackName=world.name, ChangeSetName="change")
    world.until(lambda: world.cloudformation.describe_change_set(StackName=world.name, ChangeSetName="change")["Status"]
                == "CREATE_COMPLETE", "the change set")
    assert world.execute()["StackStatus"] == "UPDATE_COMPLETE"


def check_one_that_is_not_executed_changes_nothing(world):
    world.create()
    world.change_set(world.template())
    world.cloudformation.delete_change_set(StackName=world.name, ChangeSetName="change")
    refused(world.cloudformation.describe_change_set, "ChangeSetNotFound", StackName=world.name, ChangeSetName="change")
    assert world.role()["managed"] == [S3_READ] and world.stack()["StackStatus"] == "CREATE_COMPLETE"


def check_a_create_change_set_leaves_a_stack_in_review(world):
    world.cloudformation.create_change_set(StackName=world.name, ChangeSetName="new", ChangeSetType="CREATE",
                                           TemplateBody=world.template(), Capabilities=["CAPABILITY_IAM"])
    stack = world.stack()
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def check_a_failed_update_rolls_back_to_what_was(world):
    world.create(world.template(policy=inline(), ManagedPolicyArns=[S3_READ]))
    wrong = f"arn:aws:iam::{world.facts['account']}:policy/none"
    world.change_set(world.template(policy=inline("s3:ListBucket"), ManagedPolicyArns=[wrong]))
    assert world.execute()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    role = world.role()
    assert role["managed"] == [S3_READ] and role["inline"][f"{world.name}-Policy1"] == inline()
