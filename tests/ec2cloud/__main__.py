"""``python -m tests.ec2cloud PORT FOLDER``: the server, in the foreground."""

from __future__ import annotations

import os
import pathlib
import sys

# Read when moto is imported: no images of Amazon's, and no others to wait for.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

from moto import server
from moto.moto_server.werkzeug_app import MotoRequestHandler

from tests.ec2cloud import overlay, state

state.Region.folder = pathlib.Path(sys.argv[2])
overlay.install()
# Connections are kept, as Amazon keeps them.
MotoRequestHandler.protocol_version = "HTTP/1.1"
server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])
