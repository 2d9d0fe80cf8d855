"""The HTTP API: Pecan behind keystonemiddleware. It writes wishes and reads what was seen."""
