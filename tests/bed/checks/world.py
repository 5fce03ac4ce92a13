"""What every check starts from: clients of the bed, templates like eksctl's, and waiting."""

import functools
import json
import time
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

WAIT_SECONDS = 20
SETTLED = ("_COMPLETE", "_FAILED")
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SQS_FULL = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"


@functools.cache
def client(service, access_key_id=None, secret_access_key=None, session_token=None):
    """A client without any endpoint of our own: host, proxy and certificate authority come from the environment."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
    return boto3.client(service, config=config, aws_access_key_id=access_key_id, aws_secret_access_key=secret_access_key,
                        aws_session_token=session_token)


def refused(call, code, text="", **arguments):
    """Assert that a call is refused with that code and text; gives the message."""
    try:
        call(**arguments)
    except ClientError as failure:
        error = failure.response["Error"]
        assert error["Code"] == code, f"{error['Code']} instead of {code}: {error['Message']}"
        assert text in error["Message"], f"{text!r} is not in {error['Message']!r}"
        return error["Message"]
    raise AssertionError(f"not refused; {code} was expected")


def trust(issuer, account, subject="system:serviceaccount:app:reader"):
    host = issuer.removeprefix("https://")
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{host}"},
        "Condition": {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subject}},
    }]}


def inline(action="s3:GetObject"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]}


class World:
    """One check's view of the bed. Names are new for every check, times and faults are taken back."""

    def __init__(self, facts):
        self.facts = facts
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.cloudformation, self.iam, self.eks, self.sts = map(client, ("cloudformation", "iam", "eks", "sts"))
        self.control("PUT", "seconds", 0)
        self.control("DELETE", "faults")
        self.control("PUT", "blocked", {})

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.facts['control']}/{path}", data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def cluster(self, mode="API_AND_CONFIG_MAP", name=None, **more):
        """The name of a cluster record of the check's own."""
        name = name or self.name
        self.control("POST", f"eks/{name}", {"accessConfig": {"authenticationMode": mode}, **more})
        return name

    def user(self, name=None, path="/"):
        """A new IAM user: (ARN, access key id, secret)."""
        name = name or f"{self.name}-user"
        arn = self.iam.create_user(UserName=name, Path=path)["User"]["Arn"]
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return arn, key["AccessKeyId"], key["SecretAccessKey"]

    def allowed(self, *statements):
        """An EKS client of a new user with these statements, and no others."""
        name = f"{self.name}-allowed"
        _arn, key, secret = self.user(name)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        return client("eks", key, secret)

    def new_role(self, name=None, path="/", trusted=None):
        """The ARN of a new role that whoever has the right may assume, or that `trusted`, a whole statement, names."""
        name = name or f"{self.name}-role"
        statement = trusted or {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.facts['account']}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)["Role"]["Arn"]

    def pods_role(self, name=None, actions=("sts:AssumeRole", "sts:TagSession")):
        return self.new_role(name, trusted={"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": list(actions)})

    def updated(self, cluster, update):
        """Wait for the end of an update; gives it."""
        def look():
            seen = self.eks.describe_update(name=cluster, updateId=update["id"])["update"]
            return seen if seen["status"] != "InProgress" else None

        return self.until(look, "the update")

    def template(self, policy=None, outputs=None, description="IAM role", **properties):
        resources = {"Role1": {"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": trust(self.facts["issuer"], self.facts["account"]), **properties}}}
        if policy:
            resources["Policy1"] = {"Type": "AWS::IAM::Policy", "Properties": {
                "PolicyName": {"Fn::Sub": "${AWS::StackName}-Policy1"}, "PolicyDocument": policy, "Roles": [{"Ref": "Role1"}]}}
        return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Description": description, "Resources": resources,
                           "Outputs": outputs or {"Role1": {"Value": {"Fn::GetAtt": "Role1.Arn"}}}})

    def create(self, template=None, name=None, wait=True, **arguments):
        arguments.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        stack_id = self.cloudformation.create_stack(
            StackName=name or self.name, TemplateBody=template or self.template(ManagedPolicyArns=[S3_READ]), **arguments)["StackId"]
        return self.settled(stack_id) if wait else self.stack(stack_id)

    def update(self, template, **arguments):
        self.cloudformation.update_stack(StackName=self.name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"], **arguments)
        return self.settled(self.name)

    def stack(self, name=None):
        return self.cloudformation.describe_stacks(StackName=name or self.name)["Stacks"][0]

    def settled(self, name=None):
        def look():
            stack = self.stack(name)
            return stack if stack["StackStatus"].endswith(SETTLED) else None

        return self.until(look, f"{name or self.name} to settle")

    def until(self, look, what, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds} s for {what}")

    def role_name(self, stack=None):
        outputs = {output["OutputKey"]: output["OutputValue"] for output in (stack or self.stack())["Outputs"]}
        return outputs["Role1"].rsplit("/", 1)[-1]

    def role(self, name=None):
        """The live role whole: {role, managed, inline}."""
        name = name or self.role_name()
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        names = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            "role": self.iam.get_role(RoleName=name)["Role"],
            "managed": sorted(policy["PolicyArn"] for policy in attached),
            "inline": {one: self.iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in names},
        }

    def change_set(self, template=None, name="change", wait=True, **arguments):
        if template:
            arguments["TemplateBody"] = template
        else:
            arguments["UsePreviousTemplate"] = True
        self.cloudformation.create_change_set(StackName=self.name, ChangeSetName=name, Capabilities=["CAPABILITY_NAMED_IAM"], **arguments)

        def look():
            described = self.cloudformation.describe_change_set(StackName=self.name, ChangeSetName=name)
            return described if described["Status"] in ("CREATE_COMPLETE", "FAILED") else None

        return self.until(look, "the change set") if wait else None

    def execute(self, name="change"):
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=name)
        return self.settled()

    def failures(self, name=None):
        """The reasons of a stack's failed resources, oldest first."""
        events = self.cloudformation.describe_stack_events(StackName=name or self.name)["StackEvents"]
        return [event["ResourceStatusReason"] for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]


def tags(role):
    return {tag["Key"]: tag["Value"] for tag in role["role"].get("Tags", [])}


def needs_kubernetes(check):
    check.needs_kubernetes = True
    return check
