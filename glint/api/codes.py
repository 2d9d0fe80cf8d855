"""What each route can answer with besides what every route of its form can, by its policy.

The published document of the API tells it, and the tests hold every answer against that.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What comes back when a conductor has to ask a site.
_ASKED_SITE = (
    "address.denied",
    "conductor.unavailable",
    "site.address_wrong",
    "site.busy",
    "site.conflict",
    "site.credentials_rejected",
    "site.error",
    "site.forbidden",
    "site.no_image_service",
    "site.tls_failed",
    "site.unreachable",
)
#: Why a change of the matrix is refused before it is written.
_REFUSED_CHANGE = (
    "content.mismatch",
    "deployment.format",
    "deployment.last_copy",
    "deployment.not_made_by_glint",
    "deployment.protected",
    "deployment.quota",
    "image.empty",
    "image.no_source",
    "site.disabled",
    "transfer.no_source",
)
#: Where Glint manages an application credential at the home cloud, or reads a stored secret.
_LOGIN = (
    "credential.home_refused",
    "credential.home_token_unsuitable",
    "credential.keys_unusable",
    "credential.secret_unreadable",
)

#: Codes of errors.
ERRORS: Mapping[str, tuple[str, ...]] = {
    "site_type:list": ("site_type.not_found",),
    "site_type:show": ("site_type.not_found",),
    "site:list": ("site.not_found",),
    "site:show": ("site.not_found",),
    "site:create": (
        "quota.exceeded",
        "site.bad_hours",
        "site.name_in_use",
        "site.not_found",
        "site.type_unknown",
        *_ASKED_SITE,
    ),
    "site:update": (
        "request.conflict",
        "site.bad_hours",
        "site.in_use",
        "site.name_in_use",
        "site.not_found",
        "site.type_unknown",
        "site.generation_conflict",
        *_ASKED_SITE,
    ),
    "site:delete": ("site.in_use", "site.not_found"),
    "site:probe": ("site.not_found", *_ASKED_SITE),
    "credential:list": ("credential.not_found",),
    "credential:show": ("credential.not_found",),
    "credential:create": (
        "quota.exceeded",
        "credential.in_use",
        "credential.not_found",
        "site.not_found",
        "site.private",
        "site.type_unknown",
        *_LOGIN,
        *_ASKED_SITE,
    ),
    "credential:update": (
        "credential.in_use",
        "site.private",
        "credential.not_found",
        "request.conflict",
        "site.not_found",
        "site.type_unknown",
        "credential.generation_conflict",
        *_LOGIN,
        *_ASKED_SITE,
    ),
    "credential:delete": (
        "credential.in_use",
        "credential.not_found",
        "credential.remote_not_removed",
    ),
    "credential:verify": ("credential.not_found", *_LOGIN, *_ASKED_SITE),
    "credential:scan": ("credential.not_found",),
    "inventory:list": ("credential.not_found",),
    "image:list": ("image.not_found",),
    "image:show": ("image.not_found",),
    "image:create": (
        "quota.exceeded",
        "credential.not_found",
        "image.not_active",
        "image.not_found",
        "image.url_refused",
        "site.image_not_found",
        "upload.not_configured",
        *_LOGIN,
        *_ASKED_SITE,
    ),
    "image:upload": (
        "credential.not_found",
        "image.archive_bomb",
        "image.archive_broken",
        "image.checksum_mismatch",
        "image.format_mismatch",
        "image.format_unsafe",
        "image.has_content",
        "image.same_content",
        "image.too_large",
        "upload.incomplete",
        "upload.no_room",
        "upload.not_configured",
        "upload.size_mismatch",
        *_REFUSED_CHANGE,
    ),
    "image:download": (
        "content.mismatch",
        "conductor.unavailable",
        "download.not_configured",
        "image.empty",
        "request.range",
        "transfer.no_source",
    ),
    "image:update": ("image.not_found", "image.generation_conflict"),
    "image:delete": ("image.in_use", "image.not_found"),
    "matrix:show": ("image.not_found",),
    "operation:list": ("operation.not_found",),
    "operation:show": ("operation.not_found",),
    "operation:create": (
        "credential.not_found",
        "image.not_found",
        "operation.no_change",
        "image.generation_conflict",
        *_REFUSED_CHANGE,
    ),
    "operation:cancel": ("operation.not_found", "operation.nothing_to_act"),
    "operation:retry": ("operation.not_found", "operation.nothing_to_act", *_REFUSED_CHANGE),
    "deployment:list": ("deployment.not_found",),
    "deployment:show": ("deployment.not_found",),
    "deployment:cancel": ("deployment.not_found", "operation.nothing_to_act"),
    "deployment:retry": ("deployment.not_found", "operation.nothing_to_act", *_REFUSED_CHANGE),
    "transfer:list": ("transfer.not_found",),
    "transfer:show": ("transfer.not_found",),
    "transfer:cancel": ("transfer.not_found", "operation.nothing_to_act"),
    "transfer:retry": ("transfer.not_found", "operation.nothing_to_act", *_REFUSED_CHANGE),
}

#: Statuses of success besides the declared one.
SUCCESSES: Mapping[str, tuple[int, ...]] = {
    "credential:create": (200,),  # renewed
    "image:create": (200,),  # known already
    "image:download": (206, 304),
    "operation:create": (200,),  # a dry run
}
