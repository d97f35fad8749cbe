"""Which texts are no secrets: too short, padded, made up for an example, or printed where anybody reads them."""

import hashlib
import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

from billing.gateways.contract import Spec

SHORTEST = 16
#: Different characters: of 16 random hexadecimal digits fewer than one in a million has less.
_LEAST_SIGNS = 5
#: What gateways put before their secrets, and words of examples: neither makes a text hard to guess.
_PREFIX = re.compile(r"(?:sk|rk|pk|whsec)_(?:(?:live|test)_)?", re.ASCII)
_EXAMPLES = re.compile(r"changeme|change[-_]me|secret|password|example|xxxx+|your[-_]", re.IGNORECASE)
#: Secrets of public documentation and of signed samples, by the first half of their SHA-256.
_PUBLISHED = frozenset(
    [
        "095f62fd0dacc597f659fead236eda9b",
        "0b3f85cf089780cceec4c268969e65c2",
        "14b3036aeb43cd1f35bf980de7db6a47",
        "1cd4039b550a3941dcb01e13265f90bb",
        "254bf6f67f37fc52bff5b4ae1fab2e1f",
        "2cafc0970149a84f3b9e62eaf169f36f",
        "2e9289e152b91ff69b91314cbc137313",
        "5fd66540da519aaf2f85f5dff3ba0c19",
        "6783337f2483ea6c4766def52feaba8c",
        "7a200eb89adb0904fd5bc5ac4cac4f95",
        "7da6a3def6547b927a287caf37b34697",
        "80d892602e8196a3497dd1a6a8496d61",
        "8c25f81d31b8ceceea5d056a0ff5db00",
        "8e0c26b77028af038d22a8ce68133980",
        "c22c7cdeb1039d52936ce5a95cc7a552",
        "df602ec36ba1a54ddaf0cf996585d69d",
        "e9730022f4aacbde8db4d2bbda2aa45b",
        "f2d6ca16515033e5dce14eba840b979d",
        "fa2c67ea4899370f80aceb4aab7b9156",
    ]
)


def problem_of(secret: str) -> str:
    """Return why a text is no secret, as a sentence for the owner; empty if it may be one."""
    if secret != secret.strip() or not secret.isprintable():
        return _("The secret begins or ends with a blank, or has a character that cannot be seen.")
    if len(secret) < SHORTEST:
        return _("A secret has at least %(least)d characters.") % {"least": SHORTEST}
    rest = _PREFIX.sub("", secret, count=1) if _PREFIX.match(secret) else secret
    # A random text may have such a word by chance: what counts is what stands around it.
    own = _EXAMPLES.sub("", rest)
    if (own != rest and len(own) < SHORTEST) or len(set(own)) < _LEAST_SIGNS:
        return _("This is an example, not a secret.")
    return ""


def published(secret: str) -> str:
    """Return a sentence for the owner about a secret that stands in somebody's documentation; empty for others."""
    if hashlib.sha256(secret.encode()).hexdigest()[:32] not in _PUBLISHED:
        return ""
    return _("This secret stands in public documentation: anybody can sign with it.")


def unusable_secrets(spec: Spec, values: Mapping[str, str]) -> dict[str, str]:
    """Return the required secrets that are missing, none, or published, each with a sentence for the owner."""
    given = {f.name: values.get(f.name, "") for f in spec.fields if f.is_secret and f.is_required}
    found = {name: problem_of(secret) or published(secret) for name, secret in given.items()}
    return {name: problem for name, problem in found.items() if problem}
