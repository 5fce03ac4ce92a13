"""CloudFormation: time, idempotency and the refusals that ministack leaves out.

Operations stay IN_PROGRESS for a set time before they take effect. A stack that rolled back keeps its name taken. A deleted stack stays
readable by its id after the name is used again. The same ClientRequestToken twice is one operation.
"""

import asyncio
import copy
import re
import time

from . import eks_resources, roles

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
# Sections whose change alone is no update (the user guide's pages on each section).
PASSIVE_SECTIONS = ("Description", "Metadata")
# From these a stack cannot be deleted; from CREATE_IN_PROGRESS it can.
UNDELETABLE = ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
               "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_IN_PROGRESS")


def install(state):
    import ministack.services.cloudformation as package
    from ministack.services.cloudformation import changesets, handlers, helpers, provisioners, stacks

    provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"].update(roles.handlers())
    eks_resources.install(state, provisioners)
    _inline_policies(provisioners)
    # Nothing about an AWS::IAM::Policy needs another resource (its page of the template reference); ministack does not know and says "Conditionally".
    provisioners._REPLACING_PROPERTIES.setdefault("AWS::IAM::Policy", ())
    actions = package._ACTION_HANDLERS
    parts = Parts(package, changesets, handlers, helpers, stacks)
    _time(state, parts)
    _change_sets(state, parts, actions)
    _refusals(parts, actions)
    _rollback_reason(parts)
    _tokens(parts, actions)
    _tidy(actions)


class Parts:
    """ministack's modules, under one name."""

    def __init__(self, package, changesets, handlers, helpers, stacks):
        self.package, self.changesets, self.handlers, self.helpers, self.stacks = package, changesets, handlers, helpers, stacks

    def stack(self, params):
        name = self.helpers._p(params, "StackName")
        return self.handlers._resolve_stack(name) if name else None

    def refuse(self, message, code="ValidationError", status=400):
        return self.helpers._error(code, message, status)


def _inline_policies(provisioners):
    """AWS::IAM::Policy is right in ministack but for IAM's limit of size."""
    entry = provisioners._RESOURCE_HANDLERS["AWS::IAM::Policy"]
    create, update = entry["create"], entry["update"]

    def create_checked(logical_id, properties, stack_name):
        roles.check_inline_size(properties.get("PolicyName", ""), properties)
        return create(logical_id, properties, stack_name)

    def update_checked(physical_id, old, new, stack_name, logical_id=None):
        roles.check_inline_size(new.get("PolicyName", ""), new)
        return update(physical_id, old, new, stack_name, logical_id)

    entry.update({"create": create_checked, "update": update_checked})


def _time(state, parts):
    """Let every operation wait, IN_PROGRESS, before it takes effect; keep the stack's description in step with its template."""
    deploy, delete = parts.stacks._deploy_stack_async, parts.stacks._delete_stack_async

    async def deploy_later(stack_name, stack_id, template, *arguments, **options):
        stack = parts.package._stacks.get(stack_name)
        kind = "update" if options.get("is_update") else "create"
        if state.seconds[kind]:
            await asyncio.sleep(state.seconds[kind])
        current = parts.package._stacks.get(stack_name)
        # Deleted, or deleted and made again, while it waited.
        if current is not stack or current["StackStatus"].startswith("DELETE"):
            return
        if kind == "create":
            stack["Description"] = template.get("Description", "")
        await deploy(stack_name, stack_id, template, *arguments, **options)
        stack["Description"] = stack["_template"].get("Description", "")

    async def delete_later(stack_name, stack_id, *arguments, **options):
        stack = parts.package._stacks.get(stack_name)
        if state.seconds["delete"]:
            await asyncio.sleep(state.seconds["delete"])
        if parts.package._stacks.get(stack_name) is stack:
            await delete(stack_name, stack_id, *arguments, **options)

    for module in (parts.stacks, parts.handlers, parts.changesets):
        if hasattr(module, "_deploy_stack_async"):
            module._deploy_stack_async = deploy_later
        if hasattr(module, "_delete_stack_async"):
            module._delete_stack_async = delete_later


def _change_sets(state, parts, actions):
    """A change set is made over time, and a template that differs in its outputs only is a change without changes."""
    find, create = parts.changesets._find_change_set, actions["CreateChangeSet"]

    def found(*arguments):
        change_set_id, change_set = find(*arguments)
        if change_set and change_set.get("_ready_at", 0) > time.monotonic():
            change_set = {**change_set, "Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE", "StatusReason": "",
                          "Changes": []}
        return change_set_id, change_set

    def created(params):
        answer = create(params)
        if answer[0] == 200:
            _id, change_set = find(parts.helpers._p(params, "ChangeSetName"), parts.stack(params)["StackName"])
            change_set["_ready_at"] = time.monotonic() + state.seconds["change_set"]
            _outputs_only(parts, change_set)
        return answer

    parts.changesets._find_change_set = found
    actions["CreateChangeSet"] = created


def _outputs_only(parts, change_set):
    stack = parts.handlers._resolve_stack(change_set["StackId"])
    if change_set["Status"] != "FAILED" or change_set["ChangeSetType"] != "UPDATE" or change_set["Changes"]:
        return
    if change_set["_template"].get("Outputs") != (stack["_template"] or {}).get("Outputs"):
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")


def _refusals(parts, actions):
    package = parts.package
    create, update, delete = actions["CreateStack"], actions["UpdateStack"], actions["DeleteStack"]
    change, execute = actions["CreateChangeSet"], actions["ExecuteChangeSet"]
    no_updates = parts.handlers._stack_has_no_updates

    def name_taken(params):
        """A stack that rolled back is still there; a deleted one moves aside so that its id stays readable."""
        name = parts.helpers._p(params, "StackName")
        stack = package._stacks.get(name)
        if stack is None:
            return None
        if stack["StackStatus"] == "DELETE_COMPLETE":
            package._stacks[stack["StackId"]] = package._stacks.pop(name)
            return None
        return parts.refuse(f"Stack [{name}] already exists", "AlreadyExistsException")

    def not_updatable(params):
        stack = parts.stack(params)
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE" or stack["StackStatus"] in UPDATABLE:
            return None
        return parts.refuse(f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated.")

    def create_checked(params):
        answer = name_taken(params) or create(params)
        if answer[0] == 200:
            # AWS shows this time only after an update.
            parts.stack(params)["LastUpdatedTime"] = ""
        return answer

    def update_checked(params):
        return not_updatable(params) or update(params)

    def change_checked(params):
        kind = parts.helpers._p(params, "ChangeSetType") or "UPDATE"
        if kind == "CREATE":
            stack = parts.stack(params)
            waiting = stack is not None and stack["StackStatus"] == "REVIEW_IN_PROGRESS"
            return (None if waiting else name_taken(params)) or change(params)
        return (not_updatable(params) if kind == "UPDATE" else None) or change(params)

    def execute_checked(params):
        stack = parts.stack(params)
        if stack and stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return parts.refuse(f"ChangeSet [{parts.helpers._p(params, 'ChangeSetName')}] cannot be executed: Stack:"
                                f"{stack['StackId']} is in {stack['StackStatus']} state and can not be updated.",
                                "InvalidChangeSetStatus")
        return execute(params)

    def delete_checked(params):
        stack = parts.stack(params)
        status = stack["StackStatus"] if stack else ""
        if status == "DELETE_IN_PROGRESS":
            return parts.helpers._xml(200, "DeleteStackResponse", "")
        if status in UNDELETABLE:
            return parts.refuse(f"Stack [{stack['StackName']}] cannot be deleted while in status {status}")
        answer = delete(params)
        if stack and answer[0] == 200 and status != "DELETE_COMPLETE":
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
        return answer

    def nothing_to_do(stack, template, *arguments, **options):
        """A change of the description or metadata alone is no update."""
        current = stack.get("_template") or {}
        same = {key: value for key, value in template.items() if key not in PASSIVE_SECTIONS}
        if same == {key: value for key, value in current.items() if key not in PASSIVE_SECTIONS}:
            template = current
        return no_updates(stack, template, *arguments, **options)

    parts.handlers._stack_has_no_updates = nothing_to_do
    actions.update({"CreateStack": create_checked, "UpdateStack": update_checked, "DeleteStack": delete_checked,
                    "CreateChangeSet": change_checked, "ExecuteChangeSet": execute_checked})


def _tidy(actions):
    """AWS leaves out what is empty; ministack sends empty elements, which a client would take for empty texts."""
    empty = re.compile(rb"<(StackStatusReason|ResourceStatusReason|LastUpdatedTime|Description|PhysicalResourceId)></\1>")

    def tidied(handler):
        def handle(params):
            status, headers, body = handler(params)
            return status, headers, empty.sub(b"", body)
        return handle

    for action in ("DescribeStacks", "DescribeStackEvents", "DescribeChangeSet", "ListStacks"):
        actions[action] = tidied(actions[action])


def _rollback_reason(parts):
    """The stack event of a failed create names the resources that failed."""
    roll_back = parts.stacks._roll_back_operation

    async def worded(stack_name, stack_id, stack, operation, reason_override=""):
        if not reason_override and not operation.get("is_update") and operation.get("failed_logical_id"):
            reason_override = (f"The following resource(s) failed to create: [{operation['failed_logical_id']}]. "
                               "Rollback requested by user.")
        return await roll_back(stack_name, stack_id, stack, operation, reason_override)

    parts.stacks._roll_back_operation = worded
    parts.handlers._roll_back_operation = worded


def _tokens(parts, actions):
    """A repeated ClientRequestToken gives the first answer again; one used for something else is refused."""
    from ministack.core.responses import get_account_id, get_region

    answers = {}

    def remembering(action, handler):
        def handle(params):
            token = parts.helpers._p(params, "ClientRequestToken")
            if not token:
                return handler(params)
            subject = (action, parts.helpers._p(params, "StackName"), parts.helpers._p(params, "ChangeSetName"))
            key = (get_account_id(), get_region(), token)
            earlier = answers.get(key)
            if earlier and earlier[0] == subject:
                return copy.deepcopy(earlier[1])
            if earlier:
                return parts.refuse(f"Token {token} already exists", "TokenAlreadyExistsException")
            answer = handler(params)
            # A refused request started no operation, so its token stays free.
            if answer[0] == 200:
                answers[key] = (subject, copy.deepcopy(answer))
            return answer
        return handle

    for action in ("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet"):
        actions[action] = remembering(action, actions[action])
