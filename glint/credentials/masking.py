"""The last net under the logs: whatever looks like a secret is masked on its way out.

Code that handles secrets does not log them in the first place; this catches what libraries say in
debug mode, in tracebacks and in foreign error texts.
"""

from __future__ import annotations

import logging
import re
from typing import Any

MASK = "***"

# Names under which libraries, headers and files know secrets; oslo_utils.strutils.mask_password
# is no help, as it takes harmless neighbours of a match along and misses escaped JSON.
# Repetitions are bounded, so that a hostile text cannot make the search slow.
_NAME = r"""[\w.-]{0,40}(?:pass_?word|passwd|pass_?phrase|admin_?pass|secret
    |secret[_-]?access[_-]?key|secret[_-]?key|private[_-]?key|fernet[_-]?key|token)\d*"""
_NAME_HINTS = ("pass", "secret", "token", "private", "fernet")
_HEADER = r"(?:Proxy-)?Authorization|(?:Set-)?Cookie|X-[\w-]{1,30}-Token"
_HEADER_HINTS = ("authorization", "cookie", "token")

# What a text must hold (in lower case) before the pattern is tried, and the pattern.
_PATTERNS = tuple(
    (hints, re.compile(pattern, re.IGNORECASE | re.VERBOSE | re.DOTALL))
    for hints, pattern in (
        # Fernet: Keystone's tokens and Glint's own ciphertexts.
        (("gaaaa",), r"(?P<head>)gAAAA[\w-]{20,}={0,2}"),
        # The password in a URL, also in transport_url and connection; the user stays readable.
        (("://",), r"(?P<head>[a-z][a-z0-9+.-]{0,30}://[^\s/:@'\"]*:)[^\s/'\"]+(?=@)"),
        # What signs a URL: S3 and Swift.
        (
            ("signature=", "credential=", "token=", "accesskeyid=", "sig="),
            r"""(?P<head>\b(?:X-Amz-(?:Signature|Credential|Security-Token)|Signature
            |AWSAccessKeyId|temp_url_sig)=)[^&\s"']+""",
        ),
        (
            ("private key",),
            r"(?P<head>-----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----).*?(?=-----END|\Z)",
        ),
        # Dumps of dictionaries, JSON (once more quoted, too), keyword arguments, header pairs.
        (
            _NAME_HINTS + _HEADER_HINTS,
            rf"""(?P<head>\b(?:{_NAME}|{_HEADER})\\*["']?\s*[:=,]\s*[bu]?(?P<quote>\\*["']))
            (?:\\\\\\["']|(?!(?P=quote))(?:\\(?!["'])|\\["']|[^\\]))+""",
        ),
        # Header lines, and curl lines of HTTP libraries, to the end.
        (_HEADER_HINTS, rf"(?P<head>\b(?:{_HEADER})\s*[:=]\s*)[^\s\"'][^\"'\r\n]*"),
        # Settings and options without quotes.
        (_NAME_HINTS, rf"(?P<head>\b{_NAME}\s*=\s*)[^\s\"'&,;)}}\]]+"),
        (_NAME_HINTS, rf"(?P<head>--{_NAME}[\s=]+)[^\s\"']+"),
        (("pass", "secret"), r"(?P<head>(?:password|passwd|secret):\s+)[^\s\"'&,;)}\]]+"),
    )
)


def mask(text: str) -> str:
    """``text`` without tokens, passwords, signatures and keys, as far as they can be told."""
    lower = text.lower()
    for hints, pattern in _PATTERNS:
        if any(hint in lower for hint in hints):
            text = pattern.sub(rf"\g<head>{MASK}", text)
    return text


class MaskingFormatter(logging.Formatter):
    """Formats with another formatter, and masks what it said."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> Any:
        # Before the formatting, because JSON would hide quotes behind backslashes.
        said = record.getMessage()
        masked = mask(said)
        if masked != said:
            record.msg, record.args = masked, None
        line = self.inner.format(record)
        if record.exc_text:
            # The journal's handler sends it in a field of its own.
            record.exc_text = mask(record.exc_text)
        return mask(line) if isinstance(line, str) else line

    def formatException(self, ei: Any) -> str:
        return mask(self.inner.formatException(ei))


def install(logger: logging.Logger | None = None) -> None:
    """Mask what the handlers of ``logger`` (the root) write. Call it after setting up logging."""
    for handler in (logger or logging.getLogger()).handlers:
        inner = handler.formatter or logging.Formatter()
        if not isinstance(inner, MaskingFormatter):
            handler.setFormatter(MaskingFormatter(inner))
