"""Drafts: rows that nobody sees until a conductor has found out that they work.

A draft that is not published is removed, whatever ended the request; one that a crash leaves behind
is reaped by the conductor.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from glint import exception
from glint.api.endpoint import Call
from glint.db import credentials as db_credentials
from glint.db import sites as db_sites
from glint.objects import Credential, Scope, Site

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def site(call: Call, scope: Scope, **values: Any) -> Iterator[Site]:
    """A draft of a site, to be published or taken over within the block."""
    db = call.services.db
    draft = db_sites.create(db, scope, **values, draft=True)
    try:
        yield draft
    except BaseException:
        db_sites.discard(db, draft.id)
        raise


@contextlib.contextmanager
def credential(
    call: Call, *, site_id: str, public: dict[str, Any], secret: Mapping[str, Any], **values: Any
) -> Iterator[Credential]:
    """A draft of a credential, to be published or taken over within the block."""
    db, keyring = call.services.db, call.services.keyring
    draft = db_credentials.create(
        db,
        call.scope,
        site_id=site_id,
        auth=public,
        secret=keyring.encrypt(dict(secret)),
        **values,
        draft=True,
    )
    try:
        yield draft
    except BaseException:
        db_credentials.discard(db, draft.id)
        raise


@contextlib.contextmanager
def application_credential(
    call: Call, at: Site, *, access_rules: bool
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A new application credential at the home cloud; removed again if the block fails.

    :returns: public part and secrets, as a credential's ``auth``.
    """
    home, token = call.services.home, call.context.auth_token
    if home is None or not at.home:
        raise exception.Invalid(
            reason=f"site {at.name!r} is not this Glint's home cloud, so body.auth needs a login of"
            " its own"
        )
    user_id = str(call.context.user_id)
    made = home.create_application_credential(
        str(token),
        user_id=user_id,
        project_id=call.scope.project_id,
        name=f"glint-{uuid.uuid4()}",
        access_rules=access_rules,
    )
    ident = str(made["application_credential_id"])
    public = {
        "auth_type": "v3applicationcredential",
        "application_credential_id": ident,
        # Whose it is in Keystone: without it nobody could remove it there.
        "user_id": user_id,
    }
    secret = {"application_credential_secret": made["application_credential_secret"]}
    try:
        yield public, secret
    except BaseException:
        forget(call, public)
        raise


def forget(call: Call, auth: Mapping[str, Any]) -> None:
    """Remove an application credential that no row uses any more; a failure is only logged."""
    try:
        remove(call, auth)
    except exception.GlintError as error:
        LOG.warning(
            "application credential %s stays behind at the home cloud: %s",
            auth.get("application_credential_id"),
            error.code,
        )


def remove(call: Call, auth: Mapping[str, Any]) -> None:
    """Remove the application credential of a managed credential.

    :raises CredentialNotRemoved: the home cloud did not do it.
    """
    home = call.services.home
    if home is None:
        raise exception.CredentialNotRemoved(reason="no home cloud is configured any more.")
    owner = str(auth.get("user_id") or call.context.user_id)
    try:
        home.delete_application_credential(
            str(call.context.auth_token), owner, str(auth["application_credential_id"])
        )
    except exception.GlintError as error:
        raise exception.CredentialNotRemoved(reason=str(error)) from error
