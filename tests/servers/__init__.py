"""Private MariaDB, PostgreSQL and RabbitMQ servers for tests, on free ports of loopback.

They run as root and as an ordinary user, leave the machine's own servers alone, and end with the
test process, however that ends.
"""
