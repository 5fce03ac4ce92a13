"""The people of the bed: who a test may be.

`deployer` may do everything, as a user with keys and as a role to assume; `planner` may only read; `nobody` may do nothing, to see what a
refusal looks like. The cluster's own role exists because EKS would not have made the cluster without.
"""

import json

EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
READING = [{
    "Effect": "Allow",
    "Action": ["cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*", "eks:Describe*", "eks:List*",
               "iam:Get*", "iam:List*", "sts:GetCallerIdentity"],
    "Resource": "*",
}]
USERS = {"deployer": EVERYTHING, "planner": READING, "nobody": []}


def create(state):
    """Make them all; gives the keys: {name: {arn, access_key_id, secret_access_key}}."""
    from ministack.services import iam

    state.enter()
    people = {}
    for name, statements in USERS.items():
        iam._create_user({"UserName": name})
        if statements:
            iam._put_user_policy({"UserName": name, "PolicyName": "bed", "PolicyDocument": _policy(statements)})
        iam._create_access_key({"UserName": name})
        key = next(key for key in iam._access_keys.values() if key["UserName"] == name)
        people[name] = {"arn": iam._users[name]["Arn"], "access_key_id": key["AccessKeyId"],
                        "secret_access_key": key["SecretAccessKey"]}
    _role(iam, "deployer", {"AWS": f"arn:aws:iam::{state.account}:root"}, EVERYTHING)
    _role(iam, "eks-cluster", {"Service": "eks.amazonaws.com"}, [])
    return people


def _policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _role(iam, name, principal, statements):
    trust = _policy([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])
    iam._create_role({"RoleName": name, "AssumeRolePolicyDocument": trust})
    if statements:
        iam._put_role_policy({"RoleName": name, "PolicyName": "bed", "PolicyDocument": _policy(statements)})
