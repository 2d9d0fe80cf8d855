"""Tests of what goes over the broker."""

# Before any of them imports oslo.messaging: glint.rpc chooses threads.
import glint.rpc  # noqa: F401
