"""An image of a file of the user's, or of a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms

from glint_dashboard import api, errors
from glint_dashboard.content import dialogs
from glint_dashboard.content.images.described import DescribedForm

#: Formats with the words that people know them by.
FORMATS = (
    ("qcow2", "QCOW2"),
    ("raw", gettext_lazy("Raw")),
    ("iso", "ISO"),
    ("vmdk", "VMDK"),
    ("vdi", "VDI"),
    ("vhd", "VHD"),
    ("vhdx", "VHDX"),
)
#: Hex digits of a digest -> its algorithm.
_ALGORITHMS: Mapping[int, str] = {
    32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512",
}  # fmt: skip


def _shown_for(source: str, label: Any) -> dict[str, str]:
    return {"class": "switched", "data-switch-on": "source", f"data-source-{source}": str(label)}


class CreateForm(DescribedForm):
    """Make an image. Where there is a script, it sends the file itself, with progress."""

    field_order = (
        "source", "file", "source_url", "announced", "name", "disk_format", "checksum",
        "credential", "min_disk", "min_ram", "tags", "properties",
    )  # fmt: skip

    source = forms.ChoiceField(
        label=gettext_lazy("Source"),
        choices=(
            ("file", gettext_lazy("A file of mine")),
            ("url", gettext_lazy("A URL")),
        ),
        widget=forms.ThemableSelectWidget(attrs={"class": "switchable", "data-slug": "source"}),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs=_shown_for("file", gettext_lazy("File"))),
    )
    source_url = forms.CharField(
        label=gettext_lazy("URL"),
        required=False,
        max_length=2048,
        help_text=gettext_lazy("It is read when the image is first copied to a site."),
        widget=forms.TextInput(
            attrs={**_shown_for("url", gettext_lazy("URL")), "placeholder": "https://"}
        ),
    )
    announced = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput())
    disk_format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=FORMATS, widget=forms.ThemableSelectWidget()
    )
    checksum = forms.CharField(
        label=gettext_lazy("Checksum"),
        required=False,
        max_length=128,
        help_text=gettext_lazy(
            "In hex, as its publisher shows it (SHA-512, SHA-256, ...): what has another one is"
            " refused."
        ),
    )
    credential = forms.ChoiceField(
        label=gettext_lazy("First site"),
        required=False,
        widget=forms.ThemableSelectWidget(),
        help_text=gettext_lazy("It is copied there at once. More are ticked in the matrix."),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["credential"].choices = [("", _("Nowhere yet"))] + [
            (one["id"], one["name"]) for one in self.initial.get("credentials", [])
        ]

    def clean_checksum(self) -> dict[str, str]:
        """:raises ValidationError: it is no digest that Glint knows."""
        text = self.cleaned_data["checksum"].strip().lower()
        if not text:
            return {}
        algorithm = _ALGORITHMS.get(len(text))
        if algorithm is None or set(text) - set("0123456789abcdef"):
            raise ValidationError(_("This is no MD5, SHA-1, SHA-256 or SHA-512 digest in hex."))
        return {algorithm: text}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if data.get("source") == "url":
            if not data.get("source_url", "").strip():
                self.add_error("source_url", _("Say where it can be read."))
        elif not data.get("announced") and not data.get("file"):
            self.add_error("file", _("Choose a file that is not empty."))
        return data

    def make(self, client: api.Client, data: dict[str, Any]) -> api.Resource:
        """The row of the catalogue; a file still has to come.

        :raises ClientError: the service refused it.
        """
        more: dict[str, Any] = {}
        if data["checksum"]:
            more["expected"] = data["checksum"]
        if data["source"] == "url":
            more["source_url"] = data["source_url"].strip()
        else:
            more["size"] = data["announced"] or data["file"].size
        said = self.described(data)
        return client.image_files.create(said.pop("name"), data["disk_format"], **said, **more)

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        image = self.make(client, data)
        first = data["credential"] or None
        if data["source"] == "url":
            if first:
                change = {"image_id": image["id"], "credential_id": first, "wanted": True}
                client.operations.create([change])
            return _("Image %s is in the catalogue.") % image["name"]
        send(client, image["id"], data["file"], data["file"].size, first, new=True)
        return _("Image %s was uploaded.") % image["name"]


def send(
    client: api.Client, ident: str, stream: Any, size: int, first: str | None, *, new: bool
) -> None:
    """Pass on the content of an image; nothing of it is kept here.

    :param first: credential of the first site.
    :param new: its row was made for this only, and goes again when the content is refused.
    :raises ClientError: it was refused, or broke off.
    """
    try:
        client.image_files.upload(ident, stream, credential_id=first, size=size)
    except api.ClientError as error:
        # Without an answer nobody knows whether the content was kept.
        if new and error.status is not None and error.status < 500:
            _take_back(client, ident)
        raise


def _take_back(client: api.Client, ident: str) -> None:
    try:
        client.images.delete(ident)
    except api.ClientError as error:
        errors.LOG.warning("image %s stays without content: %s", ident, error)


class UploadForm(dialogs.Form):
    """The content of an image that waits for it."""

    file = forms.FileField(label=gettext_lazy("File"), allow_empty_file=False)

    def act(self, client: api.Client, data: dict[str, Any]) -> str:
        image = self.initial["image"]
        send(client, image["id"], data["file"], data["file"].size, None, new=False)
        return _("Image %s was uploaded.") % image["name"]
