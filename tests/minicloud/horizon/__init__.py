"""A real Horizon for the minicloud, with Glint's panels.

``python -m tests.minicloud.horizon.server`` serves it; its settings come from the environment:

==================== ==========================================================================
HORIZON_STATE        folder for sessions, compiled style sheets and the log
HORIZON_PORT         port on loopback
HORIZON_KEYSTONE     the identity URL of the cloud whose users log in
HORIZON_ENABLED      folder with the enabled files of the plugin; Glint's own when it is not set
==================== ==========================================================================
"""
