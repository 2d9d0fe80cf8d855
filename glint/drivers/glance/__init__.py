"""OpenStack clouds: Keystone v3 for the identity, Glance v2 for the images."""
