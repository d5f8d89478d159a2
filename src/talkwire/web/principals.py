"""Who asks, and what they may do."""

from __future__ import annotations

from msgspec import Struct, structs
from starlette.requests import Request

from talkwire.canon.errors import Forbidden, Unauthorized
from talkwire.canon.keys import SCOPES, USUAL_SCOPES

PRINCIPAL = "talkwire.principal"  # where a request's scope holds its principal


class Principal(Struct, frozen=True):
    """Who asks. `id` owns what is asked; `key_id` is the API key, where it was one.

    `rpm` and `tpm` are limits of their own, None those of the settings. A `guest` was let in
    without a key where others have one: what those have used is not theirs to see.
    """

    id: str = "local"
    key_id: str | None = None
    name: str = ""
    admin: bool = False
    scopes: frozenset[str] = USUAL_SCOPES
    rpm: int | None = None
    tpm: int | None = None
    guest: bool = False

    def may(self, *scopes: str) -> bool:
        """True with any one of these scopes; admins may all."""
        return self.admin or not self.scopes.isdisjoint(scopes)

    @property
    def counted_as(self) -> str:
        """Under which name its requests are counted: each key by itself."""
        return self.id if self.key_id is None else f"key:{self.key_id}"


LOCAL = Principal(admin=True, scopes=SCOPES)
GUEST = structs.replace(LOCAL, guest=True)


def principal_of(request: Request) -> Principal:
    """Who asks. :raises Unauthorized: nobody that is known."""
    principal: Principal | None = request.scope.get(PRINCIPAL)
    if principal is None:
        raise Unauthorized("A key is needed.")
    return principal


def owner_of(request: Request, *scopes: str) -> str:
    """The id of the principal, as stores know it.

    :raises Unauthorized: nobody that is known. :raises Forbidden: with none of these scopes.
    """
    principal = principal_of(request)
    if not principal.may(*scopes):
        needed = " or ".join(scopes)
        raise Forbidden(f"This key may not do that; it needs the scope {needed}.")
    return principal.id
