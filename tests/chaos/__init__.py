"""The chaos suite: Glint works while everything around it breaks; the clouds say who won.

    python -m tests.chaos --seed 7 --transfers 300 --conductors 2 --database mariadb --minutes 10
    tox -e chaos -- --seed 7 --database postgresql

What is there: two real clouds (``tests/minicloud``), of which ALTO's project ``hep`` has the
images, and three projects (ALTO ``bio``, DAIR ``hep`` and ``bio``) are where copies are wished; a
real database and a real RabbitMQ (``tests/servers``); Glint's API as a WSGI process and some
``glint-conductor`` processes; a fault proxy before each Glance. With ``--database sqlite`` it is
one ``glint-all``, without a broker.

What happens, in the order that the seed gives: users save wishes in groups, untick some, cancel
and retry (:mod:`~tests.chaos.users`); streams are cut, stalled, slowed, altered, refused, answered
with 401, 429, 500 and 503 (:mod:`~tests.chaos.weather`); conductors are killed, told to end,
frozen for longer than their leases, the broker, the database, the API and the clouds' own services
are killed and started again (:mod:`~tests.chaos.monkey`). Meanwhile a watcher compares what Glint
claims with what the clouds hold (:mod:`~tests.chaos.watch`).

Then all is mended, what failed is saved again a bounded number of times, each column is scanned
once, and the judge (:mod:`~tests.chaos.judge`) reads the *clouds* with plain Glance calls: every
wished copy there exactly once with the right SHA-512 of the bytes downloaded, no other image with
Glint's stamp, no foreign image touched, and the database of one mind with the clouds.

The same seed gives the same images, wishes and order of faults; what coincides with what is up to
the machine. A folder keeps seed, logs, the database's rows and the report. Linux only.
"""
