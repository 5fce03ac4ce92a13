"""Rights that a call needs besides its own: ministack asks only whether the caller may make the call itself.

What CloudFormation does by the launcher's own calls has no caller, and is not asked.
"""

from .calls import Refused


def require(call, action, resource, **context):
    """Refuse unless the caller has a right. Keywords are keys of conditions, with `_` for the `:`."""
    from ministack.core.iam_actions import identity_denial_message
    from ministack.core.iam_evaluator import EvalContext, evaluate, resolve_principal

    if call.caller is None:
        return
    principal = resolve_principal(call.caller, call.state.account)
    # The root may do everything.
    if principal.policies is None:
        return
    asked = EvalContext(principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account, action=action,
                        resource_arn=resource, region=call.state.region, principal_keys=principal.keys,
                        service_context={name.replace("_", ":").lower(): value for name, value in context.items()})
    result = evaluate(asked, principal.policies, *principal.limits)
    if result.decision != "Allow":
        explicit = result.decision == "Deny"
        raise Refused("AccessDeniedException", identity_denial_message(action, principal.arn, resource, explicit), 403)


def pass_role(call, role, service):
    require(call, "iam:PassRole", role, iam_PassedToService=service)


def tag(call, tags, resource):
    """What is made with tags needs the right to tag it."""
    if tags:
        require(call, "eks:TagResource", call.arn(resource))
