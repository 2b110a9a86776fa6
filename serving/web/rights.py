"""What a caller may do: the scopes of keys and the roles of people."""

from collections.abc import Mapping
from typing import Literal, get_args

KeyScope = Literal["read", "write", "admin"]
KEY_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
"""What a key may do, the least first; each may do what those before it may."""

Role = Literal["viewer", "marketer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What a person is here, the least first."""

SCOPE_OF_ROLE: Mapping[Role, KeyScope] = dict(zip(ROLES, KEY_SCOPES, strict=True))
"""A person may do what a key of this scope may."""


def allows(scope: KeyScope, needed: KeyScope) -> bool:
    """Whether who has `scope` may do what needs `needed`."""
    return KEY_SCOPES.index(scope) >= KEY_SCOPES.index(needed)
