"""Bytes that no site has yet: received, checked while they come, and kept until a site holds them.

The API writes here what users send; conductors read it as the source of copies, and write what a
URL gives where its size is not known before. Neither drivers nor database are known here.
"""

from glint.uploads.folder import Draft, UploadFolder
from glint.uploads.formats import FormatCheck
from glint.uploads.receiving import Received, Wanted, receive

__all__ = ["Draft", "FormatCheck", "Received", "UploadFolder", "Wanted", "receive"]
