"""The panels through Django's test client, without clouds."""
