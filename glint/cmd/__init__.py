"""The commands. Together with ``glint.wsgi`` the only place that touches the global configuration.

oslo.messaging chooses how it runs things when it is imported, and would choose eventlet by default:
threads are chosen here, before any command can import it.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # A library of oslo.service imports eventlet where it finds it, and eventlet then tells every
    # user of every command not to use it. Nobody does.
    warnings.simplefilter("ignore")
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
