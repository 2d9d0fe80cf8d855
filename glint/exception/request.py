"""What a request can get wrong, and what stands in its way; the API answers with these."""

from __future__ import annotations

from typing import Any

from glint.exception.base import GlintError


class Invalid(GlintError):
    code, status, title = "request.invalid", 400, "Bad Request"
    template = "The request is not valid: {reason}."
    remedy = "Change what the reason names; the API reference says what each route takes."


class UnknownParameter(Invalid):
    code = "request.unknown_parameter"
    template = "Query parameter {name!r} is unknown here (known: {known})."
    remedy = "Leave it out, or use one of those that the sentence names."


class UnknownSortKey(Invalid):
    code = "request.unknown_sort_key"
    template = "This list cannot be sorted by {name!r}. It can by: {known}."


class UnknownField(Invalid):
    code = "request.unknown_field"
    template = "Entries of this list have no field {name!r}. They have: {known}."


class MalformedBody(Invalid):
    code = "request.malformed_json"
    template = "The body is not valid JSON: {reason}. Send one JSON object in UTF-8."


class BodyTooLarge(Invalid):
    code, status, title = "request.body_too_large", 413, "Request Entity Too Large"
    template = "The body is larger than {limit} bytes. Split the request."


class WrongContentType(Invalid):
    code, status, title = "request.content_type", 415, "Unsupported Media Type"
    template = "The content type {content_type!r} is not understood. Send application/json."


class NotAcceptableVersion(Invalid):
    code, status, title = "request.microversion", 406, "Not Acceptable"
    template = (
        "Version {version!r} of image-distribution is not served; versions {minimum} to"
        " {maximum} are."
    )
    remedy = "Ask for a version between min_version and max_version, for latest, or for none."


class SiteTypeUnknown(Invalid):
    code = "site.type_unknown"
    template = "No site type is named {name!r}. This Glint has: {known}."
    remedy = (
        "Choose a type that GET /v1/site-types lists, or ask the operator to install its driver."
    )


class MethodNotAllowed(Invalid):
    code, status, title = "request.method", 405, "Method Not Allowed"
    template = "{method} is not possible here; possible: {allowed}."
    remedy = "Use one of the methods that the header Allow names."


class RouteNotFound(Invalid):
    code, status, title = "request.not_found", 404, "Not Found"
    template = "Nothing is at {path}. The version document at / links what is."


class Unauthenticated(GlintError):
    code, status, title = "request.unauthenticated", 401, "Unauthorized"
    template = "A valid Keystone token is needed in X-Auth-Token."
    remedy = "Get a new token for a project and send it with the request."


class PasswordNeeded(Unauthenticated):
    """Where Glint has users of its own."""

    template = (
        "The name and the password of a user of this Glint are needed (HTTP Basic); those that"
        " came with the request, if any, are not right."
    )


class Forbidden(GlintError):
    code, status, title = "request.forbidden", 403, "Forbidden"
    template = (
        "The policy {rule} does not allow this with your roles. Ask your administrator"
        " for the role."
    )


class QuotaExceeded(GlintError):
    code, status, title = "quota.exceeded", 403, "Quota exceeded"
    template = (
        "The project's quota of {resource} does not allow this: {used} of {limit} are used, and"
        " {asked} more asked for. Remove what is not needed, or ask the operator for more."
    )


class IdentityUnavailable(GlintError):
    code, status, title = "identity.unavailable", 503, "Service Unavailable"
    template = "Keystone cannot be asked about your token now. Try again later."


class DatabaseUnavailable(GlintError):
    code, status, title = "database.unavailable", 503, "Service Unavailable"
    template = "Glint's database cannot be reached now. Try again later."


class NotFound(GlintError):
    code, status, title = "request.not_found", 404, "Not Found"
    template = "No {resource} {ident!r} is visible to your project. List them to find the right id."

    def __init__(self, resource: str, ident: str) -> None:
        super().__init__(resource=resource, ident=ident)
        self.code = f"{resource.replace(' ', '_')}.not_found"


class Conflict(GlintError):
    code, status, title = "request.conflict", 409, "Conflict"
    template = "{reason}"
    remedy = "Read the thing again and decide anew."


class NameInUse(Conflict):
    title = "Name in use"
    template = "A {resource} named {name!r} exists already. Choose another name or change that one."

    def __init__(self, resource: str, name: str) -> None:
        super().__init__(resource=resource, name=name)
        self.code = f"{resource}.name_in_use"


class InUse(Conflict):
    """``by`` names what stands in the way."""

    title = "In use"
    template = "The {resource} {ident!r} is still used by {by}. Remove these first."

    def __init__(self, resource: str, ident: str, by: str) -> None:
        super().__init__(resource=resource, ident=ident, by=by)
        self.code = f"{resource}.in_use"


class GenerationConflict(Conflict):
    """Somebody changed the row since the caller read it; ``fresh`` is the row as it is now."""

    title = "Changed meanwhile"
    template = (
        "The {resource} {ident} changed since you read it (generation {given}, now {current})."
        " Read it again and repeat your change."
    )

    def __init__(self, resource: str, ident: str, *, given: int, current: int, fresh: Any) -> None:
        super().__init__(resource=resource, ident=ident, given=given, current=current, fresh=fresh)
        self.code = f"{resource}.generation_conflict"


class PreconditionFailed(Conflict):
    code, status, title = "request.precondition_failed", 412, "Precondition Failed"
    template = (
        "If-Match names another state of the {resource} than it has (generation {current}). Read"
        " it again, and repeat your change with its new ETag."
    )


class IdempotencyKeyReused(Conflict):
    code = "idempotency.key_reused"
    template = (
        "The Idempotency-Key was used for another request before. Choose a new key for each request"
        " that is not the repetition of one."
    )


class IdempotencyInProgress(Conflict):
    code = "idempotency.in_progress"
    template = (
        "The first request with this Idempotency-Key is still at work. Repeat yours in some seconds"
        " to get its answer."
    )


class NothingToDo(Conflict):
    code = "operation.no_change"
    template = (
        "Every cell is wished so already{running}. Nothing was saved; look at the matrix"
        " for the state."
    )


class BadHours(Invalid):
    code = "site.bad_hours"
    template = "{hours!r} are no hours: {reason}. Write UTC times such as 22:00-06:00,12:00-13:00."


class ImageNotActive(Conflict):
    code = "image.not_active"
    template = (
        "The image {ident} at the site is {status}, and only an active image can be distributed."
        " Finish its upload there first."
    )


class ImageHasNoSource(Conflict):
    code = "image.no_source"
    template = (
        "No site is known to hold image {image}, so there is nothing to copy from."
        " Scan the credential that has it, or register it from there."
    )


class SiteDisabled(Conflict):
    code = "site.disabled"
    template = "The site {site!r} is disabled. Enable it before saving changes for it."


class SiteIsPrivate(Conflict):
    code = "site.private"
    template = (
        "The site {site!r} is yours alone, and so are its credentials. Give the site to your"
        " project before you share a credential for it."
    )


class LastCopy(Conflict):
    code = "deployment.last_copy"
    template = (
        "{credential} holds the last known copy of image {image}. Set allow_last_copy to remove it."
    )


class ForeignImage(Conflict):
    code = "deployment.not_made_by_glint"
    template = (
        "The copy of image {image} at {credential} was not made by Glint."
        " Set allow_foreign to remove it nevertheless."
    )


class ProtectedImage(Conflict):
    code = "deployment.protected"
    template = (
        "The copy of image {image} at {credential} is protected. Clear the protection at"
        " the site, let Glint scan the credential, and repeat."
    )


class QuotaTooSmall(Conflict):
    code = "deployment.quota"
    template = (
        "The quota of {credential} does not allow this image: {reason}. Free space there or ask"
        " for more, then let Glint scan the credential and repeat."
    )


class FormatNotAccepted(Conflict):
    code = "deployment.format"
    template = "{credential} does not accept the image: {reason}."
    remedy = "Choose another site, or register the image in a format that the site accepts."


class CredentialNotRemoved(Conflict):
    code = "credential.remote_not_removed"
    template = (
        "The application credential that Glint has at the home cloud was not removed: {reason}"
        " Set force=true to forget it here nevertheless, and remove it in Keystone yourself."
    )
    remedy = "Set force=true to forget it here nevertheless, and remove it in Keystone yourself."


class NothingToAct(Conflict):
    code = "operation.nothing_to_act"
    template = (
        "Nothing to {verb} in this {what}: cancel needs a transfer that waits or runs, retry a cell"
        " that failed or drifted."
    )
    remedy = "Look at the state; cancel what waits or runs, retry what failed or drifted."


class ConductorUnavailable(GlintError):
    code, status, title = "conductor.unavailable", 503, "Service Unavailable"
    template = "No conductor answered within {timeout} s. Nothing was changed; try again later."
