"""Messages between API and conductor. They carry ids only, and a lost one costs time, never work.

The only part of Glint that imports oslo.messaging.
"""

from __future__ import annotations

from oslo_service import backend

# Importing oslo.messaging loads oslo.service's backend, which is eventlet unless another is chosen
# first. Choosing the same one again does nothing.
backend.init_backend(backend.BackendType.THREADING)
