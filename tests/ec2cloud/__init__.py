"""A private EC2 for tests: moto's server for the wire, signatures, IAM and STS, with an overlay.

moto 5.2 alone is not faithful where images are concerned: it takes blocks with wrong checksums,
drops the snapshot of a registered image, pages nothing. :mod:`tests.ec2cloud.state` keeps snapshots
and images as the EC2 and EBS direct API references say, :mod:`tests.ec2cloud.overlay` answers with
them. Nothing here was ever held against Amazon's own service.
"""
