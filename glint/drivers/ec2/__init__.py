"""EC2 sites: images are AMIs, their bytes go through the EBS direct API."""
