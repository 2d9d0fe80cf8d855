"""A stranger's walk: the installation guide, command by command, on a machine of its own.

The machine is made of namespaces (processes, mounts, network): what the guide writes into ``/etc``,
``/opt`` and ``/var`` is gone afterwards, its hosts and ports exist only inside, and nothing leaves
it. It needs root and Linux. By hand: ``python -m tests.walk``.

Not from the guide are: the cloud and the second one (the minicloud), MariaDB and RabbitMQ
themselves (private ones, behind the ports that the guide names), and a stand-in for ``systemctl``
that starts what the guide's units say.
"""
