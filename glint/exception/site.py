"""What a site can do wrong. ``retry`` says whether a later attempt can help without a person."""

from __future__ import annotations

from typing import Any

from glint.exception.base import GlintError


class SiteError(GlintError):
    """A site refused or failed; raised by drivers and by the data plane.

    :cvar retry: True where the same attempt can succeed later.
    :ivar retry_after: seconds that the site asked to wait (Retry-After), or None.
    """

    code, status, title = "site.error", 502, "Site Error"
    retry = False
    template = "The site failed: {reason}."
    remedy = "Look at the reason; ask the operator of the site when it says nothing to you."

    def __init__(
        self, detail: str | None = None, *, retry_after: float | None = None, **facts: Any
    ) -> None:
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class SiteAddressWrong(SiteError):
    code, status, title = "site.address_wrong", 400, "Bad Request"
    template = "No cloud answers at {url}: {reason}. Check the address of the site."


class AddressDenied(SiteError):
    """The operator's ``[addresses]`` options do not let Glint connect there."""

    code, status, title = "address.denied", 400, "Bad Request"
    template = (
        "Glint does not connect to {url}: {reason}. Use another address, or ask the operator to"
        " allow this one ([addresses] in glint.conf)."
    )


class SiteUnreachable(SiteError):
    code, status, title = "site.unreachable", 400, "Bad Request"
    retry = True
    template = (
        "{url} cannot be reached: {reason}. Check the address, or try again when the site is up."
    )


class SiteTLSFailed(SiteError):
    code, status, title = "site.tls_failed", 400, "Bad Request"
    template = (
        "The certificate of {url} is not trusted: {reason}. Give the site's CA"
        " certificate (PEM) in ca_cert."
    )


class SiteCredentialsRejected(SiteError):
    code, status, title = "site.credentials_rejected", 400, "Bad Request"
    template = (
        "The site rejected the credential: {reason}. Check the secret, the user and the project."
    )


class SiteForbidden(SiteError):
    code, status, title = "site.forbidden", 400, "Bad Request"
    template = "The site forbids this to the credential: {reason}. Its roles there do not suffice."


class SiteNoImageService(SiteError):
    code, status, title = "site.no_image_service", 400, "Bad Request"
    template = (
        "The site's catalogue has no image endpoint for region {region!r}, interface {interface!r}."
        " Choose one that it has."
    )


class SiteQuotaExceeded(SiteError):
    code = "site.quota_exceeded"
    template = (
        "The quota at the site does not allow this image: {reason}. Free space there or"
        " ask for more."
    )


class SiteFormatRefused(SiteError):
    code = "site.format_refused"
    template = "The site refuses the image's format: {reason}."
    remedy = (
        "Choose another site for the image, or ask the operator of the site to allow its format."
    )


class SiteImageNotFound(SiteError):
    code, status, title = "site.image_not_found", 404, "Not Found"
    template = "The image {ident!r} is not at the site (any more)."
    remedy = "Scan the credential to see what is there, and choose one of these images."


class ImportFailed(SiteError):
    """A site was asked to fetch an image by itself, and did not; the bytes are streamed then."""

    code = "site.import_failed"
    retry = True
    template = "The site's own import failed: {reason}."


class SourceFailed(SiteError):
    """The web server of a source URL; it may do better later."""

    code = "source.failed"
    retry = True
    template = "The source URL cannot be read now: {reason}."


class SourceRefused(SiteError):
    """The web server of a source URL says no, and will say so again."""

    code = "source.refused"
    template = "The source URL cannot be read: {reason}. Check it, and publish the image there."


class UploadElsewhere(SiteError):
    code = "transfer.upload_elsewhere"
    retry = True
    template = (
        "The uploaded bytes are not in the upload folder of conductor {host}. Let all conductors"
        " and API servers share one ([images] upload_dir)."
    )


class SiteConflict(SiteError):
    code = "site.conflict"
    retry = True
    template = "The image at the site is in another state than needed: {reason}."
    remedy = "Glint tries again by itself. If it goes on, look at the image at the site."


class SiteBusy(SiteError):
    code = "site.busy"
    retry = True
    template = "The site is not able to serve the request now: {reason}."


class StreamBroken(SiteError):
    """Bytes stopped coming or going in the middle."""

    code = "transfer.stream_broken"
    retry = True
    template = "The stream {side} broke after {done} of {total} bytes: {reason}."


class StreamStalled(StreamBroken):
    code = "transfer.stalled"
    template = "The stream {side} stood still for {seconds} s after {done} of {total} bytes."


class SlowSite(SiteError):
    """The destination held the others of its group back for too long and goes on alone."""

    code = "transfer.detached"
    retry = True
    template = (
        "The site took bytes too slowly for its group ({seconds} s behind); it is copied alone."
    )


class ContentMismatch(SiteError):
    """Bytes are not those that the catalogue names: never retried by itself, never active."""

    code = "content.mismatch"
    template = "{where} holds other content than the catalogue: {reason}. The copy was removed."
    remedy = "Find out what altered the bytes at the source or on the way, then retry the cell."


class NoSource(SiteError):
    code = "transfer.no_source"
    retry = True
    template = "No site that holds the image can be read now: {reason}."


class Cancelled(SiteError):
    code = "transfer.cancelled"
    template = "The wish changed; the transfer was stopped."
    remedy = "Nothing: somebody wished so. Save the change again to wish it back."


class LeaseLost(SiteError):
    """Another conductor owns the transfer now; this one must stop and write nothing."""

    code = "transfer.lease_lost"
    template = "The lease of transfer {ident} is lost."
    remedy = "Nothing: another conductor goes on with the transfer."
