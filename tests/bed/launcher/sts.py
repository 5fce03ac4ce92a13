"""STS: a web identity is believed only as far as AWS believes it.

ministack reads the token's claims without looking at the signature, and does not ask whether IAM has a provider for its issuer. Both
are checked here first, in the order in which AWS refuses; then ministack evaluates the trust policy.
"""

import base64
import json
import time
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

# How far the clocks of issuer and STS may differ, in seconds.
SKEW = 300


class Refused(Exception):
    """AWS's refusal of a token: code and text."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def install(state):
    from ministack.services import iam, sts

    handle = sts.handle_request
    principal = sts._web_identity_principal

    async def checked(method, path, headers, body, query_params):
        parameters = dict(query_params)
        if body:
            parameters.update(parse_qs(body.decode("utf-8", "replace")))
        if (parameters.get("Action") or [""])[0] != "AssumeRoleWithWebIdentity":
            return await handle(method, path, headers, body, query_params)
        try:
            claims, provider = _verify(state, iam, (parameters.get("WebIdentityToken") or [""])[0])
        except Refused as refusal:
            return iam._error(400, refusal.code, str(refusal), ns="sts")
        status, answer_headers, answer = await handle(method, path, headers, body, query_params)
        return status, answer_headers, _with_identity(answer, claims, provider)

    def flat(token, provider_id, role_arn):
        """A Kubernetes token's `aud` is a list; the condition keys compare its one element."""
        name, keys = principal(token, provider_id, role_arn)
        return name, {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in keys.items()}

    sts.handle_request = checked
    sts._web_identity_principal = flat


def _decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verify(state, iam, token):
    """The claims of a genuine token and the ARN of the provider that vouches for it."""
    try:
        head, payload, signature = token.split(".")
        header, claims = json.loads(_decode(head)), json.loads(_decode(payload))
        issuer, expires = claims["iss"], int(claims["exp"])
    except (ValueError, KeyError, TypeError):
        raise Refused("InvalidIdentityToken", "The ID Token provided is not a valid JWT. "
                      "(You may see this error if you sent an Access Token)") from None
    host = issuer.removeprefix("https://")
    arn = f"arn:aws:iam::{state.account}:oidc-provider/{host}"
    provider = iam._oidc_providers.get(arn)
    if provider is None:
        raise Refused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    if not set(audiences) & set(provider["ClientIDList"]):
        raise Refused("InvalidIdentityToken", "Incorrect token audience")
    key = state.jwks["keys"][0]
    if issuer not in state.issuers.values() or header.get("kid") != key["kid"] or header.get("alg") != "RS256":
        raise Refused("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider,  please "
                      "reference AssumeRoleWithWebIdentity documentation for requirements")
    try:
        state.public_key.verify(_decode(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise Refused("InvalidIdentityToken", "Token signature invalid") from None
    now = time.time()
    if now > expires:
        raise Refused("ExpiredTokenException", f"Token expired: current date/time {int(now)} must be before the "
                      f"expiration date/time {expires}")
    if claims.get("nbf", 0) > now + SKEW:
        raise Refused("InvalidIdentityToken", "Token is not valid yet")
    return claims, arn


def _with_identity(answer, claims, provider):
    """ministack answers fixed words for subject, audience and provider; AWS names the token's."""
    audience = claims["aud"][0] if isinstance(claims["aud"], list) else claims["aud"]
    text = answer.decode()
    for element, value in (("SubjectFromWebIdentityToken", claims.get("sub", "")), ("Audience", audience), ("Provider", provider)):
        before, found, rest = text.partition(f"<{element}>")
        if found:
            text = f"{before}{found}{value}{rest[rest.index('</'):]}"
    return text.encode()
