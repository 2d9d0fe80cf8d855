"""Sites: a site is written only after a conductor has seen that it answers."""

from __future__ import annotations

import uuid
from typing import Any

from glint import exception, hours, quotas
from glint.api import drafts, history, kinds, views
from glint.api.endpoint import Answer, Call, Controller, endpoint
from glint.api.schemas import sites as schemas
from glint.db import credentials as db_credentials
from glint.db import sites as db_sites
from glint.methods import same_address
from glint.objects import Scope, Site


class Sites(Controller):
    """/v1/sites."""

    @endpoint(
        "site:list",
        listing=schemas.LISTING,
        all_projects="site:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_sites.list, views.site)

    @endpoint("site:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        return {"site": views.site(db_sites.get(self.services.db, call.scope, call.ident))}

    @endpoint(
        "site:create", body=schemas.CREATE, response=schemas.ONE, status=201, repeatable="show"
    )
    def create(self, call: Call) -> Answer:
        wish = call.body
        if wish.get("shared"):
            call.check("site:shared")
            if wish.get("private"):
                raise exception.Invalid(reason="body.private and body.shared exclude each other")
        else:
            call.check_quota(quotas.SITES)
        self._check_connection(call, wish["type"], wish["connection"])
        values = {
            "name": wish["name"],
            "type": wish["type"],
            "connection": wish["connection"],
            "enabled": wish.get("enabled", True),
            "max_transfers": wish.get("max_transfers", 4),
            "bandwidth": wish.get("bandwidth"),
            "hours": _hours(wish),
            "shared": wish.get("shared", False),
            "private": wish.get("private", False),
            "home": self._is_home(wish["connection"]),
        }
        db = self.services.db
        if wish.get("probe", True):
            with drafts.site(call, call.scope, **values) as draft:
                self.services.conductor.probe_site(draft.id)
                made = db_sites.publish(db, draft.id)
        else:
            made = db_sites.create(db, call.scope, **values)
        history.record(call, "site.create", f"Site {made.name} was added.", site_id=made.id)
        return Answer({"site": views.site(made)}, location=f"/v1/sites/{made.id}")

    @endpoint("site:update", body=schemas.UPDATE, response=schemas.ONE)
    def update(self, call: Call) -> dict[str, Any]:
        site, scope = self._editable(call)
        values = dict(call.body)
        if values.get("private") and site.project_id is None:
            raise exception.Invalid(reason="body.private: the site is everybody's")
        _hours(values)
        values.pop("generation", None)
        generation = call.generation
        connection = values.pop("connection", None)
        if connection is None:
            changed = db_sites.update(
                self.services.db, scope, site.id, generation=generation, **values
            )
        else:
            self._check_connection(call, site.type, connection)
            changed = self._reconnect(call, scope, site, connection, generation, values)
        what = ", ".join(sorted(set(call.body) - {"generation"}))
        history.record(call, "site.update", f"Site {site.name}: {what} set.", site_id=site.id)
        return {"site": views.site(changed)}

    def _reconnect(
        self,
        call: Call,
        scope: Scope,
        site: Site,
        connection: dict[str, Any],
        generation: int | None,
        values: dict[str, Any],
    ) -> Site:
        draft_values = {
            # The real name is taken, by the site itself.
            "name": f"draft-{uuid.uuid4()}",
            "type": site.type,
            "connection": connection,
            "home": self._is_home(connection),
            "shared": site.project_id is None,
        }
        self._check_redirection(call, site, connection)
        with drafts.site(call, scope, **draft_values) as draft:
            self.services.conductor.probe_site(draft.id)
            # Again: a credential may have come while the site was asked.
            self._check_redirection(call, site, connection)
            return db_sites.replace(
                self.services.db, scope, site.id, draft.id, generation=generation, **values
            )

    @endpoint("site:delete", status=204)
    def delete(self, call: Call) -> Answer:
        site, scope = self._editable(call)
        db_sites.delete(self.services.db, scope, site.id, generation=call.generation)
        history.record(call, "site.delete", f"Site {site.name} was removed.", site_id=site.id)
        return Answer(None)

    @endpoint("site:probe", response=schemas.ONE)
    def probe(self, call: Call) -> dict[str, Any]:
        site = db_sites.get(self.services.db, call.scope, call.ident)
        try:
            self.services.conductor.probe_site(site.id)
        except exception.ConductorUnavailable:
            raise
        except exception.GlintError as error:
            # A failing site is an answer too, and stands in the row now.
            if error.status >= 500 and not error.code.startswith("site."):
                raise
        return {"site": views.site(db_sites.get(self.services.db, call.scope, site.id))}

    def _editable(self, call: Call) -> tuple[Site, Scope]:
        """The site, and the scope in which it may be changed."""
        site = db_sites.get(self.services.db, call.scope, call.ident)
        if site.project_id is not None:
            return site, call.scope
        call.check("site:shared")
        return site, call.admin_scope

    def _check_connection(self, call: Call, kind: str, connection: dict[str, Any]) -> None:
        kinds.check_connection(kinds.find(self.services.site_types, kind), connection)
        if connection.get("insecure"):
            call.check("site:insecure")

    def _check_redirection(self, call: Call, site: Site, connection: dict[str, Any]) -> None:
        """Whoever may change a site must not thereby get other users' passwords sent elsewhere.

        :raises InUse: others have credentials for the site, and its address would change.
        """
        kind = kinds.find(self.services.site_types, site.type)
        if site.project_id is None or kinds.addresses(kind, connection) == kinds.addresses(
            kind, site.connection
        ):
            return
        found = db_credentials.at_site(self.services.db, call.admin_scope, site.id)
        if any(c.user_id != call.scope.user_id for c in found):
            raise exception.InUse(
                "site", site.id, "credentials of others, which would be sent to the new address"
            )

    def _is_home(self, connection: dict[str, Any]) -> bool:
        home, url = self.services.conf.home.auth_url, connection.get("auth_url")
        return bool(home and url and same_address(home, url))


def _hours(wish: dict[str, Any]) -> str | None:
    """The hours of a request, understood.

    :raises BadHours: they are no hours.
    """
    wished: str | None = wish.get("hours")
    if wished is not None:
        hours.parse(wished)
    return wished
