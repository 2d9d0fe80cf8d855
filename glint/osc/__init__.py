"""Plugin of the ``openstack`` command: ``openstack glint ...``."""
