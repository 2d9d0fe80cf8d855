"""The catalogue: content that is known, under a name."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from glint import quotas
from glint.api import history, source_url, views
from glint.api.endpoint import Answer, Call, Controller, endpoint
from glint.api.schemas import images as schemas
from glint.db import contents
from glint.db import credentials as db_credentials
from glint.db import images as db_images
from glint.states import ImageOrigin


class Images(Controller):
    """/v1/images."""

    @endpoint(
        "image:list",
        listing=schemas.LISTING,
        all_projects="image:list_all_projects",
    )
    def list(self, call: Call) -> dict[str, Any]:
        return call.list(db_images.list, views.image)

    @endpoint("image:show", response=schemas.ONE)
    def show(self, call: Call) -> dict[str, Any]:
        return {"image": views.image(db_images.get(self.services.db, call.scope, call.ident))}

    @endpoint(
        "image:create", body=schemas.CREATE, response=schemas.ONE, status=201, repeatable="show"
    )
    def create(self, call: Call) -> Answer:
        call.check_quota(quotas.IMAGES)
        if "remote_id" not in call.body:
            return self._create_empty(call)
        db, wish = self.services.db, call.body
        credential = db_credentials.get(db, call.scope, wish["credential_id"])
        began = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        ident = self.services.conductor.register_image(credential.id, wish["remote_id"])
        made = db_images.get(db, call.scope, ident)
        # Only the status depends on the two clocks, not what was done.
        new = made.created_at >= began
        if new:
            history.record(
                call,
                "image.create",
                f"Image {made.name} was registered from {credential.name}.",
                image_id=made.id,
                credential_id=credential.id,
                site_id=credential.site_id,
            )
        return Answer(
            {"image": views.image(made)},
            status=201 if new else 200,
            location=f"/v1/images/{made.id}",
        )

    def _create_empty(self, call: Call) -> Answer:
        """A row whose content is uploaded later, or read from a URL when it is first wanted."""
        wish = dict(call.body)
        url = wish.pop("source_url", None)
        made = contents.create(
            self.services.db,
            call.scope,
            ident=str(uuid.uuid4()),
            origin=str(ImageOrigin.FILE if url is None else ImageOrigin.URL),
            source_url=None if url is None else source_url.checked(url),
            expected={a: d.lower() for a, d in wish.pop("expected", {}).items()},
            container_format=wish.pop("container_format", "bare"),
            **{"min_disk": 0, "min_ram": 0, "properties": {}, "tags": [], **wish},
        )
        what = "a file to come" if url is None else "a URL"
        history.record(
            call, "image.create", f"Image {made.name} was made for {what}.", image_id=made.id
        )
        return Answer({"image": views.image(made)}, location=f"/v1/images/{made.id}")

    @endpoint("image:update", body=schemas.UPDATE, response=schemas.ONE)
    def update(self, call: Call) -> dict[str, Any]:
        values = dict(call.body)
        values.pop("generation", None)
        changed = db_images.update(
            self.services.db, call.scope, call.ident, generation=call.generation, **values
        )
        what = ", ".join(sorted(values))
        history.record(
            call, "image.update", f"Image {changed.name}: {what} set.", image_id=changed.id
        )
        return {"image": views.image(changed)}

    @endpoint("image:delete", status=204)
    def delete(self, call: Call) -> Answer:
        old = db_images.get(self.services.db, call.scope, call.ident)
        db_images.delete(self.services.db, call.scope, old.id, generation=call.generation)
        if old.kept is not None and self.services.uploads is not None:
            self.services.uploads.remove(old.kept)
        history.record(
            call,
            "image.delete",
            f"Image {old.name} was removed from the catalogue.",
            image_id=old.id,
        )
        return Answer(None)
