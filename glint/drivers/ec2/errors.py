"""Whatever EC2, its library or the network may do, as one of Glint's site errors.

The only place that knows which error code of Amazon's means what. Source: the error code pages of
the EC2 and EBS direct API references, and the common errors of STS.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator

from botocore import exceptions as boto

from glint.drivers.text import clean, host_of
from glint.exception import (
    GlintError,
    SiteAddressWrong,
    SiteBusy,
    SiteConflict,
    SiteCredentialsRejected,
    SiteError,
    SiteForbidden,
    SiteFormatRefused,
    SiteImageNotFound,
    SiteQuotaExceeded,
    SiteTLSFailed,
    SiteUnreachable,
)

#: Codes that tell that EC2 was reached and wants a login.
LOGIN_WANTED = frozenset(
    {"AuthFailure", "MissingAuthenticationToken", "UnauthorizedOperation", "AccessDenied"}
)

_SKEW = re.compile(r"not yet current|RequestTimeTooSkewed|Signature expired|request.?expired", re.I)

# The first line with a pattern (of fnmatch) that fits the whole code counts.
_CODES: tuple[tuple[type[SiteError], tuple[str, ...]], ...] = (
    (
        SiteForbidden,
        ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired",
         "PendingVerification", "OperationNotPermitted"),
    ),
    (
        SiteCredentialsRejected,
        ("AuthFailure", "UnrecognizedClient*", "InvalidClientTokenId", "SignatureDoesNotMatch",
         "InvalidSignature*", "ExpiredToken*", "RequestExpired", "IncompleteSignature*",
         "MissingAuthenticationToken*", "InvalidAccessKeyId", "RequestTimeTooSkewed",
         "InvalidToken"),
    ),
    (
        SiteImageNotFound,
        ("InvalidAMIID.*", "InvalidSnapshot.NotFound", "InvalidSnapshotID.*", "ResourceNotFound*"),
    ),
    (
        SiteBusy,
        ("*Throttl*", "RequestLimitExceeded", "Bandwidth*Exceeded", "ServiceUnavailable",
         "InternalError", "InternalFailure", "InternalServer*", "Unavailable", "RequestTimeout*",
         "Concurrent*LimitExceeded*", "PendingSnapshotLimitExceeded"),
    ),
    (
        SiteQuotaExceeded,
        ("*LimitExceeded*", "*QuotaExceeded*", "InsufficientVolumeCapacity", "MaxSnapshot*"),
    ),
    (
        SiteConflict,
        ("IncorrectState*", "Conflict", "ConflictException", "InvalidSnapshot.InUse",
         "IdempotentParameterMismatch", "DependencyViolation"),
    ),
    (
        SiteFormatRefused,
        ("InvalidAMIAttribute*", "InvalidAMIName*", "Unsupported*", "InvalidManifest"),
    ),
)  # fmt: skip

_NETWORK: tuple[tuple[type[Exception], type[SiteError], str], ...] = (
    (boto.SSLError, SiteTLSFailed, "the TLS handshake failed"),
    (boto.ConnectTimeoutError, SiteUnreachable, "it does not answer in time"),
    (boto.ReadTimeoutError, SiteUnreachable, "it does not answer in time"),
    (boto.ConnectionClosedError, SiteUnreachable, "the connection was closed"),
    (boto.EndpointConnectionError, SiteUnreachable, "no connection is possible"),
    (boto.IncompleteReadError, SiteUnreachable, "the connection was closed"),
    (boto.ResponseStreamingError, SiteUnreachable, "the connection was closed"),
    (boto.HTTPClientError, SiteUnreachable, "the connection failed"),
    (boto.UnknownRegionError, SiteAddressWrong, "the region is not known"),
    (boto.InvalidRegionError, SiteAddressWrong, "the region is not known"),
)


def code_of(error: Exception) -> str:
    """The code with which the service refused, "" where it did not."""
    if not isinstance(error, boto.ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code") or "")


def _kind(code: str) -> type[SiteError] | None:
    for kind, patterns in _CODES:
        if any(fnmatch.fnmatchcase(code, pattern) for pattern in patterns):
            return kind
    return None


class ErrorMap:
    """Makes site errors whose details are fit to be shown.

    :param url: where the service answers.
    :param secrets: gives what must not appear in a detail.
    """

    def __init__(self, url: str, secrets: Callable[[], Iterable[str]]) -> None:
        self._url = url
        self._secrets = secrets

    def from_exception(self, error: Exception, ident: str | None = None) -> SiteError:
        """What a call that raised ``error`` means.

        :param ident: remote id of the image that it was about.
        """
        if isinstance(error, SiteError):
            return error
        if isinstance(error, boto.ClientError):
            return self._refused(error, ident)
        for known, kind, reason in _NETWORK:
            if isinstance(error, known):
                return kind(url=host_of(self._url), reason=reason)
        if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
            return SiteCredentialsRejected(reason="no access key was given")
        if isinstance(error, boto.ParamValidationError):
            return SiteError(reason=self._clean(str(error)))
        # Libraries stumble in many ways over an answer that is not what they expect.
        name = type(error).__name__
        return SiteError(reason=f"the answer of {host_of(self._url)} is not understood ({name})")

    def _clean(self, text: str) -> str:
        return clean(text, self._secrets()).rstrip(".")

    def _refused(self, error: boto.ClientError, ident: str | None) -> SiteError:
        code = code_of(error)
        told = self._clean(str(error.response.get("Error", {}).get("Message") or ""))
        reason = f"{told} ({clean(code, limit=80)})" if told else clean(code, limit=80)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = _kind(code)
        if kind is SiteCredentialsRejected and _SKEW.search(f"{code} {told}"):
            reason += "; the clocks of Glint's host and of the site may differ"
        if kind is SiteImageNotFound:
            return SiteImageNotFound(ident=clean(ident or "unknown"))
        if kind is None and code.isdecimal():
            # No error of EC2's, only a status: something else answers, or a server in trouble.
            if 300 <= status < 500:
                return SiteAddressWrong(
                    url=host_of(self._url), reason=f"what answers is not EC2 (HTTP {status})"
                )
            reason = f"HTTP {status}"
        if kind is None:
            kind = SiteBusy if status >= 500 else SiteError
        return kind(reason=reason)

    @contextlib.contextmanager
    def guard(self, ident: str | None = None) -> Iterator[None]:
        """Let nothing but Glint's errors out of what speaks with the site."""
        try:
            yield
        except GlintError:
            raise
        except Exception as error:
            raise self.from_exception(error, ident) from error
