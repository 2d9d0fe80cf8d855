"""Credentials: a login is written only after a conductor has used it. Its secret goes in only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from glint import exception, quotas
from glint.api import drafts, history, kinds, views
from glint.api.endpoint import Answer, Call, Controller, endpoint
from glint.api.schemas import credentials as schemas
from glint.db import credentials as db_credentials
from glint.db import scans
from glint.db import sites as db_sites
from glint.objects import Credential, Site

#: What a verification fails with when a restricted login lacks a right.
_LACKS_RIGHTS = (exception.SiteCredentialsRejected, exception.SiteForbidden)

Finish = Callable[[Credential], tuple[Credential, bool]]


class Credentials(Controller):
    """/v1/credentials."""

    @endpoint(
        "credential:list",
        listing=schemas.LISTING,
        all_projects="credential:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_credentials.list, views.credential)

    @endpoint("credential:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        return {"credential": views.credential(self._get(call))}

    @endpoint(
        "credential:create",
        body=schemas.CREATE,
        response=schemas.ONE,
        status=201,
        repeatable="show",
    )
    def create(self, call: Call) -> Answer:
        wish = call.body
        site = db_sites.get(self.services.db, call.scope, wish["site_id"])
        shared = wish.get("shared", False)
        if shared:
            call.check("credential:share")
        self._check_register(site, wish)
        call.check_quota(quotas.CREDENTIALS)
        before = self._managed_at(call, site)

        def publish(draft: Credential) -> tuple[Credential, bool]:
            return db_credentials.publish(self.services.db, draft.id, register=wish.get("register"))

        made, new = self._login(call, site, wish, publish, shared=shared)
        self._forget_old(call, before.get(made.id), made)
        self._scan(made)
        verb = "was added" if new else "was renewed"
        history.record(
            call,
            "credential.create",
            f"Credential {made.name} {verb}.",
            credential_id=made.id,
            site_id=site.id,
        )
        return Answer(
            {"credential": views.credential(made)},
            status=201 if new else 200,
            location=f"/v1/credentials/{made.id}",
        )

    @endpoint("credential:update", body=schemas.UPDATE, response=schemas.ONE)
    def update(self, call: Call) -> dict[str, Any]:
        wish, db = call.body, self.services.db
        old = self._get(call)
        shared, generation = wish.get("shared"), call.generation
        choice = {"shared": shared, "register": wish.get("register")}
        if shared is not None:
            call.check("credential:share")
        site = db_sites.get(db, call.scope, old.site_id)
        self._check_register(site, wish)
        if "auth" not in wish:
            changed = db_credentials.update(db, call.scope, old.id, generation=generation, **choice)
        else:

            def replace(draft: Credential) -> tuple[Credential, bool]:
                renewed = db_credentials.replace(
                    db, call.scope, old.id, draft.id, generation=generation, **choice
                )
                return renewed, False

            changed, _ = self._login(call, site, wish, replace, shared=old.user_id is None)
            self._forget_old(call, old, changed)
        if {"auth", "register"} & wish.keys():
            self._scan(changed)
        self._record(call, "credential.update", changed, "was changed")
        return {"credential": views.credential(changed)}

    @endpoint("credential:delete", query=schemas.DELETE_QUERY, status=204)
    def delete(self, call: Call) -> Answer:
        """First what can still refuse, then the home cloud, then the row.

        The other way round an application credential could stay behind that nobody knows.
        """
        old, db = self._get(call), self.services.db
        force = call.query.get("force", False)
        generation = call.generation
        db_credentials.assert_free(db, call.scope, old.id, generation=generation, force=force)
        if old.managed:
            if force:
                drafts.forget(call, old.auth)
            else:
                drafts.remove(call, old.auth)
        db_credentials.delete(db, call.scope, old.id, generation=generation, force=force)
        self._record(call, "credential.delete", old, "was removed")
        return Answer(None)

    @endpoint("credential:verify", response=schemas.ONE)
    def verify(self, call: Call) -> dict[str, Any]:
        self.services.conductor.verify_credential(self._get(call).id)
        return {"credential": views.credential(self._get(call))}

    @endpoint("credential:scan", response=schemas.ONE, status=202)
    def scan(self, call: Call) -> dict[str, Any]:
        credential = self._get(call)
        self._scan(credential)
        return {"credential": views.credential(credential)}

    def _get(self, call: Call) -> Credential:
        return db_credentials.get(self.services.db, call.scope, call.ident)

    def _check_register(self, site: Site, wish: dict[str, Any]) -> None:
        """:raises Invalid: the site's type cannot look for what is to be registered."""
        known = kinds.find(self.services.site_types, site.type).registers
        unknown = sorted({*wish.get("register", ())} - {*known})
        if unknown:
            raise exception.Invalid(
                reason=f"body.register names {unknown[0]}, and sites of type {site.type} register"
                f" {', '.join(known) or 'nothing but the own images'}"
            )

    def _scan(self, credential: Credential) -> None:
        # The row first: a conductor finds the wish there when the message is lost.
        scans.want_scan(self.services.db, credential.id)
        self.services.conductor.scan(credential.id)

    def _record(self, call: Call, action: str, item: Credential, what: str) -> None:
        ids = {"credential_id": item.id, "site_id": item.site_id}
        history.record(call, action, f"Credential {item.name} {what}.", **ids)

    def _login(
        self, call: Call, site: Site, wish: dict[str, Any], finish: Finish, *, shared: bool
    ) -> tuple[Credential, bool]:
        """A draft of the login that the request brings, verified, then finished.

        At the home cloud the login is made here: one that is limited to the image API, and one
        without limits where the cloud cannot work with the first.
        """
        verify = wish.get("verify", True)
        for access_rules in (True, False):
            try:
                with self._draft(call, site, wish, access_rules, shared=shared) as draft:
                    if verify:
                        self.services.conductor.verify_credential(draft.id)
                    return finish(draft)
            except _LACKS_RIGHTS:
                if not (access_rules and _is_home(wish)):
                    raise
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _draft(
        self, call: Call, site: Site, wish: dict[str, Any], access_rules: bool, *, shared: bool
    ) -> Iterator[Credential]:
        with contextlib.ExitStack() as stack:
            if _is_home(wish):
                public, secret = stack.enter_context(
                    drafts.application_credential(call, site, access_rules=access_rules)
                )
            else:
                kind = kinds.find(self.services.site_types, site.type)
                public, secret = kinds.split_auth(kind, wish["auth"])
            yield stack.enter_context(
                drafts.credential(
                    call,
                    site_id=site.id,
                    public=public,
                    secret=secret,
                    shared=shared,
                    managed=_is_home(wish),
                    register=wish.get("register", ()),
                )
            )

    def _managed_at(self, call: Call, site: Site) -> dict[str, Credential]:
        """Credentials that a new login at the site may turn out to renew."""
        found = db_credentials.at_site(self.services.db, call.scope, site.id)
        return {c.id: c for c in found if c.managed}

    def _forget_old(self, call: Call, old: Credential | None, new: Credential) -> None:
        """The application credential that a renewed login replaced is not needed any more."""
        if old is None or not old.managed:
            return
        ident = "application_credential_id"
        if old.auth.get(ident) != new.auth.get(ident):
            drafts.forget(call, old.auth)


def _is_home(wish: dict[str, Any]) -> bool:
    if wish["auth"]["auth_type"] != kinds.HOME:
        return False
    if len(wish["auth"]) > 1:
        raise exception.Invalid(reason="body.auth of type home has no further properties")
    return True
