"""Glint in Horizon: the deployment matrix, and pages for what stands behind it.

Installed by Horizon's own mechanism: the files of ``enabled`` are copied or linked into
``openstack_dashboard/local/enabled``. See ``doc/source/admin/dashboard.rst``.
"""
