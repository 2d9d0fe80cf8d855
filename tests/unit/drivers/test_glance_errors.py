from __future__ import annotations

import datetime
import email.utils
import http.client
import socket
import ssl
from typing import Any

import requests
import testtools
import urllib3.exceptions as u3
from keystoneauth1 import exceptions as ksa

from glint import exception
from glint.drivers import text
from glint.drivers.glance import errors
from tests.unit.drivers import fakes

TOKEN = "gAAAAABm" + "x1-_" * 20
URL = "https://cloud.example.org:5000/v3"


def error_map() -> errors.ErrorMap:
    return errors.ErrorMap(lambda: (fakes.SECRET, TOKEN))


def response(status: int, body: str | bytes = b"", **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.reason = http.client.responses.get(status, "")
    made._content = body.encode() if isinstance(body, str) else body
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    made.url = URL
    return made


def html(status: str, said: str) -> str:
    return (
        f"<html>\n <head>\n  <title>{status}</title>\n </head>\n <body>\n  <h1>{status}</h1>\n"
        f"  {said}<br /><br />\n\n\n </body>\n</html>"
    )


def wrapped(cause: BaseException) -> Exception:
    """``cause`` as keystoneauth hands it on: three libraries deep."""
    try:
        try:
            try:
                raise u3.NewConnectionError(None, "no connection") from cause  # type: ignore[arg-type]
            except u3.NewConnectionError as exc:
                raise u3.MaxRetryError(None, "/", exc) from exc  # type: ignore[arg-type]
        except u3.MaxRetryError as exc:
            raise requests.ConnectionError(exc) from None
    except requests.ConnectionError as exc:
        try:
            raise ksa.ConnectFailure(f"Unable to establish connection to {URL}: {exc}")
        except ksa.ConnectFailure as last:
            return last


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] something (_ssl.c:1006)")
    error.reason = reason
    return error


class TestFailures(testtools.TestCase):
    """What libraries and the network raise."""

    CASES: list[tuple[str, BaseException, type[exception.SiteError], str]] = [
        ("certificate", certificate_error(), exception.SiteTLSFailed, "self-signed"),
        ("handshake", tls_error("NO_SHARED_CIPHER"), exception.SiteTLSFailed, "NO_SHARED"),
        ("plain", tls_error("WRONG_VERSION_NUMBER"), exception.SiteAddressWrong, "http://"),
        ("eof", ssl.SSLEOFError(8, "EOF"), exception.SiteUnreachable, "closed"),
        (
            "no name",
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            exception.SiteAddressWrong,
            "name is not known",
        ),
        (
            "no name server",
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure"),
            exception.SiteUnreachable,
            "name server",
        ),
        ("refused", ConnectionRefusedError(111, "x"), exception.SiteUnreachable, "refused"),
        ("timeout", TimeoutError("timed out"), exception.SiteUnreachable, "in time"),
        ("reset", ConnectionResetError(104, "x"), exception.SiteUnreachable, "closed"),
        ("pipe", BrokenPipeError(32, "x"), exception.SiteUnreachable, "closed"),
        (
            "gone",
            http.client.RemoteDisconnected("Remote end closed"),
            exception.SiteUnreachable,
            "closed",
        ),
        (
            "no http",
            http.client.BadStatusLine("SSH-2.0-OpenSSH"),
            exception.SiteAddressWrong,
            "does not speak HTTP",
        ),
        ("no route", OSError(113, "No route to host"), exception.SiteUnreachable, "No route"),
    ]

    def test_deep_in_the_chain(self) -> None:
        for name, cause, kind, says in self.CASES:
            found = error_map().from_exception(wrapped(cause), URL)
            self.assertIs(kind, type(found), name)
            self.assertIn(says, str(found), name)
            self.assertIn("https://cloud.example.org:5000", str(found), name)

    def test_in_the_middle_of_a_stream(self) -> None:
        for name, cause, _, _ in self.CASES:
            found = error_map().from_stream(
                wrapped(cause), side="to x", done=5, total=9, seconds=7, outer=None
            )
            self.assertIsInstance(found, exception.StreamBroken, name)
            self.assertTrue(found.retry, name)
            self.assertIn("5 of 9", str(found), name)
            stalled = isinstance(cause, TimeoutError)
            self.assertEqual(stalled, isinstance(found, exception.StreamStalled), name)


class TestAnswers(testtools.TestCase):
    """What the image service says."""

    CASES: list[tuple[tuple[Any, ...], type[exception.SiteError], str]] = [
        ((400, html("400 Bad Request", "Nope.")), exception.SiteError, "Nope (HTTP 400)"),
        (
            (400, html("400 Bad Request", "Invalid disk format 'x'")),
            exception.SiteFormatRefused,
            "Invalid disk format",
        ),
        (
            (400, "Properties disk_format, container_format must be set prior to saving data."),
            exception.SiteFormatRefused,
            "must be set",
        ),
        ((401, html("401 Unauthorized", "x")), exception.SiteCredentialsRejected, "401"),
        (
            (403, html("403 Forbidden", "You are not authorized")),
            exception.SiteForbidden,
            "You are not authorized (HTTP 403)",
        ),
        ((403, "Quota exceeded: images"), exception.SiteQuotaExceeded, "exceeded"),
        ((404,), exception.SiteImageNotFound, "'rid'"),
        ((410,), exception.SiteImageNotFound, "'rid'"),
        ((405,), exception.SiteAddressWrong, "no image service v2"),
        ((300,), exception.SiteAddressWrong, "no image service v2"),
        ((409, html("409 Conflict", "active")), exception.SiteConflict, "active"),
        (
            (413, html("413 Request Entity Too Large", "Too big")),
            exception.SiteQuotaExceeded,
            "Too big (HTTP 413)",
        ),
        ((415, "format qcow2 is not raw"), exception.SiteFormatRefused, "qcow2"),
        ((416,), exception.SiteConflict, "416"),
        ((429, "slow"), exception.SiteBusy, "slow"),
        ((500,), exception.SiteBusy, "HTTP 500"),
        ((501,), exception.SiteError, "HTTP 501"),
        ((503, "<b>soon</b>"), exception.SiteBusy, "soon (HTTP 503)"),
        ((418,), exception.SiteError, "HTTP 418"),
    ]

    def test_mapped(self) -> None:
        for answer, kind, says in self.CASES:
            found = error_map().from_answer(response(*answer), URL, "rid")
            self.assertIs(kind, type(found), str(answer))
            self.assertIn(says, str(found))


class TestLoginAnswers(testtools.TestCase):
    """What answers where Keystone should be."""

    CASES = [
        (401, '{"error": {"message": "no"}}', exception.SiteCredentialsRejected),
        (404, '{"error": {"message": "no"}}', exception.SiteCredentialsRejected),
        (400, '{"error": {"message": "no"}}', exception.SiteCredentialsRejected),
        (401, "<h1>Please log in</h1>", exception.SiteAddressWrong),
        (404, "<h1>Not Found</h1>", exception.SiteAddressWrong),
        (405, "", exception.SiteAddressWrong),
        (200, "<h1>Welcome</h1>", exception.SiteAddressWrong),
        (300, '{"versions": []}', exception.SiteAddressWrong),
        (403, '{"error": {"message": "no"}}', exception.SiteForbidden),
        (429, "", exception.SiteBusy),
        (503, "<h1>No server</h1>", exception.SiteBusy),
    ]

    def test_mapped(self) -> None:
        for status, body, kind in self.CASES:
            found = error_map().from_login(response(status, body), URL)
            self.assertIs(kind, type(found), f"{status} {body}")


class TestErrorMap(testtools.TestCase):
    def test_a_redirect_is_named_and_not_followed(self) -> None:
        answer = response(302, Location="https://other.example.org/login?next=secret")
        for found in (
            error_map().from_login(answer, URL),
            error_map().from_answer(answer, URL, "rid"),
        ):
            self.assertIs(exception.SiteAddressWrong, type(found))
            self.assertIn("https://other.example.org", str(found))
            self.assertNotIn("secret", str(found))

    def test_retry_after(self) -> None:
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
        cases = [
            ("17", 17.0),
            (" 0 ", 0.0),
            ("99999999999", errors.RETRY_AFTER_LIMIT),
            ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0),
            ("soon", None),
            ("-5", None),
            ("", None),
        ]
        for value, wanted in cases:
            found = error_map().from_answer(response(429, Retry_After=value), URL)
            self.assertEqual(wanted, found.retry_after, value)
        http_date = email.utils.format_datetime(soon, usegmt=True)
        found = error_map().from_answer(response(503, Retry_After=http_date), URL)
        assert found.retry_after is not None
        self.assertTrue(60 < found.retry_after <= 90)

    def test_what_a_caller_was_handling_does_not_count(self) -> None:
        try:
            raise ConnectionRefusedError("of another site")
        except ConnectionRefusedError:
            with (
                testtools.ExpectedException(exception.SiteError, ".*not understood.*KeyError.*"),
                error_map().guard(URL),
            ):
                raise KeyError("token")  # noqa: B904 - the context is what is tested

    def test_glint_errors_pass(self) -> None:
        with testtools.ExpectedException(exception.Cancelled), error_map().guard(URL):
            raise exception.Cancelled

    def test_odd_exceptions_become_site_errors(self) -> None:
        for odd in (
            KeyError(fakes.SECRET),
            AttributeError(TOKEN),
            RecursionError(),
            ValueError("x"),
        ):
            found = error_map().from_exception(odd, URL)
            self.assertIs(exception.SiteError, type(found))
            self.assertNotIn(fakes.SECRET, str(found))
            self.assertNotIn(TOKEN, str(found))

    def test_secrets_are_masked_in_every_form(self) -> None:
        echoes = [
            fakes.SECRET,
            "Ex4mple-hush%26%3Cpw%3E",
            "Ex4mple-hush&amp;&lt;pw&gt;",
            f"<p>{fakes.SECRET}</p>",
            TOKEN,
            "gAAAAABnotours" + "y" * 60,
            '{"error": {"message": "you sent Ex4mple-hush&<pw>"}}',
        ]
        for echo in echoes:
            for status in (400, 401, 403, 409, 413, 415, 429, 500):
                found = str(error_map().from_answer(response(status, echo), URL))
                self.assertNotIn("hush", found, echo)
                self.assertNotIn("gAAAA", found, echo)


class TestClean(testtools.TestCase):
    def test_one_short_line_without_markup(self) -> None:
        nasty = (
            "<html><head><title>T</title><style>b{}</style></head><script>alert(1)</script>"
            "one\x1b[31m\x00 two\r\n\tthree \u202eevil &lt;img src=x&gt; a &lt; b <b>bold"
        )
        found = text.clean(nasty)
        self.assertNotRegex(found, r"[<>\x00-\x1f\u202e]|alert|img|<b>")
        self.assertIn("one", found)
        self.assertIn("two three", found)
        self.assertTrue(len(text.clean("x" * 10_000)) == text.LIMIT)
        self.assertEqual("", text.clean("\ud800\x00"))

    def test_addresses_show_no_user_and_no_path(self) -> None:
        self.assertEqual("https://h:8", text.host_of("https://kim:pw@h:8/v3?token=x"))
        self.assertEqual("https://h", text.host_of("https://h"))
        text.host_of("https://[broken")
        text.host_of("https://h:99999999/")

    def test_storable(self) -> None:
        self.assertEqual("a\ufffdb", text.storable("a\0b"))
        self.assertEqual("?", text.storable("\udc80"))
