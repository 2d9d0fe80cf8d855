"""Secrets: encrypted at rest, made for the home cloud, kept out of logs."""

from __future__ import annotations

from glint.credentials.keyring import Keyring

__all__ = ["Keyring"]
