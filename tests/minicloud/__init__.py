"""The minicloud: real, independent OpenStack clouds on loopback, for tests and for the demo.

Two clouds, ALTO and DAIR; each has a Keystone and a Glance of its own, as PyPI ships them: real
policies, real fernet tokens, the real import API. No root, no system package, no broker, no
database server, no eventlet, no file outside one state folder. Linux only (it reads ``/proc``).

By hand::

    python -m tests.minicloud up --state DIR        # starts, or starts again what is missing
    python -m tests.minicloud status --state DIR
    python -m tests.minicloud kill alto-glance --state DIR      # SIGKILL
    python -m tests.minicloud revive alto-glance --state DIR    # on its old state
    python -m tests.minicloud down --state DIR      # nothing is left: process, port, file

    OS_CLIENT_CONFIG_FILE=DIR/clouds.yaml openstack --os-cloud alto image list

``up`` takes ``--base-port N`` (default: a free block of ports is found by binding) and
``--set SERVICE.GROUP.OPTION=VALUE`` to alter the configuration of one service, for example
``--set dair-glance.DEFAULT.hashing_algorithm=sha256``.

In tests: :class:`tests.minicloud.fixture.MiniCloud`, or the base class
:class:`tests.minicloud.testcase.MiniCloudTestCase`, which shares one bed per test process.

Faults: :class:`tests.minicloud.faultproxy.FaultProxy` stands between a client and one service, and
:meth:`~tests.minicloud.fixture.MiniCloud.set_endpoint` makes a cloud's catalogue point to it.

How it works. Two *zygotes* are started; one imports Keystone, the other Glance. Whatever is asked
of them (``db_sync``, ``bootstrap``, serving) they do in a fork, so imports are paid once. They
take orders over a Unix socket in the state folder. Every process started this way carries the
path of the state folder in its environment and is recorded under ``pids/`` with its start time;
``down`` looks for both, so that a killed zygote hides nothing. The zygotes end everything when the
process that owns the clouds (a test run) is gone, and when the state folder was deleted.

What is where, is data: :mod:`tests.minicloud.topology`.
"""
